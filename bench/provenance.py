"""What reading costs: an explanation of a belief with a thousand contributions, and its provenance.

The same belief with the same evidence is read of a user of whom it is all there is, and of one who has ten times as
much history on other beliefs; their ratio says whether a read depends on what it does not show. Milliseconds are those
of this machine.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from beliefgraph import BeliefGraph, SelfModel
from beliefgraph.graph.copying import copy
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import ingest
from bench.neo4j_server import NoServer, start_server
from bench.scratch import median, open_pipeline, pipeline_over
from bench.traffic import TENANT

MOST_MS, MOST_RATIO = 10.0, 1.25
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ASKED = "belief0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many responses rest on the belief asked about, how many on others, and how often each read is timed."""

    contributions: int = 1000
    others: int = 10_000
    repeats: int = 60


QUICK = Sizes(contributions=20, others=40, repeats=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The milliseconds of one read with (`busy`) and without (`alone`) the rest of the history: medians, p95, least."""

    name: str
    alone_ms: float
    busy_ms: float
    busy_p95_ms: float
    busy_least_ms: float
    target_ms: float | None

    def __str__(self) -> str:
        """Return one line."""
        ratio = self.busy_ms / self.alone_ms
        told = f"{self.name:<52} {self.busy_ms:7.2f} ms (p95 {self.busy_p95_ms:.2f}, least {self.busy_least_ms:.2f})"
        verdict = "" if self.target_ms is None else _verdict(self.busy_p95_ms, self.target_ms, "ms")
        return f"{told}{verdict:<24} ratio to alone {ratio:.2f}{_verdict(ratio, MOST_RATIO, '')}"


def _verdict(value: float, most: float, unit: str) -> str:
    met = "met" if value <= most else f"missed by {value - most:.2f}"
    return f" ≤ {most:g} {unit} {met}".replace("  ", " ")


def report(*, quick: bool) -> None:
    """Print every figure, for SQLite and, where a server can be had, for Neo4j."""
    sizes = QUICK if quick else Sizes()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = open_pipeline(str(Path(folder) / "beliefs.db"))
        for user, others in (("alone", 0), ("busy", sizes.others)):
            assert ingest(pipeline, TENANT, _history(user, sizes.contributions, others)).ok
        _show("SQLite", pipeline, sizes)
        try:
            with start_server() as address:
                served = pipeline_over(
                    Neo4jStore(address.uri, username=address.username, password=address.password)
                )
                assert all(user.fate == "copied" for user in copy(pipeline.store, served.store))
                _show("Neo4j", served, sizes)
        except NoServer as error:
            print(f"NEO4J IS NOT MEASURED: {error}")
        pipeline.store.close()


def _show(store: str, pipeline: Pipeline, sizes: Sizes) -> None:
    for reading in _measure(BeliefGraph(pipeline, TENANT), store, sizes):
        print(reading, flush=True)


def _history(user: str, contributions: int, others: int) -> Iterator[str]:
    """Yield a user's events: the responses on the belief asked about spread evenly among those on others."""
    for number in range(20):
        yield _line(user, 0, type="belief", id=f"belief{number}", statement=f"taste{number}")
    every = (contributions + others) // contributions
    for number in range(contributions + others):
        asked = number % every == 0 and number // every < contributions
        belief = _ASKED if asked else f"belief{1 + number % 19}"
        premises = [{"id": belief, "adherence": 0.9}]
        yield _line(user, number, type="response", id=f"r{number}", text="an answer", beliefs=premises)
        value = 0.2 if number // every % 2 else -0.1
        yield _line(
            user, number, type="signal", id=f"s{number}", response=f"r{number}", kind="rating", value=value
        )


def _line(user: str, minute: int, **event: object) -> str:
    return json.dumps({**event, "user": user, "at": (_START + timedelta(minutes=minute)).isoformat()})


def _measure(graph: BeliefGraph, store: str, sizes: Sizes) -> Iterator[Reading]:
    alone, busy = graph.user("alone"), graph.user("busy")
    middles = {
        ada.user_id: ada.revisions(_ASKED)[sizes.contributions // 2].recorded_at for ada in (alone, busy)
    }  # each at her own: at another's, everything or nothing of it would be there
    count = len(busy.explain(_ASKED).contributions)
    reads: list[tuple[str, Callable[[SelfModel], object], float | None]] = [
        (f"explain, {count:,} contributions", lambda ada: ada.explain(_ASKED), MOST_MS),
        ("explain as of its middle", lambda ada: ada.explain(_ASKED, as_of=middles[ada.user_id]), None),
        ("provenance of a belief, 100 changes", lambda ada: ada.provenance_of(belief=_ASKED), None),
        ("provenance of a signal", lambda ada: ada.provenance_of(signal="s0"), None),
        ("provenance of a response", lambda ada: ada.provenance_of(response="r0"), None),
        ("trace of an old response", lambda ada: ada.trace("r0"), None),
    ]
    for name, read, target_ms in reads:
        of_alone, of_busy = [], []
        for _ in range(sizes.repeats):
            of_alone.append(_timed_ms(partial(read, alone)))
            of_busy.append(_timed_ms(partial(read, busy)))
        yield Reading(
            name=f"{store}: {name}",
            alone_ms=median(of_alone),
            busy_ms=median(of_busy),
            busy_least_ms=min(of_busy),
            busy_p95_ms=sorted(of_busy)[int(len(of_busy) * 0.95)],
            target_ms=target_ms,
        )


def _timed_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3
