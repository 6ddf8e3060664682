"""A server that is killed (`kill -9`) in the middle of something: what it was told is there once, or not at all.

What a server does that lives on lies in test_neo4j_server.py, a line that falls silent in test_neo4j_silence.py.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.copying import CopiedUser, copy, digest
from beliefgraph.graph.errors import StoreUnavailableError
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.neo4j import connections
from beliefgraph.graph.neo4j.connections import statement
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Changes, Reader, Scope, Store, scopes
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
from tests.answers import check_same, plain
from tests.chances import SCRIPT, STATEMENTS
from tests.embedders import FormGate, ScriptedRelater, WordEmbedder
from tests.neo4j_graphs import graph_of, leave_what_version_1_knew, schema_of, story, to_version_1
from tests.neo4j_kills import PATIENCE_S, At, Killed, Load, Moment, killed_at, killed_on_the_way
from tests.neo4j_server import claim, unmake, wipe

pytestmark = [pytest.mark.neo4j, pytest.mark.slow, pytest.mark.timeout(5 * PATIENCE_S)]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = ADA.tenant
SAVE = statement("save")
_TIMEOUT_S = 10.0
"""Enough for a server that has just begun on a busy machine: planning a query is what it does not break off."""


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


def _fail(killed: Killed, call: Callable[[], object]) -> None:
    """Make a call in the middle of which the server is killed: it fails as promised, in time."""
    with killed as moments, pytest.raises(StoreUnavailableError):
        call()
    assert 1 == len(moments)
    assert time.monotonic() - moments[0] < 3 * _TIMEOUT_S


def _start(server: LocalServer) -> None:
    """Start the server again and let it plan its queries, as an opening does: they take longer than some wait."""
    server.start()
    _open(server, PATIENCE_S).close()


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


def _history(reader: Reader) -> Changes:
    return reader.history()


def _count(store: Store) -> int:
    """Return how many records that a log brings are there."""
    found = [store.read(scope, _history) for scope in scopes(store)]
    return sum(len(one.responses) + len(one.signals) for one in found)


def _check_log(store: Store, log: Sequence[str]) -> None:
    """Assert that a store holds what one holds that took the log undisturbed: each record once, confidences to 1e-9."""
    with closing(SqliteStore(":memory:")) as undisturbed:
        assert len(log) == _send(undisturbed, log).applied.total()
        assert list(scopes(undisturbed)) == list(scopes(store))
        for scope in scopes(store):
            check_same(
                *(plain(replace(one.read(scope, _history), vectors={})) for one in (undisturbed, store))
            )
    assert verify(store, TENANT).ok


def test_a_log_is_sent_again(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at one of its transactions, a log ends in time; sent until it came through, each event is there once."""
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", 12)
    log, counts = _log(), [0]
    moments: tuple[At, ...] = ("commit", "answer")
    for at in moments:
        _fail(killed_at(server, Moment(text=SAVE, at=at, number=4)), lambda: _send(store, log))
        _start(server)
        counts.append(_count(patient))
    assert len(log) == _send(store, log).applied.total()
    assert sorted(set(counts)) == counts
    assert counts[-1] < _count(patient)
    _check_log(patient, log)


def test_a_log_outlives_a_server_that_comes_back(
    server: LocalServer, patient: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server is there again within the deadline, who sends a log does not notice."""
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", 12)
    log = _log()
    with killed_at(server, Moment(text=SAVE, at="commit", number=4), back=True) as killed:
        assert len(log) == _send(patient, log).applied.total()
    assert 1 == len(killed)
    _check_log(patient, log)


# A copy, an erasure


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give an embedded store that took a longer log."""
    with closing(SqliteStore(str(tmp_path / "source.db"))) as store:
        _send(store, _log(responses=100))
        yield store


def test_a_copy_goes_on(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore, source: SqliteStore
) -> None:
    """Killed within a user or before her answer, a copy ends in time; run again, it finds whole users and goes on."""
    told: list[CopiedUser] = []

    def run() -> None:
        told.clear()
        list(copy(source, store, on_user=told.append))

    def fates(told: Sequence[CopiedUser]) -> dict[str, str]:
        return {user.scope.user_id: user.fate for user in told}

    _fail(killed_at(server, Moment(text=SAVE, number=2)), run)
    _start(server)
    assert {"ada": "copied"} == fates(told)
    assert ["ada"] == patient.users(TENANT)
    _fail(killed_at(server, Moment(text=SAVE, at="answer")), run)
    server.start()
    assert {"ada": "there"} == fates(told)
    assert ["ada", "bob"] == patient.users(TENANT)
    copied = list(copy(source, patient))
    assert {"ada": "there", "bob": "there", "eve": "copied"} == fates(copied)
    histories = [source.read(scope, _history) for scope in scopes(source)]
    assert [digest(history) for history in histories] == [user.digest for user in copied]
    assert verify(patient).ok


_NOBODY = Scope(TENANT, UserId("nobody"))
"""Whose erasure lets the server plan it."""


def _lines_of(graph: Sequence[str], *, of_ada: bool) -> list[str]:
    return [line for line in graph if ("acme/ada" in line or '"ada"' in line) == of_ada]


def test_an_erasure_is_whole_or_nothing(
    server: LocalServer, patient: Neo4jStore, store: Neo4jStore, source: SqliteStore
) -> None:
    """Killed while it deletes, an erasure leaves all of a user; killed before its answer, nothing. Others stay."""
    list(copy(source, patient))
    before = graph_of(server.address)
    assert 500 < len(_lines_of(before, of_ada=True))
    patient.erase(_NOBODY)
    halfway = "MATCH (r:Response {user: 'acme/ada', id: 'r50'}) SET r.locked = true"
    _fail(killed_on_the_way(server, halfway), lambda: store.erase(ADA))
    server.start()
    assert before == graph_of(server.address)
    patient.erase(_NOBODY)
    answer = Moment(text=statement("erase"), at="answer")
    _fail(killed_at(server, answer), lambda: store.erase(ADA))
    server.start()
    assert _lines_of(before, of_ada=False) == graph_of(server.address)
    assert NOTHING_ERASED == patient.erase(ADA)
    assert verify(patient, TENANT).ok


# Opening


def _fail_to_open(server: LocalServer, killed: Killed) -> None:
    _fail(killed, lambda: _open(server, _TIMEOUT_S))
    server.start()


def test_a_first_opening_is_made_up_for(server: LocalServer) -> None:
    """Killed among the constraints, and before it sets the version, an opening leaves nothing that the next minds."""
    address = server.address
    before = schema_of(address), graph_of(address)
    unmake(address)
    try:
        _fail_to_open(server, killed_at(server, Moment(text="CONSTRAINT belief_seq")))
        left = schema_of(address)
        assert (True, False) == ("belief_key" in left, "belief_seq" in left)
        _fail_to_open(server, killed_at(server, Moment(text="SET s.version")))
        assert (before[0], []) == (schema_of(address), graph_of(address))
        _open(server, PATIENCE_S).close()
    finally:
        server.start()
        claim(address)
    assert before == (schema_of(address), graph_of(address))


def _load_in_small_steps(package: str, name: str) -> dict[str, str]:
    """Load blocks, each with a transaction for every row."""
    blocks = load_blocks(package, name)
    return {block: text.replace("OF 1000 ROWS", "OF 1 ROWS") for block, text in blocks.items()}


def test_a_migration_goes_on(
    server: LocalServer, patient: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed within a statement, and between two, a migration is finished by the next opening."""
    monkeypatch.setattr(connections, "load_blocks", _load_in_small_steps)
    put(patient, ADA, story)
    leave_what_version_1_knew(server.address)
    graphs, newest = [], graph_of(server.address)
    to_version_1(server.address)
    graphs.append(graph_of(server.address))
    halfway = "MATCH (v:Revision) WITH v ORDER BY v.seq SKIP 3 LIMIT 1 SET v.locked = true"
    _fail_to_open(server, killed_on_the_way(server, halfway))
    graphs.append(graph_of(server.address))
    assert {True, False} == {'"sums"' in line for line in graphs[1] if '["Revision"]' in line}
    _fail_to_open(server, killed_at(server, Moment(text="REMOVE v.cause")))
    graphs.append(graph_of(server.address))
    _open(server, PATIENCE_S).close()
    assert newest == graph_of(server.address)
    assert all(one != other for one, other in itertools.pairwise([*graphs, newest]))


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
    users = ["ada", "bob"]
    for user in users:
        belief = BeliefEvent(user=user, id="b0", statement="Likes short answers")
        _apply(patient, [belief, _response(user, 0)])
    store = _open(server, _TIMEOUT_S)

    def rate(user: str, number: int) -> str:
        _apply(store, [_rating(user, number, "r0")])
        return f"s{number}"

    with closing(store), Load({user: partial(rate, user) for user in users}) as load:
        for away_s in (1.5 * _TIMEOUT_S, 0.0):
            load.wait_for_more()
            server.kill()
            time.sleep(away_s)
            server.start()
        load.wait_for_more()
    load.check_failures(_TIMEOUT_S)
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


def test_reads_tell_what_was_acknowledged(server: LocalServer, patient: Neo4jStore) -> None:
    """Killed while users are read, each answer is of what was acknowledged before, or newer; the rest fail in time."""
    store, twin = _open(server, _TIMEOUT_S), SqliteStore(":memory:")
    ada = SelfModel(_pipeline(store), ADA)
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
    with closing(twin), closing(store), Load({name: partial(ask, name) for name in _READS}) as load:
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
