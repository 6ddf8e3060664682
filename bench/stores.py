"""Both stores side by side: a signal beside the bare database, in bulk, with history, in company, from many writers.

Every figure is a ratio within one run; what is compared is measured in turns, and medians are taken. The Neo4j servers
are started here as the tests start theirs, one with few users and one with many; one that is in use is never touched.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Reader
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import ingest
from beliefgraph.queries.verify import verify
from bench import speed
from bench.bare_neo4j import BareNeo4j, Properties, as_one
from bench.neo4j_server import Address, NoServer, start_server
from bench.scratch import median, open_pipeline, pipeline_over
from bench.speed import Ratio, timed
from bench.traffic import TENANT, beliefs_and_responses, history, rate, scope_of, signal_lines

WRITERS = 8
FEW = 100
_ALONE = 50
_BATCH = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured.

    `repeats` signals are timed one by one, `long` is the longest history, `many` the users of the larger server; a
    log has so many users and signals of each; each writer sends `each` signals in one of `rounds` turns. The last two
    are long enough that the first and the last transaction of a turn, beside which nothing else runs, do not count.
    """

    repeats: int = 300
    long: int = 10_000
    many: int = 100_000
    batch_users: int = 8
    batch_signals: int = 2000
    each: int = 100
    rounds: int = 4


QUICK = Sizes(repeats=4, long=120, many=120, batch_users=2, batch_signals=5, each=2, rounds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A ratio of two medians (seconds a signal) with what it should be, at most or at least; None: only shown.

    `processor` is the processor time (seconds a signal) of this process and of the server behind the second median.
    """

    name: str
    store: str
    value: float
    medians: tuple[float, float]
    most: float | None = None
    least: float | None = None
    processor: "Spent | None" = None

    def __str__(self) -> str:
        """Return one line: the ratio, its target, the verdict and the medians."""
        target, verdict = "", ""
        if self.most is not None:
            target, verdict = f"≤ {self.most:g}", "met" if self.value <= self.most else "missed"
        if self.least is not None:
            target, verdict = f"≥ {self.least:g}", "met" if self.value >= self.least else "missed"
        ours, other = (f"{seconds * 1e6:,.0f}" for seconds in self.medians)
        spent = ""
        if self.processor is not None:
            here, there = (f"{seconds * 1e6:,.0f}" for seconds in self.processor)
            spent = f"; processor {here} µs here, {there} µs on the server"
        return (
            f"{self.name:<58} {self.store:<7}{self.value:7.2f}   {target:<6} {verdict:<7} "
            f"{ours} µs against {other} µs{spent}"
        )


Spent = tuple[float, float]
"""Seconds of processor time: this process's, and the server's (0 where there is none)."""


class Side(Protocol):
    """One kind of store, as it is measured here."""

    name: str

    def one_signal(self, *, repeats: int) -> Ratio:
        """Compare a signal with the bare transaction that writes the same."""

    def in_company(self, *, many: int, repeats: int) -> Ratio:
        """Compare a signal among many users with one among few."""

    def open(self) -> Pipeline:
        """Return a pipeline over a store that is used for all the rest."""

    def spent(self) -> Spent:
        """Return the processor time taken so far."""


class Embedded:
    """SQLite, in a folder."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def one_signal(self, *, repeats: int) -> Ratio:
        """Compare with the bare statements of the same rows."""
        return speed.one_signal(self._folder, repeats=repeats)

    def in_company(self, *, many: int, repeats: int) -> Ratio:
        """Compare two files."""
        return speed.many_users(self._folder, many=many, repeats=repeats)

    def open(self) -> Pipeline:
        """Return a pipeline over a file of its own."""
        return open_pipeline(str(self._folder / "stores.db"))

    def spent(self) -> Spent:
        """Return the processor time of this process."""
        return time.process_time(), 0.0


class Served:
    """Neo4j, on two servers: few users on one, many on the other; the first is used for all the rest."""

    name = "Neo4j"

    def __init__(self, few: Address, many: Address) -> None:
        self._few, self._many = few, many

    def one_signal(self, *, repeats: int) -> Ratio:
        """Compare with one statement of the bare driver, written for a twin of the user on the same server."""
        pipeline, bare = self.open(), BareNeo4j(self._few)
        _begin_twins(pipeline, "ada", repeats)
        ada, twin = _key("ada"), _key(_twin("ada"))
        ours, others = [], []
        for number in range(repeats):
            ours.append(timed(partial(rate, pipeline, "ada", f"r{number}", number)))
            (given,) = bare.written([f"{ada}/rating-r{number}"], user=ada, twin=twin)
            others.append(timed(partial(bare.write, given)))
        _check_twins(bare, "ada")
        bare.close()
        pipeline.store.close()
        return Ratio(name="", ours=median(ours), other=median(others), target=2)

    def bare(self, *, each: int, together: int, rounds: int) -> "BareCosts":
        """Measure the bare driver on what the store wrote for eight users, written for a twin of each of them.

        In each round `each` signals of the first one by one, then as many of all, a thread each, then `together` of
        each in transactions of up to 250. Raises `AssertionError` where a twin does not hold the same in the end.
        """
        pipeline, bare = self.open(), BareNeo4j(self._few)
        users = [f"bare{number}" for number in range(WRITERS)]
        left = [
            _left_to_write(
                pipeline, bare, user, rounds * ((each if user != users[0] else 2 * each) + together)
            )
            for user in users
        ]
        one, many, several, processor = [], [], [], []
        for _ in range(rounds):
            one.append(_run([partial(_write_each, bare, _next(left[0], each))]) / each)
            works = [partial(_write_each, bare, _next(mine, each)) for mine in left]
            many.append(_run(works) / (each * WRITERS))
            works = [partial(_write_batches, bare, _in_batches(_next(mine, together))) for mine in left]
            before = self.spent()
            several.append(_run(works) / (together * WRITERS))
            processor.append(_since(before, self.spent(), together * WRITERS))
        for user in users:
            _check_twins(bare, user)
        bare.close()
        pipeline.store.close()
        return BareCosts(median(one), median(many), median(several), _medians(processor))

    def in_company(self, *, many: int, repeats: int) -> Ratio:
        """Compare the two servers, each filled with copies of one user."""
        pipelines = {}
        for address, count in ((self._few, FEW), (self._many, many)):
            pipelines[count] = _open(address)
            ingest(pipelines[count], TENANT, history("u0", 1))
            bare = BareNeo4j(address)
            bare.multiply(TENANT, count)
            bare.close()
        ratio = speed.in_company(pipelines, repeats=repeats)
        for pipeline in pipelines.values():
            pipeline.store.close()
        return ratio

    def open(self) -> Pipeline:
        """Return a pipeline over the server with few users."""
        return _open(self._few)

    def spent(self) -> Spent:
        """Return the processor times of this process and of the server with few users."""
        bare = BareNeo4j(self._few)
        try:
            return time.process_time(), bare.processor_s()
        finally:
            bare.close()


def _open(address: Address) -> Pipeline:
    store = Neo4jStore(
        address.uri, username=address.username, password=address.password, database=address.database
    )
    return pipeline_over(store)


class BareCosts(NamedTuple):
    """Seconds a signal with the bare driver: one by one, of eight writers, in batches; processor time of the last."""

    one: float
    many: float
    together: float
    processor: Spent


def _key(user: str) -> str:
    return f"{TENANT}/{user}"


def _twin(user: str) -> str:
    return f"twin-of-{user}"


def _begin_twins(pipeline: Pipeline, user: str, responses: int) -> None:
    """Write a user with so many responses, and a twin with the same."""
    ingest(pipeline, TENANT, beliefs_and_responses(user, responses))
    whole = pipeline.store.read(scope_of(user), lambda reader: reader.history())
    pipeline.store.write(scope_of(_twin(user)), lambda writer: writer.save(whole))


def _check_twins(bare: BareNeo4j, user: str) -> None:
    """Raise `AssertionError` where the bare driver did not write for a twin what the store wrote."""
    if bare.graph(_key(user)) != bare.graph(_key(_twin(user))):
        raise AssertionError("the bare driver did not write the same nodes and edges")


def _left_to_write(pipeline: Pipeline, bare: BareNeo4j, user: str, signals: int) -> list[Properties]:
    """Write a user with so many signals, and a twin without; return what the store wrote for them, last first."""
    _begin_twins(pipeline, user, signals)
    ingest(pipeline, TENANT, signal_lines(user, range(signals)))
    keys = [f"{_key(user)}/rating-r{number}" for number in range(signals)]
    return bare.written(keys, user=_key(user), twin=_key(_twin(user)))[::-1]


def _next(left: list[Properties], count: int) -> list[Properties]:
    """Take the next so many off what is left."""
    return [left.pop() for _ in range(count)]


def _in_batches(left: list[Properties]) -> list[Properties]:
    return [as_one(left[first : first + _BATCH]) for first in range(0, len(left), _BATCH)]


def _write_batches(bare: BareNeo4j, batches: Sequence[Properties]) -> None:
    for given in batches:
        bare.write_many(given)


def _write_each(bare: BareNeo4j, several: Sequence[Properties]) -> None:
    for given in several:
        bare.write(given)


# The figures that need nothing but a pipeline


def batch(
    pipeline: Pipeline, *, users: int, signals: int, rounds: int, spent: Callable[[], Spent]
) -> tuple[float, float, Spent]:
    """Return the cost of a signal sent alone and of one in a log (seconds), on responses that are there before.

    Last comes what one in a log costs in processor time.
    """
    alone, together, processor = [], [], []
    for number in range(rounds):
        single, *several = (f"batch{number}-{user}" for user in range(1 + users))
        few = min(signals, _ALONE)
        for user in (single, *several):
            ingest(pipeline, TENANT, beliefs_and_responses(user, few if user == single else signals))
        alone += [timed(partial(rate, pipeline, single, f"r{place}", place)) for place in range(few)]
        lines = [line for user in several for line in signal_lines(user, range(signals))]
        before = spent()
        together.append(timed(partial(ingest, pipeline, TENANT, lines)) / len(lines))
        processor.append(_since(before, spent(), len(lines)))
    return median(alone), median(together), _medians(processor)


def _since(before: Spent, after: Spent, units: int) -> Spent:
    return (after[0] - before[0]) / units, (after[1] - before[1]) / units


def _medians(processor: Sequence[Spent]) -> Spent:
    return median([here for here, _ in processor]), median([there for _, there in processor])


def writers(
    pipeline: Pipeline, *, each: int, rounds: int, same: bool, spent: Callable[[], Spent]
) -> tuple[float, float, Spent]:
    """Return the cost of a signal (seconds) when one writer sends them, and when eight threads do, to as many users.

    Last comes what one of the eight's costs in processor time. With `same` they write to one user. Raises what a writer
    met, and `AssertionError` for a lost signal.
    """
    users = ["shared"] * WRITERS if same else [f"writer{number}" for number in range(WRITERS)]
    solo = "solo-shared" if same else "solo"
    for user in (solo, *dict.fromkeys(users)):
        ingest(pipeline, TENANT, beliefs_and_responses(user, each * rounds * max(1, users.count(user))))
    one, many, processor = [], [], []
    for number in range(rounds):
        one.append(_run([partial(_send, pipeline, solo, range(number * each, (number + 1) * each))]) / each)
        firsts = [(number * WRITERS + place if same else number) * each for place in range(WRITERS)]
        works = [
            partial(_send, pipeline, user, range(first, first + each))
            for user, first in zip(users, firsts, strict=True)
        ]
        before = spent()
        many.append(_run(works) / (each * WRITERS))
        processor.append(_since(before, spent(), each * WRITERS))
    for user in dict.fromkeys(users):
        sent = each * rounds * users.count(user)
        if pipeline.store.read(scope_of(user), _counted) != (sent, [sent + 1] * 3):
            raise AssertionError(f"signals of {user} were lost")
    return median(one), median(many), _medians(processor)


def _counted(reader: Reader) -> tuple[int, list[int]]:
    """Return the number of signals, and of each belief the number of its latest revision."""
    return len(reader.signals()), [node.ordinal for node in reader.beliefs()]


def _send(pipeline: Pipeline, user: str, numbers: range) -> None:
    for number in numbers:
        rate(pipeline, user, f"r{number}", number)


def _run(works: Sequence[Callable[[], None]]) -> float:
    """Run works in threads of their own; return the seconds from the start of all to the end of the last."""
    failed: list[BaseException] = []
    gate = threading.Barrier(len(works) + 1)

    def run(work: Callable[[], None]) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - started


# All of them


def run(sizes: Sizes) -> Iterator[Figure]:
    """Measure every figure on each store. Without a Neo4j server, say so and measure SQLite."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beliefgraph-bench-")))
        sides: list[Side] = []
        try:
            sides.append(Served(*(stack.enter_context(start_server()) for _ in ("few", "many"))))
        except NoServer as error:
            print(f"NEO4J IS NOT MEASURED: {error}")
        sides.append(Embedded(folder))
        for measure in (_company, _one, _batch, _history, _writers, _same_user):
            for side in sides:
                yield measure(side, sizes)
        for side in sides:
            if isinstance(side, Served):
                yield from _bare(side, sizes)
        for side in sides:
            pipeline = side.open()
            if not verify(pipeline.store).ok:
                raise AssertionError(f"{side.name} does not verify after all this")
            pipeline.store.close()


def _from_ratio(name: str, side: Side, ratio: Ratio, *, most: float | None) -> Figure:
    medians = (ratio.ours, ratio.other)
    return Figure(name=name, store=side.name, value=ratio.value, medians=medians, most=most)


def _company(side: Side, sizes: Sizes) -> Figure:
    ratio = side.in_company(many=sizes.many, repeats=sizes.repeats)
    return _from_ratio(f"a signal among {sizes.many:,} users / among {FEW}", side, ratio, most=1.2)


def _one(side: Side, sizes: Sizes) -> Figure:
    ratio = side.one_signal(repeats=sizes.repeats)
    most = 2 if side.name == "Neo4j" else 3
    return _from_ratio("one signal, 3 beliefs / bare transaction", side, ratio, most=most)


def _batch(side: Side, sizes: Sizes) -> Figure:
    with _opened(side) as pipeline:
        alone, together, processor = batch(
            pipeline,
            users=sizes.batch_users,
            signals=sizes.batch_signals,
            rounds=sizes.rounds,
            spent=side.spent,
        )
    return Figure(
        name="rate of signals in a log / sent one by one",
        store=side.name,
        value=alone / together,
        medians=(alone, together),
        least=20 if side.name == "Neo4j" else None,
        processor=processor,
    )


def _history(side: Side, sizes: Sizes) -> Figure:
    with _opened(side) as pipeline:
        ratio = speed.after_history(pipeline, long=sizes.long, repeats=sizes.repeats)
    return _from_ratio(f"signal {sizes.long:,} of a user / signal 100", side, ratio, most=1.2)


def _writers(side: Side, sizes: Sizes) -> Figure:
    least = 2 if side.name == "Neo4j" else None
    return _many(side, sizes, f"rate of {WRITERS} writers on {WRITERS} users / of one", least, same=False)


def _same_user(side: Side, sizes: Sizes) -> Figure:
    return _many(side, sizes, f"rate of {WRITERS} writers on one user / of one, none lost", None, same=True)


def _bare(side: Served, sizes: Sizes) -> Iterator[Figure]:
    """What batches and writers gain with the bare driver: what the database itself allows on this machine."""
    found = side.bare(each=sizes.each, together=(sizes.batch_signals + 3) // 4, rounds=sizes.rounds)
    yield Figure(
        name="the bare driver: rate in batches / one by one",
        store=side.name,
        value=found.one / found.together,
        medians=(found.one, found.together),
        processor=found.processor,
    )
    yield Figure(
        name=f"the bare driver: rate of {WRITERS} writers on {WRITERS} users / of one",
        store=side.name,
        value=found.one / found.many,
        medians=(found.one, found.many),
    )


def _many(side: Side, sizes: Sizes, name: str, least: float | None, *, same: bool) -> Figure:
    with _opened(side) as pipeline:
        one, many, processor = writers(
            pipeline, each=sizes.each, rounds=sizes.rounds, same=same, spent=side.spent
        )
    return Figure(
        name=name,
        store=side.name,
        value=one / many,
        medians=(one, many),
        least=least,
        processor=processor,
    )


@contextmanager
def _opened(side: Side) -> Iterator[Pipeline]:
    pipeline = side.open()
    yield pipeline
    pipeline.store.close()
