"""What a call comes to while nothing comes back: a server that listens only, one cut off, one that falls silent."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from neo4j._async_compat.network._bolt_socket import BoltSocketBase

from beliefgraph.bootstrap import open_store
from beliefgraph.graph.errors import StoreUnavailableError
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Reader
from beliefgraph.graph.testing.builders import ADA, BOB, put_beliefs
from beliefgraph.settings import Settings
from bench.neo4j_server import Address
from tests.neo4j_server import open_scratch

pytestmark = pytest.mark.neo4j

_PATIENCE_S = 300
"""How long a machine that is busy with other things may take; no promise of ours."""


class _Line:
    """A line to a server, which can be cut, or kept open without letting anything through."""

    def __init__(self, host: str, port: int) -> None:
        self._server, self._open = (host, port), threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = [self._listening]
        self.uri = f"bolt://127.0.0.1:{self._listening.getsockname()[1]}"
        self.speak()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._ends += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while said := one.recv(65536):
                self._open.wait()
                other.sendall(said)
            other.shutdown(socket.SHUT_WR)

    def hush(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    def cut(self) -> None:
        self.speak()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def line(neo4j_address: Address) -> Iterator[_Line]:
    """Lend a line to the tests' server."""
    host, _, port = neo4j_address.uri.rpartition("://")[2].partition(":")
    line = _Line(host, int(port or 7687))
    yield line
    line.cut()


def test_a_server_that_only_listens_is_unavailable_in_time() -> None:
    """Opening takes three times as long as the setting says, at most, where a port is open and nobody speaks."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(neo4j_timeout_s=2.0, neo4j_password="any")  # noqa: S106 - nobody hears it
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            open_store(f"bolt://127.0.0.1:{silent.getsockname()[1]}", settings)
        assert time.monotonic() - began < 3 * 2.0


def test_who_waits_for_a_turn_learns_that_the_server_is_away(line: _Line) -> None:
    """Where it cannot be reached, that is the reason, and not the thread that waits for it too."""
    begun, over = threading.Event(), threading.Event()

    def keep(reader: Reader) -> None:
        begun.set()
        over.wait(_PATIENCE_S)

    with closing(open_scratch(line.uri, timeout_s=5)) as store:
        keeper = threading.Thread(target=_ignoring_failure, args=(store, keep))
        keeper.start()
        try:
            assert begun.wait(_PATIENCE_S)
            line.cut()
            with pytest.raises(StoreUnavailableError, match="cannot be reached"):
                put_beliefs(store, ADA, "b1")
        finally:
            over.set()
            keeper.join()


def _ignoring_failure(store: Neo4jStore, keep: Callable[[Reader], None]) -> None:
    with suppress(StoreUnavailableError):
        store.read(ADA, keep)


def test_a_server_that_falls_silent_is_left_in_time(line: _Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call ends once nothing was heard for as long as the server has said; the next one after that goes through."""
    set_timeout: Any = BoltSocketBase.set_read_timeout
    said: set[float | None] = set()

    def sooner(self: BoltSocketBase, timeout: float | None) -> None:
        said.add(timeout)
        set_timeout(self, timeout and 10.0)  # as if its keep-alive were set to 5 s

    monkeypatch.setattr(BoltSocketBase, "set_read_timeout", sooner)
    with closing(open_scratch(line.uri, timeout_s=10)) as store:
        put_beliefs(store, ADA, "b1")
        assert 120 in said  # two keep-alives: what Neo4j says unless it is set otherwise
        line.hush()
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            put_beliefs(store, ADA, "b2")
        assert time.monotonic() - began < 3 * 10
        line.speak()
        put_beliefs(store, BOB, "b1")
        assert ["b1"] == [node.id for node in store.read(BOB, lambda reader: reader.beliefs())]
