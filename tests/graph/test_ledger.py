"""The ledger equals the formula of the design written out naively, however the items arrive."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.folding import append, crowded, fold, follows, replace_newest
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import (
    CONTESTED_NATS,
    PIN,
    RESPONSE,
    WORD,
    BeliefState,
    Item,
    Lifecycle,
    fade,
    logit,
    read_state,
    sigmoid,
    source_slot,
    to_confidence,
)

B = BeliefId("b")
STATED, CORRECTED, IMPORTED = source_slot("stated"), source_slot("corrected"), source_slot("imported")
SPOKEN = {STATED, CORRECTED, WORD, PIN}

half_lives = st.sampled_from([1.0, 30.0, 180.0, math.inf])
memories = st.floats(3.0, 12.0)
nats = st.floats(-8.0, 8.0)
times = st.integers(0, 400).map(lambda day: day * DAY_US) | st.integers(0, 400 * DAY_US)


def item(slot: str, id: str, nats: float, observed_us: int) -> Item:
    """Make an item of the one belief of these tests."""
    return Item(belief_id=B, slot=slot, id=id, nats=nats, observed_us=observed_us)


def empty_state(
    base: float = 0.0,
    half_life_days: float = 180.0,
    memory_nats: float = 6.0,
    session_nats: float = 2.0,
    change_nats: float = 1.5,
    *,
    practice_nats: float = 0.0,
) -> BeliefState:
    """Return the state of a belief without items."""
    return BeliefState(
        base=base,
        half_life_days=half_life_days,
        memory_nats=memory_nats,
        session_nats=session_nats,
        change_nats=change_nats,
        practice_nats=practice_nats,
        reference_us=0,
    )


@st.composite
def inferred_items(draw: st.DrawFn) -> list[Item]:
    """Draw inferred items of distinct responses, several of one time among them."""
    drawn = draw(st.lists(st.tuples(nats, times), max_size=12))
    return [item(RESPONSE, f"r{number:02}", value, at) for number, (value, at) in enumerate(drawn)]


@st.composite
def direct_items(draw: st.DrawFn) -> list[Item]:
    """Draw direct items, several in one slot, pins among them."""
    slots = st.sampled_from([STATED, CORRECTED, IMPORTED, WORD, PIN])
    drawn = draw(st.lists(st.tuples(slots, nats, times), max_size=6))
    return [item(slot, f"s{number:02}", value, at) for number, (slot, value, at) in enumerate(drawn)]


def naive(items: Sequence[Item], state: BeliefState, at_us: int) -> tuple[float, float, float]:
    """Return u(t), support and opposition, as in section 3 of the design, slowly."""

    def order(one: Item) -> tuple[int, str]:
        return one.observed_us, one.id

    pins = [one for one in items if one.slot == PIN]
    since = order(max(pins, key=order)) if pins else (-1, "")
    counting = [one for one in items if order(one) >= since]

    def share(one: Item) -> float:
        """Return what is left of an inferred item after the earlier ones of its day."""
        day = [
            o for o in counting if o.slot == RESPONSE and o.observed_us // DAY_US == one.observed_us // DAY_US
        ]
        same = [o for o in day if (o.nats > 0) == (one.nats > 0) and order(o) < order(one)]
        return 1 / (1 + sum(abs(o.nats) for o in same) / state.session_nats)

    terms: list[float] = []
    inferred: list[float] = []
    for one in sorted(counting, key=order):
        if one.slot == RESPONSE:
            later = [o for o in counting if o.slot == RESPONSE and order(o) > order(one)]
            crowding = sum(abs(o.nats * share(o) + state.practice_nats) for o in later)
        elif any(o.slot == one.slot and order(o) > order(one) for o in counting):
            continue
        else:
            crowding = 0.0
        age_days = max(0, at_us - one.observed_us) / DAY_US
        nats = one.nats * share(one) + state.practice_nats if one.slot == RESPONSE else one.nats
        term = nats * 2 ** (-age_days / state.half_life_days) * 2 ** (-crowding / state.memory_nats)
        (inferred if one.slot == RESPONSE else terms).append(term)
    newest = max((one.observed_us for one in counting if one.slot == RESPONSE), default=at_us)
    terms += turned(inferred, 2 ** (-max(0, at_us - newest) / DAY_US / state.half_life_days), state)
    support, opposition = sum(t for t in terms if t > 0), sum(-t for t in terms if t < 0)
    return state.base + support - opposition, support, opposition


def turned(terms: list[float], left: float, state: BeliefState) -> list[float]:
    """Return terms, oldest first, with what the likeliest turns up and down leave of those before them."""
    kept = [1.0] * len(terms)
    for sign in (1.0, -1.0):
        since = [sign * math.fsum(terms[start:]) for start in range(len(terms))]
        best = max(range(len(terms)), key=lambda start: (since[start], start), default=0)
        if left > 0 and terms and since[best] / left > state.change_nats:
            before = math.exp(state.change_nats - since[best] / left)
            kept = [share * before if place < best else share for place, share in enumerate(kept)]
    return [term * share for term, share in zip(terms, kept, strict=True)]


def newest_first(items: Sequence[Item]) -> list[Item]:
    """Sort items as `inferred` of a store gives them."""
    return sorted((one for one in items if one.slot == RESPONSE), key=lambda one: one.order, reverse=True)


def folded(items: Sequence[Item], empty: BeliefState) -> BeliefState:
    """Fold items in one go."""
    return fold(empty, [one for one in items if one.slot != RESPONSE], newest_first(items))


def arrive(items: list[Item], state: BeliefState, one: Item, empty: BeliefState) -> BeliefState:
    """Add or replace one item as the pipeline does: in one step where that is allowed, else by folding."""
    old = next((other for other in items if (other.slot, other.id) == (one.slot, one.id)), None)
    items[:] = [other for other in items if other is not old] + [one]
    if one.slot == RESPONSE and old is None and follows(state, one):
        return append(state, one)
    if one.slot == RESPONSE and old is not None and old.order == one.order == state.newest:
        return replace_newest(state, old, one)
    return folded(items, empty)


def agree(items: Sequence[Item], state: BeliefState, empty: BeliefState) -> None:
    """Assert that a state reads like the formula, at several times from its newest item on."""
    latest = max([state.reference_us, *(one.observed_us for one in items)])
    for at_us in (latest, latest + 1, latest + 45 * DAY_US):
        reading = read_state(state, at_us)
        expected = naive(items, empty, at_us)
        assert pytest.approx(expected, abs=1e-9) == (reading.own, reading.support, reading.opposition)
        spoken, _, _ = naive([one for one in items if one.slot in SPOKEN], replace(empty, base=0.0), at_us)
        faded = fade(at_us - state.reference_us, state.half_life_days)
        assert pytest.approx(spoken, abs=1e-9) == faded * state.spoken


class TestFolding:
    """Folding and stepping both give the formula."""

    @given(direct_items(), inferred_items(), half_lives, memories, st.floats(-3, 3))
    def test_a_fold_is_the_formula(
        self, direct: list[Item], inferred: list[Item], half_life: float, memory: float, base: float
    ) -> None:
        """Both memories, fading, pins and latest words come out as written in the design."""
        empty = empty_state(base, half_life, memory, practice_nats=0.3)
        agree([*direct, *inferred], folded([*direct, *inferred], empty), empty)

    @given(direct_items(), inferred_items(), half_lives, memories, st.randoms(use_true_random=False))
    def test_any_order_of_arrival_is_the_formula(
        self, direct: list[Item], inferred: list[Item], half_life: float, memory: float, chance: random.Random
    ) -> None:
        """Items that arrive one at a time, in any order, leave after each the state of folding those that came."""
        empty = empty_state(0.5, half_life, memory, practice_nats=0.3)
        arriving = [*direct, *inferred]
        chance.shuffle(arriving)
        came: list[Item] = []
        state = empty
        for one in arriving:
            state = arrive(came, state, one, empty)
            agree(came, state, empty)

    @given(inferred_items(), st.lists(st.tuples(st.integers(0, 11), nats), max_size=12), half_lives, memories)
    def test_replaced_items_are_the_formula(
        self, inferred: list[Item], replacements: list[tuple[int, float]], half_life: float, memory: float
    ) -> None:
        """An item that changes again and again counts as it is now, whether it is the newest or not."""
        empty = empty_state(-0.5, half_life, memory, practice_nats=0.3)
        came: list[Item] = []
        state = empty
        for one in sorted(inferred, key=lambda one: one.order):
            state = arrive(came, state, one, empty)
        for index, value in replacements:
            if index < len(inferred):
                state = arrive(came, state, replace(inferred[index], nats=value), empty)
                agree(came, state, empty)

    @given(st.lists(nats, min_size=1, max_size=40), half_lives, memories)
    def test_a_newest_item_replaced_often_does_not_drift(
        self, values: list[float], half_life: float, memory: float
    ) -> None:
        """Forty ratings of one response end as the last of them."""
        empty = empty_state(0.0, half_life, memory, practice_nats=0.3)
        came: list[Item] = []
        state = arrive(came, empty, item(RESPONSE, "r0", 2.0, 0), empty)
        for value in values:
            state = arrive(came, state, item(RESPONSE, "r1", value, 3 * DAY_US), empty)
        agree([item(RESPONSE, "r0", 2.0, 0), item(RESPONSE, "r1", values[-1], 3 * DAY_US)], state, empty)

    @given(direct_items(), inferred_items(), half_lives)
    def test_what_is_spoken_is_summed_apart(
        self, direct: list[Item], inferred: list[Item], half_life: float
    ) -> None:
        """`spoken` is the part of stating, correcting, confirming and pins, and no import or response."""
        empty = empty_state(0.0, half_life)
        state = folded([*direct, *inferred], empty)
        spoken = [one for one in direct if one.slot in SPOKEN]
        expected, _, _ = naive(spoken, empty, state.reference_us)
        assert pytest.approx(expected, abs=1e-9) == state.spoken

    @given(direct_items(), inferred_items())
    def test_the_terms_add_up_to_the_state(self, direct: list[Item], inferred: list[Item]) -> None:
        """The weighted items that explain a belief add up to its own log-odds."""
        empty = empty_state(0.25, practice_nats=0.3)
        state = folded([*direct, *inferred], empty)
        weighed = crowded(direct, newest_first(inferred), empty)
        at_us = state.reference_us
        ages = [(each, at_us - each.item.observed_us) for each in weighed]
        total = sum(each.term * fade(age_us, empty.half_life_days) for each, age_us in ages)
        assert pytest.approx(0.25 + total, abs=1e-9) == read_state(state, at_us).own

    def test_a_fold_reads_no_further_than_counts(self) -> None:
        """A long history is read only until the rest weighs nothing."""
        read = 0

        def history() -> Iterator[Item]:
            nonlocal read
            for number in range(100_000):
                read += 1
                yield item(RESPONSE, f"r{number}", 1.0, (100_000 - number) * DAY_US)

        fold(empty_state(half_life_days=math.inf), [], history())
        assert 250 < read < 300

    def test_nothing_is_the_base_rate(self) -> None:
        """Without items a belief stands at its base rate."""
        assert pytest.approx(0.3) == read_state(fold(empty_state(logit(0.3)), [], []), 10 * DAY_US).confidence


class TestMeaning:
    """What the ledger means for a person."""

    def test_a_pin_masks_what_came_before(self) -> None:
        """After an edit only the edit and what came later counts; an item of the same moment with a later id too."""
        pin = item(PIN, "m", 2.0, 5 * DAY_US)
        before = [item(STATED, "a", 1.0, 0), item(RESPONSE, "r1", -3.0, 4 * DAY_US)]
        same_moment = [item(RESPONSE, "l", -1.0, 5 * DAY_US), item(RESPONSE, "n", -0.5, 5 * DAY_US)]
        state = folded([pin, *before, *same_moment], empty_state())
        reading = read_state(state, 5 * DAY_US)
        assert pytest.approx((2.0, 0.5)) == (reading.support, reading.opposition)

    def test_repeating_a_statement_adds_nothing(self) -> None:
        """The latest word of a source stands alone; another source adds its own."""
        once = [item(STATED, "a", 1.0, 0)]
        again = [*once, item(STATED, "b", 1.0, 0), item(STATED, "c", 1.0, 0)]
        other = [*again, item(CORRECTED, "d", 1.0, 0)]
        assert [1.0, 1.0, 2.0] == [
            read_state(folded(items, empty_state()), 0).own for items in (once, again, other)
        ]

    def test_half_is_left_after_a_half_life(self) -> None:
        """Evidence fades towards the base rate, that of a fact not at all."""
        mood = folded([item(STATED, "a", 2.0, 0)], empty_state(0.5, 10.0))
        fact = folded([item(STATED, "a", 2.0, 0)], empty_state(0.5, math.inf))
        assert [2.5, 1.5, 1.0] == [read_state(mood, days * DAY_US).own for days in (0, 10, 20)]
        assert [2.5, 2.5] == [read_state(fact, days * DAY_US).own for days in (0, 100_000)]

    def test_an_item_of_the_near_future_counts_once(self) -> None:
        """Read before its newest item (a clock that is minutes ahead), a state reads as at that item."""
        state = append(empty_state(), item(RESPONSE, "r", 1.0, DAY_US))
        assert 1.0 == read_state(state, 0).own == read_state(state, DAY_US).own

    def test_a_burst_of_one_day_is_not_so_many_pieces_of_evidence(self) -> None:
        """Six nats on one day weigh 1 + 1/2 + … + 1/6 where S is 1; on six days, or without sessions, they are six."""

        def total(apart_us: int, session_nats: float) -> float:
            state = empty_state(half_life_days=math.inf, memory_nats=1e9, session_nats=session_nats)
            for number in range(6):
                state = append(state, item(RESPONSE, f"r{number}", 1.0, number * apart_us))
            return read_state(state, 6 * DAY_US).own

        burst = sum(1 / (1 + number) for number in range(6))
        found = [total(1000, 1.0), total(DAY_US, 1.0), total(1000, math.inf)]
        assert pytest.approx([burst, 6.0, 6.0], abs=1e-6) == found

    def test_inference_piles_up_no_further_than_memory(self) -> None:
        """A thousand likes reach no more than E / ln 2 nats, and twenty mild dislikes turn them."""
        state = empty_state(half_life_days=math.inf, session_nats=math.inf)
        for number in range(1000):
            state = append(state, item(RESPONSE, f"r{number:04}", 0.5, number))
        assert 8.0 < read_state(state, 1000).own < 6 / math.log(2) + 0.5
        for number in range(20):
            state = append(state, item(RESPONSE, f"s{number:04}", -0.5, 1000 + number))
        assert read_state(state, 2000).own < 0

    def test_practice_adds_whatever_came_of_it(self) -> None:
        """Right or wrong, each response adds g beside its evidence; taken away, nothing of it is left."""
        empty = empty_state(
            half_life_days=math.inf, memory_nats=1e9, session_nats=math.inf, practice_nats=0.4
        )
        right, wrong = item(RESPONSE, "r1", 1.0, 0), item(RESPONSE, "r2", -1.0, DAY_US)
        state = append(append(empty, right), wrong)
        assert pytest.approx(0.8) == read_state(state, DAY_US).own
        assert pytest.approx((1.4, 0.6)) == (state.inferred_for, state.inferred_against)
        assert pytest.approx(1.4) == read_state(folded([right], empty), DAY_US).own
        weighed = crowded([], [wrong, right], empty)
        assert ["r2", "r1"] == [each.item.id for each in weighed]
        assert [0.4, 0.4] == [pytest.approx(each.practice) for each in weighed]
        assert [-0.6, 1.4] == [pytest.approx(each.term) for each in weighed]

    def test_practice_is_not_crowded_out_by_the_day(self) -> None:
        """What a day says again counts less, what it practises again does not; a statement practises nothing."""
        empty = empty_state(half_life_days=math.inf, memory_nats=1e9, session_nats=1.0, practice_nats=0.5)
        state = append(append(empty, item(RESPONSE, "r1", 1.0, 0)), item(RESPONSE, "r2", 1.0, 1))
        assert pytest.approx(1.5 + 1.0, abs=1e-6) == read_state(state, 1).own
        assert 2.0 == read_state(folded([item(STATED, "a", 2.0, 0)], empty), 0).own

    def test_uninformative_items_erode_nothing(self) -> None:
        """A thousand items of zero nats leave a belief where it was."""
        state = append(empty_state(half_life_days=math.inf), item(RESPONSE, "r", 3.0, 0))
        for number in range(1000):
            state = append(state, item(RESPONSE, f"s{number}", 0.0, number + 1))
        assert 3.0 == read_state(state, 1000).own


class TestStanding:
    """When a belief is held, contested, or neither."""

    @staticmethod
    def standing(
        items: Sequence[Item], *, base: float = 0.0, conflict: float = 0.0, lifecycle: Lifecycle = "open"
    ) -> str:
        """Return the standing right after these items."""
        state = replace(folded(items, empty_state(base)), conflict=conflict, lifecycle=lifecycle)
        return read_state(state, max((one.observed_us for one in items), default=0)).standing

    def test_much_for_and_much_against_is_contested(self) -> None:
        """Two nats on each side contest a belief, just less on one does not."""
        much = [item(IMPORTED, "a", CONTESTED_NATS, 0), item(RESPONSE, "r", -CONTESTED_NATS, 0)]
        less = [item(IMPORTED, "a", CONTESTED_NATS, 0), item(RESPONSE, "r", -CONTESTED_NATS + 1e-6, 0)]
        assert ("contested", "held") == (self.standing(much), self.standing(less))

    def test_stated_against_inferred_is_contested(self) -> None:
        """What the person said to be true is not overturned by inference: it is contested."""
        against = item(RESPONSE, "r", -1.5, 0)
        for slot in sorted(SPOKEN):
            assert "contested" == self.standing([item(slot, "a", 1.0, 0), replace(against, observed_us=1)])
        assert "held" == self.standing([item(IMPORTED, "a", 1.0, 0), against])
        assert "held" == self.standing([item(STATED, "a", -1.0, 0), against])
        assert "held" == self.standing([item(STATED, "a", 1.6, 0), against])

    def test_the_base_rate_counts_with_what_was_said(self) -> None:
        """A statement that does not reach one half with the base rate is not held against inference."""
        items = [item(STATED, "a", 1.0, 0), item(RESPONSE, "r", -1.5, 0)]
        assert ("held", "contested") == (self.standing(items, base=-1.0), self.standing(items, base=-0.9))

    def test_a_conflict_can_contest_what_was_said(self) -> None:
        """The whole is what is compared: a contradiction that takes a statement below one half contests it."""
        said = [item(STATED, "a", 1.0, 0)]
        assert ("held", "contested") == (self.standing(said), self.standing(said, conflict=-1.5))

    @given(st.sampled_from(["tentative", "superseded", "retired"]))
    def test_a_closed_life_is_its_own_standing(self, lifecycle: Lifecycle) -> None:
        """Tentative, superseded and retired beliefs are that, whatever the evidence."""
        items = [item(STATED, "a", 3.0, 0), item(RESPONSE, "r", -4.0, 0)]
        assert lifecycle == self.standing(items, lifecycle=lifecycle)

    def test_a_dispute_fades(self) -> None:
        """Much on both sides is no longer much when it has faded."""
        items = [item(IMPORTED, "a", 3.0, 0), item(RESPONSE, "r", -3.0, 0)]
        state = folded(items, empty_state(0.0, 10.0))
        assert ["contested", "held"] == [read_state(state, days * DAY_US).standing for days in (0, 30)]


class TestProbability:
    """Log-odds and probabilities."""

    @given(st.floats(0.001, 0.999))
    def test_logit_and_sigmoid_undo_each_other(self, probability: float) -> None:
        """A probability survives the way there and back."""
        assert pytest.approx(probability, rel=1e-12) == sigmoid(logit(probability))

    @given(st.floats(allow_nan=False))
    def test_a_confidence_stays_inside(self, log_odds: float) -> None:
        """Whatever the log-odds, the confidence lies in [.001, .999] and nothing overflows."""
        assert 0.001 <= to_confidence(log_odds) <= 0.999

    @given(st.integers(-(10**18), 10**18), half_lives)
    def test_fading_is_a_share(self, age_us: int, half_life: float) -> None:
        """A fade lies in [0, 1], is 1 for what is new or in the future, and ½ after one half-life."""
        assert 0.0 <= fade(age_us, half_life) <= 1.0
        assert 1.0 == fade(-abs(age_us), half_life)
        if math.isfinite(half_life):
            assert 0.5 == fade(round(half_life * DAY_US), half_life)
