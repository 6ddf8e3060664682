"""The service in a process of its own: stopped and started under load, and two of them on one store."""

import socket
from pathlib import Path

import pytest

from beliefgraph import BeliefGraph
from beliefgraph.api.serving import _listen
from bench.http import Load, Memory, Restarted, restarted
from bench.neo4j_server import Address
from bench.service import Served, open_hashed


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_restart_under_load_loses_and_doubles_nothing(*, kill: bool) -> None:
    """What was acknowledged is recorded, once, also by one that is killed; told to stop, it ends with status 0."""
    found = restarted(Load(signals=24, restarts=1), writers=2, kill=kill)
    assert found.met, str(found)
    assert (24, 24, 24, 1) == (found.sent, found.acknowledged, found.recorded, found.clean_stops)


@pytest.mark.neo4j
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_restart_under_load_on_neo4j(neo4j_address: Address) -> None:
    """The same where the records are kept by a server of their own."""
    found = restarted(Load(signals=24, restarts=1), writers=2, server=neo4j_address)
    assert found.met, str(found)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_on_one_store(tmp_path: Path) -> None:
    """Either answers what the other recorded, and a key given to one is known to the other."""
    with Served(tmp_path) as first, Served(tmp_path) as second:
        for here, there in ((first, second), (second, first)):
            with (
                BeliefGraph.open(here.address, api_key=there.key) as one,
                BeliefGraph.open(there.address, api_key=here.key) as other,
            ):
                held = one.user("ada").believe(f"likes tea of {here.address}")
                assert held.statement == other.user("ada").belief(held.id).statement
    with open_hashed(tmp_path / "beliefs.db") as graph:
        assert graph.verify().ok


def test_a_loss_is_seen() -> None:
    """What is lost, doubled or unsound, and memory that grows, are no success."""
    fine = {
        "how": "stopped",
        "restarts": 1,
        "sent": 5,
        "acknowledged": 5,
        "recorded": 5,
        "sound": True,
        "clean_stops": 1,
    }
    assert Restarted(**fine).met  # type: ignore[arg-type]
    for fault in (
        {"recorded": 4},
        {"recorded": 6},
        {"acknowledged": 4},
        {"sound": False},
        {"clean_stops": 0},
    ):
        assert not Restarted(**{**fine, **fault}).met  # type: ignore[arg-type]
    assert Memory(requests=1, held_mb=(100.0, 90.0, 105.0)).met
    assert not Memory(requests=1, held_mb=(100.0, 105.0, 120.0)).met


def test_answers_are_sent_at_once() -> None:
    """A connection that the service accepts does not wait to be acknowledged before it sends the rest (TCP_NODELAY)."""
    with _listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
