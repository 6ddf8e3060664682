"""Reinterpretation: a store under other parameters, one revision a belief moved, what was served before as it was."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from beliefgraph import BeliefGraph, Parameters, UnknownSignalKindError
from tests.embedders import WordEmbedder
from tests.worlds import PARAMETERS, SCRIPT, Step, World, histories, near, open_world, parameters_with, play

ROOT = Path(__file__).resolve().parents[1]
OTHER = parameters_with(
    attribution__wrong_dissatisfies=0.6,
    attribution__form_fault=0.2,
    signals__rating__dissatisfied=0.3,
    signals__stars__accident=0.1,
    kinds__preference__half_life_days=90.0,
    kinds__state__base_rate={"stated": 0.3},
    memory__nats=5.0,
    words__confirm=2.0,
    version="fitted",
)


def _under(world: World, parameters: Parameters) -> BeliefGraph:
    """Return the same store under other parameters."""
    world.graph._pipeline.parameters = parameters
    return world.graph


def _served(world: World, **when: Any) -> dict[str, tuple[float, ...]]:
    return {
        belief.id: (belief.confidence, belief.support, belief.opposition)
        for belief in world.ada.beliefs(limit=1000, **when)
    }


@given(history=histories())
@settings(
    max_examples=25, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_there_and_back_again(history: list[Step]) -> None:
    """Under other parameters the ledgers verify, as-of answers as served, and the way back leads to where it began."""
    with open_world(script=SCRIPT) as world:
        play(world, history)
        served, then = _served(world), world.clock.now
        world.clock.pass_time(seconds=1)
        before = _served(world)
        revisions = {belief: len(world.ada.revisions(belief)) for belief in served}
        done = _under(world, OTHER).reinterpret()
        assert len(served) == done.beliefs
        moved = sum(len(world.ada.revisions(belief)) > revisions[belief] for belief in served)
        assert done.moved <= moved
        for belief in served:
            added = world.ada.revisions(belief)[revisions[belief] :]
            assert len([revision for revision in added if revision.cause_kind == "parameters"]) <= 1
            assert all(revision.parameters_version == "fitted" for revision in added)
            explanation = world.ada.explain(belief)
            total = explanation.base_nats + sum(each.term for each in explanation.contributions)
            assert near(explanation.log_odds) == total + explanation.conflict_nats
        assert world.graph.verify().ok
        assert served == _served(world, as_of=then)
        assert 0 == world.graph.reinterpret().moved
        after, again = _way_back(world, "back"), _way_back(world, "back again", by_way_of="fitted again")
        assert before.keys() == after.keys()
        # What a contradiction takes off was derived when last a belief of it moved; what the other has faded by since
        # counts from now on. So it is compared with a second journey, where it is derived anew from .01 nats on.
        contradicting = {
            belief for each in world.ada.conflicts(status="confirmed") for belief in each.beliefs
        }
        for belief, (confidence, *sums) in before.items():
            assert sums == pytest.approx(after[belief][1:], abs=1e-6)
            assert again[belief] == pytest.approx(after[belief], abs=0.01)
            if belief not in contradicting:
                assert confidence == pytest.approx(after[belief][0], abs=1e-6)


def _way_back(world: World, version: str, *, by_way_of: str | None = None) -> dict[str, tuple[float, ...]]:
    """Reinterpret under the shipped rates, first under the others if they are named; return what is served then."""
    if by_way_of is not None:
        _under(world, OTHER.model_copy(update={"version": by_way_of})).reinterpret()
    _under(world, parameters_with(version=version)).reinterpret()
    assert world.graph.verify().ok
    return _served(world)


def test_what_was_not_moved_gets_no_revision() -> None:
    """Parameters that weigh nothing of hers otherwise leave her records alone, version and all."""
    with open_world() as world:
        world.ada.believe("prefers tea", id="b", confidence=0.7)
        world.ada.respond("tea", beliefs=["b"], id="r")
        world.ada.signal("rating", -1, response="r")
        content = world.content()
        done = _under(world, parameters_with(signals__stars__satisfied=0.8)).reinterpret()
        assert (1, 1, 0, "other") == (done.users, done.beliefs, done.moved, done.version)
        assert content == world.content()


def test_new_evidence_follows_on_the_new_reading() -> None:
    """After it, a further signal, a retraction and a late arrival leave what they would have under these parameters."""
    found = []
    for late_change in (True, False):
        with open_world(parameters=None if late_change else OTHER) as world:
            world.ada.believe("prefers tea", id="b", confidence=0.7)
            world.ada.respond("tea", beliefs=["b"], id="r1")
            world.ada.signal("rating", -1, response="r1", id="s1")
            if late_change:
                _under(world, OTHER).reinterpret()
            world.clock.pass_time(hours=1)
            world.ada.signal("stars", 2, response="r1", id="s2")
            world.ada.signal("confirm", belief="b", id="s3", at=world.clock.now - timedelta(minutes=30))
            world.ada.retract("s1")
            found.append(_served(world)["b"])
            assert world.graph.verify().ok
    assert pytest.approx(found[1], abs=1e-6) == found[0]


def test_both_versions_are_explained() -> None:
    """The account as of before has the old weights, the account now the new; the revision says what happened."""
    with open_world() as world:
        world.ada.believe("prefers tea", id="b", confidence=0.7)
        world.ada.respond("tea", beliefs=["b"], id="r1")
        world.ada.signal("rating", -1, response="r1", id="s1")
        then = world.clock.now
        world.clock.pass_time(hours=1)
        _under(world, OTHER).reinterpret()
        old, new = world.ada.explain("b", as_of=then), world.ada.explain("b")
        weights = [
            next(each.nats for each in account.contributions if each.about == "r1") for account in (old, new)
        ]
        assert weights[0] < weights[1] < 0
        last = world.ada.revisions("b")[-1]
        assert ("parameters", "fitted", "reinterpreted") == (last.cause_kind, last.cause_id, last.reason)
        assert near(weights[1] - weights[0]) == last.nats
        assert near(new.belief.confidence) == last.after


def test_evidence_passed_on_by_a_merge_is_reread_with_it() -> None:
    """A belief that took another in counts the other's evidence under the new parameters too; undoing still works."""
    with open_world() as world:
        for name, statement in (("a", "prefers short answers"), ("b", "prefers short answers ")):
            world.ada.believe(statement, id=name, confidence=0.6, source="imported")
        for name in ("a", "b"):
            world.ada.respond("one", beliefs=[name], id=f"r-{name}")
            world.ada.signal("rating", 1, response=f"r-{name}")
        (merged,) = [decision for decision in world.ada.resolve_conflicts() if decision.verdict == "merge"]
        kept = merged.keep
        assert kept is not None
        gone = next(name for name in ("a", "b") if name != kept)

        def heard(name: str) -> dict[str, float]:
            return {each.about: each.nats for each in world.ada.explain(name).contributions}

        before = heard(kept)[f"r-{gone}"]
        _under(world, OTHER).reinterpret()
        assert world.graph.verify().ok
        assert before != heard(kept)[f"r-{gone}"] == heard(gone)[f"r-{gone}"]
        world.ada.resolve(merged.conflict_id, undo=True)
        assert world.graph.verify().ok
        assert {f"r-{gone}"} == {about for about in heard(gone) if about.startswith("r-")}
        assert {f"r-{kept}"} == {about for about in heard(kept) if about.startswith("r-")}


_JOB = """
import os, signal, sys
from beliefgraph import BeliefGraph
from beliefgraph.ingest import pipeline

target, parameters, users = sys.argv[1:]
work, left = pipeline.reinterpret, [int(users)]

def until(working, reader):
    found = work(working, reader)
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

pipeline.reinterpret = until
with BeliefGraph.open(target, parameters=parameters) as graph:
    print(graph.reinterpret().moved)
"""


@pytest.mark.parametrize("store", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_a_job_that_is_killed_is_run_again(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Killed within a user's transaction it leaves the users before; two that go on at once do the rest, once."""
    target = str(tmp_path / "b.db") if store == "sqlite" else request.getfixturevalue("neo4j_address").uri
    other = tmp_path / "other.toml"
    other.write_text('version = "other"\n[attribution]\nwrong_dissatisfies = 0.5\n', encoding="utf-8")
    users = [f"u{number}" for number in range(5)]
    with BeliefGraph.open(target, embedder=WordEmbedder()) as graph:
        for user in map(graph.user, users):
            user.believe("prefers tea", id="b", confidence=0.7, kind="fact")
            user.respond("tea", beliefs=["b"], id="r")
            user.signal("rating", -1, response="r")

    def start(most: int) -> "subprocess.Popen[str]":
        words = [sys.executable, "-c", _JOB, target, str(other), str(most)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
        return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)

    def reread() -> list[int]:
        with BeliefGraph.open(target) as graph:
            assert graph.verify().ok
            histories = [graph.user(user).revisions("b") for user in users]
        return [sum(each.cause_kind == "parameters" for each in history) for history in histories]

    killed = start(2)
    killed.communicate()
    assert (-signal.SIGKILL, [1, 1, 0, 0, 0]) == (killed.returncode, sorted(reread(), reverse=True))
    both = [start(len(users)) for _ in range(2)]
    assert 3 == sum(int(job.communicate()[0]) for job in both)
    assert [0, 0] == [job.returncode for job in both]
    assert [1] * 5 == reread()
    with BeliefGraph.open(target) as graph:
        served = {round(graph.user(user).belief("b").confidence, 6) for user in users}
    assert 1 == len(served)


def test_parameters_without_a_kind_that_is_recorded_are_refused() -> None:
    """A kind of signal that the parameters do not know is named, and nothing of that user changes."""
    data = PARAMETERS.model_dump()
    del data["signals"]["stars"]
    data["habits"]["kinds"].remove("stars")
    with open_world() as world:
        world.ada.believe("prefers tea", id="b")
        world.ada.respond("tea", beliefs=["b"], id="r")
        world.ada.signal("stars", 2, response="r")
        content = world.content()
        with pytest.raises(UnknownSignalKindError, match="stars"):
            _under(world, Parameters.model_validate({**data, "version": "poorer"})).reinterpret()
        assert content == world.content()
