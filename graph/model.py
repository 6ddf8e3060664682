"""Nodes and edges of the self-model as frozen dataclasses: what is stored, and what a caller is shown of it.

Every record belongs to one user of one tenant and has `seq`, its number in that user's sequence. No arithmetic here
(ledger.py) and no storage (store.py).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from beliefgraph.graph.ids import BeliefId, ConflictId, ResponseId, SignalId, UserId, derived_id
from beliefgraph.graph.ledger import BeliefState, Item, Lifecycle, Standing, read_state

Source = Literal["stated", "corrected", "inferred", "observed", "imported"]
SAID: tuple[Source, ...] = ("stated", "corrected")
"""The sources of what the person said herself."""
Kind = Literal["preference", "fact", "trait", "skill", "goal", "state"]
Action = Literal["reinforce", "reduce", "hold", "spawn", "contest", "retire"]
Cause = Literal["belief_wrong", "response_missed", "form", "other_fault", "accident", "satisfied", "habit"]
CauseKind = Literal["belief", "signal", "retraction", "conflict", "response", "parameters"]
ConflictStatus = Literal["suspected", "confirmed", "resolved", "dismissed"]
UNDECIDED: tuple[ConflictStatus, ...] = ("suspected", "confirmed")
LinkKind = Literal["contradicts", "duplicates"]
Context = Mapping[str, str]

__all__ = [
    "Action",
    "Belief",
    "BeliefNode",
    "BeliefState",
    "Cause",
    "CauseKind",
    "Conflict",
    "ConflictStatus",
    "Context",
    "Effect",
    "GeneratedBy",
    "Habit",
    "Interpretation",
    "Item",
    "Kind",
    "Lifecycle",
    "Link",
    "LinkKind",
    "Outcome",
    "Response",
    "Revision",
    "Signal",
    "Source",
    "Standing",
    "Tally",
    "TextReading",
    "context_of",
    "kept_by",
    "merged_into",
    "noting_kept",
    "revised",
    "to_conflict",
    "view",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A statement about the user with our probability that it is true of her now, as read at one time.

    `support` and `opposition` are the nats for and against it (≥ 0, the base rate not counted).
    """

    id: BeliefId
    user_id: UserId
    statement: str
    confidence: float
    support: float
    opposition: float
    standing: Standing
    source: Source
    kind: Kind
    context: Context
    created_at: datetime
    revised_at: datetime
    spawned_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefNode:
    """A belief as stored: what never changes, and the state that its latest revision left."""

    id: BeliefId
    user_id: UserId
    seq: int
    statement: str
    statement_key: str
    source: Source
    kind: Kind
    created_at: datetime
    recorded_at: datetime
    parent_id: BeliefId | None = None
    origin_id: SignalId | None = None
    vector_key: str | None = None
    ordinal: int
    revised_at: datetime
    state: BeliefState

    @property
    def live(self) -> bool:
        """Say whether it still speaks: neither superseded nor retired."""
        return self.state.lifecycle in ("open", "tentative")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedBy:
    """An edge from a response to a belief behind it.

    `weight` in (0, 1] is how much of the response rests on the belief (None: equal shares), `adherence` in [0, 1] the
    probability that the response honours it (None: the parameters' default), `confidence_then` the belief's
    confidence when the response was recorded (set by the store, never by a caller).
    """

    belief_id: BeliefId
    weight: float | None = None
    adherence: float | None = None
    confidence_then: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted of a user's signals of one kind: how many were good and bad, each by its strength.

    `nats` is the logarithm of how likely they were together if she answers to what she gets (≤ 0).
    """

    good: float
    bad: float
    nats: float

    def plus(self, other: "Tally", sign: float = 1.0) -> "Tally":
        """Return both together, or with sign −1 what is left without the other."""
        return Tally(
            good=self.good + sign * other.good,
            bad=self.bad + sign * other.bad,
            nats=self.nats + sign * other.nats,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How likely a user gives a kind of signal whatever she thinks, and how often it is a good one then."""

    regardless: float
    good: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Something the product produced, with the beliefs that generated it.

    `habits` are those of the user, by kind of signal, as they were known when the response was recorded.
    """

    id: ResponseId
    user_id: UserId
    text: str
    generated_by: tuple[GeneratedBy, ...]
    attributes: Mapping[str, Any]
    observed_at: datetime
    recorded_at: datetime
    seq: int = field(repr=False)
    habits: Mapping[str, Habit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What the user did: about a response, about a belief, or on its own.

    `note` is why a person made this edit, `retraction_note` why the signal was taken back, in their words.
    """

    id: SignalId
    user_id: UserId
    kind: str
    value: float | None
    text: str | None
    tags: tuple[str, ...]
    response_id: ResponseId | None
    belief_id: BeliefId | None
    context: Context
    observed_at: datetime
    recorded_at: datetime
    retracted_at: datetime | None = None
    note: str | None = None
    retraction_note: str | None = None
    seq: int = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one signal did to one belief. `nats` is the change of its evidence item, `delta` of its confidence."""

    belief_id: BeliefId
    action: Action
    nats: float
    delta: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReading:
    """What a signal's text says about one belief, as probabilities: recorded, so that no replay reruns a model."""

    belief_id: BeliefId
    about: float
    equivalent: float
    entails: float
    contradiction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """The posterior over causes of a signal (probabilities that sum to 1) and what was done about it.

    `action`, `delta` and `reason` are those of the belief moved most. The cause `habit` is there only for a user who
    may give such signals whatever she thinks. `tally` is what the signal adds to the counts that show such habits, for
    as long as it is the latest of its kind on its response.
    """

    signal_id: SignalId
    causes: Mapping[Cause, float]
    action: Action
    delta: float
    reason: str
    effects: tuple[Effect, ...]
    readings: tuple[TextReading, ...] = ()
    tally: Tally | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The immutable record of one change of one belief.

    `nats` is the change of the evidence item, `ordinal` counts the belief's revisions from 1, `item` is the evidence
    item as this revision leaves it (None: no item changed), `removed` says that the item was taken away. `reread` are
    the items that weigh otherwise since this revision, under other parameters (`cause_id` is then their version).
    """

    id: str
    belief_id: BeliefId
    seq: int
    before: float
    after: float
    nats: float
    action: Action
    reason: str
    cause_kind: CauseKind
    cause_id: str
    parameters_version: str
    recorded_at: datetime
    ordinal: int = field(repr=False)
    item: Item | None = field(default=None, repr=False)
    removed: bool = field(default=False, repr=False)
    reread: tuple[Item, ...] = field(default=(), repr=False)
    state: BeliefState = field(repr=False)

    def items(self) -> Iterator[tuple[Item, bool]]:
        """Yield every item that this revision leaves, or (True) takes away."""
        if self.item is not None:
            yield self.item, self.removed
        for item in self.reread:
            yield item, False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One version of an undirected edge between two beliefs of one user; the latest `seq` is the edge as it stands.

    `low` < `high`; `strength` is the calibrated probability; `detector` names who said so.
    """

    kind: LinkKind
    low: BeliefId
    high: BeliefId
    seq: int
    strength: float
    detector: str
    status: ConflictStatus
    reason: str
    recorded_at: datetime

    @property
    def id(self) -> ConflictId:
        """The id that this pair of beliefs always has."""
        return ConflictId(derived_id("c", self.kind, self.low, self.high))

    @property
    def ends(self) -> tuple[BeliefId, BeliefId]:
        """Return the two beliefs."""
        return (self.low, self.high)


_KEPT = " (kept "


def noting_kept(reason: str, kept: BeliefId) -> str:
    """Return the reason of an edge by whose decision a belief stands."""
    return f"{reason}{_KEPT}{kept})"


def kept_by(reason: str) -> tuple[str, BeliefId | None]:
    """Return why an edge was decided, and the belief that stands by it, if one does.

    >>> kept_by(noting_kept("newer", BeliefId("b1")))
    ('newer', 'b1')
    """
    why, noted, kept = reason.removesuffix(")").rpartition(_KEPT)
    return (why, BeliefId(kept)) if noted else (reason, None)


def merged_into(belief_id: BeliefId, duplicates: Iterable[Link]) -> BeliefId | None:
    """Return the belief that took one in, given its DUPLICATES edges; None if none did."""
    kept = (kept_by(link.reason)[1] for link in duplicates if link.status == "resolved")
    return next((heir for heir in kept if heir not in (None, belief_id)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A CONTRADICTS edge as a caller sees it."""

    id: ConflictId
    beliefs: tuple[BeliefId, BeliefId]
    strength: float
    detector: str
    status: ConflictStatus
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a signal (or its retraction) did: what was revised, what was spawned, which conflicts came up."""

    signal: Signal
    interpretation: Interpretation
    revisions: tuple[Revision, ...]
    spawned: tuple[Belief, ...]
    conflicts: tuple[Conflict, ...]


def context_of(node: BeliefNode) -> dict[str, str]:
    """Return a belief's context as its state keeps it."""
    return {} if node.state.context == "{}" else dict(json.loads(node.state.context))


def to_conflict(link: Link) -> Conflict:
    """Return an edge as a caller sees it."""
    return Conflict(
        id=link.id,
        beliefs=link.ends,
        strength=link.strength,
        detector=link.detector,
        status=link.status,
        reason=link.reason,
        recorded_at=link.recorded_at,
    )


def revised(node: BeliefNode, state: BeliefState, at: datetime) -> BeliefNode:
    """Return a belief as one more revision leaves it (spelt out: `replace` takes five times as long)."""
    return BeliefNode(
        id=node.id,
        user_id=node.user_id,
        seq=node.seq,
        statement=node.statement,
        statement_key=node.statement_key,
        source=node.source,
        kind=node.kind,
        created_at=node.created_at,
        recorded_at=node.recorded_at,
        parent_id=node.parent_id,
        origin_id=node.origin_id,
        vector_key=node.vector_key,
        ordinal=node.ordinal + 1,
        revised_at=at,
        state=state,
    )


def view(node: BeliefNode, at_us: int) -> Belief:
    """Read a stored belief at a time (microseconds since 1970-01-01 UTC)."""
    reading = read_state(node.state, at_us)
    origins = (node.parent_id, node.origin_id)
    return Belief(
        id=node.id,
        user_id=node.user_id,
        statement=node.statement,
        confidence=reading.confidence,
        support=reading.support,
        opposition=reading.opposition,
        standing=reading.standing,
        source=node.source,
        kind=node.kind,
        context=context_of(node),
        created_at=node.created_at,
        revised_at=node.revised_at,
        spawned_from=tuple(origin for origin in origins if origin is not None),
    )
