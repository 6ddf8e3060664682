"""The job as a process: killed in the middle, twice at once, beside live writes; nothing is half done or done twice."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beliefgraph import BeliefGraph
from tests.embedders import CONTRADICTION, EQUIVALENT, FormGate, ScriptedRelater, WordEmbedder

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "from beliefgraph.cli import app; app(prog_name='beliefgraph')"
_USERS = [f"u{number:02}" for number in range(30)]
_TOPICS = [f"drinks t{number}x u{number}x" for number in range(4)]
_SCRIPT = {(f"never {topic}", topic): CONTRADICTION for topic in _TOPICS[:3]}
_SCRIPT |= {(f"always {_TOPICS[3]}", _TOPICS[3]): EQUIVALENT}


@contextmanager
def _open(target: str) -> Iterator[BeliefGraph]:
    with BeliefGraph.open(
        target, embedder=WordEmbedder(), relater=ScriptedRelater(_SCRIPT), gate=FormGate()
    ) as graph:
        yield graph


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a store in which each user has three confirmed contradictions and a duplicate."""
    target = str(tmp_path / "beliefs.db")
    if request.param == "neo4j":
        target = request.getfixturevalue("neo4j_address").uri
    with _open(target) as graph:
        for user in map(graph.user, _USERS):
            for later, earlier in _SCRIPT:
                user.believe(earlier)
                user.believe(later)
    return target


def _resolve(target: str) -> "subprocess.Popen[bytes]":
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))
    }
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "resolve", "--db", target, "--json"],
        env={**kept, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _decided(graph: BeliefGraph) -> None:
    """Check that every conflict was decided, and once."""
    for user in map(graph.user, _USERS):
        assert {"resolved"} == {each.status for each in (*user.conflicts(), *user.duplicates())}
        retired = [
            revision.cause_id
            for belief in user.beliefs()
            for revision in user.revisions(belief.id)
            if revision.action == "retire"
        ]
        assert len(_SCRIPT) == len(retired) == len(set(retired))
    assert graph.verify().ok


def test_killed_in_the_middle_it_goes_on(target: str) -> None:
    """Killed (SIGKILL) again and again, it leaves each user decided or untouched, and in the end all decided once."""
    statuses = []
    for reached in (_USERS[2], _USERS[10], None):
        job = _resolve(target)
        deadline = time.monotonic() + 60
        with _open(target) as graph:
            while reached and graph.user(reached).resolve_conflicts(dry_run=True):
                assert time.monotonic() < deadline
            if reached:
                job.kill()
            job.communicate(timeout=60)
            statuses.append(job.returncode)
            left = [len(graph.user(user).resolve_conflicts(dry_run=True)) for user in _USERS]
            assert {0, len(_SCRIPT)} >= set(left)
    assert [-signal.SIGKILL, -signal.SIGKILL, 0] == statuses
    with _open(target) as graph:
        _decided(graph)


def test_twice_at_once_and_beside_live_writes(target: str) -> None:
    """Two jobs share the work, each decision is told by one of them; what is written meanwhile is there."""
    jobs = [_resolve(target) for _ in range(2)]
    done = threading.Event()
    written = []

    def write() -> None:
        with _open(target) as graph:
            for number in itertools.count():
                if done.is_set():
                    return
                user = graph.user(_USERS[number % len(_USERS)])
                held = user.beliefs(limit=1)[0]
                user.respond("42", beliefs=[held.id], id=f"r{number}")
                written.append(user.signal("copy", response=f"r{number}"))

    writer = threading.Thread(target=write)
    writer.start()
    told = [job.communicate(timeout=120) for job in jobs]
    done.set()
    writer.join()
    assert [(0, b"")] * 2 == [(job.returncode, errors) for job, (_, errors) in zip(jobs, told, strict=True)]
    assert len(_SCRIPT) * len(_USERS) == sum(out.count(b'"conflict_id"') for out, _ in told)
    assert written
    with _open(target) as graph:
        _decided(graph)
        assert len(written) == sum(len(graph.user(user).signals()) for user in _USERS)
