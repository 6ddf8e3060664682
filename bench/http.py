"""The service under load, from a second process on this machine: latency, restarts, memory.

Latency is a ratio to the same call made in process within the same run. A restart under load must lose nothing that
was acknowledged and apply nothing twice; a signal carries an id, so that sending it again is safe.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from beliefgraph import BeliefGraph, RemoteGraph, SelfModel, StoreUnavailableError
from bench.neo4j_server import Address, NoServer, start_server
from bench.service import Served, let_in, open_hashed

CONNECTIONS = (1, 8, 32)
MOST_GROWTH = 1.1
_BELIEFS = 20
_QUERY = "taste3 taste7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much to ask: calls of each kind for a latency, signals and restarts, requests for the memory."""

    calls: int = 2000
    signals: int = 2000
    restarts: int = 3
    requests: int = 100_000


QUICK = Load(calls=32, signals=24, restarts=1, requests=80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Medians and 95th percentiles (seconds) of one kind of call at some connections, and of the same in process."""

    name: str
    connections: int
    p50: float
    p95: float
    here_p50: float
    here_p95: float

    def __str__(self) -> str:
        """Return one line."""
        p50, p95 = self.p50 / self.here_p50, self.p95 / self.here_p95
        shown = f"{self.p50 * 1e3:.1f} and {self.p95 * 1e3:.1f} ms"
        return f"{self.name:<12} {self.connections:>3} connections   p50 × {p50:5.1f}   p95 × {p95:5.1f}   ({shown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """What became of signals while the service was stopped and started: sent, acknowledged, recorded, each once."""

    how: Literal["stopped", "killed"]
    restarts: int
    sent: int
    acknowledged: int
    recorded: int
    sound: bool
    clean_stops: int

    @property
    def met(self) -> bool:
        """Say whether nothing was lost or doubled."""
        whole = self.sent == self.acknowledged == self.recorded
        return whole and self.sound and self.clean_stops == self.restarts

    def __str__(self) -> str:
        """Return one line."""
        verdict = "nothing lost, nothing doubled" if self.met else "FAULT"
        return (
            f"{self.how} and started {self.restarts} times under load: "
            f"{self.sent:,} signals sent, {self.acknowledged:,} acknowledged, "
            f"{self.recorded:,} recorded; verify {'finds nothing' if self.sound else 'FINDS FAULTS'}: {verdict}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the process held after each fifth of the requests (MB)."""

    requests: int
    held_mb: tuple[float, ...]

    @property
    def growth(self) -> float:
        """Return what it held at the end, as a multiple of that after the first fifth."""
        return self.held_mb[-1] / self.held_mb[0]

    @property
    def met(self) -> bool:
        """Say whether it is flat."""
        return self.growth <= MOST_GROWTH

    def __str__(self) -> str:
        """Return one line."""
        held = ", ".join(f"{one:.0f}" for one in self.held_mb)
        verdict = "met" if self.met else f"missed by {self.growth - MOST_GROWTH:.2f}"
        return (
            f"memory after {self.requests:,} requests × {self.growth:.2f} of that after a fifth of them   "
            f"≤ {MOST_GROWTH:g}   {verdict}   ({held} MB)"
        )


def report(*, quick: bool, store: str | None = None) -> None:
    """Measure and print latencies and restarts, for SQLite and, where a server can be had, for Neo4j."""
    load = QUICK if quick else Load()
    for name, server in servers(store):
        print(f"{name}:", flush=True)
        for latency in latencies(load, server=server):
            print(latency, flush=True)
        for kill in (False, True):
            print(restarted(load, server=server, kill=kill), flush=True)


def report_memory(*, quick: bool, store: str | None = None) -> None:
    """Measure and print what the process holds while it is used for long, on either store."""
    for name, server in servers(store):
        print(f"{name}: {memory(QUICK if quick else Load(), server=server)}", flush=True)


def servers(store: str | None = None) -> Iterator[tuple[str, Address | None]]:
    """Yield what to keep the records in: a file, then, where it can be had, a Neo4j server (an empty one).

    With `store` that one alone.
    """
    if store in (None, "SQLite"):
        yield "SQLite", None
    if store not in (None, "Neo4j"):
        return
    try:
        with start_server() as server:
            yield "Neo4j", server
    except NoServer as error:
        print(f"NEO4J IS NOT MEASURED: {error}")


# Latency


def _tell(user: SelfModel) -> None:
    """Let a user have beliefs and a response that rests on some."""
    for number in range(_BELIEFS):
        user.believe(f"likes taste{number}", id=f"b{number}")
    user.respond("an answer", beliefs=["b3", "b7"], id="r0")


def _signal(user: SelfModel, number: int) -> None:
    user.signal("rating", -1 if number % 3 else 1, response="r0", id=f"s{number}")


def _personalize(user: SelfModel, number: int) -> None:
    assert user.personalize(f"{_QUERY} {number % 10}").used


_CALLS: tuple[tuple[str, Callable[[SelfModel, int], None]], ...] = (
    ("signal", _signal),
    ("personalize", _personalize),
)


def latencies(load: Load, *, server: Address | None = None) -> Iterator[Latency]:
    """Yield the latency of a signal and of a personalization at each number of connections."""
    with tempfile.TemporaryDirectory() as folder, let_in(server):
        service = Served(Path(folder), server=server)
        with open_hashed(service.target) as graph:
            alone = {name: _timed([_told(graph, f"{name}-0")], call, load.calls) for name, call in _CALLS}
        with service, BeliefGraph.open(service.address, api_key=service.key) as remote:
            for name, call in _CALLS:
                for connections in CONNECTIONS:
                    users = [_told(remote, f"{name}-{connections}-{each}") for each in range(connections)]
                    seconds = _timed(users, call, load.calls)
                    yield Latency(
                        name=name,
                        connections=connections,
                        p50=float(np.percentile(seconds, 50)),
                        p95=float(np.percentile(seconds, 95)),
                        here_p50=float(np.percentile(alone[name], 50)),
                        here_p95=float(np.percentile(alone[name], 95)),
                    )


def _told(graph: BeliefGraph | RemoteGraph, name: str) -> SelfModel:
    user = graph.user(name)
    _tell(user)
    return user


def _timed(
    users: Sequence[SelfModel], call: Callable[[SelfModel, int], None], count: int, *, first: int = 0
) -> list[float]:
    """Return the seconds of `count` calls, those of each user one after the other, all users at once."""

    def work(user: SelfModel) -> list[float]:
        seconds = []
        for number in range(first, first + -(-count // len(users))):
            started = time.perf_counter()
            call(user, number)
            seconds.append(time.perf_counter() - started)
        return seconds

    with ThreadPoolExecutor(len(users)) as threads:
        return [one for found in threads.map(work, users) for one in found]


# Restarts


def restarted(
    load: Load, *, writers: int = 4, server: Address | None = None, kill: bool = False
) -> Restarted:
    """Stop (or kill) and start the service while writers send signals; count what is there afterwards."""
    with tempfile.TemporaryDirectory() as folder, let_in(server):
        service = Served(Path(folder), server=server)
        with service, BeliefGraph.open(service.address, api_key=service.key) as remote:
            users = [_told(remote, f"writer-{number}") for number in range(writers)]
            each = load.signals // writers
            acknowledged = [0] * writers
            stops: list[int] = []

            def write(place: int) -> None:
                for number in range(each):
                    while not _sent(users[place], number):
                        pass
                    acknowledged[place] += 1

            threads = [threading.Thread(target=write, args=(place,)) for place in range(writers)]
            for thread in threads:
                thread.start()
            for restart in range(1, load.restarts + 1):
                while sum(acknowledged) < load.signals * restart // (load.restarts + 1):
                    time.sleep(0.005)
                stops.append(service.kill() if kill else service.stop())
                service.start()
            for thread in threads:
                thread.join()
        with open_hashed(service.target) as graph:
            recorded = sum(graph.audit(user=user.user_id).total.received for user in users)
            sound = graph.verify().ok
        return Restarted(
            how="killed" if kill else "stopped",
            restarts=load.restarts,
            sent=each * writers,
            acknowledged=sum(acknowledged),
            recorded=recorded,
            sound=sound,
            clean_stops=stops.count(0),
        )


def _sent(user: SelfModel, number: int) -> bool:
    """Send a signal; say whether it was acknowledged before the client gave up on a service that was away."""
    try:
        _signal(user, number)
    except StoreUnavailableError:
        return False
    return True


# Memory


def memory(load: Load, *, connections: int = 8, server: Address | None = None) -> Memory:
    """Ask for personalizations and send signals, half of each; look at the memory of the process on the way."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Served(Path(folder), server=server) as service,
        BeliefGraph.open(service.address, api_key=service.key) as remote,
    ):
        users = [_told(remote, f"user-{number}") for number in range(connections)]
        held: list[float] = []

        def call(user: SelfModel, number: int) -> None:
            _CALLS[number % 2][1](user, number)

        for part in range(5):
            _timed(users, call, load.requests // 5, first=part * load.requests)
            held.append(service.memory_mb())
        return Memory(requests=load.requests, held_mb=tuple(held))
