"""How the queries run: round trips of a signal, index seeks at the start of every plan, cost without the rest."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import neo4j
import pytest

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.neo4j.connections import statement
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Reach, Reader, Scope, Store
from beliefgraph.graph.testing.builders import ADA, OTHER_ADA, Draft, put, put_beliefs, second, vector
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
from beliefgraph.ingest.reader import ingest
from beliefgraph.queries.explain import explain
from bench.neo4j_server import Address
from tests.embedders import FormGate, ScriptedRelater, WordEmbedder
from tests.neo4j_server import open_scratch, wipe

pytestmark = pytest.mark.neo4j

BLOCKS = load_blocks("beliefgraph.graph.neo4j", "queries.cypher")
NAMES = {statement(name): name for name in BLOCKS}
OPENING = {"server", "store", "lock store", "set version", "await indexes"}
"""Run when a store is opened, on its one `Store` node or on none."""
SEEKS = {
    "NodeUniqueIndexSeek",
    "NodeUniqueIndexSeek(Locking)",
    "NodeIndexSeek",
    "DirectedRelationshipIndexSeek",
}
Ran = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def store(neo4j_address: Address) -> Iterator[Neo4jStore]:
    """Open a new store."""
    store = open_scratch(neo4j_address.uri)
    yield store
    store.close()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Collect the names and parameters of our queries that transactions run."""
    found: Ran = []
    run = neo4j.ManagedTransaction.run

    def note(self: Any, query: Any, parameters: Any = None, **more: Any) -> Any:
        if query in NAMES:
            found.append((NAMES[query], more["given"]))
        return run(self, query, parameters, **more)

    monkeypatch.setattr(neo4j.ManagedTransaction, "run", note)
    return found


STATEMENTS = ["Likes tea", "Works at night", "Wants examples"]


def _pipeline(store: Store) -> Pipeline:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Pipeline(
        store=store,
        embedder=WordEmbedder(),
        relater=ScriptedRelater(),
        gate=FormGate(),
        parameters=load_parameters(None),
        clock=lambda: now,
    )


def test_a_signal_is_two_queries(store: Neo4jStore, ran: Ran) -> None:
    """One signal on a response with three beliefs: one query reads under the lock, one writes; no other."""
    pipeline = _pipeline(store)
    scope, beliefs = Scope("acme", UserId("ada")), ["b1", "b2", "b3"]
    for belief, said in zip(beliefs, STATEMENTS, strict=True):
        pipeline.apply(scope, BeliefEvent(user="ada", id=belief, statement=said))
    premises = [PremiseInput(id=belief) for belief in beliefs]
    for number in range(3):
        pipeline.apply(scope, ResponseEvent(user="ada", id=f"r{number}", text="An answer", beliefs=premises))
        ran.clear()
        pipeline.apply(
            scope, SignalEvent(user="ada", id=f"s{number}", kind="rating", value=-1, response=f"r{number}")
        )
        assert ["neighbourhood", "save"] == [name for name, _ in ran]


READ, WRITE = "neighbourhood", "save"
QUERIES = {
    "respond": [READ, WRITE],
    "rate": [READ, WRITE],
    "rate again": [READ, WRITE],
    "rate an older response": [READ, "words", "inferred", WRITE],
    "believe": [READ, WRITE],
    "confirm": [READ, "words", "inferred", WRITE],
    "deny": [READ, "words", "inferred", WRITE],
    "correct": [READ, READ, "words", "inferred", WRITE],
}
"""What each kind of event asks of the store, for one belief that has been spoken of and reacted to."""


def test_what_each_kind_of_event_asks(store: Neo4jStore, ran: Ran) -> None:
    """What is appended takes one read and one write; where items are folded anew, they are read as well, once."""
    pipeline, scope = _pipeline(store), Scope("acme", UserId("ada"))

    def signal(id: str, kind: str, **about: Any) -> SignalEvent:
        return SignalEvent(user="ada", id=id, kind=kind, **about)

    def respond(id: str) -> ResponseEvent:
        return ResponseEvent(user="ada", id=id, text="An answer", beliefs=[PremiseInput(id="b1")])

    events: dict[str, Event] = {
        "believe": BeliefEvent(user="ada", id="b1", statement=STATEMENTS[0]),
        "respond": respond("r1"),
        "respond again": respond("r2"),
        "confirm": signal("s1", "confirm", belief="b1"),
        "rate": signal("s2", "rating", value=-1, response="r1"),
        "rate again": signal("s3", "rating", value=1, response="r1"),
        "rate another": signal("s4", "rating", value=1, response="r2"),
        "rate an older response": signal("s5", "rating", value=-1, response="r1"),
        "deny": signal("s6", "deny", belief="b1"),
        "correct": signal("s7", "correction", text="Likes coffee", belief="b1"),
        "retract a rating": RetractEvent(user="ada", signal="s4"),
        "retract a word": RetractEvent(user="ada", signal="s6"),
    }
    pipeline.embed(["the model is known"])
    asked = {}
    for name, event in events.items():
        ran.clear()
        pipeline.apply(scope, event)
        asked[name] = [name for name, _ in ran]
    assert QUERIES == {name: asked[name] for name in QUERIES}
    for name in ("retract a rating", "retract a word"):
        assert 1 == asked[name].count(WRITE)


def test_an_explanation_is_three_queries(store: Neo4jStore, ran: Ran) -> None:
    """Everything about a belief comes in one query, the signals on responses and about itself in two; no other."""
    put(store, ADA, _story)
    ran.clear()
    told = store.read(
        ADA, lambda reader: explain(reader, ADA, BeliefId("b1"), now_us=second(9), words={}, responses={})
    )
    assert ["account", "signals about", "signals by key"] == [name for name, _ in ran]
    assert {"s1", "s2", "s3", "s4"} == {signal.id for one in told.contributions for signal, _ in one.signals}


def test_a_log_is_two_queries_for_each_user(store: Neo4jStore, ran: Ran) -> None:
    """Twenty signals of each of two users in one log are read for and written at once, in a transaction a user."""
    pipeline, users = _pipeline(store), ("ada", "bob")
    lines: dict[str, list[str]] = {user: [] for user in users}
    for user in users:
        belief = {"type": "belief", "user": user, "id": "b1", "statement": STATEMENTS[0]}
        response = {
            "type": "response",
            "user": user,
            "id": "r1",
            "text": "An answer",
            "beliefs": [{"id": "b1"}],
        }
        assert ingest(pipeline, "acme", map(json.dumps, (belief, response))).ok
        for number in range(20):
            signal = {"type": "signal", "user": user, "response": "r1", "kind": "stars", "id": f"s{number}"}
            lines[user].append(json.dumps({**signal, "value": 1 + number % 5}))
    ran.clear()
    mixed = [line for pair in zip(*lines.values(), strict=True) for line in pair]
    assert {"signal": 40} == dict(ingest(pipeline, "acme", mixed).applied)
    assert ["neighbourhood", "neighbourhood", "save", "save"] == sorted(name for name, _ in ran)


def _forget_plans(address: Address) -> int:
    """Let the server forget every plan; return how many there were."""
    with address.driver() as driver:
        said = driver.execute_query("CALL db.clearQueryCaches()", database_=address.database)
    return int("".join(re.findall(r"cleared of (\d+) queries", said.records[0][0])) or 0)


def test_a_signal_waits_for_no_plan(neo4j_address: Address, store: Neo4jStore) -> None:
    """Opening a store has the queries of a signal planned, whatever its user, its length and number of beliefs."""
    pipeline = _pipeline(store)
    pipeline.embed(["the model is known"])
    _forget_plans(neo4j_address)
    open_scratch(neo4j_address.uri).close()
    planned = _forget_plans(neo4j_address)
    open_scratch(neo4j_address.uri).close()
    for user, count in (("a", 0), ("ada", 1), ("a-user-of-a-longer-name", 3)):
        scope, beliefs = Scope("acme", UserId(user)), [f"b{number}" for number in range(count)]
        for belief, said in zip(beliefs, STATEMENTS, strict=False):
            pipeline.apply(scope, BeliefEvent(user=user, id=belief, statement=said))
        premises = [PremiseInput(id=belief) for belief in beliefs]
        pipeline.apply(scope, ResponseEvent(user=user, id="r", text="An answer", beliefs=premises))
        for number in range(2):
            pipeline.apply(
                scope, SignalEvent(user=user, id=f"s{number}", kind="rating", response="r", value=-1)
            )
    assert planned == _forget_plans(neo4j_address)
    assert planned > 0


def _story(draft: Draft) -> None:
    """Draft something of every kind."""
    for name in ("b1", "b2", "b3"):
        draft.belief(name, near=vector(1, len(name)))
    draft.belief("b4", parent="b1", origin="s1")
    for number in range(1, 5):
        draft.response(f"r{number}", "b1", "b2", "b3")
        draft.signal(f"s{number}", response=f"r{number}", text="no")
        draft.revise("b1", item_id=f"r{number}", cause_id=f"s{number}")
    draft.signal("s9", belief="b1")
    draft.revise("b2", slot="word", item_id="s9", cause_id="s9")
    draft.revise("b3", item_id="r1", removed=True)
    draft.link("b1", "b2", "confirmed")
    draft.link("b2", "b3", "suspected", kind="duplicates")


def _read_everything(reader: Reader) -> None:
    b1, r1, s1 = BeliefId("b1"), ResponseId("r1"), SignalId("s1")
    reader.head()
    reader.neighbourhood(
        Reach(
            responses=[r1], beliefs=[b1], signals=[s1], statement_keys=["statement of b2"],
            vectors={"v": vector(1, 0)},
        ),
        depth=2,
    )  # fmt: skip
    reader.nearest(vector(1, 0), limit=2)
    for ids in ([b1], None):
        reader.beliefs(ids, limit=3, as_of_us=second(9))
    reader.responses([r1])
    reader.responses(limit=2)
    reader.signals([s1])
    reader.signals(about=[r1])
    reader.signals(limit=2)
    reader.words(b1, excluding=["x"])
    next(reader.inferred(b1))
    reader.account(b1)
    reader.account(b1, as_of_us=second(9))
    reader.revisions(limit=2)
    revision = reader.revisions(b1)[-1]
    reader.revisions(cause_id="s1")
    reader.revision_before(revision)
    reader.latest_revisions([b1], limit=2)
    reader.links("contradicts", beliefs=[b1])
    reader.history()
    reader.news(0)
    reader.news(1)


def _more(draft: Draft) -> None:
    """Draft something for every part of `save`."""
    draft.belief("b5", parent="b1", origin="s1")
    draft.response("r5", "b1", "b2")
    draft.signal("s5", response="r5")
    draft.signal("s6", belief="b1")
    draft.revise("b1", item_id="r5", cause_id="s5")
    draft.revise("b1", item_id="r1", removed=True, cause_kind="retraction")
    draft.link("b1", "b3")
    draft.link("b1", "b3", kind="duplicates")
    draft.retract("s2")


def _use_everything(store: Store, ran: Ran) -> Ran:
    """Run every query once for one user; return what ran, made so that it can run again, erasure last."""
    put(store, ADA, _story)
    ran.clear()
    put(store, ADA, _more)
    store.read(ADA, _read_everything)
    store.embedding_model("a model")
    store.tenants()
    store.users("acme", limit=3)
    return [*((name, _free(name, parameters)) for name, parameters in ran), ("erase", {"user": "acme/ada"})]


def _free(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give what `save` writes ids and numbers that are not taken."""
    if name != "save":
        return parameters
    later = {**parameters, "seq": parameters["seq"] + 100, "retracted": []}
    for part in ("beliefs", "responses", "signals", "revisions"):
        later[part] = dict(parameters[part])
        if later[part]["count"]:
            later[part]["seq"] = [seq + 100 for seq in parameters[part]["seq"]]
        if "key" in later[part]:
            later[part]["key"] = [key + "-again" for key in parameters[part]["key"]]
    later["links"] = [
        {**row, "version": {**row["version"], "seq": row["version"]["seq"] + 100}}
        for row in parameters["links"]
    ]
    return later


def _profile(address: Address, asked: Ran) -> list[dict[str, Any]]:
    """Run queries under PROFILE in transactions that are rolled back; return their plans."""
    plans = []
    with address.driver() as driver, driver.session(database=address.database) as session:
        for name, parameters in asked:
            with session.begin_transaction() as transaction:
                query = statement(name).replace("CYPHER ", "PROFILE CYPHER ", 1)
                plan = transaction.run(query, given=parameters).consume().profile
                assert plan is not None
                plans.append(plan)
                transaction.rollback()
    return plans


def _operators(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("children", ()):
        yield from _operators(child)


def _kind(plan: dict[str, Any]) -> str:
    return str(plan["operatorType"]).removesuffix("@neo4j")


def _hits(address: Address, asked: Ran) -> list[int]:
    """Return the database hits of each query."""
    plans = _profile(address, asked)
    return [sum(int(operator["args"].get("DbHits", 0)) for operator in _operators(plan)) for plan in plans]


def test_every_plan_starts_at_an_index(neo4j_address: Address, store: Neo4jStore, ran: Ran) -> None:
    """Each query starts from index seeks alone, scans no label, and multiplies nothing but two single nodes."""
    asked = _use_everything(store, ran)
    assert set(BLOCKS) == {name for name, _ in asked} | OPENING
    for (name, _), plan in zip(asked, _profile(neo4j_address, asked), strict=True):
        operators = list(_operators(plan))
        kinds = {_kind(operator) for operator in operators}
        assert kinds & SEEKS, name
        leaves = {_kind(operator) for operator in operators if not operator.get("children")}
        assert leaves <= SEEKS | {"Argument", "Projection", "Unwind"}, name  # the last three read no node
        assert [] == [kind for kind in kinds if "Scan" in kind], name
        for operator in operators:
            if _kind(operator) == "CartesianProduct":
                multiplied = {_kind(child) for child in operator["children"]}
                assert multiplied <= {"NodeUniqueIndexSeek", "NodeUniqueIndexSeek(Locking)"}, name


def test_the_rest_of_the_graph_costs_nothing(neo4j_address: Address, store: Neo4jStore, ran: Ran) -> None:
    """With 300 other users, one of them large, each query touches as much as before, planned for an empty database."""
    asked = [one for one in _use_everything(store, ran) if one[0] not in ("tenants", "users")]
    wipe(neo4j_address)
    _forget_plans(neo4j_address)
    _profile(neo4j_address, asked)
    put(store, ADA, _story)
    put(store, ADA, _more)
    alone = _hits(neo4j_address, asked)
    for number in range(300):
        put(store, Scope("acme", UserId(f"user{number}")), _story)
    many = [f"b{number}" for number in range(500)]
    put(store, OTHER_ADA, lambda draft: [draft.belief(name, near=vector(1, 1)) for name in many])
    found = zip(asked, alone, _hits(neo4j_address, asked), strict=True)
    assert [] == [(name, before, after) for (name, _), before, after in found if after > before * 1.2 + 5]


def _one_more(draft: Draft, number: int) -> None:
    draft.signal(f"s{number}", response=f"r{number}")
    for belief in ("b1", "b2", "b3"):
        draft.revise(belief, item_id=f"r{number}", cause_id=f"s{number}", observed_us=second(number))


def _hits_of_one_more(address: Address, store: Store, ran: Ran, number: int) -> list[int]:
    """Return the database hits of reading around a new response and of writing a signal on it."""
    response, signal = ResponseId(f"r{number}"), SignalId(f"s{number}")

    def read(reader: Reader) -> None:
        reader.neighbourhood(Reach(responses=[response], signals=[signal]), depth=2)
        reader.words(BeliefId("b1"))
        reader.latest_revisions([BeliefId("b1")], limit=10)
        reader.signals(limit=10)

    put(store, ADA, lambda draft: draft.response(response, "b1", "b2", "b3"))
    ran.clear()
    store.read(ADA, read)
    put(store, ADA, lambda draft: _one_more(draft, number))
    return _hits(address, [(name, _free(name, parameters)) for name, parameters in ran])


def test_history_costs_nothing(neo4j_address: Address, store: Neo4jStore, ran: Ran) -> None:
    """Reading and writing around one more signal touches as much after 600 signals as after 60."""

    def add(numbers: range) -> None:
        def build(draft: Draft) -> None:
            for number in numbers:
                draft.response(f"r{number}", "b1", "b2", "b3")
                _one_more(draft, number)

        put(store, ADA, build)

    put_beliefs(store, ADA, "b1", "b2", "b3")
    add(range(60))
    early = _hits_of_one_more(neo4j_address, store, ran, 1000)
    add(range(60, 600))
    late = _hits_of_one_more(neo4j_address, store, ran, 2000)
    assert all(after <= before * 1.2 + 5 for before, after in zip(early, late, strict=True)), (early, late)


def test_edges_of_other_beliefs_cost_nothing(neo4j_address: Address, store: Neo4jStore, ran: Ran) -> None:
    """The edges of one belief, now or as of then, are found without reading those of the user's other beliefs."""

    def build(draft: Draft, first: int) -> None:
        for number in range(first, first + 200):
            draft.belief(f"b{number}")
        for number in range(first, first + 199):
            draft.link(f"b{number}", f"b{number + 1}", "confirmed")

    def read(reader: Reader) -> None:
        for as_of_us in (None, second(9)):
            assert 1 == len(reader.links("contradicts", beliefs=[BeliefId("b0")], as_of_us=as_of_us))
            reader.account(BeliefId("b0"), as_of_us=as_of_us)

    put(store, ADA, lambda draft: build(draft, 0))
    ran.clear()
    store.read(ADA, read)
    asked = [one for one in ran if one[0] != "lock"]
    before = _hits(neo4j_address, asked)
    put(store, ADA, lambda draft: build(draft, 200))
    assert ["links of", "account", "links of", "account as of"] == [name for name, _ in asked]
    assert before == _hits(neo4j_address, asked)
