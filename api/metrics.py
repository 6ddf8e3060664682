"""What is counted of a running process, for Prometheus: requests, signals and what became of them. No names, no texts.

Counters begin at 0 with the process. Of what the store holds only undecided conflicts are counted; the rest is told by
the audit.
"""

import math
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from beliefgraph.graph.model import UNDECIDED, ConflictStatus, Outcome

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one process. Usable from several threads."""

    def __init__(self, version: str) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.latency = Histogram(
            "beliefgraph_request_seconds",
            "Seconds to answer, by method and route.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.requests = Counter(
            "beliefgraph_requests",
            "Requests answered, by method, route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.in_flight = Gauge(
            "beliefgraph_requests_in_flight", "Requests being answered.", registry=registry
        )
        self._signals = Counter(
            "beliefgraph_signals",
            "Signals answered (repeats too), by kind, by the likeliest cause and by the action taken.",
            ["kind", "cause", "action"],
            registry=registry,
        )
        self._loop = Counter(
            "beliefgraph_loop_signals",
            "Signals by how far they came: received, about_belief (there were beliefs to move), moved (one was).",
            ["stage"],
            registry=registry,
        )
        self._closed = Gauge(
            "beliefgraph_loop_closed_ratio",
            "Share of the signals since the process began that moved a belief.",
            registry=registry,
        )
        self._closed.set_function(self._share)
        self._open = Gauge(
            "beliefgraph_conflicts_open",
            "Undecided conflicts of the whole store, by status, as last counted in the background; NaN: not counted.",
            ["status"],
            registry=registry,
        )
        self.set_conflicts(dict.fromkeys(UNDECIDED, math.nan))
        self._served = Counter(
            "beliefgraph_beliefs_considered",
            "Beliefs considered in personalizations, by the reason why they are used or withheld.",
            ["reason"],
            registry=registry,
        )
        Gauge("beliefgraph_build_info", "1, with the version.", ["version"], registry=registry).labels(
            version
        ).set(1)
        self._received = self._moved = 0

    def count_signal(self, outcome: Outcome) -> None:
        """Count a signal and what became of it."""
        read = outcome.interpretation
        cause = max(read.causes, key=lambda cause: read.causes[cause])
        self._signals.labels(outcome.signal.kind, cause, read.action).inc()
        self._received += 1
        self._loop.labels("received").inc()
        if read.effects or read.reason != "no_belief":
            self._loop.labels("about_belief").inc()
        if any(effect.delta for effect in read.effects):
            self._moved += 1
            self._loop.labels("moved").inc()

    def set_conflicts(self, undecided: Mapping[ConflictStatus, float]) -> None:
        """Take what was counted of the store's undecided conflicts, by status; NaN: unknown."""
        for status, count in undecided.items():
            self._open.labels(status).set(count)

    def count_choice(self, reason: str) -> None:
        """Count a belief considered in a personalization."""
        self._served.labels(reason).inc()

    def _share(self) -> float:
        return self._moved / self._received if self._received else 0.0

    def exposed(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
