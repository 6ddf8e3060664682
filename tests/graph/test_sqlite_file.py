"""What only a SQLite store has: a file that may be anything, a disk that may be full, bytes that may stay behind."""

import random
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.errors import (
    BeliefGraphError,
    IntegrityError,
    StoreUnavailableError,
    StoreVersionError,
)
from beliefgraph.graph.ids import ResponseId, UserId
from beliefgraph.graph.sqlite import connections
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Reader, Scope, Writer
from beliefgraph.graph.testing.builders import ADA, BOB, NOTHING_ERASED, Draft, put, put_beliefs, vector


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store may be made."""
    return tmp_path / "beliefs.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """Open a new store that waits for nobody."""
    store = SqliteStore(str(path), timeout_s=0.05)
    yield store
    store.close()


def _pragma(store: SqliteStore, name: str) -> Any:
    with store._connections.transaction("BEGIN") as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _beliefs(store: SqliteStore, scope: Scope = ADA) -> list[str]:
    return [node.id for node in store.read(scope, lambda reader: reader.beliefs())]


class TestOpening:
    """What is not a store of ours is refused, and left as it was."""

    def test_a_text_file(self, path: Path) -> None:
        """A text file is refused as no store, and not a byte of it changes."""
        path.write_text("Dear diary, " * 1_000)
        with pytest.raises(StoreVersionError, match="not a beliefgraph store"):
            SqliteStore(str(path))
        assert "Dear diary, " * 1_000 == path.read_text()
        assert [path] == list(path.parent.iterdir())

    def test_a_short_text_file(self, path: Path) -> None:
        """A file too short for a database is refused too."""
        path.write_text("hello")
        with pytest.raises(StoreVersionError):
            SqliteStore(str(path))
        assert "hello" == path.read_text()

    def test_an_empty_file(self, path: Path) -> None:
        """An empty file becomes a store."""
        path.touch()
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, "b1")
            assert ["b1"] == _beliefs(store)

    def test_a_database_of_something_else(self, path: Path) -> None:
        """Somebody else's SQLite file is refused, and nothing is added to it."""
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE recipes (name)")
        before = path.read_bytes()
        with pytest.raises(StoreVersionError, match="something else"):
            SqliteStore(str(path))
        assert before == path.read_bytes()

    def test_a_newer_version(self, path: Path) -> None:
        """A file of a newer schema is refused with both versions named, and nothing in it changes."""
        SqliteStore(str(path)).close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
        with pytest.raises(StoreVersionError, match=r"version 99.*upgrade beliefgraph"):
            SqliteStore(str(path))
        with closing(sqlite3.connect(path)) as connection:
            assert (99,) == connection.execute("PRAGMA user_version").fetchone()

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is refused with what would be right."""
        with pytest.raises(StoreUnavailableError, match="folder; name a file"):
            SqliteStore(str(tmp_path))

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        """A file in a folder that is not there cannot be opened; the folder is not made."""
        with pytest.raises(StoreUnavailableError, match="check that its folder exists"):
            SqliteStore(str(tmp_path / "nowhere" / "beliefs.db"))
        assert [] == list(tmp_path.iterdir())

    def test_a_place_that_takes_no_files(self) -> None:
        """A folder in which nobody can make a file says so, for the superuser too."""
        with pytest.raises(StoreUnavailableError, match="can be written"):
            SqliteStore("/proc/beliefs.db")

    def test_a_file_that_cannot_be_written(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file open for reading only can be read; a write says that it cannot be written."""
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, "b1")
        connect = sqlite3.connect
        monkeypatch.setattr(
            sqlite3,
            "connect",
            lambda target, **options: connect(f"file:{target}?mode=ro", uri=True, **options),
        )
        with closing(SqliteStore(str(path))) as store:
            assert ["b1"] == _beliefs(store)
            with pytest.raises(StoreUnavailableError, match="cannot be written"):
                put_beliefs(store, ADA, "b2")
            with pytest.raises(StoreUnavailableError, match="cannot be written"):
                store.erase(ADA)
            assert ["b1"] == _beliefs(store)

    def test_a_damaged_file(self, path: Path) -> None:
        """A file whose pages were overwritten raises one of our errors, not the driver's."""
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, *(f"b{number}" for number in range(200)))
        content = bytearray(path.read_bytes())
        content[4096:] = random.Random(1).randbytes(len(content) - 4096)
        path.write_bytes(bytes(content))
        with pytest.raises(IntegrityError), closing(SqliteStore(str(path))) as store:  # noqa: PT012
            _beliefs(store)
            put_beliefs(store, ADA, "b1")


class TestSettings:
    """The settings that durability and references rest on are in force on every connection."""

    @pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
    def test_they_are_in_force(self, path: Path, synchronous: connections.Synchronous, number: int) -> None:
        """The log is a write-ahead log; sync, references and overwriting are as promised, on every connection."""
        with closing(SqliteStore(str(path), synchronous=synchronous)) as store:
            pool = store._connections
            with pool.transaction("BEGIN") as first, pool.transaction("BEGIN") as second:
                assert first is not second
                for connection in (first, second):
                    for name, value in (
                        ("journal_mode", "wal"),
                        ("synchronous", number),
                        ("foreign_keys", 1),
                        ("secure_delete", 1),
                        ("application_id", connections.APPLICATION_ID),
                    ):
                        assert (name, value) == (name, connection.execute(f"PRAGMA {name}").fetchone()[0])

    def test_full_is_the_default(self, store: SqliteStore) -> None:
        """Without a setting, an acknowledged write survives a power failure."""
        assert 2 == _pragma(store, "synchronous")


NEWEST = len(load_blocks("beliefgraph.graph.sqlite", "schema.sql"))
NEXT = f"version {NEWEST + 1}"


class TestMigration:
    """Schema versions are applied forward, in one transaction."""

    @pytest.fixture
    def next_version(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """Let there be one more version of the schema; a test may change its script."""
        blocks = {
            **load_blocks("beliefgraph.graph.sqlite", "schema.sql"),
            NEXT: "CREATE TABLE extra (name TEXT);\nALTER TABLE users ADD COLUMN note TEXT DEFAULT 'new; here';",
        }
        monkeypatch.setattr(connections, "load_blocks", lambda *_: blocks)
        return blocks

    def test_an_old_file_is_brought_forward(self, path: Path, request: pytest.FixtureRequest) -> None:
        """Opening an older file applies what is missing and keeps its records; older code then refuses it."""
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, "b1")
            assert NEWEST == _pragma(store, "user_version")
        request.getfixturevalue("next_version")
        for _ in range(2):
            with closing(SqliteStore(str(path))) as store:
                assert NEWEST + 1 == _pragma(store, "user_version")
                assert ["b1"] == _beliefs(store)
                with store._connections.transaction("BEGIN") as connection:
                    assert [("ada", "new; here")] == connection.execute(
                        "SELECT id, note FROM users"
                    ).fetchall()
        request.getfixturevalue("monkeypatch").undo()
        with pytest.raises(
            StoreVersionError, match=f"version {NEWEST + 1}, this beliefgraph knows up to {NEWEST}"
        ):
            SqliteStore(str(path))

    def test_a_file_of_the_first_version_is_read_and_written(self, path: Path) -> None:
        """Records written before revisions could reread items come through a migration, and new ones follow."""
        blocks = load_blocks("beliefgraph.graph.sqlite", "schema.sql")
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(blocks["version 1"])
            connection.execute("INSERT INTO users VALUES (1, 'acme', 'ada', 2, 7)")
            numbers = "0.5, 0.5, 0.0, 'spawn', 'said', 'belief', 'b1', 'v', 7, NULL, NULL, NULL, NULL, 0"
            state = "0.0, 365.0, 6.0, 7, 0.0, 0.0, 0.0, 0.0, 0.0, 0, '', 0.0, 'open', '{}'"
            said = "'says b1', 'says b1', 'stated', 'preference', 7, 7, NULL, NULL, NULL, 1, 7"
            connection.execute(f"INSERT INTO beliefs VALUES (1, 'b1', 1, {said}, {state})")
            connection.execute(f"INSERT INTO revisions VALUES (1, 2, 'b1', 1, {numbers}, {state})")
            connection.execute("PRAGMA user_version = 1")
            connection.execute(f"PRAGMA application_id = {connections.APPLICATION_ID}")
            connection.commit()
        with closing(SqliteStore(str(path))) as store:
            assert NEWEST == _pragma(store, "user_version")
            put(store, ADA, lambda draft: draft.revise("b1", slot=None, reread={ResponseId("r1"): 0.5}))
            found = store.read(ADA, lambda reader: reader.revisions())
        assert [(), ("r1",)] == [tuple(item.id for item in revision.reread) for revision in found]

    def test_a_new_file_gets_every_version(self, path: Path, next_version: dict[str, str]) -> None:
        """A new file is made with all versions in order."""
        with closing(SqliteStore(str(path))) as store:
            assert len(next_version) == _pragma(store, "user_version")
            assert 0 == _pragma(store, "table_info(extra)")

    def test_a_migration_that_fails_changes_nothing(self, path: Path, request: pytest.FixtureRequest) -> None:
        """When the second statement of a version fails, the first is taken back and the version stays."""
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, "b1")
        blocks = request.getfixturevalue("next_version")
        good = blocks[NEXT]
        blocks[NEXT] = "CREATE TABLE extra (name TEXT);\nALTER TABLE nothing ADD COLUMN note TEXT;"
        with pytest.raises(BeliefGraphError):
            SqliteStore(str(path))
        with closing(sqlite3.connect(path)) as connection:
            assert (NEWEST,) == connection.execute("PRAGMA user_version").fetchone()
            assert [] == connection.execute("SELECT name FROM sqlite_schema WHERE name = 'extra'").fetchall()
        blocks[NEXT] = good
        with closing(SqliteStore(str(path))) as store:
            assert ["b1"] == _beliefs(store)


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestTrouble:
    """A full disk and a locked file are clear errors; nothing is written, nothing is lost."""

    def _fill(self, store: SqliteStore) -> int:
        """Write until it fails; return how many units were acknowledged."""
        for number in range(10_000):
            try:
                put(store, ADA, lambda draft, n=number: draft.belief(f"b{n}", "x" * 10_000))  # type: ignore[misc]
            except StoreUnavailableError:
                return number
        raise AssertionError("the disk never filled")

    def test_a_full_disk(self, path: Path, store: SqliteStore) -> None:
        """When the disk is full a write raises, what was acknowledged is there, and it goes on when there is room."""
        with _largest_file(1_000_000):
            written = self._fill(store)
            with pytest.raises(StoreUnavailableError, match="disk"):
                put(store, ADA, lambda draft: draft.belief("more", "x" * 10_000))
            assert written == len(_beliefs(store))
        put_beliefs(store, ADA, "room again")
        assert ["room again", f"b{written - 1}"] == _beliefs(store)[:2]
        store.close()
        with closing(SqliteStore(str(path))) as again:
            assert written + 1 == len(_beliefs(again))
            assert "ok" == _pragma(again, "integrity_check")

    def test_a_file_that_may_not_grow(self, store: SqliteStore) -> None:
        """SQLite's own word for it, too, is a full disk; the unit is taken back as a whole."""
        put_beliefs(store, ADA, "first")
        pages = _pragma(store, "page_count")
        assert pages + 20 == _pragma(store, f"max_page_count = {pages + 20}")
        written = self._fill(store)
        with pytest.raises(StoreUnavailableError, match="the disk is full"):
            put(store, ADA, lambda draft: draft.belief("more", "x" * 100_000))
        assert written + 1 == len(_beliefs(store))
        assert "ok" == _pragma(store, "integrity_check")

    def test_no_room_for_a_new_file(self, path: Path) -> None:
        """A disk without room for an empty store is a clear error, and the next try succeeds."""
        with _largest_file(8_000), pytest.raises(StoreUnavailableError, match="disk"):
            SqliteStore(str(path))
        with closing(SqliteStore(str(path))) as store:
            put_beliefs(store, ADA, "b1")

    def test_an_erasure_without_room_says_so_and_can_be_finished(
        self, path: Path, store: SqliteStore
    ) -> None:
        """When the file cannot be written anew the erasure raises; erasing again leaves no trace."""
        put(store, BOB, lambda draft: draft.belief("b1", "x" * 500_000))
        put(store, ADA, lambda draft: draft.belief("b1", "Zyzzyva " * 100))
        with _largest_file(path.stat().st_size + 100_000), pytest.raises(StoreUnavailableError):
            store.erase(ADA)
        store.erase(ADA)
        assert [] == _traces(path, b"Zyzzyva")
        assert ["b1"] == _beliefs(store, BOB)

    def test_a_locked_file(self, path: Path, store: SqliteStore) -> None:
        """While another process holds the file's lock, writers get a clear error in time and readers read on."""
        put_beliefs(store, ADA, "b1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for call in (lambda: put_beliefs(store, ADA, "b2"), lambda: store.erase(ADA)):
                with pytest.raises(StoreUnavailableError, match="locked for too long"):
                    call()
            assert ["b1"] == _beliefs(store)
            with closing(SqliteStore(str(path), timeout_s=0.05)) as third:
                assert ["b1"] == _beliefs(third)
            other.execute("ROLLBACK")
        put_beliefs(store, ADA, "b2")
        assert ["b2", "b1"] == _beliefs(store)

    def test_a_lock_before_the_first_opening(self, path: Path) -> None:
        """A new file that somebody else holds cannot be opened in time."""
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreUnavailableError, match="locked for too long"):
                SqliteStore(str(path), timeout_s=0.05)

    @pytest.mark.parametrize("target", ["beliefs.db", ":memory:"])
    def test_a_writer_in_another_thread(self, tmp_path: Path, target: str) -> None:
        """A writer waits for its turn no longer than it is told."""
        name = target if target == ":memory:" else str(tmp_path / target)
        entered, leave = threading.Event(), threading.Event()

        def hold(_: Writer) -> None:
            entered.set()
            leave.wait()

        with closing(SqliteStore(name, timeout_s=0.05)) as store:
            holder = threading.Thread(target=store.write, args=(ADA, hold))
            holder.start()
            entered.wait()
            try:
                with pytest.raises(StoreUnavailableError, match="too long"):
                    put_beliefs(store, BOB, "b1")
            finally:
                leave.set()
                holder.join()
            put_beliefs(store, BOB, "b1")


_UNAVAILABLE = "AUTH BUSY CANTOPEN FULL INTERRUPT IOERR LOCKED NOMEM PERM PROTOCOL READONLY TOOBIG"
_DAMAGED = "ABORT CONSTRAINT CORRUPT EMPTY ERROR FORMAT INTERNAL MISMATCH MISUSE NOLFS NOTFOUND RANGE SCHEMA"
PRIMARY = {
    StoreUnavailableError: _UNAVAILABLE.split(" "),
    StoreVersionError: ["NOTADB"],
    IntegrityError: _DAMAGED.split(" "),
}
NO_ERRORS = ["OK", "DONE", "ROW", "NOTICE", "WARNING", "DENY", "IGNORE"]


def _error_names() -> list[str]:
    """Return the names of all result codes that this Python knows; an extended code's low byte is its primary."""
    names = [
        name for name in dir(sqlite3) if name.startswith("SQLITE_") and not name.startswith("SQLITE_LIMIT_")
    ]
    actions = (
        "CREATE_",
        "DROP_",
        "ALTER_",
        "ATTACH",
        "DETACH",
        "ANALYZE",
        "REINDEX",
        "SAVEPOINT",
        "RECURSIVE",
    )
    others = ("DELETE", "INSERT", "PRAGMA", "READ", "SELECT", "TRANSACTION", "UPDATE", "FUNCTION")
    return [
        name
        for name in names
        if not name[7:].startswith(actions)
        and name[7:] not in others
        and name[7:].split("_")[0] not in NO_ERRORS
    ]


@pytest.mark.parametrize("name", _error_names())
def test_every_error_of_the_driver_is_one_of_ours(name: str) -> None:
    """Each result code of SQLite becomes the error that its primary code is listed under."""
    error = sqlite3.OperationalError("what the driver says")
    error.sqlite_errorname = name
    primary = name.split("_")[1]
    (expected,) = [kind for kind, names in PRIMARY.items() if primary in names]
    translated = connections.translate(error, "a store")
    assert expected is type(translated)
    assert "a store" in str(translated)


def test_what_is_raised_keeps_its_cause(store: SqliteStore) -> None:
    """Our error comes from the driver's, so that a log shows both."""
    with pytest.raises(IntegrityError) as raised:
        put(store, ADA, lambda draft: draft.response("r1", "nobody"))
    assert isinstance(raised.value.__cause__, sqlite3.IntegrityError)


# Erasure, down to the bytes


def _traces(path: Path, word: bytes) -> list[str]:
    """Return the names of the files beside a store's that hold a word."""
    return [file.name for file in path.parent.iterdir() if word in file.read_bytes()]


def _live(store: SqliteStore, scope: Scope, mark: str, units: int, chance: random.Random) -> None:
    """Write a life of many updates, with rows of many sizes, so that they move from page to page."""
    for unit in range(units):

        def build(draft: Draft, unit: int = unit) -> None:
            text = mark * chance.choice([1, 5, 40, 300])
            belief_id = f"{mark}-{chance.randrange(10**9)}"
            near = vector(*(chance.random() for _ in range(64)))
            draft.belief(belief_id, f"{text} {unit}", near=near)
            draft.response(f"{mark}r{unit}", belief_id, text=text)
            draft.signal(f"{mark}s{unit}", response=f"{mark}r{unit}", text=text)
            for step in range(chance.randrange(5)):
                draft.revise(belief_id, item_id=f"{mark}r{unit - step}", cause_id=f"{mark}s{unit}")
            if unit % 7 == 3:
                draft.retract(f"{mark}s{unit - 1}", f"{text} was wrong")

        put(store, scope, build, at=unit)


@pytest.mark.parametrize("seed", range(3))
def test_no_byte_of_an_erased_user_stays(path: Path, seed: int) -> None:
    """After many updates beside other users, the files hold no id, statement or comment of an erased user."""
    chance = random.Random(seed)
    scopes = [Scope("acme", UserId(f"user-{number}-")) for number in range(5)]
    with closing(SqliteStore(str(path), synchronous="NORMAL")) as store:
        for period in ("early", "late"):
            for number, scope in enumerate(scopes):
                _live(store, scope, f"Mark{number}{period}", 20, chance)
        kept = [_look_at(store, scope) for scope in scopes[2:]]
        for scope in scopes[:2]:
            store.erase(scope)
        for number in range(2):
            assert [] == _traces(path, f"Mark{number}".encode())
            assert [] == _traces(path, f"user-{number}-".encode())
        assert ["beliefs.db"] == _traces(path, b"Mark2")
        assert kept == [_look_at(store, scope) for scope in scopes[2:]]
        assert "ok" == _pragma(store, "integrity_check")
        with store._connections.transaction("BEGIN") as connection:
            assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()


def _look_at(store: SqliteStore, scope: Scope) -> object:
    return store.read(
        scope, lambda reader: (reader.head(), reader.beliefs(), reader.signals(), reader.revisions())
    )


def test_an_erasure_beside_a_reader_says_that_a_trace_may_stay(path: Path, store: SqliteStore) -> None:
    """While a reader holds old pages, erasing raises; afterwards erasing again leaves no trace."""
    put(store, ADA, lambda draft: draft.belief("b1", "Zyzzyva " * 100))

    def erase_meanwhile(reader: Reader) -> int:
        with pytest.raises(StoreUnavailableError, match="erase again"):
            store.erase(ADA)
        return len(reader.beliefs())

    assert 1 == store.read(ADA, erase_meanwhile)
    assert [] == _beliefs(store)
    assert NOTHING_ERASED == store.erase(ADA)
    assert [] == _traces(path, b"Zyzzyva")


def test_an_erasure_cut_short_is_finished_by_the_next(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a process ends between deleting and writing anew, the next erasure, of anybody, leaves no trace."""
    put(store, BOB, lambda draft: draft.belief("b1", "Beside"))
    put(store, ADA, lambda draft: draft.belief("b1", "Zyzzyva " * 100))

    class _EndedError(BaseException):
        pass

    def end(_: object) -> None:
        raise _EndedError

    with monkeypatch.context() as patch:
        patch.setattr(connections.Connections, "forget_deleted", end)
        with pytest.raises(_EndedError):
            store.erase(ADA)
    assert [] != _traces(path, b"Zyzzyva")
    assert NOTHING_ERASED == store.erase(Scope("nobody's", UserId("nobody")))
    assert [] == _traces(path, b"Zyzzyva")
    assert ["b1"] == _beliefs(store, BOB)
    with store._connections.transaction("BEGIN") as connection:
        assert [] == connection.execute("SELECT * FROM settings").fetchall()
