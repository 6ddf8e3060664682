"""How long the reads of a self-model take, by how many beliefs it has, how many users there are, how long it was used.

Milliseconds of whole calls of the library, on both stores; what the embedding model takes is not in them. A read to be
measured is an entry of `READS`.
"""

import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from beliefgraph import BeliefGraph, SelfModel
from beliefgraph.graph.clock import utc_now
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope, Store
from beliefgraph.graph.testing.builders import Draft, put
from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.relate import EmbeddingRelater
from bench.neo4j_server import NoServer, start_server
from bench.scratch import HashedWords

MOST_MS = 10.0
_TENANT = "bench"
_QUERY = "which of word1 word2 and word3 with word4"
_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What is built and how often it is read. `crowd` is how many other users there are, by store."""

    few: int = 100
    many: int = 1_000
    crowd: Mapping[str, int]
    revisions: int = 10_000
    calls: int = 200


FULL = Sizes(crowd={"SQLite": 10_000, "Neo4j": 2_000})
QUICK = Sizes(few=5, many=20, crowd={"SQLite": 3, "Neo4j": 3}, revisions=40, calls=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A user whose self-model is read: through the library, and in the store beneath it."""

    user: SelfModel
    pipeline: Pipeline
    scope: Scope

    def move_one(self) -> None:
        """Let a signal move one belief, past the library."""

        def build(draft: Draft) -> None:
            name = f"moved{draft.seq}"
            draft.response(name, "b0")
            draft.signal(f"s{name}", response=name)
            draft.revise("b0", item_id=name, cause_id=f"s{name}")

        put(self.pipeline.store, self.scope, build, at=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A read to be measured, and what comes before each call of it (not measured)."""

    call: Callable[[Scene], object]
    before: Callable[[Scene], object] = lambda scene: None
    calls: int | None = None
    most_ms: float | None = MOST_MS


READS: Mapping[str, Read] = {
    "personalize": Read(call=lambda scene: scene.user.personalize(_QUERY)),
    "personalize, after a signal": Read(
        call=lambda scene: scene.user.personalize(_QUERY), before=Scene.move_one, calls=50
    ),
    "personalize, first look of a process": Read(
        call=lambda scene: scene.user.personalize(_QUERY),
        before=lambda scene: scene.pipeline.glances.forget(scene.scope),
        calls=10,
        most_ms=None,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of one read in one situation, in milliseconds: by the clock, and of this process's processor alone."""

    store: str
    read: str
    situation: str
    p50: float
    p95: float
    processor: float
    most_ms: float | None

    def __str__(self) -> str:
        """Return one line of the table."""
        verdict = "" if self.most_ms is None else "met" if self.p95 <= self.most_ms else "missed"
        target = "" if self.most_ms is None else f"≤ {self.most_ms:g}"
        what = f"{self.store:<7} {self.read:<37} {self.situation:<42}"
        return f"{what} {self.p50:7.1f} {self.p95:7.1f} {self.processor:9.1f}  {target:<6} {verdict}"


def measure(read: Read, scene: Scene, calls: int) -> tuple[float, float, float]:
    """Return the median and the 95th percentile of the milliseconds of a call, and its median on the processor."""
    read.before(scene)
    read.call(scene)
    taken, worked = [], []
    gc.collect()
    for _ in range(read.calls or calls):
        read.before(scene)
        started, working = time.perf_counter(), time.process_time()
        read.call(scene)
        worked.append((time.process_time() - working) * 1e3)
        taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1], statistics.median(worked)


def _fill(store: Store, user: str, beliefs: int, revisions: int, words: HashedWords) -> None:
    """Write a user's beliefs, and revisions of them, each by a response and a signal of its own."""
    chance = random.Random(user)
    scope = Scope(_TENANT, UserId(user))

    def believe(draft: Draft) -> None:
        for number in range(beliefs):
            text = " ".join(f"word{chance.randrange(_WORDS)}" for _ in range(6)) + f" b{number}"
            draft.belief(f"b{number}", text, near=words.encode([text])[0], nats=3.0)

    def use(draft: Draft, first: int) -> None:
        for number in range(first, min(first + 1_000, revisions)):
            about = f"b{number % beliefs}"
            draft.response(f"r{number}", about)
            draft.signal(f"s{number}", response=f"r{number}")
            draft.revise(about, 0.01, item_id=f"r{number}", cause_id=f"s{number}")

    put(store, scope, believe)
    for first in range(0, revisions, 1_000):
        put(store, scope, partial(use, first=first), at=2 + first)


def _open(store: Store, words: HashedWords) -> tuple[BeliefGraph, Pipeline]:
    pipeline = Pipeline(
        store=store,
        embedder=words,
        relater=EmbeddingRelater(words),
        gate=Classifier(),
        parameters=load_parameters(),
        clock=utc_now,
    )
    return BeliefGraph(pipeline, _TENANT), pipeline


@contextmanager
def stores() -> Iterator[dict[str, Store]]:
    """Lend a scratch store of each kind that can be had here."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        found: dict[str, Store] = {
            "SQLite": SqliteStore(str(Path(folder) / "reading.db"), synchronous="NORMAL")
        }
        try:
            address = stack.enter_context(start_server())
            found["Neo4j"] = Neo4jStore(address.uri, username=address.username, password=address.password)
        except NoServer as error:
            print(f"Neo4j is not measured: {error}")
        for store in found.values():
            stack.callback(store.close)
        yield found


def _situations(store: Store, crowd: int, sizes: Sizes, words: HashedWords) -> Iterator[tuple[str, str]]:
    """Build what is read, one situation after the other; yield the user to read and what is special about her."""
    for user, beliefs, revisions in (
        ("few", sizes.few, 0),
        ("many", sizes.many, 0),
        ("long", sizes.many, sizes.revisions),
    ):
        _fill(store, user, beliefs, revisions, words)
        history = f", {revisions:,} signals" if revisions else ""
        yield user, f"{beliefs:,} beliefs{history}, a few users"
    for number in range(crowd):
        _fill(store, f"other{number}", 3, 0, words)
    yield "many", f"{sizes.many:,} beliefs, {crowd:,} users"


def run(sizes: Sizes = FULL) -> Iterator[Timing]:
    """Measure every read in every situation: few and many beliefs, a long history, a crowd of other users."""
    with stores() as found:
        for name, store in found.items():
            words = HashedWords()
            graph, pipeline = _open(store, words)
            for user, situation in _situations(store, sizes.crowd[name], sizes, words):
                scene = Scene(user=graph.user(user), pipeline=pipeline, scope=Scope(_TENANT, UserId(user)))
                for asked, read in READS.items():
                    p50, p95, processor = measure(read, scene, sizes.calls)
                    yield Timing(
                        store=name,
                        read=asked,
                        situation=situation,
                        p50=p50,
                        p95=p95,
                        processor=processor,
                        most_ms=read.most_ms,
                    )


def report(*, quick: bool) -> None:
    """Print the table."""
    print(f"{'store':<7} {'read':<37} {'situation':<42} {'p50 ms':>7} {'p95 ms':>7} {'processor':>9}  target")
    for timing in run(QUICK if quick else FULL):
        print(timing, flush=True)
