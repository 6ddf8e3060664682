"""The detector of change: what it does to a belief that turns, and to one that does not."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph.graph.clock import DAY_US
from beliefgraph.graph.folding import append, counted, fold, weigh
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import PIN, RESPONSE, BeliefState, Item, read_state
from beliefgraph.graph.turns import Turn, counting, kept_before

B = BeliefId("b")
EMPTY = BeliefState(
    base=0.0, half_life_days=math.inf, memory_nats=6.0, reference_us=0, session_nats=1.0, change_nats=2.0
)


def daily(values: list[float], since: int = 0) -> list[Item]:
    """Return inferred items, one a day."""
    return [
        Item(belief_id=B, slot=RESPONSE, id=f"r{day:03}", nats=nats, observed_us=day * DAY_US)
        for day, nats in enumerate(values, start=since)
    ]


def folded(items: list[Item], empty: BeliefState = EMPTY, direct: list[Item] | None = None) -> BeliefState:
    """Fold items."""
    return fold(empty, direct or [], sorted(items, key=lambda item: item.order, reverse=True))


def turns(newest_first: list[Item], direct: list[Item] | None = None) -> list[Turn]:
    """Return where the evidence turned."""
    _, inferred = counted(direct or [], newest_first)
    return weigh(((item.observed_us, item.nats) for item in inferred), EMPTY).turns


def dislikes_to_turn(empty: BeliefState) -> int:
    """Count the mild dislikes, one a day, that take a belief of a hundred mild likes below one half."""
    state, day = folded(daily([0.45] * 100), empty), 100
    while read_state(state, day * DAY_US).own > 0:
        state = append(state, daily([-0.45], since=day)[0])
        day += 1
    return day - 100


def test_a_change_of_mind_is_followed_sooner() -> None:
    """After a hundred likes fewer dislikes turn a belief than memory alone would take."""
    assert (8, 14) == (dislikes_to_turn(EMPTY), dislikes_to_turn(replace(EMPTY, change_nats=math.inf)))


def test_the_turn_is_where_she_turned() -> None:
    """The run begins with the first dislike after the last like, and says what it keeps of what came before."""
    items = daily([0.5] * 20 + [-0.6] * 8)
    (turn,) = turns(items[::-1])
    assert (False, 20 * DAY_US) == (turn.up, turn.since_us)
    speaks = sum(0.6 * 2.0 ** (-0.6 * later / 6.0) for later in range(8))
    assert pytest.approx(speaks) == turn.nats
    assert pytest.approx(math.exp(2.0 - speaks)) == turn.kept


def test_one_bad_day_is_no_change() -> None:
    """A burst on one day, however long, stays below what counts as a change: it grows with the logarithm."""
    burst = [
        replace(item, observed_us=20 * DAY_US + place)
        for place, item in enumerate(daily([-0.6] * 8, since=20))
    ]
    assert [] == turns([*burst[::-1], *daily([0.5] * 20)[::-1]])


@given(st.lists(st.floats(0.0, 2.0), max_size=60), st.booleans())
def test_evidence_of_one_direction_never_turns(values: list[float], up: bool) -> None:
    """Where everything speaks one way, the state is the one without a detector."""
    items = daily([value if up else -value for value in values])
    plain = folded(items, replace(EMPTY, change_nats=math.inf))
    at_us = 100 * DAY_US
    assert pytest.approx(read_state(plain, at_us).own, abs=1e-12) == read_state(folded(items), at_us).own


@given(st.lists(st.floats(-2.0, 2.0), max_size=60), st.sampled_from([0.2, 1.0, 2.0, 5.0]))
def test_a_turn_only_ever_takes_from_what_came_before(values: list[float], change: float) -> None:
    """Support and opposition are at most what they are without a detector, and at least the latest run."""
    items, at_us = daily(values), 100 * DAY_US
    with_it = read_state(folded(items, replace(EMPTY, change_nats=change)), at_us)
    without = read_state(folded(items, replace(EMPTY, change_nats=math.inf)), at_us)
    assert with_it.support <= without.support + 1e-9
    assert with_it.opposition <= without.opposition + 1e-9


def test_what_she_said_herself_keeps_its_weight() -> None:
    """A run against a belief takes from what was inferred for it and nothing from what she stated."""
    stated = Item(belief_id=B, slot="source:stated", id="s", nats=3.0, observed_us=0)
    items = daily([0.5] * 20 + [-0.6] * 10)
    state = folded(items, direct=[stated])
    reading = read_state(state, 40 * DAY_US)
    assert turns(items[::-1], direct=[stated])
    assert 3.0 <= reading.support < 3.0 + state.inferred_for / 2


def test_a_pin_begins_anew() -> None:
    """What a person set masks what came before: a run from before it is no run any more."""
    pin = Item(belief_id=B, slot=PIN, id="p", nats=1.0, observed_us=29 * DAY_US)
    items = daily([0.5] * 20 + [-0.6] * 8)
    assert [] == turns(items[::-1], direct=[pin])
    state = folded(items, direct=[pin])
    assert (0.0, 0.0, 0.0, 0.0) == (state.up_for, state.up_against, state.down_for, state.down_against)


def test_taking_back_the_run_gives_back_what_came_before() -> None:
    """Without the dislikes the belief stands as if they had never come: a fold knows no detector that once fired."""
    likes, dislikes = daily([0.5] * 20), daily([-0.6] * 8, since=20)
    assert folded(likes) != folded([*likes, *dislikes])
    assert folded(likes) == folded([one for one in [*likes, *dislikes] if one not in dislikes])


@given(st.floats(0.0, 9.0), st.floats(0.0, 9.0))
def test_more_evidence_of_a_change_keeps_less(nats: float, more: float) -> None:
    """What is kept lies in (0, 1] and falls as the run speaks more."""
    assert 0.0 < kept_before(nats + more, 2.0) <= kept_before(nats, 2.0) <= 1.0


def test_two_turns_lie_one_in_the_other() -> None:
    """She turned away and back: what came before both counts least, what lies between them less than what is new."""
    total, down, up = (9.0, 6.0), (4.0, 6.0), (4.0, 0.5)
    assert pytest.approx((4.0 + 5.0 * math.exp(-1.5), 0.5 + 5.5 * math.exp(-1.5))) == counting(
        total, up, down, 2.0, 1.0
    )
    deep_down = (4.0, 7.0)
    for_, against = counting((9.0, 7.0), up, deep_down, 2.0, 1.0)
    outer, inner = math.exp(-1.0), math.exp(-1.5)
    assert pytest.approx(((5.0 * outer) * inner + 4.0, 6.5 * inner + 0.5)) == (for_, against)
