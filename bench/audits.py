"""How long it takes to say which signals reach the model: of a store, and of a product's own log."""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beliefgraph import BeliefGraph
from beliefgraph.ingest.export_map import make_map
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.logaudit import audit_log
from bench.scratch import open_pipeline

SIGNALS, QUICK_SIGNALS = 100_000, 400
_OF_ONE_USER = 200
_BELIEFS = 5
MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What was audited, how many signals there were, and how long it took: by the clock, and of the processor alone."""

    name: str
    signals: int
    seconds: float
    processor: float

    @property
    def met(self) -> bool:
        """Say whether it took less than a minute."""
        return self.seconds <= MOST_SECONDS

    def __str__(self) -> str:
        """Return one line."""
        verdict = "met" if self.met else f"missed by {self.seconds - MOST_SECONDS:.0f}"
        name = f"audit of {self.name} with {self.signals:,} signals, seconds"
        return f"{name:<55} {self.seconds:6.1f}   ≤ {MOST_SECONDS:g}   {verdict}   processor alone {self.processor:.1f}"


def _events(signals: int) -> Iterator[str]:
    """Yield a log in which one response in ten has no belief behind it, and one signal in ten no response."""
    for number in range(signals):
        user = f"u{number // _OF_ONE_USER}"
        of_user = number % _OF_ONE_USER
        if of_user < _BELIEFS:
            yield json.dumps(
                {"type": "belief", "user": user, "id": f"b{of_user}", "statement": f"taste{of_user}"}
            )
        behind = [] if number % 10 == 3 else [{"id": f"b{of_user % min(_BELIEFS, of_user + 1)}"}]
        yield json.dumps(
            {"type": "response", "user": user, "id": f"r{number}", "text": "…", "beliefs": behind}
        )
        about = {} if number % 10 == 7 else {"response": f"r{number}"}
        value = 1 if number % 3 else -1
        yield json.dumps(
            {"type": "signal", "user": user, "kind": "rating", "value": value, "id": f"s{number}", **about}
        )


def _rows(signals: int) -> Iterator[str]:
    yield "event,uid,answer,value\n"
    for number in range(signals):
        user = f"u{number // _OF_ONE_USER}"
        yield f"shown,{user},r{number},\n"
        yield f"thumb,{user},{'' if number % 10 == 7 else f'r{number}'},{1 if number % 3 else -1}\n"


def of_store(signals: int) -> Timing:
    """Fill a store through the pipeline, then audit it; only the audit is timed."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = open_pipeline(str(Path(folder) / "beliefs.db"), synchronous="NORMAL")
        with BeliefGraph(pipeline, "bench") as graph:
            assert graph.ingest(_events(signals)).ok
            started, worked = time.perf_counter(), time.process_time()
            total = graph.audit().total
            seconds, processor = time.perf_counter() - started, time.process_time() - worked
    assert signals == total.received == total.moved + sum(total.reasons.values())
    return Timing(name="a store", signals=signals, seconds=seconds, processor=processor)


def of_log(signals: int) -> Timing:
    """Audit a CSV log with as many responses as signals."""
    columns = {"user": "uid", "kind": "event", "response": "answer"}
    export_map = make_map({"columns": columns, "kinds": {"shown": "response", "thumb": "rating"}})
    started, worked = time.perf_counter(), time.process_time()
    total = audit_log({"log.csv": _rows(signals)}, export_map, load_parameters()).total
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    assert signals == total.received == total.reaching + sum(total.reasons.values())
    return Timing(name="a log", signals=signals, seconds=seconds, processor=processor)


def report(*, quick: bool) -> None:
    """Print both."""
    signals = QUICK_SIGNALS if quick else SIGNALS
    for audit in (of_store, of_log):
        print(audit(signals), flush=True)
