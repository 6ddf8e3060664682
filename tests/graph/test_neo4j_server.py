"""What a server can do to a store: refuse it, be something else, lock, lose the answer to a commit.

One that is killed lies in test_neo4j_kills.py, a line that falls silent in test_neo4j_silence.py.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

import neo4j
import neo4j.exceptions
import pytest

from beliefgraph.bootstrap import open_store
from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.errors import (
    BeliefGraphError,
    InvalidInputError,
    StoreUnavailableError,
    StoreVersionError,
)
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.neo4j import connections
from beliefgraph.graph.neo4j.connections import translate
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Erasure, Reader, Scope
from beliefgraph.graph.testing.builders import ADA, BOB, put, put_beliefs
from beliefgraph.ingest.events import BeliefEvent, PremiseInput, ResponseEvent, SignalEvent
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.queries.verify import verify
from beliefgraph.settings import Settings
from bench.neo4j_server import Address
from tests.embedders import FormGate, ScriptedRelater, WordEmbedder
from tests.neo4j_graphs import graph_of, leave_what_version_1_knew, run, schema_of, story, to_version_1
from tests.neo4j_server import claim, open_scratch, unmake

pytestmark = pytest.mark.neo4j

WRONG = "not the password"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PATIENCE_S = 300
"""How long a machine that is busy with other things may take; no promise of ours."""


@pytest.fixture
def store(neo4j_address: Address) -> Iterator[Neo4jStore]:
    store = open_scratch(neo4j_address.uri)
    yield store
    store.close()


def _pipeline(store: Neo4jStore) -> Pipeline:
    return Pipeline(
        store=store,
        embedder=WordEmbedder(),
        relater=ScriptedRelater(),
        gate=FormGate(),
        parameters=load_parameters(None),
        clock=lambda: NOW,
    )


# Opening


def test_a_target_leads_to_the_store(neo4j_address: Address) -> None:
    """bolt://… opens a Neo4j store with the user, the password and the database of the settings."""
    store = open_store(neo4j_address.uri, neo4j_address.settings())
    assert isinstance(store, Neo4jStore)
    assert neo4j_address.uri == store.target
    store.close()


def test_a_wrong_password_is_one_sentence_without_it(
    neo4j_address: Address, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the settings to check; neither it, nor a log, nor `repr` shows a password."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreUnavailableError, match="NEO4J_USERNAME and NEO4J_PASSWORD") as caught:
        Neo4jStore(neo4j_address.uri, password=WRONG)
    store = open_scratch(neo4j_address.uri)
    store.close()
    settings = Settings(neo4j_password=WRONG)
    said = [str(caught.value), repr(caught.value), repr(caught.value.__cause__), caplog.text, repr(settings)]
    said += [repr(store), repr(store._connections), repr(neo4j_address), *capsys.readouterr()]
    for password in (WRONG, neo4j_address.password):
        assert [] == [text for text in said if password in text]


@pytest.mark.parametrize(
    "target", ["bolt://neo4j:secret@127.0.0.1:7687", "https://127.0.0.1:7687", "ftp://x"]
)
def test_a_target_of_another_form_is_refused(target: str) -> None:
    """A password in the target, and a scheme that is not one of ours, are refused without repeating them."""
    with pytest.raises(InvalidInputError) as caught:
        open_store(target, Settings())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+s", "neo4j+ssc"])
def test_a_wrong_scheme_is_named(neo4j_address: Address, scheme: str) -> None:
    """TLS to a server that speaks none points at the scheme."""
    target = f"{scheme}://{neo4j_address.uri.partition('://')[2]}"
    with pytest.raises(StoreUnavailableError, match="check the scheme"):
        Neo4jStore(target, password=WRONG, timeout_s=2)


def test_an_unknown_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without an address is not mistaken for a server that is down."""

    def find_none(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_none)
    with pytest.raises(StoreUnavailableError, match="has no address"):
        Neo4jStore("bolt://nowhere.invalid:7687", password=WRONG, timeout_s=2)


def test_a_first_password_is_to_be_changed(neo4j_address: Address) -> None:
    """A user whose password has expired is told so, and not that the records contradict themselves."""
    with neo4j_address.driver() as driver:
        driver.execute_query(f"CREATE USER newcomer SET PASSWORD '{WRONG}'", database_="system")
        try:
            with pytest.raises(StoreUnavailableError, match="must be changed"):
                Neo4jStore(neo4j_address.uri, username="newcomer", password=WRONG)
        finally:
            driver.execute_query("DROP USER newcomer", database_="system")


def test_no_server_is_unavailable_in_time() -> None:
    """Where nobody listens, opening fails within the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        Neo4jStore(f"bolt://127.0.0.1:{port}", password=WRONG, timeout_s=5)
    assert time.monotonic() - began < 15


def test_an_unknown_database_is_named(neo4j_address: Address) -> None:
    """A database that the server does not have points at the setting."""
    nowhere = replace(neo4j_address, database="nowhere")
    with pytest.raises(StoreUnavailableError, match="NEO4J_DATABASE"):
        open_store(nowhere.uri, nowhere.settings())


def test_an_old_server_is_refused(neo4j_address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server older than what we need says which version it is."""
    monkeypatch.setattr(connections, "OLDEST", (9999, 0))
    with pytest.raises(StoreVersionError, match=r"the server is Neo4j \d+\.\d+"):
        open_scratch(neo4j_address.uri)


def test_a_newer_schema_is_refused(neo4j_address: Address) -> None:
    """A database of a later beliefgraph asks for an upgrade and is left alone."""
    run(neo4j_address, "MATCH (s:Store) SET s.was = s.version, s.version = 99")
    try:
        with pytest.raises(StoreVersionError, match="upgrade beliefgraph"):
            open_scratch(neo4j_address.uri)
    finally:
        run(neo4j_address, "MATCH (s:Store) SET s.version = s.was REMOVE s.was")


def test_a_graph_of_something_else_is_refused(neo4j_address: Address) -> None:
    """A database with nodes that are not ours is left alone."""
    run(neo4j_address, "MATCH (s:Store) SET s:SomethingElse REMOVE s:Store")
    try:
        with pytest.raises(StoreVersionError, match="something else"):
            open_scratch(neo4j_address.uri)
    finally:
        run(neo4j_address, "MATCH (s:SomethingElse) SET s:Store REMOVE s:SomethingElse")


def _errors(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for kind in root.__subclasses__():
        yield from _errors(kind)


@pytest.mark.parametrize("root", [neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError])
def test_every_error_of_the_driver_has_one_of_ours(root: type[Exception]) -> None:
    """Whatever the driver raises becomes an error that a caller knows, and none repeats what the server said."""
    for kind in _errors(root):
        error = kind.__new__(kind)
        Exception.__init__(error, "the statement of ada")
        ours = translate(error, "bolt://somewhere")
        assert isinstance(ours, BeliefGraphError)
        assert "ada" not in str(ours)


# The schema


def test_an_older_schema_is_migrated(neo4j_address: Address) -> None:
    """What version 1 left is, once opened, the very graph that this version writes, and reads the same."""
    store = open_scratch(neo4j_address.uri)
    put(store, ADA, story)
    leave_what_version_1_knew(neo4j_address)
    before, graph = store.read(ADA, lambda reader: reader.history()), graph_of(neo4j_address)
    store.close()
    to_version_1(neo4j_address)
    assert graph != graph_of(neo4j_address)
    with closing(open_scratch(neo4j_address.uri)) as store:
        assert before == store.read(ADA, lambda reader: reader.history())
        assert graph == graph_of(neo4j_address)
        assert {1.0, 1.5, 0.125} == {item.nats for item in store.read(ADA, _items_of_b1)}


def test_many_may_be_the_first_to_open(neo4j_address: Address) -> None:
    """Of several who open a database without schema or node at once, none fails, and one store is there for all."""
    schema = schema_of(neo4j_address)
    for _ in range(3):
        unmake(neo4j_address)
        before = schema_of(neo4j_address)
        try:
            with ThreadPoolExecutor(6) as threads:
                for opened in threads.map(open_scratch, [neo4j_address.uri] * 6):
                    opened.close()
            found = schema_of(neo4j_address), len(graph_of(neo4j_address))
        finally:
            claim(neo4j_address)
        assert ([], (schema, 1)) == (before, found)


def test_a_migration_is_waited_for(neo4j_address: Address, store: Neo4jStore) -> None:
    """Who opens an older store while another migrates it touches nothing meanwhile, nor once the other is done."""
    put(store, ADA, story)
    newest = len(load_blocks("beliefgraph.graph.neo4j", "schema.cypher"))
    run(neo4j_address, "MATCH (s:Store) SET s.version = 1")
    run(neo4j_address, "MATCH (e:Evidence) SET e.belief_id = 'to be removed by a migration'")
    graph = graph_of(neo4j_address)
    opened: list[Neo4jStore] = []
    opener = threading.Thread(target=lambda: opened.append(open_scratch(neo4j_address.uri)))
    with (
        neo4j_address.driver() as driver,
        driver.session(database=neo4j_address.database) as session,
        session.begin_transaction() as transaction,
    ):
        transaction.run("MATCH (s:Store) SET s.locked = true").consume()
        opener.start()
        opener.join(2)
        assert opener.is_alive()
        assert graph == graph_of(neo4j_address)
        transaction.run("MATCH (s:Store) SET s.version = $newest", newest=newest).consume()
        transaction.commit()
    opener.join(_PATIENCE_S)
    for one in opened:
        one.close()
    assert 1 == len(opened)
    assert sum("to be removed" in one for one in graph) == sum(
        "to be removed" in one for one in graph_of(neo4j_address)
    )


def test_indexes_that_are_being_built_are_no_damage() -> None:
    """Where they do not come in time, it is said that they are still being built."""
    slow = neo4j.exceptions.Neo4jError._hydrate_neo4j(
        code="Neo.ClientError.Procedure.ProcedureTimedOut", message="Index on 'Belief' did not come online"
    )
    ours = translate(slow, "bolt://somewhere")
    assert isinstance(ours, StoreUnavailableError)
    assert "it is still building its indexes; open it again later" in str(ours)


def _items_of_b1(reader: Reader) -> list[Item]:
    return [*reader.words(BeliefId("b1")), *reader.inferred(BeliefId("b1"))]


# Locks, lost connections, erasure at the same time


def test_a_lock_that_is_kept_ends_in_time(neo4j_address: Address, store: Neo4jStore) -> None:
    """A writer that waits for the user's lock gives up at its deadline, and one with more patience goes on waiting."""
    put_beliefs(store, ADA, "b1")
    impatient = open_scratch(neo4j_address.uri, timeout_s=1)
    patient = threading.Thread(target=put_beliefs, args=(store, ADA, "b2"))
    with (
        closing(impatient),
        neo4j_address.driver() as driver,
        driver.session(database=neo4j_address.database) as session,
        session.begin_transaction() as transaction,
    ):
        transaction.run("MATCH (u:User {key: 'acme/ada'}) SET u.locked = true").consume()
        patient.start()
        with pytest.raises(StoreUnavailableError, match="keep the user locked"):
            put_beliefs(impatient, ADA, "b3")
        assert patient.is_alive()
        transaction.rollback()
    patient.join()
    assert ["b2", "b1"] == [node.id for node in store.read(ADA, lambda reader: reader.beliefs())]


def test_a_thread_that_keeps_a_user_keeps_no_other(neo4j_address: Address) -> None:
    """Threads of one process wait for each other on one user, up to the deadline, and on another not at all."""
    begun, over = threading.Event(), threading.Event()

    def keep(reader: Reader) -> None:
        begun.set()
        over.wait(_PATIENCE_S)

    with closing(open_scratch(neo4j_address.uri, timeout_s=5)) as store:
        keeper = threading.Thread(target=store.read, args=(ADA, keep))
        keeper.start()
        try:
            assert begun.wait(_PATIENCE_S)
            put_beliefs(store, BOB, "b1")
            with pytest.raises(StoreUnavailableError, match="keep the user locked"):
                put_beliefs(store, ADA, "b1")
        finally:
            over.set()
            keeper.join()
        put_beliefs(store, ADA, "b2")
        assert ["b2"] == [node.id for node in store.read(ADA, lambda reader: reader.beliefs())]


def _lose_commits(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the first two commits go through and their acknowledgement be lost; return which were."""
    commit: Any = neo4j.ManagedTransaction._commit
    lost: list[bool] = []

    def lose(self: Any) -> None:
        commit(self)
        if len(lost) < 2:
            lost.append(True)
            raise neo4j.exceptions.IncompleteCommit("lost")

    monkeypatch.setattr(neo4j.ManagedTransaction, "_commit", lose)
    return lost


def test_an_unknown_outcome_never_applies_a_signal_twice(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after the commit went through: the unit runs again and finds that it is done."""
    pipeline, scope = _pipeline(store), Scope("acme", UserId("ada"))
    pipeline.apply(scope, BeliefEvent(user="ada", id="b1", statement="Likes tea"))
    pipeline.apply(scope, ResponseEvent(user="ada", id="r1", text="Tea", beliefs=[PremiseInput(id="b1")]))
    lost = _lose_commits(monkeypatch)
    pipeline.apply(scope, SignalEvent(user="ada", kind="rating", value=-1, response="r1"))
    monkeypatch.undo()
    assert [True] == lost  # the second run wrote nothing, so there was nothing to commit
    assert 1 == len(store.read(scope, lambda reader: reader.signals()))
    assert 2 == len(store.read(scope, lambda reader: reader.revisions()))
    assert verify(store, "acme").ok


def test_an_unknown_outcome_does_not_hide_an_erasure(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after a user was erased: what the first run erased is what is reported."""
    put(store, ADA, story)
    lost = _lose_commits(monkeypatch)
    erased = store.erase(ADA)
    monkeypatch.undo()
    assert [True, True] == lost  # the second run found nothing, and its outcome was unknown too
    assert Erasure(beliefs=2, responses=2, signals=2, revisions=8, links=0) == erased
    assert [] == store.users(ADA.tenant)
    assert Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0) == store.erase(ADA)


def test_writing_while_being_erased(store: Neo4jStore) -> None:
    """Writers that wait while a user is erased begin her anew; no call fails."""
    failures: list[BaseException] = []

    def write(name: int) -> None:
        try:
            for number in range(15):
                put_beliefs(store, ADA, f"b{name}-{number}")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        store.erase(ADA)
    for thread in threads:
        thread.join()
    assert [] == failures
    head, revisions = store.read(ADA, lambda reader: (reader.head(), reader.revisions()))
    assert head.seq == 2 * len(revisions)
