"""Moments at which a test kills its server (`kill -9`): between two messages to it, or while one waits for a lock."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Self

import neo4j
import pytest
from neo4j.exceptions import DriverError, IncompleteCommit, Neo4jError

from beliefgraph.graph.errors import StoreUnavailableError
from bench.neo4j_server import LocalServer

PATIENCE_S = 300
"""How long a machine that is busy with other things may take; no promise of ours."""

Killed = AbstractContextManager[list[float]]
"""Kills the server inside the block, once; gives when (monotonic seconds), an empty list until then."""

At = Literal["before", "commit", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """At the `number`-th statement that holds `text`.

    `before` it is sent, before the `commit` of its transaction is, or when the `answer` to that would come: what was
    committed then stays, and nobody is told.
    """

    text: str
    at: At = "before"
    number: int = 1


@contextmanager
def killed_at(server: LocalServer, moment: Moment, *, back: bool = False) -> Iterator[list[float]]:
    """Kill the server at a moment of whatever this process sends to it; with `back`, start it again at once."""
    killed: list[float] = []
    doomed: list[object] = []
    numbers = itertools.count(1)
    commit: Any = neo4j.ManagedTransaction._commit

    def kill() -> None:
        killed.append(time.monotonic())
        server.kill()
        if back:
            server.start()

    def watched(send: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: object, query: Any, *given: Any, **named: Any) -> Any:
            if moment.text in query and next(numbers) == moment.number:
                doomed.append(self)
                if moment.at == "before":
                    kill()
            return send(self, query, *given, **named)

        return run

    def commit_or_die(self: object) -> None:
        due = any(self is one for one in doomed)
        if due and moment.at == "commit":
            kill()
        commit(self)
        if due and moment.at == "answer":
            kill()
            raise IncompleteCommit("the answer is lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neo4j.Session, "run", watched(neo4j.Session.run))
        patch.setattr(neo4j.ManagedTransaction, "run", watched(neo4j.ManagedTransaction.run))
        patch.setattr(neo4j.ManagedTransaction, "_commit", commit_or_die)
        yield killed


@contextmanager
def killed_on_the_way(server: LocalServer, locking: str) -> Iterator[list[float]]:
    """Keep locked what the query `locking` sets, and kill the server as soon as a transaction waits for it."""
    killed: list[float] = []
    kept = threading.Event()

    def keep() -> None:
        deadline = time.monotonic() + PATIENCE_S
        with (
            suppress(DriverError, Neo4jError),  # the server is gone in the end
            server.address.driver() as driver,
            driver.session() as session,
            driver.session() as other,
        ):
            transaction = session.begin_transaction()
            transaction.run(locking).consume()
            kept.set()
            while time.monotonic() < deadline:
                states = other.run("SHOW TRANSACTIONS YIELD status").value()
                if any(state.startswith("Blocked") for state in states):
                    killed.append(time.monotonic())
                    server.kill()
                    return

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert kept.wait(PATIENCE_S)
    yield killed
    keeper.join()


class Load:
    """Threads that make one call each without a pause, and what came of it.

    A call is given how many times it has succeeded.
    """

    def __init__(self, calls: Mapping[str, Callable[[int], Any]]) -> None:
        self.done: dict[str, list[Any]] = {name: [] for name in calls}
        self.failed: list[tuple[float, BaseException]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=call) for call in calls.items()]

    def _run(self, name: str, call: Callable[[int], Any]) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self.done[name].append(call(len(self.done[name])))
            except BaseException as error:
                self.failed.append((time.monotonic() - began, error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Wait until each call has succeeded three more times."""
        deadline = time.monotonic() + PATIENCE_S
        before = {name: len(done) for name, done in self.done.items()}
        while any(len(self.done[name]) < count + 3 for name, count in before.items()):
            assert time.monotonic() < deadline, "the client did not recover"
            time.sleep(0.1)

    def check_failures(self, timeout_s: float) -> None:
        """Assert that some calls failed, as promised and in time."""
        assert {StoreUnavailableError} == {type(error) for _, error in self.failed}
        assert max(seconds for seconds, _ in self.failed) < 3 * timeout_s
