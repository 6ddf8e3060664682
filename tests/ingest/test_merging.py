"""Two beliefs that say the same, merged: the evidence of both counts once, now and later, and it can be taken back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from beliefgraph.graph.errors import InvalidInputError
from tests.embedders import CONTRADICTION, EQUIVALENT, SUSPICION
from tests.worlds import World, open_world

SHORT, BRIEF = "wants short answers", "wants brief answers"


on_both_stores = pytest.mark.usefixtures("either_store")


@contextmanager
def _duplicates(tenant: str = "default") -> Iterator[tuple[World, str]]:
    """Let Ada hold two beliefs that say the same, each with a response of its own, and one of both."""
    with open_world(script={(BRIEF, SHORT): EQUIVALENT}, tenant=tenant) as world:
        world.ada.believe(SHORT, id="b0", confidence=0.8)
        world.ada.believe(BRIEF, id="b1", confidence=0.6)
        for number, behind in enumerate([["b0"], ["b1"], ["b0", "b1"]]):
            world.clock.pass_time(hours=1)
            world.ada.respond("42", beliefs=behind, id=f"r{number}")
            world.ada.signal("rating", id=f"s{number}", value=1.0, response=f"r{number}")
        (duplicate,) = world.ada.duplicates()
        yield world, duplicate.id


def _evidence(world: World, belief: str = "b0") -> set[tuple[str, str]]:
    return {(each.source, each.about) for each in world.ada.explain(belief).contributions}


@on_both_stores
def test_the_job_merges_what_surely_says_the_same() -> None:
    """The better supported takes in the evidence of the other, each response once, and the other is superseded."""
    with _duplicates() as (world, duplicate):
        (decision,) = world.ada.resolve_conflicts()
        assert ("merge", "duplicates", "b0", duplicate) == (
            decision.verdict,
            decision.reason,
            decision.keep,
            decision.conflict_id,
        )
        assert {("response", name) for name in ("r0", "r1", "r2")} <= _evidence(world)
        assert "superseded" == world.ada.belief("b1").standing
        assert [] == world.ada.resolve_conflicts()
        assert world.graph.verify().ok


def test_of_two_said_alike_the_older_takes_in_the_other() -> None:
    """A second of fading makes nothing better supported."""
    with open_world(script={(BRIEF, SHORT): EQUIVALENT}) as world:
        for name, statement in (("b0", SHORT), ("b1", BRIEF)):
            world.ada.believe(statement, id=name)
            world.clock.pass_time(hours=1)
        assert ["b0"] == [decision.keep for decision in world.ada.resolve_conflicts(dry_run=True)]


def test_a_dry_run_says_so_and_writes_nothing() -> None:
    """What would be merged is named, and both beliefs stay."""
    with _duplicates() as (world, _):
        before = world.content()
        assert ["merge"] == [decision.verdict for decision in world.ada.resolve_conflicts(dry_run=True)]
        assert before == world.content()


@on_both_stores
def test_evidence_that_comes_later_counts_where_it_belongs() -> None:
    """Signals on a response of the merged belief move the one that took it in, once, also when it was behind it too."""
    with _duplicates() as (world, _):
        world.ada.resolve_conflicts()
        before = world.ada.belief("b0").confidence
        for number in (1, 2):
            world.ada.signal("regenerate", id=f"late{number}", response=f"r{number}")
        counted = [each for each in world.ada.explain("b0").contributions if each.source == "response"]
        assert ["r0", "r1", "r2"] == sorted(each.about for each in counted)
        assert world.ada.belief("b0").confidence < before
        assert world.graph.verify().ok


@on_both_stores
def test_saying_the_merged_one_again_speaks_for_the_other() -> None:
    """The merged belief stays superseded; what stands is what was said."""
    with _duplicates() as (world, _):
        world.ada.resolve_conflicts()
        world.clock.pass_time(days=1)
        assert "b0" == world.ada.believe(BRIEF).id
        assert ["held", "superseded"] == [world.ada.belief(name).standing for name in ("b0", "b1")]


@on_both_stores
@pytest.mark.parametrize("signal", ["s0", "s1", "s2"])
def test_a_retraction_reaches_through(signal: str) -> None:
    """Retracted after the merge or before it: the same confidence."""
    with _duplicates() as (world, _), _duplicates("other") as (other, _):
        world.ada.resolve_conflicts()
        world.ada.retract(signal)
        other.ada.retract(signal)
        other.ada.resolve_conflicts()
        assert _evidence(other) == _evidence(world)
        assert pytest.approx(other.ada.belief("b0").confidence) == world.ada.belief("b0").confidence
        assert world.graph.verify().ok


@on_both_stores
@pytest.mark.parametrize("kept", ["b0", "b1"])
def test_a_merge_can_be_taken_back(kept: str) -> None:
    """After undo, confidences, evidence and standings are what they were, also of what came after the merge."""
    with _duplicates() as (world, duplicate), _duplicates("other") as (other, _):
        world.ada.resolve(duplicate, keep=kept, reason="one thing")
        for each in (world, other):
            each.ada.signal("rating", id="late", value=0.0, response="r1")
        assert "suspected" != world.ada.resolve(duplicate, undo=True).status
        for name in ("b0", "b1"):
            assert _evidence(other, name) == _evidence(world, name)
            assert pytest.approx(other.ada.belief(name).confidence) == world.ada.belief(name).confidence
            assert other.ada.belief(name).standing == world.ada.belief(name).standing
        assert world.graph.verify().ok


@on_both_stores
def test_an_explanation_names_the_heir() -> None:
    """Who asks for the merged belief is told what took it in, now and as of then, until the merge is taken back."""
    with _duplicates() as (world, duplicate):
        before = world.clock.now
        world.clock.pass_time(hours=1)
        world.ada.resolve(duplicate, keep="b0", reason="(kept b1)")
        found = world.ada.explain("b1")
        assert world.ada.belief("b0") == found.heir
        sure = f"We are {100 * world.ada.belief('b0').confidence:.0f} % sure of it."
        told = f"It was merged into “{SHORT}” (b0): what speaks for either counts there. {sure}"
        assert told in str(found)
        assert [None, None] == [world.ada.explain("b0").heir, world.ada.explain("b1", as_of=before).heir]
        world.ada.amend("b0", retired=True)
        assert "counts there. That one is no longer used either." in str(world.ada.explain("b1"))
        world.ada.resolve(duplicate, undo=True)
        assert world.ada.explain("b1").heir is None


@contextmanager
def _three() -> Iterator[tuple[World, dict[tuple[str, ...], str]]]:
    """Let Ada hold three beliefs that say the same."""
    texts = (SHORT, BRIEF, "wants terse answers")
    with open_world(script={(one, other): EQUIVALENT for one in texts for other in texts}) as world:
        for number, text in enumerate(texts):
            world.ada.believe(text, id=f"b{number}", confidence=0.6)
        yield world, {tuple(sorted(pair.beliefs)): pair.id for pair in world.ada.duplicates()}


def test_the_heir_is_where_the_last_merge_led() -> None:
    """A belief merged into one that was merged itself lives on in the last of them."""
    with _three() as (world, pairs):
        world.ada.resolve(pairs["b0", "b1"], keep="b1")
        world.ada.resolve(pairs["b1", "b2"], keep="b2")
        heirs = [world.ada.explain(f"b{number}").heir for number in range(3)]
        assert ["b2", "b2", None] == [heir and heir.id for heir in heirs]


def test_no_merge_closes_a_ring() -> None:
    """What was merged into a belief, if over another one, cannot take that belief in: nothing would be left in use."""
    with _three() as (world, pairs):
        world.ada.resolve(pairs["b0", "b1"], keep="b1")
        world.ada.resolve(pairs["b1", "b2"], keep="b2")
        with pytest.raises(
            InvalidInputError, match="keep: must name b2, or another merge be undone: it took in b0"
        ):
            world.ada.resolve(pairs["b0", "b2"], keep="b0")
        assert "b2" == world.ada.believe(SHORT).id
        world.ada.resolve(pairs["b0", "b1"], undo=True)
        world.ada.resolve(pairs["b0", "b2"], keep="b0")
        assert "held" == world.ada.belief("b0").standing
        assert world.graph.verify().ok


@on_both_stores
def test_three_that_say_the_same_become_one() -> None:
    """Merged one into the next, the evidence of all three ends where the last decision keeps it."""
    with open_world(script={(BRIEF, SHORT): EQUIVALENT, ("wants terse answers", SHORT): EQUIVALENT}) as world:
        for number, text in enumerate((SHORT, BRIEF, "wants terse answers")):
            world.ada.believe(text, id=f"b{number}", confidence=0.6)
            world.ada.respond("42", beliefs=[f"b{number}"], id=f"r{number}")
            world.ada.signal("rating", value=1.0, response=f"r{number}")
        world.ada.resolve_conflicts()
        live = [belief for belief in world.ada.beliefs() if belief.standing == "held"]
        assert ["b0"] == [belief.id for belief in live]
        assert {("response", f"r{number}") for number in range(3)} <= _evidence(world)
        world.ada.signal("regenerate", response="r2")
        assert world.graph.verify().ok


@contextmanager
def _opposed(*, seen: bool) -> Iterator[tuple[World, str]]:
    """Let Ada hold two beliefs that say the same, the second of which a third contradicts, the first only if `seen`."""
    long = "wants long answers"
    script = {(BRIEF, SHORT): EQUIVALENT, (long, BRIEF): CONTRADICTION}
    with open_world(script={**script, (long, SHORT): SUSPICION} if seen else script) as world:
        for name, text, confidence in (("b0", SHORT, 0.9), ("b1", BRIEF, 0.6), ("b2", long, 0.8)):
            world.ada.believe(text, id=name, confidence=confidence)
            world.clock.pass_time(days=1)
        (duplicate,) = world.ada.duplicates()
        yield world, duplicate.id


def test_what_stands_against_a_merged_belief_stands_against_its_heir() -> None:
    """A merge does not hide a contradiction: the job decides it between what took the belief in and the third."""
    with _opposed(seen=False) as (world, _):
        assert [("merge", "b0"), ("keep", "b2")] == [
            (d.verdict, d.keep) for d in world.ada.resolve_conflicts()
        ]
        assert [] == world.ada.resolve_conflicts()
        live = [belief.id for belief in world.ada.beliefs() if belief.standing == "held"]
        assert ["b2"] == live
        assert world.graph.verify().ok


@on_both_stores
@pytest.mark.parametrize(("seen", "status"), [(False, "dismissed"), (True, "suspected")])
def test_a_merge_taken_back_takes_back_what_it_passed_on(seen: bool, status: str) -> None:
    """After undo the edge of the heir is what it was, or is none; confidences are as before the merge."""
    with _opposed(seen=seen) as (world, duplicate):
        before = [world.ada.belief(name).confidence for name in ("b0", "b1", "b2")]
        world.ada.resolve(duplicate, keep="b0")
        assert {"confirmed"} == {each.status for each in world.ada.conflicts()}
        world.ada.resolve(duplicate, undo=True)
        edges = {("b0" in each.beliefs, each.status) for each in world.ada.conflicts()}
        assert {(True, status), (False, "confirmed")} == edges
        after = [world.ada.belief(name).confidence for name in ("b0", "b1", "b2")]
        assert pytest.approx(before, abs=0.01) == after


def test_what_a_person_confirmed_is_passed_on_as_confirmed_by_her() -> None:
    """There is no earlier judgement of it to go back to: undone, it stands as it was passed on."""
    with _opposed(seen=False) as (world, duplicate):
        (conflict,) = world.ada.conflicts()
        world.ada.resolve(conflict.id, confirm=True)
        world.ada.resolve(duplicate, keep="b0")
        (passed,) = [each for each in world.ada.conflicts() if "b0" in each.beliefs]
        undone = world.ada.resolve(passed.id, undo=True)
        assert ("confirmed", "person") == (undone.status, undone.detector)


@on_both_stores
def test_the_job_does_not_merge_again_what_was_undone() -> None:
    """A person took the merge back: both stand, however often the job runs."""
    with _duplicates() as (world, duplicate):
        world.ada.resolve_conflicts()
        world.ada.resolve(duplicate, undo=True)
        assert [] == world.ada.resolve_conflicts()
        assert ["held", "held"] == [world.ada.belief(name).standing for name in ("b0", "b1")]


def test_what_does_not_say_the_same_is_dismissed_for_good() -> None:
    """A person's no keeps the job from merging; a scope is for conflicts."""
    with _duplicates() as (world, duplicate):
        with pytest.raises(InvalidInputError, match="scope"):
            world.ada.resolve(duplicate, scope={"b0": {"place": "work"}})
        assert "dismissed" == world.ada.resolve(duplicate, dismiss=True).status
        assert [] == world.ada.resolve_conflicts()


def test_beliefs_of_different_contexts_are_not_merged() -> None:
    """What holds at work is another belief than what holds at home, whatever it says."""
    with _duplicates() as (world, _):
        world.ada.amend("b1", context={"place": "work"})
        assert [] == world.ada.resolve_conflicts()


def test_erasing_leaves_nothing_of_a_merge() -> None:
    """Every row goes, of both beliefs and of the edge."""
    with _duplicates() as (world, _):
        world.ada.resolve_conflicts()
        world.ada.erase()
        assert not any(rows for table, rows in world.content().items() if table != "meta")
