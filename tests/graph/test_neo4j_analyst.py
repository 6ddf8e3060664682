"""The Cypher queries of docs/graph-model.md run, and answer what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from beliefgraph.graph.testing.builders import ADA, BOB, Draft, put
from bench.neo4j_server import Address
from tests.neo4j_server import open_scratch

pytestmark = pytest.mark.neo4j


def _story(draft: Draft) -> None:
    for name in ("a", "b", "c"):
        draft.belief(name)
    draft.response("r1", "a", "b", text="An answer")
    draft.signal("s1", response="r1", text="not this")
    draft.revise("a", 3.0, item_id="r1")
    draft.revise("b", 0.5, item_id="r1")
    draft.link("a", "b", "suspected")
    draft.link("a", "c", "dismissed")


def _keys(row: list[Any]) -> list[str]:
    belief, evidence, origin = row
    assert origin is None
    assert belief == evidence.start_node
    return [node["key"] for node in evidence.nodes]


def test_the_five_questions(neo4j_address: Address, repository: Path) -> None:
    """Each query gives this user's answer, and nothing of another who has the same ids."""
    page = (repository / "docs" / "graph-model.md").read_text(encoding="utf-8")
    queries = re.findall(r"```cypher\n(.*?)```", page, re.DOTALL)
    store = open_scratch(neo4j_address.uri)
    for scope in (ADA, BOB):
        put(store, scope, _story)
    put(store, ADA, lambda draft: draft.link("b", "c", "suspected"), at=2)
    put(store, ADA, lambda draft: draft.link("a", "b", "confirmed"), at=3)
    store.close()
    asked = {"user": "acme/ada", "belief": "acme/ada/a", "signal": "acme/ada/s1"}
    with neo4j_address.driver() as driver:
        driver.execute_query(
            "MATCH (b:Belief {key: 'acme/ada/b'}) SET b.standing = 'contested'",
            database_=neo4j_address.database,
        )

        def rows(query: str) -> list[list[Any]]:
            found = driver.execute_query(query, asked, database_=neo4j_address.database)
            return [record.values() for record in found.records]

        users, held, why, picture, changed, contested, idle, conflicts = map(rows, queries)
    assert [["acme/ada"], ["acme/bob"]] == users
    assert {"acme/ada/a", "acme/ada/b", "acme/ada/c"} == {row[0] for row in held}
    assert [[1, "spawn", None], [2, "reinforce", "An answer"]] == [[row[1], row[2], row[-1]] for row in why]
    assert ["signal", "s1"] == why[1][7:9]
    assert [["acme/ada/a", "acme/ada/s1", "acme/ada/r1"]] == [_keys(row) for row in picture]
    assert {"Statement of a", "Statement of b"} == {row[0] for row in changed}
    assert ["Statement of b"] == [row[0] for row in contested]
    assert ["Statement of c"] == [row[0] for row in idle]
    assert (
        [
            ["Statement of a", "Statement of b", "confirmed"],  # found before the other, confirmed after it
            ["Statement of b", "Statement of c", "suspected"],
        ]
        == [row[:3] for row in conflicts]
    )
