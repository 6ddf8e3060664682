"""Which Neo4j server the tests use: the one that is named, else Docker's, else Maven's, else none, which is said."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

import pytest

from bench import neo4j_server
from bench.neo4j_server import Address, NoServer
from tests.neo4j_server import find_server

HERE = {name: Address(uri=f"bolt://{name}", password="") for name in ("docker", "maven")}


def _offer(monkeypatch: pytest.MonkeyPatch, *offered: str) -> list[str]:
    """Let servers be had from these places; return where one was asked for."""
    asked: list[str] = []

    def place(name: str, function: str) -> None:
        @contextmanager
        def start() -> Iterator[Address]:
            asked.append(name)
            if name not in offered:
                raise NoServer(f"no {name} here")
            yield HERE[name]

        monkeypatch.setattr(neo4j_server, function, start)

    place("docker", "docker_server")
    place("maven", "local_server")
    return asked


@pytest.mark.parametrize(
    ("offered", "expected", "asked"),
    [(["docker", "maven"], "docker", ["docker"]), (["maven"], "maven", ["docker", "maven"])],
)
def test_docker_comes_before_maven(
    monkeypatch: pytest.MonkeyPatch, offered: list[str], expected: str, asked: list[str]
) -> None:
    """Docker's server is used where an engine answers, and Maven is not asked then."""
    found = _offer(monkeypatch, *offered)
    with find_server({}) as address:
        assert HERE[expected] == address
    assert asked == found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "`java` here is Java 11"),
        ('java version "1.8.0_392"', "`java` here is Java 8"),
        ("Unable to locate a Java Runtime.", "`java` here is no Java that tells its version"),
        ('openjdk version "17.0.15" 2025-04-15', "Maven is not installed"),
        ('openjdk version "25" 2025-09-16', "Maven is not installed"),
    ],
)
def test_a_java_that_is_too_old_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, why: str
) -> None:
    """Before anything is fetched or started, one sentence says which Java there is and which is needed."""
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    with pytest.raises(NoServer, match=why):
        neo4j_server.fetch_jars()


def test_a_named_server_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What NEO4J_URI names is used, and nothing is started."""
    asked = _offer(monkeypatch, "docker", "maven")
    monkeypatch.setattr("tests.neo4j_server.wait_for", lambda *_, **__: None)
    given = {"NEO4J_URI": "bolt://named:7687", "NEO4J_USER": "someone", "NEO4J_PASSWORD": ""}
    with find_server(given) as address:
        assert ("bolt://named:7687", "someone", None) == (address.uri, address.username, address.database)
    assert [] == asked


def test_no_server_says_what_was_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names every place that was tried."""
    _offer(monkeypatch)
    with (
        pytest.raises(NoServer, match="NEO4J_URI is not set; no docker here; no maven here"),
        find_server({}),
    ):
        pass


@pytest.mark.parametrize(("required", "status", "said"), [("", 0, "1 skipped"), ("1", 1, "1 error")])
def test_without_a_server_tests_are_skipped_aloud(
    repository: Path, clean_environment: dict[str, str], required: str, status: int, said: str
) -> None:
    """On a machine with neither Docker nor Java the tests on Neo4j are skipped in one line; REQUIRE_NEO4J=1 fails."""
    environment = {**clean_environment, "PATH": os.devnull, "REQUIRE_NEO4J": required}
    environment.pop("NEO4J_URI", None)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/graph/test_neo4j_analyst.py"]
    ran = subprocess.run(
        words, cwd=repository, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert status == ran.returncode, ran.stdout + ran.stderr
    assert said in ran.stdout
    if not required:
        loud = [line for line in ran.stdout.splitlines() if "TESTS ON NEO4J ARE NOT RUN" in line]
        assert 1 == len(loud)
        assert "Docker is not installed; Java 17 is not installed" in loud[0]


_PARENT = """
import os, subprocess, sys, time
from bench.neo4j_server import if_killed
tied = int(sys.argv[1])
server = subprocess.Popen(["sleep", "600"], stdout=tied)
os.close(tied)
with if_killed("kill", "-9", str(server.pid)):
    print(server.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_a_server_does_not_outlive_who_started_it(repository: Path, killed: bool) -> None:
    """What was started goes when its parent is killed, and is left alone where the parent's block just ends."""
    watched, tied = os.pipe()  # reads as ended when the last who holds the other end, the server, is gone
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tied)],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[tied],
        text=True,
    )
    os.close(tied)
    assert parent.stdout is not None
    with parent, os.fdopen(watched):
        server = int(parent.stdout.readline())
        try:
            assert not _ended(watched, seconds=0)
            if killed:
                parent.kill()
            else:
                parent.communicate()
            assert killed is _ended(watched, seconds=60 if killed else 1)
        finally:
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)


def _ended(pipe: int, *, seconds: float) -> bool:
    return bool(select([pipe], [], [], seconds)[0])
