"""The SQLite store passes the contract suite, in a file and in memory."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope, Store
from beliefgraph.graph.testing import (
    DurabilityContract,
    Peek,
    StoreContract,
    StoreHooks,
    StoreMachine,
    ThreadsContract,
)


@contextmanager
def raw(store: Store) -> Iterator[sqlite3.Connection]:
    """Open the database behind a store, without the store's queries."""
    if store.target == ":memory:":
        assert isinstance(store, SqliteStore)
        with store._connections.transaction("BEGIN") as connection:
            yield connection
        return
    with closing(sqlite3.connect(store.target)) as connection:
        yield connection


class SqliteHooks(StoreHooks):
    """How to look into a SQLite file."""

    opener = "beliefgraph.graph.sqlite.store:SqliteStore"

    def make_target(self, tmp_path: Path) -> str:
        """Name a file that does not exist yet."""
        return str(tmp_path / "beliefs.db")

    def peek(self, store: Store, scope: Scope) -> Peek:
        """Read the tables."""
        with raw(store) as connection:

            def rows(query: str) -> list[Any]:
                return connection.execute(query, {"tenant": scope.tenant, "id": scope.user_id}).fetchall()

            mine = "FROM {} WHERE user = (SELECT pk FROM users WHERE tenant = :tenant AND id = :id)"
            head = rows("SELECT seq, recorded_at FROM users WHERE tenant = :tenant AND id = :id")
            return Peek(
                head=head[0] if head else None,
                beliefs=dict(rows("SELECT id, statement " + mine.format("beliefs"))),
                responses=dict(rows("SELECT id, text " + mine.format("responses"))),
                signals=dict(rows("SELECT id, text " + mine.format("signals"))),
                revisions=rows("SELECT seq, belief, ordinal " + mine.format("revisions") + " ORDER BY seq"),
                links=rows("SELECT seq, low, high, status " + mine.format("links") + " ORDER BY seq"),
                vectors=frozenset(key for (key,) in rows("SELECT key FROM vectors WHERE tenant = :tenant")),
            )

    def search(self, store: Store, text: str) -> list[str]:
        """Look into every column of every table."""
        found = []
        with raw(store) as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for column in connection.execute(f"PRAGMA table_info({table})").fetchall():
                    name = column[1]
                    query = f"SELECT count(*) FROM {table} WHERE instr(CAST({name} AS TEXT), ?)"
                    (count,) = connection.execute(query, (text,)).fetchone()
                    found += [f"{table}.{name}"] * count
        return found


class TestSqliteFile(SqliteHooks, StoreContract, ThreadsContract, DurabilityContract):
    """The contract, on a file."""


class TestSqliteMemory(SqliteHooks, StoreContract, ThreadsContract):
    """The contract, in memory."""

    def make_target(self, tmp_path: Path) -> str:
        """Keep everything in memory."""
        return ":memory:"


class _MachineInMemory(StoreMachine):
    def open_empty(self) -> Store:
        return SqliteStore(":memory:")


class _MachineOnFile(StoreMachine):
    def open_empty(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return SqliteStore(str(Path(self.folder.name) / "beliefs.db"), synchronous="NORMAL")

    def close(self, store: Store) -> None:
        store.close()
        self.folder.cleanup()


def test_random_writes_in_memory() -> None:
    """In memory, the store answers like plain dicts."""
    run_state_machine_as_test(_MachineInMemory, settings=settings(max_examples=60, stateful_step_count=25))


def test_random_writes_on_file() -> None:
    """In a file, the store answers like plain dicts."""
    run_state_machine_as_test(_MachineOnFile, settings=settings(max_examples=12, stateful_step_count=15))
