"""A server that is killed (`kill -9`) in the middle of something: what it was told is there once, or not at all.

What a server does that lives on lies in test_neo4j_server.py, a line that falls silent in test_neo4j_silence.py.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.copying import CopiedUser, copy, digest
from beliefgraph.graph.errors import StoreUnavailableError
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.neo4j import connections
from beliefgraph.graph.neo4j.connections import statement
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope, Store, scopes
from beliefgraph.graph.testing.builders import ADA, NOTHING_ERASED, put
from beliefgraph.ingest import reader
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    PremiseInput,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
)
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import IngestReport, ingest
from beliefgraph.queries.verify import verify
from beliefgraph.selfmodel import SelfModel
from bench.neo4j_server import LocalServer
from tests.embedders import FormGate, ScriptedRelater, WordEmbedder
from tests.graph.test_neo4j_differential import SCRIPT, STATEMENTS, check_same, everything, plain
from tests.neo4j_graphs import graph_of, leave_what_version_1_knew, schema_of, story, to_version_1
from tests.neo4j_kills import PATIENCE_S, Killed, Load, Moment, killed_at, killed_on_the_way
from tests.neo4j_server import claim, unmake, wipe

pytestmark = [pytest.mark.neo4j, pytest.mark.slow, pytest.mark.timeout(5 * PATIENCE_S)]

T = TypeVar("T")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = ADA.tenant
SAVE = statement("save")
_TIMEOUT_S = 5.0


@pytest.fixture
def server(mortal_server: LocalServer) -> LocalServer:
    """Give a running server with an empty database."""
    mortal_server.start()
    wipe(mortal_server.address)
    return mortal_server


@pytest.fixture
def patient(server: LocalServer) -> Iterator[Neo4jStore]:
    """Give a client that waits for a server as long as it takes; its opening lets the server plan the queries."""
    with closing(_open(server, PATIENCE_S)) as store:
        yield store


@pytest.fixture
def store(server: LocalServer, patient: Neo4jStore) -> Iterator[Neo4jStore]:
    """Give a client that gives up soon."""
    with closing(_open(server, _TIMEOUT_S)) as store:
        yield store


def _open(server: LocalServer, timeout_s: float) -> Neo4jStore:
    return Neo4jStore(server.address.uri, password=server.address.password, timeout_s=timeout_s)


def _fail(server: LocalServer, killed: Killed, call: Callable[[], object]) -> None:
    """Make a call in the middle of which the server is killed: it fails in time. Start the server again."""
    with killed as moments, pytest.raises(StoreUnavailableError):
        call()
    assert 1 == len(moments)
    assert time.monotonic() - moments[0] < 3 * _TIMEOUT_S
    server.start()


def _at_last(call: Callable[[], T]) -> T:
    """Make a call again until the server is quick enough for it, as one that has just begun is not."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return call()
        except StoreUnavailableError:
            assert time.monotonic() < deadline, "the client did not recover"


def _pipeline(store: Store) -> Pipeline:
    return Pipeline(
        store=store,
        embedder=WordEmbedder(),
        relater=ScriptedRelater(SCRIPT),
        gate=FormGate(),
        parameters=load_parameters(None),
        clock=lambda: NOW,
    )


# A log


def _events(user: str, responses: int) -> Iterator[Event]:
    chance, at = random.Random(user), NOW - timedelta(days=30)
    beliefs = [f"b{number}" for number in range(len(STATEMENTS) - 1)]
    for id, text in zip(beliefs, STATEMENTS, strict=False):
        yield BeliefEvent(user=user, id=id, statement=text, at=at)
    for number in range(responses):
        at += timedelta(hours=1)
        premises = [PremiseInput(id=id) for id in chance.sample(beliefs, 2)]
        yield ResponseEvent(user=user, id=f"r{number}", text=f"Answer {number}", beliefs=premises, at=at)
        said = chance.choice([None, None, None, *STATEMENTS])
        signal = SignalEvent(
            user=user, kind="rating", value=chance.choice([-1, 1]), response=f"r{number}", text=said, at=at
        )
        yield signal if number % 5 else signal.model_copy(update={"id": f"s{number}"})
        if number % 10 == 9:
            yield RetractEvent(user=user, signal=f"s{number - 4}", reason="a test")


def _log(responses: int = 20) -> list[str]:
    """Return a log of three users: signals with an id and without, texts, retractions."""
    events = [event for user in ("ada", "bob", "eve") for event in _events(user, responses)]
    return [event.model_dump_json(exclude_none=True) for event in events]


def _send(store: Store, log: Sequence[str]) -> IngestReport:
    return ingest(_pipeline(store), TENANT, log)


def _count(store: Store) -> int:
    """Return how many records that a log brings are there."""
    found = [store.read(scope, lambda reader: reader.history()) for scope in scopes(store)]
    return sum(len(one.responses) + len(one.signals) for one in found)


def _check_log(store: Store, log: Sequence[str]) -> None:
    """Assert that a store holds what one holds that took the log undisturbed: each record once, confidences to 1e-9."""
    with closing(SqliteStore(":memory:")) as undisturbed:
        assert len(log) == _send(undisturbed, log).applied.total()
        assert list(scopes(undisturbed)) == list(scopes(store))
        for scope in scopes(store):
            check_same(*(plain(one.read(scope, everything)) for one in (undisturbed, store)))
    assert verify(store, TENANT).ok


@pytest.mark.parametrize("at", ["before", "commit", "answer"])
def test_a_log_is_sent_again(
    server: LocalServer,
    patient: Neo4jStore,
    store: Neo4jStore,
    monkeypatch: pytest.MonkeyPatch,
    at: Any,
) -> None:
    """Killed at the sixth of its transactions, a log ends in time; sent again, every event of it is there once."""
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", 12)
    log = _log()
    _fail(server, killed_at(server, Moment(text=SAVE, at=at, number=6)), lambda: _send(store, log))
    assert 0 < _count(patient) < 3 * 20 * 2
    assert len(log) == _at_last(lambda: _send(store, log)).applied.total()
    _check_log(patient, log)


def test_a_log_outlives_a_server_that_comes_back(
    server: LocalServer, patient: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server is there again within the deadline, nobody who sends a log notices."""
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", 12)
    log = _log()
    with killed_at(server, Moment(text=SAVE, at="answer", number=6), back=True) as killed:
        assert len(log) == _send(patient, log).applied.total()
    assert 1 == len(killed)
    _check_log(patient, log)


# A copy, an erasure


@pytest.mark.parametrize("at", ["before", "answer"])
def test_a_copy_goes_on(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore, tmp_path: Path, at: Any
) -> None:
    """Killed at the second user, a copy ends in time; run again it finds whole users and copies the others."""
    there = {"before": ["ada"], "answer": ["ada", "bob"]}[at]
    told: list[CopiedUser] = []
    with closing(SqliteStore(str(tmp_path / "source.db"))) as source:
        _send(source, _log())
        begin = partial(copy, source, store, on_user=told.append)
        _fail(server, killed_at(server, Moment(text=SAVE, at=at, number=2)), lambda: list(begin()))
        assert ["ada"] == [user.scope.user_id for user in told]
        assert there == _at_last(lambda: store.users(TENANT))
        again = list(copy(source, patient))
        assert ["there"] * len(there) + ["copied"] * (3 - len(there)) == [user.fate for user in again]
        histories = [source.read(scope, lambda reader: reader.history()) for scope in scopes(source)]
        assert [digest(history) for history in histories] == [user.digest for user in again]
    assert verify(patient).ok


def _lines_of(graph: Sequence[str], *, of_ada: bool) -> list[str]:
    return [line for line in graph if ("acme/ada" in line or '"ada"' in line) == of_ada]


def test_an_erasure_is_whole_or_nothing(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore, tmp_path: Path
) -> None:
    """Killed while it deletes, an erasure leaves all of a user; killed before its answer, nothing. Others stay."""
    with closing(SqliteStore(str(tmp_path / "source.db"))) as source:
        _send(source, _log(responses=200))
        list(copy(source, patient))
    before = graph_of(server.address)
    assert 1000 < len(_lines_of(before, of_ada=True))
    halfway = "MATCH (r:Response {user: 'acme/ada', id: 'r100'}) SET r.locked = true"
    _fail(server, killed_on_the_way(server, halfway), lambda: store.erase(ADA))
    assert before == graph_of(server.address)
    patient.erase(Scope(TENANT, UserId("nobody")))  # lets the server plan it
    answer = Moment(text=statement("erase"), at="answer")
    _fail(server, killed_at(server, answer), lambda: store.erase(ADA))
    assert _lines_of(before, of_ada=False) == graph_of(server.address)
    assert NOTHING_ERASED == _at_last(lambda: store.erase(ADA))
    assert verify(patient, TENANT).ok


# Opening


@pytest.mark.parametrize("text", ["CONSTRAINT belief_seq", "SET s.version"])
def test_a_first_opening_is_made_up_for(server: LocalServer, text: str) -> None:
    """Killed among the constraints or before the version is set, an opening leaves nothing that the next minds."""
    address = server.address
    claim(address)
    before = schema_of(address), graph_of(address)
    unmake(address)
    try:
        _fail(server, killed_at(server, Moment(text=text)), lambda: _open(server, _TIMEOUT_S))
        left = schema_of(address)
        assert set(left) <= set(before[0])
        assert ("belief_seq" in left) == (text == "SET s.version")
        assert "user_key" in left
        assert [] == graph_of(address)
        _open(server, PATIENCE_S).close()
    finally:
        server.start()
        claim(address)
    assert before == (schema_of(address), graph_of(address))


@pytest.fixture
def older(server: LocalServer, patient: Neo4jStore) -> Iterator[list[str]]:
    """Put a graph into the form of version 1; give the one that a migration makes of it. Leave none behind."""
    put(patient, ADA, story)
    leave_what_version_1_knew(server.address)
    newest = graph_of(server.address)
    to_version_1(server.address)
    yield newest
    server.start()
    _open(server, PATIENCE_S).close()


def _check_halfway(server: LocalServer, killed: Killed, newest: list[str]) -> None:
    """Kill the server while a migration runs: what is left is neither, and the next opening makes the newest of it."""
    oldest = graph_of(server.address)
    _fail(server, killed, lambda: _open(server, _TIMEOUT_S))
    left = graph_of(server.address)
    assert oldest != left
    assert newest != left
    _open(server, PATIENCE_S).close()
    assert newest == graph_of(server.address)


def test_a_migration_goes_on(server: LocalServer, older: list[str]) -> None:
    """Killed between two of its statements, a migration is finished by the next opening."""
    _check_halfway(server, killed_at(server, Moment(text="REMOVE v.cause")), older)


def test_a_migration_goes_on_within_a_statement(
    server: LocalServer, older: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while a statement has changed some rows and not others, a migration is finished by the next opening."""
    load = load_blocks

    def load_small(package: str, name: str) -> dict[str, str]:
        blocks = load(package, name)
        return {block: text.replace("OF 1000 ROWS", "OF 1 ROWS") for block, text in blocks.items()}

    monkeypatch.setattr(connections, "load_blocks", load_small)
    halfway = "MATCH (v:Revision) WITH v ORDER BY v.seq SKIP 3 LIMIT 1 SET v.locked = true"
    _check_halfway(server, killed_on_the_way(server, halfway), older)


# Single calls


def _apply(store: Store, events: Iterable[Event]) -> None:
    pipeline = _pipeline(store)
    for event in events:
        pipeline.apply(Scope(TENANT, UserId(event.user)), event)


def _response(user: str, number: int) -> ResponseEvent:
    return ResponseEvent(user=user, id=f"r{number}", text="Yes.", beliefs=[PremiseInput(id="b0")])


def _rating(user: str, number: int, response: str) -> SignalEvent:
    return SignalEvent(user=user, id=f"s{number}", kind="rating", value=-1, response=response)


def test_signals_are_there_once(server: LocalServer, patient: Neo4jStore) -> None:
    """Killed twice while signals come in: what was acknowledged is there once, what failed said so in time."""
    timeout_s, users = 10.0, ["ada", "bob"]
    for user in users:
        belief = BeliefEvent(user=user, id="b0", statement="Likes short answers")
        _apply(patient, [belief, _response(user, 0)])
    store = _open(server, timeout_s)

    def rate(user: str, number: int) -> str:
        _apply(store, [_rating(user, number, "r0")])
        return f"s{number}"

    with closing(store), Load({user: partial(rate, user) for user in users}) as load:
        for away_s in (1.5 * timeout_s, 0.0):
            load.wait_for_more()
            server.kill()
            time.sleep(away_s)
            server.start()
        load.wait_for_more()
    load.check_failures(timeout_s)
    for user, done in load.done.items():
        signals = patient.read(Scope(TENANT, UserId(user)), lambda reader: reader.signals())
        assert sorted(done) == sorted(signal.id for signal, _ in signals)
    assert verify(patient, TENANT).ok


_READS: dict[str, Callable[[SelfModel], float]] = {
    "personalize": lambda ada: ada.personalize("short answers").used[0].belief.confidence,
    "explain": lambda ada: ada.explain("b0").belief.confidence,
    "revisions": lambda ada: len(ada.revisions("b0")),
}
"""Each answers with another number after each rating."""


def test_reads_tell_what_was_acknowledged(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore
) -> None:
    """Killed while users are read, each answer is of what was acknowledged before, or newer; the rest fail in time."""
    ada, twin = SelfModel(_pipeline(store), ADA), SqliteStore(":memory:")
    expected: dict[str, list[float]] = {name: [] for name in _READS}

    def tell(number: int) -> None:
        for one in (twin, patient):
            _apply(one, [_response("ada", number), _rating("ada", number, f"r{number}")])
        for name, read in _READS.items():
            expected[name].append(read(SelfModel(_pipeline(twin), ADA)))

    def ask(name: str, _: int) -> tuple[int, float]:
        known = len(expected[name]) - 1
        return known, _READS[name](ada)

    for one in (twin, patient):
        _apply(one, [BeliefEvent(user="ada", id="b0", statement="Likes short answers")])
    tell(0)
    with Load({name: partial(ask, name) for name in _READS}) as load:
        load.wait_for_more()
        tell(1)
        server.kill()
        time.sleep(1.5 * _TIMEOUT_S)
        server.start()
        load.wait_for_more()
        tell(2)
        load.wait_for_more()
    load.check_failures(_TIMEOUT_S)
    for name, answers in load.done.items():
        assert 3 == len(set(expected[name]))
        assert {0, 1, 2} == {known for known, _ in answers}
        for known, answer in answers:
            assert any(abs(answer - one) < 1e-9 for one in expected[name][known:])
    twin.close()
