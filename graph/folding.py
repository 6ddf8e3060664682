"""Items into states: which of them count, how each weighs, and the state they leave; the formula is ledger.py's. Pure.

A new newest inferred item is one step (`append`), anything else folds a belief's items again, newest first.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.ledger import PIN, RESPONSE, BeliefState, Item, fade, fades, is_spoken
from beliefgraph.graph.turns import NONE, Sums, Turn, kept_before, prolonged, runs_of

_NOTHING_BITS = -math.log2(1e-13)
_Left = tuple[int, float, float, float]
"""Of an inferred item: when it was observed, its nats, its weight, and the nats that practice adds."""


def counted(direct: Sequence[Item], inferred: Iterable[Item]) -> tuple[list[Item], Iterable[Item]]:
    """Leave out what does not count: older words of one slot, and everything observed before the latest pin.

    `inferred` comes newest first and is consumed only as far as it counts.
    """
    words, since = latest_words(direct)
    return words, inferred if since is None else takewhile(lambda item: item.order >= since, inferred)


def latest_words(direct: Sequence[Item]) -> tuple[list[Item], tuple[int, str] | None]:
    """Return the latest item of each slot without those before the latest pin, and the order of that pin, if any.

    Of inferred items, too, only those that are not before it count.
    """
    latest: dict[str, Item] = {}
    for item in direct:
        if item.slot not in latest or item.order > latest[item.slot].order:
            latest[item.slot] = item
    pin = latest.get(PIN)
    if pin is None:
        return list(latest.values()), None
    return [item for item in latest.values() if item.order >= pin.order], pin.order


class Weighed(NamedTuple):
    """An item that counts, as it weighs before it fades: its `weight`, and the nats that `practice` adds beside it."""

    item: Item
    weight: float
    practice: float

    @property
    def term(self) -> float:
        """What the item adds, in nats."""
        return self.item.nats * self.weight + self.practice


class Weights(NamedTuple):
    """What is left of inferred items before they fade, newest first: `weights`, and the nats of `practices` beside.

    Shorter than the items where the rest weighs nothing. `turns`, the latest first, say where what came before counts
    less; they are counted in.
    """

    weights: list[float]
    practices: list[float]
    turns: list[Turn]


def crowded(direct: Sequence[Item], inferred: Iterable[Item], state: BeliefState) -> list[Weighed]:
    """Return the items that count with their weight before fading: 1 for direct ones, s · 2^(−R/E) for inferred ones.

    Those before a turn weigh less by what it keeps of them. `inferred` comes newest first and is read until the rest
    weighs nothing. Half-life, memory, session, change and practice are those of `state`.
    """
    words, rest = counted(direct, inferred)
    read: list[Item] = []
    found = weigh(_times(rest, read), state)
    return _listed(words, read, found.weights, found.practices)


def weigh(inferred: Iterable[tuple[int, float]], state: BeliefState) -> Weights:
    """Weigh inferred items as `crowded` does, given the times and the nats of those that count, newest first."""
    left = _left(inferred, state)
    turns = _turns(left, state)
    weights, practices = [each[2] for each in left], [each[3] for each in left]
    if turns:
        kept = [math.prod(turn.kept for turn, end in turns if place >= end) for place in range(len(left))]
        weights = [weight * share for weight, share in zip(weights, kept, strict=True)]
        practices = [practice * share for practice, share in zip(practices, kept, strict=True)]
    return Weights(weights, practices, [turn for turn, _ in turns])


def _turns(left: Sequence[_Left], state: BeliefState) -> list[tuple[Turn, int]]:
    """Return each turn that has items before it, with how many come since; the latest first."""
    if state.change_nats == math.inf or not left:
        return []
    newest_us, oldest_first = left[0][0], left[::-1]
    faded = fades([newest_us - each[0] for each in oldest_first], state.half_life_days)
    up, down = runs_of(
        (nats * weight + practice) * share
        for (_, nats, weight, practice), share in zip(oldest_first, faded, strict=True)
    )
    found = []
    for run, is_up in ((up, True), (down, False)):
        nats = abs(run.sums[0] - run.sums[1])
        kept = kept_before(nats, state.change_nats)
        if run.start and kept < 1.0:
            since = len(left) - run.start
            found.append((Turn(up=is_up, since_us=left[since - 1][0], nats=nats, kept=kept), since))
    return sorted(found, key=itemgetter(1))


def _times(items: Iterable[Item], read: list[Item]) -> Iterator[tuple[int, float]]:
    """Yield the times and nats of items, and note in `read` which were asked for."""
    for item in items:
        read.append(item)
        yield item.observed_us, item.nats


def _listed(
    words: Iterable[Item], read: Sequence[Item], weights: Sequence[float], practices: Sequence[float]
) -> list[Weighed]:
    """Return words, then the inferred items that were read as far as they weigh anything."""
    listed = [Weighed(item, 1.0, 0.0) for item in words]
    listed += map(Weighed, read, weights, practices)
    return listed


def _left(inferred: Iterable[tuple[int, float]], state: BeliefState) -> list[_Left]:
    """Return times, nats, weights and practice of the items that weigh anything, newest first, but for turns."""
    left: list[_Left] = []
    memory, half_life_us, practice = state.memory_nats, state.half_life_days * DAY_US, state.practice_nats
    crowding, newest_us = 0.0, None
    for observed_us, nats, share in _discounted(inferred, state.session_nats):
        newest_us = observed_us if newest_us is None else newest_us
        halvings = crowding / memory
        if halvings + (newest_us - observed_us) / half_life_us > _NOTHING_BITS:
            break
        weight = 2.0**-halvings
        left.append((observed_us, nats, weight * share, weight * practice))
        crowding += abs(nats * share + practice)
    return left


def _day(observed_us: int) -> int:
    return observed_us // DAY_US


def session_share(heard_nats: float, session_nats: float) -> float:
    """Return s: what is left of an inferred item when so many nats were heard before it on its day.

    >>> session_share(1.0, 1.0), session_share(5.0, math.inf)
    (0.5, 1.0)
    """
    return 1.0 / (1.0 + heard_nats / session_nats)


def _discounted(
    inferred: Iterable[tuple[int, float]], session_nats: float
) -> Iterator[tuple[int, float, float]]:
    """Yield inferred items, newest first, with what earlier ones of their day leave of them; reads a day at a time."""
    day, of_day = -1, list[tuple[int, float]]()
    for each in inferred:
        if each[0] // DAY_US != day:
            yield from _told(of_day, session_nats)
            day, of_day = _day(each[0]), []
        of_day.append(each)
    yield from _told(of_day, session_nats)


def _told(of_day: list[tuple[int, float]], session_nats: float) -> list[tuple[int, float, float]]:
    """Return the items of one day, newest first, with what the earlier ones leave of them."""
    told, heard_for, heard_against = [], 0.0, 0.0
    for observed_us, nats in reversed(of_day):  # `session_share` spelt out: a belief may have thousands
        if nats > 0:
            told.append((observed_us, nats, 1.0 / (1.0 + heard_for / session_nats)))
            heard_for += nats
        else:
            told.append((observed_us, nats, 1.0 / (1.0 + heard_against / session_nats)))
            heard_against -= nats
    told.reverse()
    return told


def fold(empty: BeliefState, direct: Sequence[Item], inferred: Iterable[Item]) -> BeliefState:
    """Compute a state from its items. `inferred` comes newest first.

    `empty` supplies base, half-life, memory, conflict, lifecycle and context, and the reference of a state without
    items. Within 1e-9 nats of adding the items one at a time in any order.
    """
    half_life = empty.half_life_days
    words, rest = counted(direct, inferred)
    read: list[Item] = []
    left = _left(_times(rest, read), empty)
    weighed = _listed(words, read, [each[2] for each in left], [each[3] for each in left])
    items = [each.item for each in weighed]
    reference = max((item.observed_us for item in items), default=empty.reference_us)
    terms = [(each.item, each.term * fade(reference - each.item.observed_us, half_life)) for each in weighed]
    direct_terms = [term for item, term in terms if item.slot != RESPONSE]
    inferred_terms = [term for item, term in terms if item.slot == RESPONSE]
    up, down = (NONE, NONE) if empty.change_nats == math.inf else _runs(inferred_terms)
    newest = max((item.order for item in items if item.slot in (RESPONSE, PIN)), default=(0, ""))
    of_day = [item for item in items if item.slot == RESPONSE and _day(item.observed_us) == _day(newest[0])]
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
        up_for=up[0],
        up_against=up[1],
        down_for=down[0],
        down_against=down[1],
    )


def _runs(newest_first: Sequence[float]) -> tuple[Sums, Sums]:
    up, down = runs_of(reversed(newest_first))
    return up.sums, down.sums


def follows(state: BeliefState, item: Item) -> bool:
    """Say whether an inferred item is newer than every item that counts, so that adding it is one step."""
    return item.order > state.newest


def append(state: BeliefState, item: Item) -> BeliefState:
    """Add a newest inferred item: one multiplication and one addition a sum, whatever the length of history."""
    same_day = _day(state.newest_us) == _day(item.observed_us)
    heard = (state.heard_for, state.heard_against) if same_day else NONE
    return _with_newest(state, item, _newest_nats(state, item, heard), heard)


def _newest_nats(state: BeliefState, item: Item, heard: Sums) -> float:
    """Return s·e + g of an inferred item, given what its day had said before it, for and against."""
    return item.nats * session_share(heard[item.nats <= 0], state.session_nats) + state.practice_nats


def replace_newest(state: BeliefState, old: Item, new: Item) -> BeliefState:
    """Put `new` in the place of `old`, the newest inferred item, observed at the same time."""
    heard = (
        max(0.0, state.heard_for - max(0.0, old.nats)),
        max(0.0, state.heard_against - max(0.0, -old.nats)),
    )
    weighed, weighs = (_newest_nats(state, item, heard) for item in (old, new))
    faded = fade(state.reference_us - old.observed_us, state.half_life_days)
    term, relief = weighed * faded, float(2.0 ** (abs(weighed) / state.memory_nats))

    def without(total_for: float, total_against: float) -> Sums:
        return (
            max(0.0, total_for - max(0.0, term)) * relief,
            max(0.0, total_against - max(0.0, -term)) * relief,
        )

    inferred = without(state.inferred_for, state.inferred_against)
    up, down = without(state.up_for, state.up_against), without(state.down_for, state.down_against)
    older = replace(
        state,
        inferred_for=inferred[0],
        inferred_against=inferred[1],
        up_for=up[0],
        up_against=up[1],
        down_for=down[0],
        down_against=down[1],
    )
    return _with_newest(older, new, weighs, heard)


def _with_newest(state: BeliefState, item: Item, nats: float, heard: Sums) -> BeliefState:
    """Put a newest inferred item that weighs `nats` on top of the sums of a state.

    `heard` is what its day had said before it, for and against. (Spelt out: `replace` takes five times as long.)
    """
    half_life = state.half_life_days
    reference = max(state.reference_us, item.observed_us)
    aged = fade(reference - state.reference_us, half_life)
    term = nats * fade(reference - item.observed_us, half_life)
    left = float(2.0 ** (-abs(nats) / state.memory_nats)) * aged
    up = down = NONE
    if state.change_nats != math.inf:
        up = prolonged((state.up_for, state.up_against), left, term, up=True)
        down = prolonged((state.down_for, state.down_against), left, term, up=False)
    return BeliefState(
        base=state.base,
        half_life_days=half_life,
        memory_nats=state.memory_nats,
        reference_us=reference,
        direct_for=state.direct_for * aged,
        direct_against=state.direct_against * aged,
        inferred_for=state.inferred_for * left + max(0.0, term),
        inferred_against=state.inferred_against * left + max(0.0, -term),
        spoken=state.spoken * aged,
        newest_us=item.observed_us,
        newest_id=item.id,
        conflict=state.conflict,
        lifecycle=state.lifecycle,
        context=state.context,
        session_nats=state.session_nats,
        heard_for=heard[0] + max(0.0, item.nats),
        heard_against=heard[1] + max(0.0, -item.nats),
        change_nats=state.change_nats,
        up_for=up[0],
        up_against=up[1],
        down_for=down[0],
        down_against=down[1],
        practice_nats=state.practice_nats,
    )
