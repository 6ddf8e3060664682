"""What differs between the stores is a bug in one of them: one random history, applied to both, gives the same."""

import math
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.model import Source
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Reach, Reader, Scope, Store
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    PremiseInput,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
)
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.pipeline import Batch, Pipeline
from beliefgraph.ingest.predict import Heard
from beliefgraph.queries.choosing import Request, personalize
from beliefgraph.queries.verify import verify
from bench.neo4j_server import Address
from tests.embedders import (
    CONTRADICTION,
    ENTAILS,
    EQUIVALENT,
    SUSPICION,
    FormGate,
    ScriptedRelater,
    WordEmbedder,
)
from tests.neo4j_server import open_scratch

pytestmark = pytest.mark.neo4j

TENANT = "acme"
USERS = ("ada", "bob")
START = datetime(2026, 1, 1, tzinfo=UTC)
STATEMENTS = [
    "Likes short answers",
    "Likes long answers",
    "Wants runnable examples",
    "Wants examples in Python",
    "Works at night",
    "Works in the morning",
    "Prefers tea to coffee",
    "likes SHORT answers.",
]
SCRIPT = {
    (STATEMENTS[0], STATEMENTS[1]): CONTRADICTION,
    (STATEMENTS[1], STATEMENTS[0]): CONTRADICTION,
    (STATEMENTS[3], STATEMENTS[2]): ENTAILS,
    (STATEMENTS[4], STATEMENTS[5]): SUSPICION,
    (STATEMENTS[5], STATEMENTS[4]): CONTRADICTION,
    (STATEMENTS[0], STATEMENTS[7]): EQUIVALENT,
}
SOURCES: list[Source] = ["stated", "stated", "inferred", "imported"]
TAGS = [[], [], ["too_long"], ["mistake"], ["ignored_preference"]]
RATINGS: list[tuple[str, float | None]] = [
    ("rating", -1),
    ("rating", 1),
    ("stars", 2),
    ("copy", None),
    ("dwell", 9),
]


def _history(chance: random.Random, length: int) -> Iterator[tuple[datetime, Event]]:
    """Draw events of two users: known, unknown and repeated ids, late ones, retractions, corrections."""
    now = START
    for number in range(length):
        now += timedelta(seconds=chance.choice([0, 1, 3600, 86_400 * 3]))
        at = now - timedelta(days=chance.choice([0, 0, 0, 5]))
        given: dict[str, Any] = {"user": chance.choice(USERS), "at": at}
        roll = chance.random()
        if roll < 0.2:
            id, source = chance.choice([None, f"b{chance.randrange(6)}"]), chance.choice(SOURCES)
            yield now, BeliefEvent(id=id, statement=chance.choice(STATEMENTS), source=source, **given)
        elif roll < 0.4:
            beliefs = chance.sample([f"b{n}" for n in range(6)], chance.randrange(4))
            premises = [PremiseInput(id=id) for id in beliefs]
            yield now, ResponseEvent(id=f"r{number % 25}", text=f"Answer {number}", beliefs=premises, **given)
        elif roll < 0.75:
            kind, value = chance.choice(RATINGS)
            response, text = f"r{chance.randrange(25)}", chance.choice([None, None, *STATEMENTS])
            tags, id = chance.choice(TAGS), f"s{chance.randrange(length)}"
            yield (
                now,
                SignalEvent(id=id, kind=kind, value=value, response=response, text=text, tags=tags, **given),
            )
        elif roll < 0.9:
            kind = chance.choice(["confirm", "deny", "correction", "statement"])
            spoken = chance.choice(STATEMENTS) if kind in ("correction", "statement") else None
            belief = None if kind == "statement" else f"b{chance.randrange(6)}"
            yield now, SignalEvent(id=f"w{number}", kind=kind, belief=belief, text=spoken, **given)
        else:
            yield now, RetractEvent(signal=f"s{chance.randrange(length)}", reason="a test", **given)


def apply_history(store: Store, seed: int, length: int) -> list[object]:
    """Apply the history to a store in batches of a few; return every result and every error."""
    chance, results = random.Random(seed + 1), []
    clock = [START]
    pipeline = Pipeline(
        store=store,
        embedder=WordEmbedder(),
        relater=ScriptedRelater(SCRIPT),
        gate=FormGate(),
        parameters=load_parameters(None),
        clock=lambda: clock[0],
    )
    for number, (now, event) in enumerate(_history(random.Random(seed), length)):
        clock[0] = now
        scope, ids = Scope(TENANT, UserId(event.user)), [f"new{number}"]
        if chance.random() < 0.1:
            pipeline.apply_all(
                scope, Batch(events=[event], ids=ids)
            )  # and once more: repeated ids change nothing
        results += [plain(result) for result in pipeline.apply_all(scope, Batch(events=[event], ids=ids))]
        results.append(plain(_served(pipeline, scope, STATEMENTS[number % len(STATEMENTS)], now)))
    return results


def _served(pipeline: Pipeline, scope: Scope, query: str, now: datetime) -> list[object]:
    """Return what would be served now, out of what the process holds of the self-model."""
    request = Request(query=query, direction=pipeline.direction(query), context={}, at_us=to_us(now), limit=2)
    limits, hearing = pipeline.parameters.serving, Heard(pipeline.parameters)
    plan = personalize(pipeline.glances.look(scope), request, limits=limits, hearing=hearing)
    return [plan.used, tuple(plan.withheld), plan.question, plan.question_about, plan.question_nats]


def plain(value: Any) -> Any:
    """Return a value as nested lists, floats for comparison within 1e-9, errors as what they say."""
    if isinstance(value, BeliefGraphError):
        return [type(value).__name__, str(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(plain(getattr(value, field.name)) for field in fields(value))]
    if isinstance(value, dict):
        return [[key, plain(held)] for key, held in sorted(value.items(), key=lambda pair: str(pair[0]))]
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def everything(reader: Reader) -> dict[str, Any]:
    """Read all there is of a user, now and in the middle of her history."""
    nodes = reader.beliefs()
    middle = None if not nodes else (reader.revisions()[len(reader.revisions()) // 2]).recorded_at
    as_of_us = (
        None if middle is None else (middle - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    )
    near = WordEmbedder().encode(STATEMENTS)
    return {
        "head": reader.head(),
        "beliefs": nodes,
        "beliefs then": reader.beliefs(as_of_us=as_of_us),
        "responses": reader.responses(),
        "signals": reader.signals(),
        "signals then": reader.signals(as_of_us=as_of_us),
        "revisions": reader.revisions(),
        "words": [reader.words(node.id) for node in nodes],
        "inferred": [list(reader.inferred(node.id)) for node in nodes],
        "conflicts": reader.links("contradicts"),
        "conflicts then": reader.links("contradicts", as_of_us=as_of_us),
        "duplicates": reader.links("duplicates"),
        "near": [[tuple(found) for found in reader.nearest(vector, limit=5)] for vector in near],
        "walk": sorted(reader.neighbourhood(Reach(beliefs=[BeliefId("b1")]), depth=2).beliefs),
    }


def check_same(first: Any, second: Any, path: str = "") -> None:
    """Assert that two plain values are equal, floats within 1e-9."""
    if isinstance(first, list) and isinstance(second, list):
        assert len(first) == len(second), path
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            check_same(one, other, f"{path}[{number}]")
    elif isinstance(first, float) and isinstance(second, float):
        assert math.isclose(first, second, rel_tol=0, abs_tol=1e-9), (path, first, second)
    else:
        assert first == second, path


@pytest.mark.parametrize("seed", range(4))
def test_both_stores_give_thecheck_same(neo4j_address: Address, seed: int) -> None:
    """Results, errors, confidences (1e-9), revisions and every list agree, and both ledgers verify."""
    embedded, served = SqliteStore(":memory:"), open_scratch(neo4j_address.uri)
    try:
        expected, actual = (apply_history(store, seed, 120) for store in (embedded, served))
        check_same(expected, actual)
        for user in USERS:
            scope = Scope(TENANT, UserId(user))
            check_same(plain(embedded.read(scope, everything)), plain(served.read(scope, everything)))
        assert embedded.users(TENANT) == served.users(TENANT)
        assert verify(served, TENANT).ok
        errors = {one[0] for one in expected if isinstance(one, list) and str(one[0]).endswith("Error")}
        assert {"NotFoundError", "DuplicateIdError"} <= errors
        for user in USERS:
            scope = Scope(TENANT, UserId(user))
            assert embedded.erase(scope) == served.erase(scope)
    finally:
        embedded.close()
        served.close()
