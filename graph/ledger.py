"""The additive ledger: what a belief's own log-odds are made of, and how they read (design section 3). Pure functions.

Log-odds and items are in nats, times in microseconds since 1970-01-01 UTC, half-lives in days. What an item *means*
(attribution) is decided elsewhere; here items only add up, fade and crowd each other out (folding.py puts them in):

    u(t) = base + Σ_direct e_i · 2^(−age_i/h) + Σ_inferred (s_i · e_i + g) · 2^(−age_i/h) · 2^(−R_i/E)

What was learned on one day may have one cause: of inferred items, each weighs s_i = 1 / (1 + S_i/S), where S_i is the
sum of |e| over the earlier ones of its day (UTC) and sign, and S is how many nats a day has to say before another word
like that weighs half. g is what practice adds: who does a thing once more can do it better, so that a belief with g > 0
grows with every response that was answered, right or wrong. R_i is the sum of |s · e + g| over the inferred items after
item i, E the memory. Where the items
since some day speak against what came before, that counts less still (turns.py). A state is read no earlier than its
newest item: the clock of a caller who is minutes ahead cannot make an item count more than once.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, overload

import numpy as np

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.turns import Sums, counting

Lifecycle = Literal["open", "tentative", "superseded", "retired"]
Standing = Literal["held", "contested", "tentative", "superseded", "retired"]
OUT_OF_USE: tuple[Standing, ...] = ("superseded", "retired")
"""How a belief stands that is no longer used."""

RESPONSE = "response"
"""Slot of inferred items: one for each response that the belief generated."""
WORD = "word"
"""Slot of confirmations and denials: the latest word counts."""
PIN = "pin"
"""Slot of a person's edits of the confidence: the latest masks every item before it."""
SOURCE_PREFIX = "source:"
"""Slots of statements, one for each source: the latest counts."""
ANSWER_PREFIX = "answer:"
"""Slots of answers to questions, one for each question: the latest answer counts."""

MIN_CONFIDENCE, MAX_CONFIDENCE = 0.001, 0.999
CONTESTED_NATS = 2.0
"""With this much for and this much against it, a belief is contested, whatever the sum."""


def logit(probability: float) -> float:
    """Return ln(p / (1 − p)).

    >>> logit(0.5)
    0.0
    """
    return math.log(probability / (1.0 - probability))


def sigmoid(log_odds: float) -> float:
    """Return the probability of these log-odds, without overflow.

    >>> sigmoid(0.0)
    0.5
    """
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def to_confidence(log_odds: float) -> float:
    """Return the probability of these log-odds, kept within [.001, .999]."""
    return min(MAX_CONFIDENCE, max(MIN_CONFIDENCE, sigmoid(log_odds)))


def relative_entropy(after: float, before: float) -> float:
    """Return the relative entropy of one probability to another, in nats: what was learned by moving from one to it.

    >>> relative_entropy(0.5, 0.5)
    0.0
    """
    return after * math.log(after / before) + (1 - after) * math.log((1 - after) / (1 - before))


def source_slot(source: str) -> str:
    """Return the slot that holds what this source said."""
    return SOURCE_PREFIX + source


_SAID_AS = "belief/"


def said_as(belief_id: str) -> str:
    """Return the id of the item by which a belief was held: never the id of a signal, which has no slash."""
    return _SAID_AS + belief_id


def sayer_of(item_id: str) -> str | None:
    """Return the id with which a belief was held, if that is what the item says; None for what a signal said."""
    return item_id.removeprefix(_SAID_AS) if item_id.startswith(_SAID_AS) else None


SPOKEN_SLOTS = frozenset({source_slot("stated"), source_slot("corrected"), WORD, PIN})
"""The slots in which the person herself speaks; her answers to questions do so too, see `is_spoken`."""


def answer_slot(question: str) -> str:
    """Return the slot that holds what was answered to this question."""
    return ANSWER_PREFIX + question


def is_spoken(slot: str) -> bool:
    """Say whether it is the person herself who speaks in a slot."""
    return slot in SPOKEN_SLOTS or slot.startswith(ANSWER_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One evidence item: how much everything done about one thing speaks for (+) or against (−) a belief.

    `slot` says about what (a response, a source's statement, a word, a pin), `id` about which one.
    """

    belief_id: BeliefId
    slot: str
    id: str
    nats: float
    observed_us: int

    @property
    def order(self) -> tuple[int, str]:
        """Order of evidence: by time of observation, then by id."""
        return (self.observed_us, self.id)


def last_said(direct: Iterable[Item]) -> int | None:
    """Return when the person last spoke for a belief that has these direct items; None if she never did."""
    return max((item.observed_us for item in direct if is_spoken(item.slot) and item.nats > 0), default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Inferred(Sequence[Item]):
    """A belief's inferred items, newest first (time, then id), as columns; an item is made when it is looked at."""

    belief_id: BeliefId
    ids: Sequence[str]
    nats: Sequence[float]
    observed_us: Sequence[int]

    @classmethod
    def of(cls, belief_id: BeliefId, newest_first: Iterable[tuple[int, str, float]]) -> Self:
        """Return what rows of time, id and nats say."""
        observed_us, ids, nats = tuple(zip(*newest_first, strict=True)) or ((), (), ())
        return cls(belief_id, ids, nats, observed_us)

    def since(self, order: tuple[int, str]) -> "Inferred":
        """Return the items that are not before this order."""
        orders = zip(self.observed_us, self.ids, strict=True)
        end = next((place for place, each in enumerate(orders) if each < order), len(self))
        return self[:end]

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> "Inferred": ...
    def __getitem__(self, index: int | slice) -> "Item | Inferred":
        """Return an item, or a part of them."""
        if isinstance(index, slice):
            return Inferred(self.belief_id, self.ids[index], self.nats[index], self.observed_us[index])
        return Item(
            belief_id=self.belief_id,
            slot=RESPONSE,
            id=self.ids[index],
            nats=self.nats[index],
            observed_us=self.observed_us[index],
        )

    def __eq__(self, other: object) -> bool:
        """Say whether the items are the same."""
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # a store gives lists


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefState:
    """What a revision leaves behind: enough to read the belief's confidence at any later time.

    `*_for` and `*_against` are sums of positive and of absolute negative terms at `reference_us`, the time of the
    newest item. `spoken` is the part of the direct sum that the person herself said. `conflict` (μ, ≤ 0) is what
    confirmed contradictions take off. `newest` is the order of the newest inferred item or pin, whichever is later;
    `heard_for` and `heard_against` sum |e| over the inferred items since the last pin on its day; `session_nats` is S,
    `practice_nats` g.
    The inferred sums are as if nothing had changed; of them `up_*` and `down_*` are the terms since the turn up and the
    turn down (turns.py), and `inferred` says what counts. Without end, `change_nats` keeps none.
    """

    base: float
    half_life_days: float
    memory_nats: float
    reference_us: int
    direct_for: float = 0.0
    direct_against: float = 0.0
    inferred_for: float = 0.0
    inferred_against: float = 0.0
    spoken: float = 0.0
    newest_us: int = 0
    newest_id: str = ""
    conflict: float = 0.0
    lifecycle: Lifecycle = "open"
    context: str = "{}"
    session_nats: float = math.inf
    heard_for: float = 0.0
    heard_against: float = 0.0
    change_nats: float = math.inf
    up_for: float = 0.0
    up_against: float = 0.0
    down_for: float = 0.0
    down_against: float = 0.0
    practice_nats: float = 0.0

    @property
    def inferred(self) -> Sums:
        """What counts of the inferred terms, for and against, at the reference."""
        total = (self.inferred_for, self.inferred_against)
        if self.change_nats == math.inf:
            return total
        left = fade(self.reference_us - self.newest_us, self.half_life_days)
        up, down = (self.up_for, self.up_against), (self.down_for, self.down_against)
        return counting(total, up, down, self.change_nats, left)

    @property
    def newest(self) -> tuple[int, str]:
        """Order of the newest inferred item or pin."""
        return (self.newest_us, self.newest_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A state read at one time. `own` are the log-odds without conflicts, `log_odds` with them."""

    own: float
    log_odds: float
    confidence: float
    support: float
    opposition: float
    standing: Standing


def fade(age_us: int, half_life_days: float) -> float:
    """Return 2^(−age/half-life): 1 for a new item, ½ after one half-life, never above 1."""
    if age_us <= 0:
        return 1.0
    return float(2.0 ** (-(age_us / DAY_US) / half_life_days))


def fades(ages_us: Sequence[int], half_life_days: float) -> list[float]:
    """Return `fade` of each age: many at once cost a tenth of as many calls."""
    ages = np.maximum(np.array(ages_us, dtype=np.float64), 0.0)
    faded: list[float] = np.exp2(ages / DAY_US / -half_life_days).tolist()
    return faded


def read_state(state: BeliefState, at_us: int) -> Reading:
    """Read confidence, support, opposition and standing of a state at a time."""
    faded = fade(at_us - state.reference_us, state.half_life_days)
    inferred_for, inferred_against = state.inferred
    support = faded * (state.direct_for + inferred_for)
    opposition = faded * (state.direct_against + inferred_against)
    own = state.base + support - opposition
    log_odds = own + state.conflict
    return Reading(
        own=own,
        log_odds=log_odds,
        confidence=to_confidence(log_odds),
        support=support,
        opposition=opposition,
        standing=_standing(state, faded, log_odds, support, opposition),
    )


def _standing(
    state: BeliefState, faded: float, log_odds: float, support: float, opposition: float
) -> Standing:
    if state.lifecycle != "open":
        return state.lifecycle
    much_of_both = support >= CONTESTED_NATS and opposition >= CONTESTED_NATS
    stated_against_inferred = state.spoken > 0 and state.base + faded * state.spoken > 0 > log_odds
    return "contested" if much_of_both or stated_against_inferred else "held"


def with_word(state: BeliefState, nats: float, at_us: int) -> BeliefState:
    """Return the state as if the person said something new now that weighs so much: one more direct item."""
    reference = max(state.reference_us, at_us)
    aged = fade(reference - state.reference_us, state.half_life_days)
    return replace(
        state,
        reference_us=reference,
        direct_for=state.direct_for * aged + max(0.0, nats),
        direct_against=state.direct_against * aged + max(0.0, -nats),
        inferred_for=state.inferred_for * aged,
        inferred_against=state.inferred_against * aged,
        spoken=state.spoken * aged + nats,
        up_for=state.up_for * aged,
        up_against=state.up_against * aged,
        down_for=state.down_for * aged,
        down_against=state.down_against * aged,
    )
