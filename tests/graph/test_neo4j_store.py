"""The Neo4j store passes the contract suite on a real server."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from beliefgraph.graph.store import Scope, Store
from beliefgraph.graph.testing import (
    DurabilityContract,
    Peek,
    StoreContract,
    StoreHooks,
    StoreMachine,
    ThreadsContract,
)
from bench.neo4j_server import Address
from tests.neo4j_server import open_scratch, wipe

pytestmark = pytest.mark.neo4j


class Neo4jHooks(StoreHooks):
    """How to look into a Neo4j database."""

    opener = "tests.neo4j_server:open_scratch"
    address: Address

    @pytest.fixture(autouse=True)
    def _on_a_server(self, neo4j_address: Address) -> None:
        """Run on the session's server, on an empty database."""
        type(self).address = neo4j_address

    def make_target(self, tmp_path: Path) -> str:
        """Name the server."""
        return self.address.uri

    def _rows(self, query: str, **parameters: Any) -> list[list[Any]]:
        with self.address.driver() as driver:
            found = driver.execute_query(query, parameters, database_=self.address.database)
        return [record.values() for record in found.records]

    def peek(self, store: Store, scope: Scope) -> Peek:
        """Read the nodes by label, with a query of our own."""
        mine = {"tenant": scope.tenant, "id": scope.user_id, "user": f"{scope.tenant}/{scope.user_id}"}

        def rows(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in self._rows(query, **mine)]

        head = rows("MATCH (u:User {tenant: $tenant, id: $id}) RETURN u.seq, u.recorded_us")
        vectors = rows(
            "MATCH (b:Belief) WHERE b.user STARTS WITH $tenant + '/' AND b.vector IS NOT NULL RETURN b.vector_key"
        )
        return Peek(
            head=(head[0][0], head[0][1]) if head else None,
            beliefs=dict(rows("MATCH (b:Belief {user: $user}) RETURN b.id, b.statement")),
            responses=dict(rows("MATCH (r:Response {user: $user}) RETURN r.id, r.text")),
            signals=dict(rows("MATCH (s:Signal {user: $user}) RETURN s.id, s.text")),
            revisions=[
                (seq, belief, ordinal)
                for seq, belief, ordinal in rows(
                    "MATCH (v:Revision {user: $user}) RETURN v.seq, split(v.belief, '/')[-1], v.ordinal ORDER BY v.seq"
                )
            ],
            links=[
                (seq, low, high, status)
                for seq, low, high, status in rows(
                    "MATCH (l:LinkVersion {user: $user}) RETURN l.seq, l.low, l.high, l.status ORDER BY l.seq"
                )
            ],
            vectors=frozenset(key for (key,) in vectors),
        )

    def search(self, store: Store, text: str) -> list[str]:
        """Look into every property of every node and edge, and into every name that the schema holds."""
        held = self._rows("MATCH (n) RETURN labels(n)[0], properties(n)")
        held += self._rows("MATCH ()-[r]->() RETURN type(r), properties(r)")
        names = self._rows("CALL db.labels() YIELD label RETURN label")
        names += self._rows("CALL db.propertyKeys() YIELD propertyKey RETURN propertyKey")
        found = [f"{kind}.{key}" for kind, held in held for key, value in held.items() if text in str(value)]
        return found + [name for (name,) in names if text in name]


class TestNeo4j(Neo4jHooks, StoreContract, ThreadsContract, DurabilityContract):
    """The contract, on a server."""


def test_random_writes(neo4j_address: Address) -> None:
    """The store answers like plain dicts."""

    class Machine(StoreMachine):
        def open_empty(self) -> Store:
            wipe(neo4j_address)
            return open_scratch(neo4j_address.uri)

    run_state_machine_as_test(Machine, settings=settings(max_examples=20, stateful_step_count=20))
