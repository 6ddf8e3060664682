"""Connections to one SQLite file: opening it, its settings and schema, pooling, and its errors as ours.

No query about beliefs here.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.errors import (
    BeliefGraphError,
    IntegrityError,
    StoreUnavailableError,
    StoreVersionError,
)

APPLICATION_ID = 0x42474C46
"""Marks a SQLite file as ours ("BGLF")."""
MEMORY = ":memory:"
Synchronous = Literal["FULL", "NORMAL"]

_UNAVAILABLE = {
    "SQLITE_BUSY": "another process has kept it locked for too long",
    "SQLITE_LOCKED": "another process has kept it locked for too long",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it cannot be written; check the permissions of the file and of its folder",
    "SQLITE_CANTOPEN": "it cannot be opened; check that its folder exists and can be written",
    "SQLITE_PERM": "permission denied",
    "SQLITE_AUTH": "permission denied",
    "SQLITE_IOERR": "reading or writing failed; check the disk",
    "SQLITE_NOMEM": "out of memory",
    "SQLITE_TOOBIG": "a record is too large",
    "SQLITE_INTERRUPT": "the operation was interrupted",
    "SQLITE_PROTOCOL": "another process has kept it locked for too long",
}


def translate(error: sqlite3.Error, target: str) -> BeliefGraphError:
    """Return our error for one of the driver's."""
    name = getattr(error, "sqlite_errorname", "") or ""
    primary = "_".join(name.split("_")[:2])
    if primary == "SQLITE_NOTADB":
        return StoreVersionError(target, "it is not a beliefgraph store")
    if primary in _UNAVAILABLE:
        return StoreUnavailableError(target, _UNAVAILABLE[primary])
    if isinstance(error, sqlite3.ProgrammingError):
        return StoreUnavailableError(target, "it is closed")
    return IntegrityError(target, str(error))


@contextmanager
def translated(target: str) -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, target) from error


class Connections:
    """A pool of connections to one file, and a lock that lets this process's writers queue in turn.

    For `:memory:` there is one connection, used by one transaction at a time.
    """

    def __init__(self, path: str, *, synchronous: Synchronous, timeout_s: float) -> None:
        self.target = path
        self._synchronous, self._timeout_s = synchronous, timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writer = threading.Lock()
        self._single = threading.RLock() if path == MEMORY else None
        self._closed = False
        with translated(path):
            connection = self._connect()
            try:
                _prepare(connection, path, timeout_s)
            except BaseException:
                connection.close()
                raise
        self._idle.append(connection)

    def identity(self) -> str:
        """Return what tells the file from every other. Raises `StoreUnavailableError` when it is gone."""
        if self.target == MEMORY:
            return f"{MEMORY} {id(self)}"
        try:
            found = Path(self.target).stat()
        except OSError:
            raise StoreUnavailableError(self.target, "its file is gone") from None
        return f"file {found.st_dev}:{found.st_ino}"

    def _connect(self) -> sqlite3.Connection:
        if self.target != MEMORY and Path(self.target).is_dir():
            raise StoreUnavailableError(self.target, "it is a folder; name a file")
        connection = sqlite3.connect(
            self.target,
            timeout=self._timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.executescript(
            f"PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = {self._synchronous};"
        )
        return connection

    @contextmanager
    def transaction(self, begin: Literal["BEGIN", "BEGIN IMMEDIATE"]) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction that commits at the end and rolls back on an error."""
        with translated(self.target):
            turn = self._writer if begin == "BEGIN IMMEDIATE" else None
            with self._turn(turn), self._turn(self._single):
                connection = self._take()
                try:
                    connection.execute(begin)
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    self._give_back(connection)

    @contextmanager
    def _turn(self, lock: "threading.Lock | threading.RLock | None") -> Iterator[None]:
        if lock is None:
            yield
            return
        if not lock.acquire(timeout=self._timeout_s):
            raise StoreUnavailableError(self.target, _UNAVAILABLE["SQLITE_BUSY"])
        try:
            yield
        finally:
            lock.release()

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise StoreUnavailableError(self.target, "it is closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def forget_deleted(self) -> None:
        """Write the file anew and empty its log, so that nothing deleted stays in either.

        Overwriting what is deleted is not enough: where rows moved from page to page, copies of them stay behind.
        """
        if self.target == MEMORY:
            return
        with translated(self.target), self._turn(self._writer), closing(self._connect()) as connection:
            connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailableError(
                self.target, "a reader keeps old pages in its log; close other readers and erase again"
            )

    def close(self) -> None:
        """Close every connection that is not lent out; those close when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _prepare(connection: sqlite3.Connection, target: str, timeout_s: float) -> None:
    """Refuse what is not ours or newer; create or migrate the rest, in one transaction."""
    # Tables first: whoever makes them at this moment sets the mark in the same transaction.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if tables and application_id != APPLICATION_ID:
        raise StoreVersionError(target, "it is a SQLite file of something else")
    versions = [body for name, body in load_blocks("beliefgraph.graph.sqlite", "schema.sql").items()]
    if _version(connection, target, len(versions)) == len(versions):
        return
    _enter_wal(connection, timeout_s)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(_version(connection, target, len(versions)), len(versions)):
            for statement in _statements(versions[number]):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(versions)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection, target: str, newest: int) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > newest:
        raise StoreVersionError(
            target,
            f"its schema is version {found}, this beliefgraph knows up to {newest}; upgrade beliefgraph",
        )
    return found


def _enter_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Switch to write-ahead logging; SQLite does not wait for this lock by itself."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _statements(script: str) -> Iterator[str]:
    """Split a script where SQLite says that a statement is complete."""
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
