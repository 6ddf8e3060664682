"""The difference between two times: what came, went, came back and moved, with causes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from beliefgraph.graph.errors import InvalidInputError
from tests.worlds import START, STATEMENTS, World, open_world


def _whats(world: World, start: datetime, end: datetime | None = None) -> dict[str, str]:
    return {each.after.id: each.what for each in world.ada.diff(start, end).differences}


def test_beliefs_come_go_come_back_and_move() -> None:
    """Each belief that changed is named once, with what became of it; the others are not."""
    with open_world() as world:
        for number in range(4):
            world.ada.believe(STATEMENTS[number], id=f"b{number}", kind="fact")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.amend("b3", retired=True)
        first = world.clock.now
        world.clock.pass_time(hours=1)
        world.ada.signal("rating", -1, response="r0", id="s0")
        world.ada.amend("b1", retired=True, reason="not any more")
        world.ada.believe("prefers dark themes", id="b9")
        world.ada.amend("b3", retired=False)
        second = world.clock.now
        assert {"b9": "added", "b1": "gone", "b3": "back", "b0": "moved"} == _whats(world, first)
        world.clock.pass_time(hours=1)
        world.ada.amend("b1", retired=False)
        assert {"b9": "added", "b1": "gone", "b3": "back", "b0": "moved"} == _whats(world, first, second)
        assert {"b1": "back"} == _whats(world, second)
        assert {"b1": "moved", "b9": "added", "b3": "back", "b0": "moved"} == _whats(world, first)


def test_a_difference_has_both_readings_and_its_causes() -> None:
    """Each difference carries the belief as it was served at both times, and the latest revisions between."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        start, before = world.clock.now, world.ada.belief("b0")
        for number in range(14):
            world.clock.pass_time(hours=1)
            world.ada.respond("an answer", beliefs=["b0"], id=f"r{number}")
            world.ada.signal("rating", -1, response=f"r{number}")
        (found,) = world.ada.diff(start).differences
        assert (before, world.ada.belief("b0")) == (found.before, found.after)
        assert tuple(world.ada.revisions("b0")[-10:]) == found.causes
        assert 4 == found.left_out
        assert found.after.confidence - before.confidence == found.delta < 0
        middle = world.ada.revisions("b0")[5].recorded_at
        (found,) = world.ada.diff(start, middle).differences
        assert (tuple(world.ada.revisions("b0")[1:6]), 0) == (found.causes, found.left_out)
        assert world.ada.belief("b0", as_of=middle) == found.after


def test_fading_alone_is_a_difference_without_a_cause() -> None:
    """A belief that faded by more than half a percent is named, and one that faded by less is not."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", kind="state", confidence=0.9)
        world.ada.believe(STATEMENTS[1], id="b1", kind="fact", confidence=0.9)
        world.clock.pass_time(days=2)
        found = world.ada.diff(START)
        assert [("b0", "moved", ())] == [(e.after.id, e.what, e.causes) for e in found.differences]
        assert "(faded)" in str(found)


def test_the_prose_tells_what_changed_and_why() -> None:
    """The prose names the times, each belief with where it was and is, and the causes in words."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.clock.pass_time(hours=1)
        world.ada.signal("rating", -1, response="r0", id="s0", tags=["unwanted"])
        told = str(world.ada.diff(START))
        assert told.startswith("What changed between 2026-03-01 12:00 and 2026-03-01 13:00:\n")
        assert f"  moved: “{STATEMENTS[0]}” from 80 %" in told
        assert "signal s0 (-" in told and "nats, belief wrong)" in told
        now = world.clock.now
        world.clock.pass_time(seconds=1)
        assert "Nothing changed between" in str(world.ada.diff(now))


def test_what_goes_beyond_the_limit_is_counted() -> None:
    """With a limit the beliefs moved most come first, and the rest is counted."""
    with open_world() as world:
        before = world.clock.now - timedelta(hours=1)
        for number, confidence in enumerate((0.2, 0.9, 0.6)):
            world.ada.believe(STATEMENTS[number], id=f"b{number}", confidence=confidence)
        found = world.ada.diff(before, world.clock.pass_time(seconds=1), limit=2)
        assert (["b1", "b2"], 1) == ([each.after.id for each in found.differences], found.left_out)
        assert "… and 1 more" in str(found)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"start": START + timedelta(days=9)}, "start"),
        ({"start": START}, "start"),
        ({"start": START.replace(tzinfo=None)}, "start"),
        ({"start": "2026-01-01"}, "start"),
        ({"start": START, "end": START.replace(tzinfo=None)}, "end"),
        ({"start": START - timedelta(days=1), "limit": 0}, "limit"),
    ],
)
def test_wrong_times_name_the_field(asked: dict[str, Any], field: str) -> None:
    """What cannot be compared is an error that names the field."""
    with open_world() as world, pytest.raises(InvalidInputError) as caught:
        world.ada.diff(**asked)
    assert field == caught.value.field


def test_of_somebody_new_nothing_changed() -> None:
    """Before anything was recorded there is nothing to compare, and that is no error."""
    with open_world() as world:
        assert () == world.graph.user("bob").diff(START - timedelta(days=1)).differences
