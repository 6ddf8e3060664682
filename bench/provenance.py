"""What reading costs: an explanation of a belief with a thousand contributions, and its provenance.

The same belief with the same evidence is read of a user of whom it is all there is, and of one who has ten times as
much history on other beliefs; their ratio says whether a read depends on what it does not show. Milliseconds are those
of this machine. A contribution becomes a record when it is looked at, so that is timed as well; so is the same account
as JSON from a service in a process of its own.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from beliefgraph import BeliefGraph, SelfModel
from beliefgraph.api.keys import KeyFile
from beliefgraph.graph.copying import copy
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import ingest
from bench.neo4j_server import NoServer, start_server
from bench.scratch import median, open_pipeline, pipeline_over
from bench.service import Served
from bench.traffic import TENANT

MOST_MS, MOST_RATIO = 10.0, 1.25
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ASKED = "belief0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many responses rest on the belief asked about, how many on others, and how often each read is timed."""

    contributions: int = 1000
    others: int = 10_000
    repeats: int = 200
    first: int = 60
    """How many explanations are timed before the server has compiled what they take."""
    warming: int = 2000
    """How often an account is asked for, as it is and as it was, before reads are timed again."""


QUICK = Sizes(contributions=20, others=40, repeats=3, first=3, warming=2)


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
        place = Path(folder)
        pipeline = open_pipeline(str(place / "beliefs.db"))
        for user, others in (("alone", 0), ("busy", sizes.others)):
            assert ingest(pipeline, TENANT, _history(user, sizes.contributions, others)).ok
        _show("SQLite", pipeline, Served(place), place, sizes)
        try:
            with start_server() as address:
                served = pipeline_over(
                    Neo4jStore(address.uri, username=address.username, password=address.password)
                )
                assert all(user.fate == "copied" for user in copy(pipeline.store, served.store))
                _show("Neo4j", served, Served(place, server=address), place, sizes)
        except NoServer as error:
            print(f"NEO4J IS NOT MEASURED: {error}")
        pipeline.store.close()


def _show(store: str, pipeline: Pipeline, service: Served, folder: Path, sizes: Sizes) -> None:
    graph = BeliefGraph(pipeline, TENANT)
    for reading in _measure(graph, store, sizes):
        print(reading, flush=True)
    _, key = KeyFile(folder / "keys.jsonl").create(TENANT, ["read"])
    headers = {"Authorization": f"Bearer {key}"}
    with service, httpx.Client(base_url=service.address, headers=headers, timeout=60) as client:
        print(_over_http(graph, client, store, sizes), flush=True)


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
    told = f"explain, {count:,} contributions"
    users = alone, busy
    yield _compared(f"{store}: {told}, at first", lambda ada: ada.explain(_ASKED), users, sizes.first)
    for _ in range(sizes.warming):
        busy.explain(_ASKED)
        busy.explain(_ASKED, as_of=middles[busy.user_id])
    reads: list[tuple[str, Callable[[SelfModel], object], float | None]] = [
        (told, lambda ada: ada.explain(_ASKED), MOST_MS),
        ("… and read aloud", lambda ada: str(ada.explain(_ASKED)), MOST_MS),
        ("… and every contribution looked at", lambda ada: list(ada.explain(_ASKED).contributions), None),
        ("explain as of its middle", lambda ada: ada.explain(_ASKED, as_of=middles[ada.user_id]), MOST_MS),
        ("provenance of a belief, 100 changes", lambda ada: ada.provenance_of(belief=_ASKED), None),
        ("provenance of a signal", lambda ada: ada.provenance_of(signal="s0"), None),
        ("provenance of a response", lambda ada: ada.provenance_of(response="r0"), None),
        ("trace of an old response", lambda ada: ada.trace("r0"), None),
    ]
    for name, read, target_ms in reads:
        yield _compared(f"{store}: {name}", read, users, sizes.repeats, target_ms)


def _over_http(graph: BeliefGraph, client: httpx.Client, store: str, sizes: Sizes) -> Reading:
    """Ask a service for the account as JSON, with every contribution in it."""

    def read(ada: SelfModel) -> None:
        answer = client.get(f"/v1/users/{ada.user_id}/beliefs/{_ASKED}/explanation")
        assert answer.json()["contributions"]

    users = graph.user("alone"), graph.user("busy")
    return _compared(f"{store}: explain as JSON over HTTP", read, users, sizes.repeats)


def _compared(
    name: str,
    read: Callable[[SelfModel], object],
    users: tuple[SelfModel, SelfModel],
    repeats: int,
    target_ms: float | None = None,
) -> Reading:
    """Time a read of both users in turn: of the one who is alone, and of the busy one."""
    alone, busy = users
    of_alone, of_busy = [], []
    for _ in range(repeats):
        of_alone.append(_timed_ms(partial(read, alone)))
        of_busy.append(_timed_ms(partial(read, busy)))
    return Reading(
        name=name,
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
