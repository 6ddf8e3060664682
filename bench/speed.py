"""What learning from a signal costs, in ratios within one run: to the bare database, with history, with company.

Seconds say more about the machine than about the code, so each figure is a ratio of two medians measured in turns.
The bare database is SQLite with our schema and settings, given the very rows that the store wrote. Where both sides
are ours, nothing waits for the disk (`synchronous=NORMAL`): a slow disk would make any two costs look alike. For the
same reason the ratio of the processor times alone is shown beside that of a durable transaction.
"""

import gc
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.sqlite.connections import Synchronous
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import ingest
from bench.scratch import median, open_pipeline
from bench.traffic import TENANT, history, hold, rate, respond

_WRITTEN = ("signals", "revisions", "evidence", "beliefs", "responses", "generated_by")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A measured ratio with the two medians (seconds) behind it, and the most it may be.

    `processor` is the ratio of the processor times alone, without what is waited for.
    """

    name: str
    ours: float
    other: float
    target: float
    processor: float | None = None

    @property
    def value(self) -> float:
        """Return ours over the other."""
        return self.ours / self.other

    @property
    def met(self) -> bool:
        """Say whether the target is met."""
        return self.value <= self.target

    def __str__(self) -> str:
        """Return one line: the ratio, its target, the verdict and the medians."""
        verdict = "met" if self.met else f"missed by {self.value - self.target:.2f}"
        medians = f"{self.ours * 1e6:,.0f} µs against {self.other * 1e6:,.0f} µs"
        alone = "" if self.processor is None else f"; processor alone {self.processor:.2f}"
        return f"{self.name:<66} {self.value:6.2f}   ≤ {self.target:<4g} {verdict:<16} {medians}{alone}"


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how many seconds some work takes."""
    started = clock()
    work()
    return clock() - started


def timed_twice(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds passed and seconds of processor time."""
    started = time.process_time()
    passed = timed(work)
    return passed, time.process_time() - started


# The bare database


class Bare:
    """SQLite with our schema and settings and nothing else: the rows are given, and written with one statement each."""

    def __init__(self, path: Path, *, synchronous: Synchronous) -> None:
        open_pipeline(str(path)).store.close()
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self.connection.executescript(
            f"PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = {synchronous};"
        )
        self._sql = load_blocks("beliefgraph.graph.sqlite", "queries.sql")

    def copy(self, source: sqlite3.Connection, tables: Sequence[str]) -> None:
        """Take over whole tables of another file."""
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.connection.execute("BEGIN")
        for table in tables:
            for row in source.execute(f"SELECT * FROM {table}"):  # noqa: S608 — names of our own schema
                self.connection.execute(f"INSERT INTO {table} VALUES ({_places(row)})", row)  # noqa: S608
        self.connection.execute("COMMIT")
        self.connection.execute("PRAGMA foreign_keys = ON")

    def write(self, rows: Mapping[str, Sequence[Row]], user: Row) -> None:
        """Write one unit of work in a durable transaction: new rows, and the states of the beliefs they moved."""
        run, sql = self.connection.executemany, self._sql
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute(sql["advance user"], user)
        for table, name in _STATEMENTS.items():
            if rows.get(table):
                run(sql[name], rows[table])
        self.connection.execute("COMMIT")


_STATEMENTS = {
    "new beliefs": "add belief",
    "responses": "add response",
    "generated_by": "add premise",
    "signals": "add signal",
    "revisions": "add revision",
    "beliefs": "revise belief",
    "evidence": "put item",
}


def _places(row: Row) -> str:
    return ", ".join("?" * len(row))


def _as_revised(rows: Sequence[Row]) -> list[Row]:
    """Return rows of `beliefs` as the statement that revises one takes them: the state, then the key."""
    return [(*row[12:], row[0], row[1]) for row in rows]


def _written(connection: sqlite3.Connection, after: int) -> tuple[dict[str, list[Row]], Row]:
    """Return what a store wrote about its one user after a sequence number, and where the user's sequence stands."""
    pk, *stands = connection.execute("SELECT pk, seq, recorded_at, tallies FROM users").fetchone()
    rows = {
        table: connection.execute(f"SELECT * FROM {table} WHERE seq > ?", (after,)).fetchall()  # noqa: S608
        for table in ("signals", "responses", "revisions")
    }
    moved = sorted({revision[2] for revision in rows["revisions"]})
    items = sorted({(pk, *revision[2:3], *revision[13:17]) for revision in rows["revisions"]})
    beliefs = [
        connection.execute("SELECT * FROM beliefs WHERE user = ? AND id = ?", (pk, belief)).fetchone()
        for belief in moved
    ]
    return {**rows, "beliefs": _as_revised(beliefs), "evidence": items}, (*stands, pk)


# The figures


def one_signal(folder: Path, *, repeats: int) -> Ratio:
    """Compare one durable signal on a response with three beliefs to a bare transaction that writes the same rows."""
    path = folder / "one.db"
    pipeline = open_pipeline(str(path))
    hold(pipeline, "ada")
    for number in range(repeats):
        respond(pipeline, "ada", f"r{number}")
    peek = sqlite3.connect(path)
    bare = Bare(folder / "bare.db", synchronous="FULL")
    bare.copy(peek, ("users", "vectors", "beliefs", "responses", "generated_by", "revisions", "evidence"))
    ours, others = [], []
    for number in range(repeats):
        (after,) = peek.execute("SELECT seq FROM users").fetchone()
        ours.append(timed_twice(lambda n=number: rate(pipeline, "ada", f"r{n}", n)))  # type: ignore[misc]
        rows, user = _written(peek, after)
        others.append(timed_twice(lambda r=rows, u=user: bare.write(r, u)))  # type: ignore[misc]
    _check_same(peek, bare.connection)
    pipeline.store.close()
    mine, bares = (tuple(median(side) for side in zip(*pairs, strict=True)) for pairs in (ours, others))
    return Ratio(
        name="one durable signal, 3 beliefs / bare transaction",
        ours=mine[0],
        other=bares[0],
        processor=mine[1] / bares[1],
        target=3,
    )


def _check_same(ours: sqlite3.Connection, bare: sqlite3.Connection) -> None:
    """Make sure that the bare database holds the very rows, or the comparison is not one."""
    for table in _WRITTEN:
        query = f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"  # noqa: S608
        if ours.execute(query).fetchall() != bare.execute(query).fetchall():
            raise AssertionError(f"the two files differ in {table}")


def long_history(folder: Path, *, long: int, repeats: int, kinds: Sequence[str] = ("rating",)) -> Ratio:
    """Compare the cost of a user's signals after a long history with that after a short one, in one file."""
    pipeline = open_pipeline(str(folder / f"history-{len(kinds)}.db"), synchronous="NORMAL")
    ratio = after_history(pipeline, long=long, repeats=repeats, kinds=kinds)
    pipeline.store.close()
    return ratio


def after_history(
    pipeline: Pipeline, *, long: int, repeats: int, short: int = 100, kinds: Sequence[str] = ("rating",)
) -> Ratio:
    """Compare the cost of a user's signals after a long history with that after a short one, in one store."""
    for user, length in (("old", long), ("new", short)):
        ingest(pipeline, TENANT, history(user, length // len(kinds), kinds=kinds))
    costs: dict[str, list[float]] = {"old": [], "new": []}
    fresh = "new"
    for number in range(repeats):
        for user in ("old", "new") if number % 2 else ("new", "old"):
            if user == "new" and number % 20 == 0:
                fresh = f"new{number}"
                ingest(pipeline, TENANT, history(fresh, (short - 20) // len(kinds), kinds=kinds))
            name = f"x{number}"
            subject = fresh if user == "new" else user
            respond(pipeline, subject, name)
            for kind in kinds[:-1]:
                rate(pipeline, subject, name, number, kind=kind)
            costs[user].append(
                timed(lambda s=subject, n=number, m=name: rate(pipeline, s, m, n, kind=kinds[-1]))  # type: ignore[misc]
            )
    which = "the second signal on each response" if len(kinds) > 1 else "one signal a response"
    return Ratio(
        name=f"signal {long:,} of a user / signal {short} ({which})",
        ours=median(costs["old"]),
        other=median(costs["new"]),
        target=1.2,
    )


def many_users(folder: Path, *, many: int, repeats: int, few: int = 100) -> Ratio:
    """Compare the cost of a signal of one of many users in a file with that of one of a few."""
    pipelines = {}
    for count in (few, many):
        path = folder / f"users-{count}.db"
        pipeline = open_pipeline(str(path))
        ingest(pipeline, TENANT, history("u0", 2))
        pipeline.store.close()
        _multiply(path, count)
        pipelines[count] = open_pipeline(str(path), synchronous="NORMAL")
    ratio = in_company(pipelines, repeats=repeats)
    for pipeline in pipelines.values():
        pipeline.store.close()
    return ratio


def in_company(pipelines: Mapping[int, Pipeline], *, repeats: int) -> Ratio:
    """Compare the cost of a signal between two stores, of few and of many users (u0, u1, …).

    The first signals only fill the caches, as in a store that is in use; each signal is of another user.
    """
    costs: dict[int, list[float]] = {count: [] for count in pipelines}
    for number in range(repeats // 4 + repeats):
        for count, pipeline in pipelines.items():
            user, name = f"u{number * 7919 % count}", f"x{number}"
            respond(pipeline, user, name)
            costs[count].append(timed(lambda p=pipeline, u=user, n=number, m=name: rate(p, u, m, n)))  # type: ignore[misc]
    few, many = sorted(costs)
    return Ratio(
        name=f"a signal with {many:,} users in the file / {few}",
        ours=median(costs[many][repeats // 4 :]),
        other=median(costs[few][repeats // 4 :]),
        target=1.2,
    )


def _multiply(path: Path, count: int) -> None:
    """Fill a file that holds one user with copies of her, by SQL, in the order in which users would come."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "
        "INSERT INTO users SELECT pk + i, tenant, 'u' || i, seq, recorded_at, tallies FROM users, n WHERE id = 'u0'",
        {"count": count},
    )
    for table in ("beliefs", "responses", "generated_by", "signals", "evidence", "revisions"):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")][1:]
        named = ", ".join(f"t.{column}" for column in columns)
        connection.execute(
            f"INSERT INTO {table} SELECT u.pk, {named} FROM users AS u, {table} AS t "  # noqa: S608
            "WHERE u.id <> 'u0' AND t.user = (SELECT pk FROM users WHERE id = 'u0') ORDER BY u.pk"
        )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def batch(folder: Path, *, users: int, signals: int, repeats: int) -> Ratio:
    """Compare ingest of a log with writing the same rows with bare batches, a transaction a user in both.

    Each signal of the log comes with its response and three beliefs behind it. The medians are per signal.
    """
    lines = [line for user in range(users) for line in history(f"u{user}", signals)]
    ours, others = [], []
    for repeat in range(repeats):
        path = folder / f"batch-{repeat}.db"
        pipeline = open_pipeline(str(path))
        gc.collect()
        ours.append(timed(lambda p=pipeline: ingest(p, TENANT, lines)) / (users * signals))  # type: ignore[misc]
        pipeline.store.close()
        bare = Bare(folder / f"batch-bare-{repeat}.db", synchronous="FULL")
        batches = list(_batches(path, bare))
        others.append(
            timed(lambda b=bare, u=batches: [b.write(rows, user) for rows, user in u])  # type: ignore[misc]
            / (users * signals)
        )
        bare.connection.close()
    return Ratio(
        name="ingest of a log / bare batches of the same rows",
        ours=median(ours),
        other=median(others),
        target=6,
    )


def _batches(path: Path, bare: Bare) -> Iterator[tuple[dict[str, list[Row]], Row]]:
    """Yield each user's rows as a store wrote them; users and vectors are there already."""
    source = sqlite3.connect(path)
    bare.copy(source, ("users", "vectors"))
    for pk, *stands in source.execute("SELECT pk, seq, recorded_at, tallies FROM users").fetchall():
        rows = {
            table: source.execute(f"SELECT * FROM {table} WHERE user = ?", (pk,)).fetchall()  # noqa: S608
            for table in _WRITTEN
        }
        rows["new beliefs"] = rows["beliefs"]
        rows["beliefs"] = _as_revised(rows["beliefs"])
        yield rows, (*stands, pk)
    source.close()


def peak_memory_mb() -> float:
    """Return the most memory that this process ever held, in MB.

    Where Linux tells, from the process's own record: `ru_maxrss` of a started program begins at that of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = (
            line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")
        )
        return int(peak.split()[1]) / 2**10
    peak_units = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_units / (2**20 if sys.platform == "darwin" else 2**10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    repeats: int = 400
    long: int = 10_000
    many: int = 100_000
    batch_users: int = 40
    batch_signals: int = 100
    batch_repeats: int = 5


QUICK = Sizes(repeats=12, long=200, many=300, batch_users=2, batch_signals=10, batch_repeats=2)


def run(sizes: Sizes) -> Iterator[Ratio]:
    """Measure every ratio, one after the other."""
    with tempfile.TemporaryDirectory(prefix="beliefgraph-bench-") as name:
        folder = Path(name)
        yield one_signal(folder, repeats=sizes.repeats)
        yield long_history(folder, long=sizes.long, repeats=sizes.repeats)
        yield long_history(folder, long=sizes.long, repeats=sizes.repeats, kinds=("rating", "save"))
        yield many_users(folder, many=sizes.many, repeats=sizes.repeats)
        yield batch(folder, users=sizes.batch_users, signals=sizes.batch_signals, repeats=sizes.batch_repeats)
