"""A user who gives the same whatever she thinks is recognised, not believed; everybody else is read as before."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph import Interpretation, Outcome
from beliefgraph.graph.model import Habit, Tally
from beliefgraph.ingest.habits import habit_of, habits_of
from tests.worlds import PARAMETERS, START, World, open_world, parameters_with

LIMITS = PARAMETERS.habits.model_copy(update={"share": 0.05})


def rate(world: World, values: Sequence[float], *, beliefs: int = 4, since: int = 0) -> list[Outcome]:
    """Rate responses, one a day, each resting on the next of a few beliefs."""
    outcomes = []
    for number, value in enumerate(values, start=since):
        world.clock.pass_time(days=1)
        world.ada.respond("an answer", beliefs=[f"b{number % beliefs}"], id=f"r{number}")
        outcomes.append(world.ada.signal("rating", value, response=f"r{number}", id=f"s{number}"))
    return outcomes


def held(world: World, beliefs: int = 4) -> None:
    """Hold a few beliefs that are likely, not certain."""
    for number in range(beliefs):
        world.ada.believe(f"taste number{number}", id=f"b{number}", confidence=0.6, source="imported")


def confidences(world: World) -> list[float]:
    """Return the confidences of the beliefs, by id."""
    return [belief.confidence for belief in sorted(world.ada.beliefs(), key=lambda belief: belief.id)]


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_who_always_gives_the_same_is_not_believed(value: float) -> None:
    """Forty ratings, all the same, move a belief hardly more than the first ten did; without the model far further."""
    lasting = {}
    for share in (0.05, 0.0):
        with open_world(parameters=parameters_with(habits__share=share)) as world:
            held(world)
            rate(world, [value] * 12)
            after_twelve = confidences(world)
            outcomes = rate(world, [value] * 28, since=12)
            lasting[share] = max(abs(b - a) for a, b in zip(after_twelve, confidences(world), strict=True))
            assert (share > 0.0) == (outcomes[-1].interpretation.reason == "habit")
            assert world.graph.verify().ok
    assert 4 * lasting[0.05] < lasting[0.0]


def test_a_habit_is_a_cause_that_is_named() -> None:
    """The causes sum to 1 with the habit among them, the response carries it, and the explanation says it in words."""
    with open_world() as world:
        held(world, beliefs=1)
        read = rate(world, [-1.0] * 14, beliefs=1)[-1].interpretation
        assert read.causes["habit"] > 0.8
        assert pytest.approx(1.0) == sum(read.causes.values())
        habit = world.ada.response("r13").habits["rating"]
        assert (habit.regardless > 0.8, habit.good < 0.05) == (True, True)
        assert "of a kind that she gives to almost everything, so they say little" in str(
            world.ada.explain("b0")
        )
        world.ada.believe("a taste without a history", id="fresh", confidence=0.6, source="imported")
        world.ada.respond("an answer", beliefs=["fresh"], id="last")
        world.ada.signal("rating", -1, response="last")
        assert "she gives that to almost everything, so it says little" in str(world.ada.explain("fresh"))


def test_one_signal_the_other_way_tells_more_than_the_habit() -> None:
    """A like from someone who dislikes nearly everything moves a belief more than one more dislike."""
    with open_world() as world:
        held(world)
        outcomes = rate(world, [-1.0] * 14 + [1.0])
        like, dislike = outcomes[-1].interpretation, outcomes[-2].interpretation
        assert like.delta > 0 > dislike.delta
        assert like.delta > 3 * -dislike.delta


def test_what_is_foreseen_of_her_knows_the_habit() -> None:
    """Of one who dislikes everything a thumbs-down is foreseen, now and as of then; that she is content, as before."""
    with open_world() as world:
        held(world)
        before, satisfied = world.ada.predict(["b0"], kind="rating"), world.ada.predict(["b0"])
        then = world.clock.now
        rate(world, [-1.0] * 14)
        assert world.ada.predict(["b0"], kind="rating") < 0.1
        assert world.ada.predict(["b0"], kind="rating") == world.ada.predict(
            ["b0"], kind="rating", as_of=world.clock.now
        )
        assert before == pytest.approx(world.ada.predict(["b0"], kind="rating", as_of=then), abs=1e-6)
        assert satisfied == pytest.approx(world.ada.predict(["b0"], as_of=then), abs=1e-6)
        assert world.ada.predict(["b0"], kind="answer") > 0.2
        told = world.ada.curve().stages[-1].scores["self_model"].log_loss.value
        alone = world.ada.curve().stages[-1].scores["without_learning"].log_loss.value
        assert told is not None and alone is not None
        assert told < alone / 2


def test_from_when_on_a_habit_counts_are_parameters() -> None:
    """A habit that is noted later leaves what came before as it was; one that foretells earlier is foreseen earlier."""
    noted, foreseen = {}, {}
    for name, changes in (("shipped", {}), ("later", {"noted": 0.9}), ("earlier", {"foretells": 0.3})):
        changed = {f"habits__{field}": value for field, value in changes.items()}
        with open_world(parameters=parameters_with(**changed)) as world:
            held(world)
            rate(world, [-1.0] * 4)
            noted[name] = [bool(response.habits) for response in reversed(world.ada.responses())]
            foreseen[name] = world.ada.predict(["b0"], kind="rating")
    assert [False, False, True, True] == noted["shipped"] == noted["earlier"]
    assert [False] * 4 == noted["later"]
    assert foreseen["earlier"] < foreseen["shipped"] / 2


@pytest.mark.parametrize("values", [[1.0, -1.0] * 15, [1.0, 1.0, -1.0] * 10, [-1.0, -1.0, 1.0] * 10])
def test_an_honest_user_is_read_as_without_the_model(values: list[float]) -> None:
    """Whoever likes some and dislikes some has no habit on record, and every confidence is what it was without."""
    found = []
    for share in (0.05, 0.0):
        with open_world(parameters=parameters_with(habits__share=share)) as world:
            held(world)
            rate(world, values)
            assert [{}] * len(values) == [response.habits for response in world.ada.responses(limit=100)]
            found.append(confidences(world))
    assert found[0] == found[1]


def test_other_kinds_are_believed() -> None:
    """A habit of ratings says nothing of what she copies, and a student who errs always has no habit."""
    with open_world() as world:
        held(world)
        rate(world, [-1.0] * 14)
        world.ada.respond("an answer", beliefs=["b0"], id="copied")
        assert world.ada.signal("copy", response="copied").interpretation.reason == "satisfied"
    with open_world() as world:
        held(world)
        for number in range(14):
            world.ada.respond("an exercise", beliefs=["b0"], id=f"r{number}")
            world.ada.signal("answer", 0, response=f"r{number}")
        assert {} == world.ada.response("r13").habits


def _last(world: World) -> Interpretation:
    return rate(world, [-1.0], since=90)[-1].interpretation


def test_what_was_recorded_stays_as_it_was_read() -> None:
    """Retracting what showed a habit leaves what came since as it was read then; the next response is read anew."""
    with open_world() as world:
        held(world)
        rate(world, [-1.0] * 14)
        item = world.ada.revisions("b1")[-1].item
        assert item is not None and item.id == "r13"
        for number in range(13):
            world.ada.retract(f"s{number}")
        kept = [r.item for r in world.ada.revisions("b1") if r.item is not None and r.item.id == "r13"]
        assert [item.nats] * len(kept) == [each.nats for each in kept]
        assert "habit" not in _last(world).causes
        assert world.graph.verify().ok


def test_a_rating_that_was_changed_counts_as_it_is_now() -> None:
    """Repeats are one, a changed rating takes the old one back, and what came late and older counts for nothing."""
    with open_world() as world:
        held(world)
        rate(world, [-1.0] * 3)
        once = _tallies(world)
        for _ in range(5):
            world.ada.signal("rating", -1, response="r1")
        assert once == _tallies(world)
        world.ada.signal("rating", 1, response="r1", id="changed")
        assert (1.0, 2.0) == (_tallies(world).good, _tallies(world).bad)
        world.ada.signal("rating", -0.5, response="r1", at=START - timedelta(days=1))
        assert (1.0, 2.0) == (_tallies(world).good, _tallies(world).bad)
        world.ada.retract("changed")
        assert once == _tallies(world)
        world.ada.signal("rating", 1, response="r2", tags=["mistake"])
        assert (0.0, 2.0) == (_tallies(world).good, _tallies(world).bad)
        assert world.graph.verify().ok


def _tallies(world: World) -> Tally:
    read = world.graph._pipeline.store.read(world.ada._scope, lambda reader: reader.head().tallies["rating"])
    return Tally(good=round(read.good, 9), bad=round(read.bad, 9), nats=round(read.nats, 9))


@given(st.floats(0, 200), st.floats(0, 200), st.floats(-300, 0))
def test_a_habit_is_a_probability(good: float, bad: float, nats: float) -> None:
    """Whatever was counted, both numbers lie in [0, 1], and swapping good and bad swaps the habit."""
    one, other = (habit_of(Tally(good=g, bad=b, nats=nats), LIMITS) for g, b in ((good, bad), (bad, good)))
    assert 0.0 <= one.regardless <= 1.0 and 0.0 < one.good < 1.0
    assert pytest.approx((one.regardless, one.good)) == (other.regardless, 1.0 - other.good)


def test_nothing_counted_is_no_habit() -> None:
    """A new user, and a kind that is not counted, have none; a share of 0 switches it off."""
    nothing, always = Tally(good=0.0, bad=0.0, nats=0.0), Tally(good=0.0, bad=30.0, nats=-20.0)
    assert Habit(regardless=0.05, good=0.5) == habit_of(nothing, LIMITS)
    assert {} == habits_of({"rating": nothing, "answer": always}, PARAMETERS)
    assert ["rating"] == list(habits_of({"rating": always}, PARAMETERS))
    assert {} == habits_of({"rating": always}, parameters_with(habits__share=0.0))
