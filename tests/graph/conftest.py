"""Fixtures of the tests of the stores: an empty one on Neo4j, and what it is asked."""

from collections.abc import Iterator
from typing import Any

import neo4j
import pytest

from beliefgraph.graph.neo4j.store import Neo4jStore
from bench.neo4j_server import Address
from tests.neo4j_plans import NAMES, Ran
from tests.neo4j_server import open_scratch


@pytest.fixture
def neo4j_store(neo4j_address: Address) -> Iterator[Neo4jStore]:
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
