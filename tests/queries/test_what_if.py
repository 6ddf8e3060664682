"""What if: the confidences had a signal not come, or if one came now; nothing is written."""

from typing import Any

import pytest
from hypothesis import given, settings

from beliefgraph import WhatIf
from beliefgraph.graph.errors import InvalidInputError, NotFoundError, UnknownSignalKindError
from tests.embedders import CONTRADICTION
from tests.worlds import SCRIPT, STATEMENTS, Step, World, histories, near, open_world, play


def _beliefs(world: World) -> dict[str, tuple[Any, ...]]:
    """Return what is read of each belief now, but for when it last changed."""
    return {b.id: (near(b.confidence), b.standing, b.context) for b in world.ada.beliefs(limit=1000)}


def _after(world: World, supposed: WhatIf) -> dict[str, tuple[Any, ...]]:
    """Return what would be read of each belief, had what was supposed happened."""
    for shift in supposed.shifts:
        assert world.ada.belief(shift.now.id) == shift.now
    changed = {shift.supposed.id: shift.supposed for shift in supposed.shifts}
    changed |= {belief.id: belief for belief in supposed.spawned}
    return _beliefs(world) | {b.id: (near(b.confidence), b.standing, b.context) for b in changed.values()}


@settings(max_examples=15)
@given(histories())
def test_without_a_signal_is_what_its_retraction_leaves(steps: list[Step]) -> None:
    """For every signal of any history: what would be is what is after it was taken back; asking changes nothing."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        world.clock.pass_time(days=1)
        for signal in world.ada.signals(limit=1000):
            content = world.content()
            expected = _after(world, world.ada.what_if(without=signal.id))
            dry = world.ada.retract(signal.id, dry_run=True)
            assert content == world.content()
            if signal.retracted_at is not None:
                assert WhatIf(shifts=(), spawned=(), conflicts=()) == world.ada.what_if(without=signal.id)
            outcome = world.ada.retract(signal.id)
            assert (dry.interpretation, dry.spawned) == (outcome.interpretation, outcome.spawned)
            assert [r.after for r in dry.revisions] == [r.after for r in outcome.revisions]
            assert expected == _beliefs(world)


@pytest.mark.parametrize(
    "signal",
    [
        {"kind": "rating", "value": -1, "response": "r0", "tags": ["unwanted"]},
        {"kind": "deny", "belief": "b0"},
        {"kind": "rating", "value": 1, "response": "r0", "context": {"device": "mobile"}},
    ],
)
def test_a_signal_that_came_now_is_what_it_would_be(signal: dict[str, Any]) -> None:
    """What would be is what is after the signal was sent; asking changes nothing."""
    with open_world(script=SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.believe(STATEMENTS[4], id="b4", confidence=0.6)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        content = world.content()
        supposed = world.ada.what_if(**signal)
        expected = _after(world, supposed)
        assert content == world.content()
        assert {"b0", "b4"} == {shift.now.id for shift in supposed.shifts}
        moved = [abs(shift.supposed.confidence - shift.now.confidence) for shift in supposed.shifts]
        assert sorted(moved, reverse=True) == moved
        world.ada.signal(**signal)
        assert expected == _beliefs(world)


def test_what_a_pin_hides_would_change_nothing() -> None:
    """A belief whose confidence a person set later is not named: it would be as it is."""
    with open_world(script=SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        world.clock.pass_time(days=1)
        world.ada.amend("b0", confidence=0.95)
        assert "Nothing would be different." == str(world.ada.what_if(without="s0"))


def test_what_would_be_is_said_in_words() -> None:
    """The prose names each belief with what it is and would be, what would be spawned, and what would conflict."""
    with open_world(script={("hates examples", "wants examples"): CONTRADICTION}) as world:
        world.ada.believe("wants examples", id="b0", confidence=0.8)
        supposed = world.ada.what_if("statement", text="hates examples")
        (shift,), (spawned,), (conflict,) = supposed.shifts, supposed.spawned, supposed.conflicts
        told = str(supposed)
        assert (
            f"would be at {100 * shift.supposed.confidence:.0f} %, {shift.supposed.standing}; it is at 80 %, held"
            in told
        )
        assert f"“hates examples” would be spawned, at {100 * spawned.confidence:.0f} %" in told
        assert f"would contradict each other: {conflict.status}" in told
        assert "Nothing would be different." == str(world.ada.what_if("consent", True))


def test_wrong_suppositions_are_errors() -> None:
    """What cannot be supposed is an error that names the field, the kind or the id."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.signal("confirm", belief="b0", id="s0")
        for wrong, field in (
            ({}, "kind"),
            ({"kind": "rating", "without": "s0"}, "without"),
            ({"without": "s0", "belief": "b0"}, "without"),
            ({"without": "a/b"}, "without"),
            ({"kind": "confirm"}, "belief"),
            ({"kind": "confirm", "belief": "b0", "tags": "x"}, "tags"),
        ):
            with pytest.raises(InvalidInputError) as caught:
                world.ada.what_if(**wrong)  # type: ignore[arg-type]
            assert field == caught.value.field
        with pytest.raises(InvalidInputError, match="must be given, or without"):
            world.ada.what_if()
        with pytest.raises(NotFoundError):
            world.ada.what_if(without="nothing")
        with pytest.raises(NotFoundError):
            world.graph.user("bob").what_if(without="s0")
        with pytest.raises(UnknownSignalKindError):
            world.ada.what_if("applause", belief="b0")
