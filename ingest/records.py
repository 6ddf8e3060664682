"""The records of one user that a unit of work sees: the store's, with this unit's own on top.

Reads through to the store where something was not fetched beforehand; later events of one unit see what earlier ones
did. How a belief is revised lies in working.py.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import BeliefState, read_state
from beliefgraph.graph.model import (
    BeliefNode,
    Context,
    Interpretation,
    Link,
    LinkKind,
    Outcome,
    Response,
    Revision,
    Signal,
    Tally,
    to_conflict,
    view,
)
from beliefgraph.graph.outcomes import read_outcome
from beliefgraph.graph.store import Changes, Neighbour, Neighbourhood, Reach, Reader, Scope, Vector
from beliefgraph.ingest.evidence import Evidence
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.priors import Topics
from beliefgraph.ingest.relate import RelationBook

NEAREST = 16
"""How many beliefs near a text are looked at."""
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What was made before the transaction: the time, vectors by text, relations, worth by text; and the parameters.

    `topics` are the public statements of the population, if there is one.
    """

    now_us: int
    parameters: Parameters
    book: RelationBook
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    model: str = ""
    detector: str = ""
    worth: Mapping[str, float] = field(default_factory=dict)
    topics: Topics | None = None


class Records:
    """A read-through view of one user plus what this unit of work added."""

    def __init__(
        self, reader: Reader, scope: Scope, reach: Reach, found: Neighbourhood, inputs: Inputs
    ) -> None:
        self.scope, self.inputs, self.parameters = scope, inputs, inputs.parameters
        self._reader = reader
        self.evidence = Evidence(reader)
        self.now_us = max(inputs.now_us, found.head.recorded_us)
        self.recorded_at = from_us(self.now_us)
        self._seq = found.head.seq
        self._beliefs: dict[BeliefId, BeliefNode] = {}
        self._responses: dict[ResponseId, Response] = {}
        self._signals: dict[SignalId, Signal] = {}
        self._interpretations: dict[SignalId, Interpretation] = {}
        self._counted: dict[ResponseId, dict[str, Signal]] = {}
        self._links: dict[BeliefId, dict[tuple[LinkKind, BeliefId], Link]] = {}
        # What the traversal looked for and did not find is not there: the store is not asked again.
        self._sought_beliefs = frozenset(reach.beliefs)
        self._sought_responses = frozenset(reach.responses)
        self._sought_signals = frozenset(reach.signals)
        self._near = found.nearest
        self._new_beliefs: dict[BeliefId, None] = {}
        self._revived: set[BeliefId] = set()
        self._new_vectors: dict[str, Vector] = {}
        self._new_responses: list[Response] = []
        self._new_signals: dict[SignalId, None] = {}
        self.new_links: list[Link] = []
        self._outcomes: dict[SignalId, Outcome] = {}
        self.tallies: dict[str, Tally] = dict(found.head.tallies)
        self._displaced: dict[SignalId, Signal | None] = {}
        self._retracted: dict[SignalId, str | None] = {}
        self.revisions: list[Revision] = []
        self._absorb(found)

    def advance(self, now_us: int) -> None:
        """Let time pass before the next event; it never goes back."""
        self.now_us = max(self.now_us, now_us)
        self.recorded_at = from_us(self.now_us)

    # What is there

    def _absorb(self, found: Neighbourhood) -> None:
        """Take in what the store found; what this unit made or changed stays as it is."""
        for belief_id, node in found.beliefs.items():
            self._beliefs.setdefault(belief_id, node)
        for response_id, response in found.responses.items():
            self._responses.setdefault(response_id, response)
            self._counted.setdefault(response_id, {})
        for signal_id, signal in found.signals.items():
            self._interpretations.setdefault(signal_id, found.interpretations[signal_id])
            self._count(self._signals.setdefault(signal_id, signal))
        self.evidence.absorb(found.items)
        self._absorb_links(found.links)

    def _absorb_links(self, links: Iterable[Link]) -> None:
        for link in links:
            for end, other in (link.ends, link.ends[::-1]):
                self._links.setdefault(end, {}).setdefault((link.kind, other), link)

    def next_seq(self) -> int:
        """Give the next number of the user's sequence."""
        self._seq += 1
        return self._seq

    def find_belief(self, belief_id: BeliefId) -> BeliefNode | None:
        """Return a belief, or None."""
        if belief_id not in self._beliefs and belief_id not in self._sought_beliefs:
            self._absorb(self._reader.neighbourhood(Reach(beliefs=[belief_id])))
        return self._beliefs.get(belief_id)

    def belief(self, belief_id: BeliefId) -> BeliefNode:
        """Return a belief. Raises `NotFoundError`."""
        node = self.find_belief(belief_id)
        if node is None:
            raise NotFoundError("belief", belief_id, user_id=self.scope.user_id)
        return node

    def find_response(self, response_id: ResponseId) -> Response | None:
        """Return a response, or None."""
        if response_id not in self._responses and response_id not in self._sought_responses:
            self._absorb(self._reader.neighbourhood(Reach(responses=[response_id])))
        return self._responses.get(response_id)

    def response(self, response_id: ResponseId) -> Response:
        """Return a response. Raises `NotFoundError`."""
        found = self.find_response(response_id)
        if found is None:
            raise NotFoundError("response", response_id, user_id=self.scope.user_id)
        return found

    def find_signal(self, signal_id: SignalId) -> Signal | None:
        """Return a signal, or None."""
        return next(iter(self.find_signals([signal_id])), None)

    def find_signals(self, ids: Iterable[SignalId]) -> list[Signal]:
        """Return those signals that there are, in this order, read all at once."""
        ids = list(ids)
        unread = [id for id in ids if id not in self._signals and id not in self._sought_signals]
        for signal, interpretation in self._reader.signals(unread) if unread else ():
            self._signals[signal.id], self._interpretations[signal.id] = signal, interpretation
        return [self._signals[id] for id in ids if id in self._signals]

    def interpretation(self, signal_id: SignalId) -> Interpretation:
        """Return what was made of a signal that `find_signal` found."""
        return self._interpretations[signal_id]

    def counted(self, response_id: ResponseId) -> Mapping[str, Signal]:
        """Return the latest unretracted signal of each kind on a response that was found."""
        return self._counted[response_id]

    def first_revision(self, belief_id: BeliefId) -> Revision:
        """Return the revision that a belief was made with."""
        mine = (revision for revision in self.revisions if revision.belief_id == belief_id)
        new = belief_id in self._new_beliefs
        return next(mine) if new else self._reader.revisions(belief_id, limit=1)[0]

    def has_caused(self, cause_id: str) -> bool:
        """Say whether anything was revised because of this."""
        mine = any(revision.cause_id == cause_id for revision in self.revisions)
        return mine or bool(self._reader.revisions(cause_id=cause_id, limit=1))

    def revisions_by(self, cause_id: str) -> list[Revision]:
        """Return the revisions with this cause, oldest first."""
        mine = [revision for revision in self.revisions if revision.cause_id == cause_id]
        return [*self._reader.revisions(cause_id=cause_id), *mine]

    def same_statement(self, statement_key: str) -> list[BeliefNode]:
        """Return fetched and new beliefs with this normal form, oldest first."""
        same = [node for node in self._beliefs.values() if node.statement_key == statement_key]
        return sorted(same, key=lambda node: node.seq)

    def near(self, text: str) -> list[Neighbour]:
        """Return the live beliefs near a text whose vector was made beforehand, nearest first.

        New ones are among them, and those that this unit brought back to life.
        """
        vector = self.inputs.vectors[text]
        fresh = [
            Neighbour(belief_id, float(vector @ self._new_vectors[key]))
            for belief_id in self._new_beliefs
            if (key := self._beliefs[belief_id].vector_key) is not None
        ]
        if self._revived:
            every = self._reader.nearest(vector, limit=_ALL)
            fresh += [found for found in every if found.belief_id in self._revived]
        near = sorted({*self._near.get(text, ()), *fresh}, key=lambda found: (-found.cosine, found.belief_id))
        return [found for found in near if self.belief(found.belief_id).live][:NEAREST]

    def links_of(self, belief_id: BeliefId, kind: LinkKind = "contradicts") -> list[Link]:
        """Return the edges of a kind that touch a belief, whatever their status, oldest first."""
        self._absorb_links(self._reader.links(kind, beliefs=[belief_id]))
        return sorted(self._links_at(belief_id, kind), key=lambda link: link.seq)

    def _links_at(self, belief_id: BeliefId, kind: LinkKind = "contradicts") -> list[Link]:
        """Return the edges of a kind that touch a belief, of those among the fetched beliefs."""
        return [link for link in self._links.get(belief_id, {}).values() if link.kind == kind]

    def versions_of(self, link: Link) -> list[Link]:
        """Return every version of an edge, oldest first. Reads the user's whole history."""
        every = (*self._reader.history().links, *self.new_links)
        return [each for each in every if (each.kind, each.ends) == (link.kind, link.ends)]

    def signals_for(self, belief_id: BeliefId) -> list[Signal]:
        """Return the unretracted signals that spoke for a belief; those it took in by a merge are not among them."""
        ids = {
            SignalId(revision.cause_id): None
            for revision in self.revisions_of(belief_id)
            if revision.cause_kind == "signal" and revision.item is not None and revision.item.nats > 0
        }
        return [signal for signal in self.find_signals(ids) if signal.retracted_at is None]

    def state_before(self, revision: Revision) -> BeliefState:
        """Return the state that a belief had before a revision that was not its first."""
        mine = [
            each for each in self.revisions_of(revision.belief_id) if each.ordinal == revision.ordinal - 1
        ]
        return mine[0].state

    @property
    def beliefs(self) -> Mapping[BeliefId, BeliefNode]:
        """Return the beliefs fetched or made so far."""
        return self._beliefs

    def confidence(self, belief_id: BeliefId) -> float:
        """Return a belief's confidence now."""
        return read_state(self.belief(belief_id).state, self.now_us).confidence

    # What is added

    def _count(self, signal: Signal) -> None:
        if signal.response_id is None or signal.retracted_at is not None:
            return
        kinds = self._counted.setdefault(signal.response_id, {})
        other = kinds.get(signal.kind)
        if other is None or (signal.observed_at, signal.seq) >= (other.observed_at, other.seq):
            kinds[signal.kind] = signal

    def add_belief(self, node: BeliefNode, vector: Vector | None) -> None:
        """Add a belief (its state holds no items yet; a revision will)."""
        self._beliefs[node.id] = node
        self._new_beliefs[node.id] = None
        self.evidence.born(node.id)
        if node.vector_key is not None and vector is not None:
            self._new_vectors[node.vector_key] = vector

    def add_response(self, response: Response) -> None:
        """Add a response."""
        self._responses[response.id] = response
        self._counted[response.id] = {}
        self._new_responses.append(response)

    def add_signal(self, signal: Signal) -> None:
        """Add a signal; `conclude` adds what was made of it."""
        self._signals[signal.id] = signal
        self._new_signals[signal.id] = None
        if signal.response_id is not None:
            self._displaced[signal.id] = self._counted[signal.response_id].get(signal.kind)
        self._count(signal)

    def conclude(
        self, signal: Signal, interpretation: Interpretation, *, revised: int, linked: int
    ) -> Outcome:
        """Add what was made of a new signal, or of a retraction, given what there was of revisions and edges before."""
        revisions = self.revisions[revised:]
        spawned = [revision.belief_id for revision in revisions if revision.action == "spawn"]
        if signal.retracted_at is None:
            self._interpretations[signal.id] = interpretation
            counted = signal.response_id and self._counted[signal.response_id].get(signal.kind)
            if counted == signal:
                self._tally(self._displaced[signal.id], signal)
        self._outcomes[signal.id] = Outcome(
            signal=signal,
            interpretation=interpretation,
            revisions=tuple(revisions),
            spawned=tuple(view(self.belief(belief_id), self.now_us) for belief_id in spawned),
            conflicts=tuple(
                to_conflict(link) for link in self.new_links[linked:] if link.kind == "contradicts"
            ),
        )
        return self._outcomes[signal.id]

    def outcome(self, signal: Signal) -> Outcome:
        """Return what a signal (if retracted: its retraction) did when it was applied, in this unit or before."""
        if signal.id in self._outcomes:
            return self._outcomes[signal.id]
        return read_outcome(self._reader, signal, self.interpretation(signal.id), self.now_us)

    def add_link(self, link: Link) -> None:
        """Add a version of an edge."""
        for end, other in (link.ends, link.ends[::-1]):
            self._links.setdefault(end, {})[link.kind, other] = link
        self.new_links.append(link)

    def mark_retracted(self, signal: Signal, note: str | None) -> None:
        """Mark a signal retracted: it no longer counts."""
        self._signals[signal.id] = replace(signal, retracted_at=self.recorded_at, retraction_note=note)
        self._retracted[signal.id] = note
        if signal.response_id is not None:
            self._counted[signal.response_id] = {}
            stored = self._reader.signals(about=[signal.response_id])
            self._interpretations.update(
                (other.id, read) for other, read in stored if other.id not in self._interpretations
            )
            for other in [self._signals.setdefault(other.id, other) for other, _ in stored]:
                self._count(other)
            for signal_id in self._new_signals:
                if self._signals[signal_id].response_id == signal.response_id:
                    self._count(self._signals[signal_id])
            left = self._counted[signal.response_id].get(signal.kind)
            if left is None or (signal.observed_at, signal.seq) > (left.observed_at, left.seq):
                self._tally(signal, left)

    def _tally(self, before: Signal | None, now: Signal | None) -> None:
        """Let one signal be counted in the place of another, which it may be itself."""
        for signal, sign in ((before, -1.0), (now, 1.0)):
            added = None if signal is None else self._interpretations[signal.id].tally
            if signal is not None and added is not None:
                tally = self.tallies.get(signal.kind, Tally(good=0.0, bad=0.0, nats=0.0))
                self.tallies[signal.kind] = tally.plus(added, sign)

    def revisions_of(self, belief_id: BeliefId) -> list[Revision]:
        """Return every revision of a belief, oldest first."""
        mine = [revision for revision in self.revisions if revision.belief_id == belief_id]
        return [*self._reader.revisions(belief_id), *mine]

    # What comes out

    def changes(self) -> Changes | None:
        """Return everything to write; None when nothing changed."""
        if not (
            self.revisions or self._new_responses or self._new_signals or self.new_links or self._retracted
        ):
            return None
        return Changes(
            seq=self._seq,
            recorded_us=self.now_us,
            beliefs=[self._beliefs[belief_id] for belief_id in self._new_beliefs],
            vectors=self._new_vectors,
            responses=self._new_responses,
            signals=[(self._signals[id], self._interpretations[id]) for id in self._new_signals],
            revisions=self.revisions,
            links=self.new_links,
            retracted={id: note for id, note in self._retracted.items() if id not in self._new_signals},
            tallies=self.tallies,
        )


def context_json(context: Context) -> str:
    """Return a context in the one form in which states keep it."""
    return json.dumps(dict(context), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def contexts_agree(first: Context, second: Context) -> bool:
    """Say whether two contexts can hold at once: no shared key with different values."""
    return all(second.get(key, value) == value for key, value in first.items())


def observed(at: datetime | None, now_us: int) -> int:
    """Return the time of observation: the caller's, or now."""
    return now_us if at is None else to_us(at)
