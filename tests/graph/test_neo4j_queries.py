"""What is asked of the server: the round trips of each kind of event, and the plans that wait for them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Scope, Store
from beliefgraph.graph.testing.builders import ADA, put, second
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
from tests.neo4j_plans import Ran, forget_plans, story
from tests.neo4j_server import open_scratch

pytestmark = pytest.mark.neo4j

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


def test_a_signal_is_two_queries(neo4j_store: Neo4jStore, ran: Ran) -> None:
    """One signal on a response with three beliefs: one query reads under the lock, one writes; no other."""
    pipeline = _pipeline(neo4j_store)
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
"""What each kind of event asks of the neo4j_store, for one belief that has been spoken of and reacted to."""


def test_what_each_kind_of_event_asks(neo4j_store: Neo4jStore, ran: Ran) -> None:
    """What is appended takes one read and one write; where items are folded anew, they are read as well, once."""
    pipeline, scope = _pipeline(neo4j_store), Scope("acme", UserId("ada"))

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


def test_an_explanation_is_three_queries(neo4j_store: Neo4jStore, ran: Ran) -> None:
    """Everything about a belief comes in one query, the signals on responses and about itself in two; no other."""
    put(neo4j_store, ADA, story)
    ran.clear()
    told = neo4j_store.read(
        ADA, lambda reader: explain(reader, ADA, BeliefId("b1"), now_us=second(9), words={}, responses={})
    )
    assert ["account", "signals about", "signals by key"] == [name for name, _ in ran]
    assert {"s1", "s2", "s3", "s4"} == {signal.id for one in told.contributions for signal, _ in one.signals}


def test_a_log_is_two_queries_for_each_user(neo4j_store: Neo4jStore, ran: Ran) -> None:
    """Twenty signals of each of two users in one log are read for and written at once, in a transaction a user."""
    pipeline, users = _pipeline(neo4j_store), ("ada", "bob")
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


def test_a_signal_waits_for_no_plan(neo4j_address: Address, neo4j_store: Neo4jStore) -> None:
    """Opening a store has the queries of a signal planned, whatever its user, its length and number of beliefs."""
    pipeline = _pipeline(neo4j_store)
    pipeline.embed(["the model is known"])
    forget_plans(neo4j_address)
    open_scratch(neo4j_address.uri).close()
    planned = forget_plans(neo4j_address)
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
    assert planned == forget_plans(neo4j_address)
    assert planned > 0
