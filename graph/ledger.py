"""The additive ledger: from evidence items to a belief's own log-odds (design section 3). Pure functions.

Log-odds and items are in nats, times in microseconds since 1970-01-01 UTC, half-lives in days. What an item *means*
(attribution) is decided elsewhere; here items only add up, fade and crowd each other out:

    u(t) = base + Σ_direct e_i · 2^(−age_i/h) + Σ_inferred s_i · e_i · 2^(−age_i/h) · 2^(−R_i/E)

What was learned on one day may have one cause: of inferred items, each weighs s_i = 1 / (1 + S_i/S), where S_i is the
sum of |e| over the earlier ones of its day (UTC) and sign, and S is how many nats a day has to say before another word
like that weighs half. R_i is the sum of |s · e| over the inferred items after item i, E the memory. A state is read no
earlier than its newest item: the clock of a caller who is minutes ahead cannot make an item count more than once.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.ids import BeliefId

Lifecycle = Literal["open", "tentative", "superseded", "retired"]
Standing = Literal["held", "contested", "tentative", "superseded", "retired"]

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
_NOTHING = 1e-13


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefState:
    """What a revision leaves behind: enough to read the belief's confidence at any later time.

    `*_for` and `*_against` are sums of positive and of absolute negative terms at `reference_us`, the time of the
    newest item. `spoken` is the part of the direct sum that the person herself said. `conflict` (μ, ≤ 0) is what
    confirmed contradictions take off. `newest` is the order of the newest inferred item or pin, whichever is later;
    `heard_for` and `heard_against` sum |e| over the inferred items since the last pin on its day; `session_nats` is S.
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


def read_state(state: BeliefState, at_us: int) -> Reading:
    """Read confidence, support, opposition and standing of a state at a time."""
    faded = fade(at_us - state.reference_us, state.half_life_days)
    support = faded * (state.direct_for + state.inferred_for)
    opposition = faded * (state.direct_against + state.inferred_against)
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


def counted(direct: Sequence[Item], inferred: Iterable[Item]) -> tuple[list[Item], Iterable[Item]]:
    """Leave out what does not count: older words of one slot, and everything observed before the latest pin.

    `inferred` comes newest first and is consumed only as far as it counts.
    """
    latest: dict[str, Item] = {}
    for item in direct:
        if item.slot not in latest or item.order > latest[item.slot].order:
            latest[item.slot] = item
    pin = latest.get(PIN)
    if pin is None:
        return list(latest.values()), inferred
    after_pin = [item for item in latest.values() if item.order >= pin.order]
    return after_pin, _until(inferred, pin.order)


def _until(items: Iterable[Item], order: tuple[int, str]) -> Iterable[Item]:
    for item in items:
        if item.order < order:
            return
        yield item


def crowded(direct: Sequence[Item], inferred: Iterable[Item], state: BeliefState) -> list[tuple[Item, float]]:
    """Return the items that count with their weight before fading: 1 for direct ones, s · 2^(−R/E) for inferred ones.

    `inferred` comes newest first and is read until the rest weighs nothing. Half-life, memory and session are those of
    `state`.
    """
    words, rest = counted(direct, inferred)
    weighted = [(item, 1.0) for item in words]
    crowding, newest_us = 0.0, None
    for item, share in _discounted(rest, state.session_nats):
        newest_us = item.observed_us if newest_us is None else newest_us
        weight = float(2.0 ** (-crowding / state.memory_nats))
        if weight * fade(newest_us - item.observed_us, state.half_life_days) < _NOTHING:
            break
        weighted.append((item, weight * share))
        crowding += abs(item.nats) * share
    return weighted


def _day(observed_us: int) -> int:
    return observed_us // DAY_US


def session_share(heard_nats: float, session_nats: float) -> float:
    """Return s: what is left of an inferred item when so many nats were heard before it on its day.

    >>> session_share(1.0, 1.0), session_share(5.0, math.inf)
    (0.5, 1.0)
    """
    return 1.0 / (1.0 + heard_nats / session_nats)


def _discounted(inferred: Iterable[Item], session_nats: float) -> Iterator[tuple[Item, float]]:
    """Yield inferred items, newest first, with what earlier ones of their day leave of them; reads a day at a time."""
    for _, of_day in groupby(inferred, key=lambda item: _day(item.observed_us)):
        told, heard = [], {True: 0.0, False: 0.0}
        for item in reversed(list(of_day)):
            told.append((item, session_share(heard[item.nats > 0], session_nats)))
            heard[item.nats > 0] += abs(item.nats)
        yield from reversed(told)


def fold(empty: BeliefState, direct: Sequence[Item], inferred: Iterable[Item]) -> BeliefState:
    """Compute a state from its items. `inferred` comes newest first.

    `empty` supplies base, half-life, memory, conflict, lifecycle and context, and the reference of a state without
    items. Within 1e-9 nats of adding the items one at a time in any order.
    """
    half_life = empty.half_life_days
    weighted = crowded(direct, inferred, empty)
    reference = max((item.observed_us for item, _ in weighted), default=empty.reference_us)
    terms = [
        (item, item.nats * weight * fade(reference - item.observed_us, half_life))
        for item, weight in weighted
    ]
    direct_terms = [term for item, term in terms if item.slot != RESPONSE]
    inferred_terms = [term for item, term in terms if item.slot == RESPONSE]
    newest = max((item.order for item, _ in weighted if item.slot in (RESPONSE, PIN)), default=(0, ""))
    of_day = [
        item for item, _ in weighted if item.slot == RESPONSE and _day(item.observed_us) == _day(newest[0])
    ]
    return replace(
        empty,
        reference_us=reference,
        direct_for=math.fsum(term for term in direct_terms if term > 0),
        direct_against=math.fsum(-term for term in direct_terms if term < 0),
        inferred_for=math.fsum(term for term in inferred_terms if term > 0),
        inferred_against=math.fsum(-term for term in inferred_terms if term < 0),
        spoken=math.fsum(term for item, term in terms if is_spoken(item.slot)),
        newest_us=newest[0],
        newest_id=newest[1],
        heard_for=math.fsum(item.nats for item in of_day if item.nats > 0),
        heard_against=math.fsum(-item.nats for item in of_day if item.nats <= 0),
    )


def follows(state: BeliefState, item: Item) -> bool:
    """Say whether an inferred item is newer than every item that counts, so that adding it is one step."""
    return item.order > state.newest


def append(state: BeliefState, item: Item) -> BeliefState:
    """Add a newest inferred item: one multiplication and one addition a sum, whatever the length of history."""
    same_day = _day(state.newest_us) == _day(item.observed_us)
    heard = (state.heard_for, state.heard_against) if same_day else (0.0, 0.0)
    nats = item.nats * session_share(heard[item.nats <= 0], state.session_nats)
    crowded = float(2.0 ** (-abs(nats) / state.memory_nats))
    before = (state.inferred_for * crowded, state.inferred_against * crowded)
    return _with_newest(state, item, nats, before, heard)


def replace_newest(state: BeliefState, old: Item, new: Item) -> BeliefState:
    """Put `new` in the place of `old`, the newest inferred item, observed at the same time."""
    heard = (
        max(0.0, state.heard_for - max(0.0, old.nats)),
        max(0.0, state.heard_against - max(0.0, -old.nats)),
    )
    weighed, weighs = (
        item.nats * session_share(heard[item.nats <= 0], state.session_nats) for item in (old, new)
    )
    faded = fade(state.reference_us - old.observed_us, state.half_life_days)
    relief = float(2.0 ** ((abs(weighed) - abs(weighs)) / state.memory_nats))
    before_for = max(0.0, state.inferred_for - max(0.0, weighed) * faded)
    before_against = max(0.0, state.inferred_against - max(0.0, -weighed) * faded)
    return _with_newest(state, new, weighs, (before_for * relief, before_against * relief), heard)


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
    )


def _with_newest(
    state: BeliefState, item: Item, nats: float, older: tuple[float, float], heard: tuple[float, float]
) -> BeliefState:
    """Put a newest inferred item that weighs `nats` on top of older sums (for, against) at the state's reference.

    `heard` is what its day had said before it, for and against.
    """
    half_life = state.half_life_days
    reference = max(state.reference_us, item.observed_us)
    aged = fade(reference - state.reference_us, half_life)
    term = nats * fade(reference - item.observed_us, half_life)
    return BeliefState(
        base=state.base,
        half_life_days=half_life,
        memory_nats=state.memory_nats,
        reference_us=reference,
        direct_for=state.direct_for * aged,
        direct_against=state.direct_against * aged,
        inferred_for=older[0] * aged + max(0.0, term),
        inferred_against=older[1] * aged + max(0.0, -term),
        spoken=state.spoken * aged,
        newest_us=item.observed_us,
        newest_id=item.id,
        conflict=state.conflict,
        lifecycle=state.lifecycle,
        context=state.context,
        session_nats=state.session_nats,
        heard_for=heard[0] + max(0.0, item.nats),
        heard_against=heard[1] + max(0.0, -item.nats),
    )
