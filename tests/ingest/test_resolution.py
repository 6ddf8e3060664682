"""Conflicts decided: by a person, by the job; every decision is a revision and can be taken back."""

import pytest

from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from tests.embedders import CONTRADICTION, SUSPICION
from tests.worlds import World, open_world

pytestmark = pytest.mark.usefixtures("either_store")

TEA, COFFEE, WATER = (
    "drinks tea in the morning",
    "drinks coffee in the morning",
    "drinks water in the morning",
)
PAIR = {(COFFEE, TEA): CONTRADICTION}


def _conflict(world: World, *, first: str = "stated", second: str = "stated") -> str:
    """Let Ada hold two beliefs that contradict each other, a day apart; return the conflict's id."""
    world.ada.believe(TEA, id="b0", confidence=0.8, source=first)  # type: ignore[arg-type]
    world.clock.pass_time(days=1)
    world.ada.believe(COFFEE, id="b1", confidence=0.8, source=second)  # type: ignore[arg-type]
    (conflict,) = world.ada.conflicts()
    return conflict.id


def _standings(world: World) -> list[str]:
    return [world.ada.belief(name).standing for name in ("b0", "b1")]


def _confidences(world: World) -> list[float]:
    return [world.ada.belief(name).confidence for name in ("b0", "b1")]


def test_a_person_keeps_one() -> None:
    """The other is superseded with a revision caused by the conflict, and no longer weighs on the one that stands."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        resolved = world.ada.resolve(conflict, keep="b0", reason="she asked")
        assert ("resolved", "kept: she asked (kept b0)") == (resolved.status, resolved.reason)
        assert ["held", "superseded"] == _standings(world)
        assert pytest.approx(0.8, abs=1e-3) == world.ada.belief("b0").confidence
        last = world.ada.revisions("b1")
        assert ("retire", "conflict", conflict) in {(r.action, r.cause_kind, r.cause_id) for r in last}
        assert world.graph.verify().ok


@pytest.mark.parametrize("decision", ["keep", "scope", "dismiss", "confirm"])
def test_every_decision_can_be_taken_back(decision: str) -> None:
    """After undo, confidences, standings and contexts are what they were, and the conflict stands as before."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        before = _confidences(world), _standings(world)
        chosen = {
            "keep": {"keep": "b1"},
            "scope": {"scope": {"b0": {"day": "sunday"}, "b1": {"day": "monday"}}},
            "dismiss": {"dismiss": True},
            "confirm": {"confirm": True},
        }[decision]
        world.ada.resolve(conflict, **chosen)  # type: ignore[arg-type]
        undone = world.ada.resolve(conflict, undo=True)
        assert "confirmed" == undone.status
        assert pytest.approx(before[0]) == _confidences(world)
        assert before[1] == _standings(world)
        assert [{}, {}] == [world.ada.belief(name).context for name in ("b0", "b1")]
        assert world.graph.verify().ok


@pytest.mark.parametrize(
    "decision",
    [
        {"keep": "b1", "reason": "she asked"},
        {"scope": {"b0": {"day": "sunday"}, "b1": {"day": "monday"}}},
        {"dismiss": True},
        {"confirm": True},
        {"undo": True},
    ],
)
def test_the_same_decision_again_writes_nothing(decision: dict[str, object]) -> None:
    """It is answered as the first time; with another reason it is another decision."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        if "undo" in decision:
            world.ada.resolve(conflict, keep="b0")
        decided = world.ada.resolve(conflict, **decision)  # type: ignore[arg-type]
        seq = world.ada.sequence()
        world.clock.pass_time(days=1)
        assert decided == world.ada.resolve(conflict, **decision)  # type: ignore[arg-type]
        assert seq == world.ada.sequence()
        if "undo" not in decision:
            world.ada.resolve(conflict, **{**decision, "reason": "and once more"})  # type: ignore[arg-type]
            assert seq < world.ada.sequence()


def test_what_nobody_decided_cannot_be_taken_back() -> None:
    """An undo of a conflict as it was found changes nothing, and the job still decides it."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        (found,) = world.ada.conflicts()
        assert found == world.ada.resolve(conflict, undo=True)
        assert ["keep"] == [decision.verdict for decision in world.ada.resolve_conflicts()]


def test_a_decision_can_be_changed() -> None:
    """Keeping the other one afterwards brings back the first loser."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        world.ada.resolve(conflict, keep="b0")
        world.ada.resolve(conflict, keep="b1")
        assert ["superseded", "held"] == _standings(world)
        world.ada.resolve(conflict, undo=True)
        assert "superseded" not in _standings(world)


def test_dismissal_leaves_nothing_behind() -> None:
    """Both beliefs stand as if they had never met."""
    with open_world(script=PAIR) as world:
        world.ada.resolve(_conflict(world), dismiss=True)
        assert pytest.approx([0.8, 0.8], abs=1e-3) == _confidences(world)


def test_a_person_can_confirm_a_suspicion() -> None:
    """A doubtful edge moves nothing until somebody says that it is right."""
    with open_world(script={(COFFEE, TEA): SUSPICION}) as world:
        conflict = _conflict(world)
        assert [] == world.ada.resolve_conflicts()
        confirmed = world.ada.resolve(conflict, confirm=True)
        assert ("confirmed", "person") == (confirmed.status, confirmed.detector)
        assert max(_confidences(world)) < 0.75


@pytest.mark.parametrize(
    ("first", "second", "kept", "reason"),
    [
        ("stated", "stated", "b1", "newer"),
        ("stated", "inferred", "b0", "stated"),
        ("inferred", "stated", "b1", "stated"),
        ("imported", "inferred", None, "undecided"),
    ],
)
def test_what_the_job_decides(first: str, second: str, kept: str | None, reason: str) -> None:
    """Said beats inferred, said later beats said earlier; what nothing decides is asked and not moved."""
    with open_world(script=PAIR) as world:
        _conflict(world, first=first, second=second)
        before = len(world.ada.revisions("b0")) + len(world.ada.revisions("b1"))
        (planned,) = world.ada.resolve_conflicts(dry_run=True)
        assert before == len(world.ada.revisions("b0")) + len(world.ada.revisions("b1"))
        (decision,) = world.ada.resolve_conflicts()
        assert planned == decision
        assert (kept, reason) == (decision.keep, decision.reason)
        if kept is None:
            assert "ask" == decision.verdict
            assert [decision] == world.ada.resolve_conflicts()
        else:
            assert "superseded" == world.ada.belief("b0" if kept == "b1" else "b1").standing
            assert [] == world.ada.resolve_conflicts()
        assert world.graph.verify().ok


def test_a_stated_belief_that_inference_overruled_is_asked_about() -> None:
    """No job retires what she said because of what was read off her ratings."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        for number in range(12):
            response = world.ada.respond(f"answer {number}", beliefs=["b0"])
            world.ada.signal("rating", -1, response=response.id)
            world.clock.pass_time(hours=1)
        (decision,) = world.ada.resolve_conflicts()
        assert (conflict, "ask", "stated_against_inferred") == (
            decision.conflict_id,
            decision.verdict,
            decision.reason,
        )


def test_contexts_that_never_meet_scope_both() -> None:
    """Evidence for one at work alone and for the other at home alone: both are right, each in its context."""
    with open_world(script=PAIR) as world:
        _conflict(world, first="inferred", second="inferred")
        for number in range(3):
            for belief, place in (("b0", "work"), ("b1", "home")):
                world.clock.pass_time(hours=1)
                response = world.ada.respond(f"answer {number} {place}", beliefs=[belief])
                world.ada.signal("rating", 1, response=response.id, context={"place": place})
        (decision,) = world.ada.resolve_conflicts()
        assert ("scope", "contexts") == (decision.verdict, decision.reason)
        assert [{"place": "work"}, {"place": "home"}] == [world.ada.belief(b).context for b in ("b0", "b1")]
        assert [] == world.ada.resolve_conflicts()


def test_what_is_said_again_puts_the_conflict_up_again() -> None:
    """She says the superseded belief anew: it is back, the conflict is open, and now the newer word wins."""
    with open_world(script=PAIR) as world:
        _conflict(world)
        world.ada.resolve_conflicts()
        assert ["superseded", "held"] == _standings(world)
        world.clock.pass_time(days=1)
        world.ada.believe(TEA)
        assert ["confirmed"] == [conflict.status for conflict in world.ada.conflicts()]
        (decision,) = world.ada.resolve_conflicts()
        assert ("b0", "newer") == (decision.keep, decision.reason)
        assert ["held", "superseded"] == _standings(world)


def test_a_retracted_winner_gives_back_what_it_replaced() -> None:
    """What a signal stated won; the signal is taken back, and so is the decision."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8)
        world.clock.pass_time(days=1)
        signal = world.ada.signal("statement", text=COFFEE)
        world.ada.resolve_conflicts()
        assert "superseded" == world.ada.belief("b0").standing
        world.ada.retract(signal.signal.id)
        assert "held" == world.ada.belief("b0").standing
        assert pytest.approx(0.8, abs=1e-3) == world.ada.belief("b0").confidence
        assert world.graph.verify().ok


def test_a_confirmation_taken_back_leaves_the_suspicion() -> None:
    """After undo the edge has the strength and the detector that it had, and moves nothing."""
    with open_world(script={(COFFEE, TEA): SUSPICION}) as world:
        conflict = _conflict(world)
        (before,) = world.ada.conflicts()
        world.ada.resolve(conflict, confirm=True)
        after = world.ada.resolve(conflict, undo=True)
        assert (before.status, before.strength, before.detector) == (
            after.status,
            after.strength,
            after.detector,
        )
        assert pytest.approx([0.8, 0.8], abs=1e-3) == _confidences(world)


def test_the_job_does_not_decide_again_what_was_undone() -> None:
    """A person took the decision back: the job asks, until one of the two is said again."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        world.ada.resolve_conflicts()
        world.clock.pass_time(days=1)
        world.ada.resolve(conflict, undo=True, reason="one project only")
        for _ in range(2):
            assert [("ask", "undone")] == [(d.verdict, d.reason) for d in world.ada.resolve_conflicts()]
        assert "superseded" not in _standings(world)
        world.clock.pass_time(days=1)
        world.ada.believe(TEA)
        assert [("b0", "newer")] == [(d.keep, d.reason) for d in world.ada.resolve_conflicts()]


def test_what_holds_in_contexts_apart_is_not_decided() -> None:
    """Two beliefs that a person put into contexts that exclude each other both stand, also after the job."""
    with open_world(script=PAIR) as world:
        _conflict(world)
        world.ada.amend("b0", context={"place": "home"})
        world.ada.amend("b1", context={"place": "work"})
        assert [] == world.ada.resolve_conflicts()
        assert ["held", "held"] == _standings(world)


def test_what_was_dismissed_stays_dismissed() -> None:
    """Neither the job nor saying it again puts a pair up again that a person said is none."""
    with open_world(script=PAIR) as world:
        world.ada.resolve(_conflict(world), dismiss=True)
        world.clock.pass_time(days=1)
        world.ada.believe(TEA)
        world.ada.amend("b1", retired=True)
        world.ada.amend("b1", retired=False)
        assert [] == world.ada.resolve_conflicts()
        assert ["dismissed"] == [each.status for each in world.ada.conflicts()]
        assert ["held", "held"] == _standings(world)


def test_bad_decisions_change_nothing() -> None:
    """An unknown conflict, none or two decisions at once, a belief of another conflict."""
    with open_world(script=PAIR) as world:
        conflict = _conflict(world)
        with pytest.raises(NotFoundError, match="there is no conflict"):
            world.ada.resolve("c_nothing", dismiss=True)
        for wrong in ({}, {"keep": "b0", "dismiss": True}):
            with pytest.raises(InvalidInputError, match="keep: must be given alone, or"):
                world.ada.resolve(conflict, **wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="keep: must name b0 or b1"):
            world.ada.resolve(conflict, keep="b7")
        assert ["confirmed"] == [each.status for each in world.ada.conflicts()]


def test_as_of_shows_what_stood_before_a_decision() -> None:
    """Edges and standings are read as they were."""
    with open_world(script=PAIR) as world:
        _conflict(world)
        then = world.clock()
        world.clock.pass_time(hours=1)
        world.ada.resolve_conflicts()
        assert ["confirmed"] == [each.status for each in world.ada.conflicts(as_of=then)]
        assert "superseded" != world.ada.belief("b0", as_of=then).standing
