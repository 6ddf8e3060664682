"""What was foreseen and what came, read back from records, whatever was learned since."""

from datetime import timedelta

import pytest

from beliefgraph.curve import read_interactions
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.model import GeneratedBy
from beliefgraph.queries.curve import Interaction
from tests.worlds import PARAMETERS, START, World, open_world


def _read(world: World, **options: int) -> list[Interaction]:
    pipeline, scope = world.graph._pipeline, world.ada._scope
    return pipeline.store.read(scope, lambda reader: read_interactions(reader, PARAMETERS, **options))


def _rated(world: World, number: int, value: float, *beliefs: str) -> None:
    world.ada.respond("an answer", beliefs=[GeneratedBy(belief_id=b) for b in beliefs], id=f"r{number}")  # type: ignore[arg-type]
    world.ada.signal("rating", value, response=f"r{number}", id=f"s{number}")


def test_what_was_foreseen_is_worked_out_from_the_snapshot() -> None:
    """P(good) of each response is what `predict` said just before it was recorded, though much was learned since."""
    with open_world() as world:
        short = world.ada.believe("Prefers short answers", confidence=0.7).id
        said = []
        for number, value in enumerate((1.0, -1.0, -1.0)):
            said.append(world.ada.predict([short], kind="rating"))
            _rated(world, number, value, short)
        found = _read(world)
        assert pytest.approx(said) == [each.foreseen for each in found]
        assert [True, False, False] == [each.good for each in found]
        assert pytest.approx([said[0]] * 3) == [each.unlearned for each in found]
        assert pytest.approx(0.7, abs=1e-3) == found[2].behind[0].first
        assert found[2].behind[0].then < 0.7


def test_a_response_counts_once_with_its_first_outcome() -> None:
    """Neither a second signal, nor a neutral one, nor a click, nor a response without beliefs is an interaction."""
    with open_world() as world:
        short = world.ada.believe("Prefers short answers").id
        for number in range(3):
            world.ada.respond("an answer", beliefs=[short], id=f"r{number}")
        world.ada.signal("click", response="r0")
        world.ada.signal("rating", 0.0, response="r1")
        world.ada.signal("stars", 2, response="r2")
        world.ada.signal("rating", 1.0, response="r2")
        unfounded = world.ada.respond("another answer")
        world.ada.signal("rating", 1.0, response=unfounded.id)
        (only,) = _read(world)
        assert ("stars", False) == (only.kind, only.good)


def test_a_retracted_signal_is_none_but_was_one_at_the_time() -> None:
    """Without it the next signal on the response counts; as of a time before the retraction it is still there."""
    with open_world() as world:
        short = world.ada.believe("Prefers short answers").id
        _rated(world, 0, -1.0, short)
        before = world.clock.now
        world.clock.pass_time(minutes=1)
        world.ada.retract("s0")
        assert [] == _read(world)
        world.ada.signal("stars", 5, response="r0")
        assert [True] == [each.good for each in _read(world)]
        assert [False] == [each.good for each in _read(world, as_of_us=to_us(before))]


def test_time_never_goes_back_within_a_user() -> None:
    """What was observed earlier but recorded later comes in the order of the records."""
    with open_world() as world:
        short = world.ada.believe("Prefers short answers").id
        _rated(world, 0, 1.0, short)
        world.ada.respond("late", beliefs=[short], id="r1", at=START - timedelta(days=3))
        world.ada.signal("rating", 1.0, response="r1", at=START - timedelta(days=2))
        first, late = _read(world)
        assert to_us(START) == first.foreseen_us == late.foreseen_us == late.learned_us
        assert first.foreseen_seq < first.learned_seq < late.foreseen_seq < late.learned_seq
