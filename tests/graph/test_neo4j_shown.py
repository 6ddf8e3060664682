"""What the graph shows to people beside what the store reads: that it comes and goes, and that `verify` looks at it."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.neo4j_server import Address
from tests.embedders import CONTRADICTION, EQUIVALENT
from tests.worlds import World, open_world

pytestmark = pytest.mark.neo4j

SCRIPT = {
    ("never likes tea", "likes tea"): CONTRADICTION,
    ("really likes tea", "likes tea"): EQUIVALENT,
}
Arrow = tuple[str, str, str]


def _live(world: World, user: str) -> None:
    model = world.graph.user(user)
    model.believe("likes tea", id="b0")
    model.believe("really likes tea", id="b1", source="imported")
    model.respond("an answer", beliefs=["b0", "b1"], id="r0")
    model.signal("rating", -1, response="r0", id="s0")
    model.signal("confirm", belief="b0", id="s1")
    model.signal("statement", text="never likes tea", id="s2")
    model.amend("b1", statement="likes tea at night", idempotency_key="edit")


@pytest.fixture
def world(neo4j_address: Address) -> Iterator[World]:
    """Open a world in which two users have edges of every type."""
    with open_world(neo4j_address.uri, script=SCRIPT) as world:
        for user in ("ada", "bob"):
            _live(world, user)
        yield world


def _run(address: Address, query: str) -> list[list[Any]]:
    with address.driver() as driver:
        return [record.values() for record in driver.execute_query(query, database_=address.database).records]


def _arrows(address: Address, user: str = "ada", *types: str) -> set[Arrow]:
    """Return the edges of these types that begin at a user's nodes: the id of each end, None for a revision's."""
    found = _run(
        address,
        f"MATCH (n)-[e:{'|'.join(types)}]->(o) WHERE 'default/{user}' IN [n.user, n.key] RETURN n.id, type(e), o.id",
    )
    return {(start, kind, end) for start, kind, end in found}


def test_every_type_of_edge_is_there(neo4j_address: Address, world: World) -> None:
    """The world of these tests has them all, so that none is left out below."""
    types = {kind for (kind,) in _run(neo4j_address, "MATCH ()-[e]->() RETURN DISTINCT type(e)")}
    expected = "HOLDS GENERATED_BY ABOUT OBSERVED_IN REVISES CAUSED_BY SPAWNED_FROM CONTRADICTS DUPLICATES"
    assert set(expected.split()) == types
    assert world.graph.verify().ok


def test_a_retraction_takes_the_evidence_away_and_nothing_else(neo4j_address: Address, world: World) -> None:
    """OBSERVED_IN goes from every belief to this signal alone; what was said, about what, and what came of it stays."""
    kept = _arrows(neo4j_address, "ada", "ABOUT", "SPAWNED_FROM", "CONTRADICTS", "HOLDS")
    seen = _arrows(neo4j_address, "ada", "OBSERVED_IN")
    (spawned,) = (start for start, kind, end in kept if (kind, end) == ("SPAWNED_FROM", "s2"))
    assert {("b0", "OBSERVED_IN", "s0"), ("b0", "OBSERVED_IN", "s1"), (spawned, "OBSERVED_IN", "s2")} <= seen
    assert {("s0", "ABOUT", "r0"), ("s1", "ABOUT", "b0")} <= kept
    for signal in ("s0", "s1", "s2"):
        world.ada.retract(signal)
        seen = {arrow for arrow in seen if arrow[2] != signal}
        assert seen == _arrows(neo4j_address, "ada", "OBSERVED_IN")
    assert kept == _arrows(neo4j_address, "ada", "ABOUT", "SPAWNED_FROM", "CONTRADICTS", "HOLDS")
    assert world.graph.verify().ok


def test_an_erasure_takes_every_edge_of_hers_and_none_of_others(neo4j_address: Address, world: World) -> None:
    """Of one who is erased no node is left and no edge; another user with the same ids keeps all of his."""

    def of(user: str) -> list[list[Any]]:
        mine = f"'default/{user}' IN [n.user, n.key] OR n.belief STARTS WITH 'default/{user}/'"
        return _run(
            neo4j_address,
            f"MATCH (n) WHERE {mine} OPTIONAL MATCH (n)-[e]-() "
            "RETURN labels(n)[0] AS label, type(e) AS type, count(*) ORDER BY label, type",
        )

    bob = of("bob")
    assert of("ada") == bob
    world.ada.erase()
    assert ([], bob) == (of("ada"), of("bob"))
    world.graph.user("bob").erase()
    assert [["Store"]] == _run(neo4j_address, "MATCH (n) RETURN labels(n)[0]")


_B0 = "MATCH (b:Belief {key: 'default/ada/b0'})"
_EDGES = {
    "HOLDS": "(:User {id: 'ada'})-[e:HOLDS]->(:Belief {id: 'b0'})",
    "ABOUT a response": "(:Signal {key: 'default/ada/s0'})-[e:ABOUT]->()",
    "ABOUT a belief": "(:Signal {key: 'default/ada/s1'})-[e:ABOUT]->()",
    "OBSERVED_IN": "(:Belief {key: 'default/ada/b0'})-[e:OBSERVED_IN]->(:Signal {id: 's0'})",
    "REVISES": "(:Revision {user: 'default/ada', cause_id: 's0'})-[e:REVISES]->(:Belief {id: 'b0'})",
    "CAUSED_BY": "(:Revision {user: 'default/ada'})-[e:CAUSED_BY]->(:Signal {id: 's1'})",
    "SPAWNED_FROM a signal": "(:Belief {user: 'default/ada'})-[e:SPAWNED_FROM]->(:Signal)",
    "SPAWNED_FROM a belief": "(:Belief {user: 'default/ada'})-[e:SPAWNED_FROM]->(:Belief)",
    "CONTRADICTS": "(:Belief {user: 'default/ada'})-[e:CONTRADICTS]->()",
    "DUPLICATES": "(:Belief {user: 'default/ada'})-[e:DUPLICATES]->()",
}
DAMAGES = {
    "confidence": f"{_B0} SET b.confidence = b.confidence + 0.001",
    "no confidence": f"{_B0} REMOVE b.confidence",
    "standing": f"{_B0} SET b.standing = 'contested'",
    "support": f"{_B0} SET b.support = 9.0",
    "opposition": f"{_B0} SET b.opposition = 9.0",
    "status of an edge": f"MATCH {_EDGES['CONTRADICTS']} SET e.status = 'dismissed'",
    "edge twice": f"{_B0}-[:OBSERVED_IN]->(s {{id: 's0'}}) CREATE (b)-[:OBSERVED_IN]->(s)",
    "edge to another": f"{_B0} MATCH (o {{key: 'default/bob/b1'}}) CREATE (b)-[:SPAWNED_FROM]->(o)",
    "edge to nothing of ours": f"{_B0} CREATE (b)-[:CONTRADICTS]->(:Note)",
    **{f"no {name}": f"MATCH {pattern} WITH e LIMIT 1 DELETE e" for name, pattern in _EDGES.items()},
}


def test_what_was_changed_by_hand_is_found(neo4j_address: Address, world: World) -> None:
    """Each change of what is there to look at alone is found; without it, nothing is."""
    for name, query in DAMAGES.items():
        _run(neo4j_address, query)
        assert ["ada"] == [finding.user_id for finding in world.graph.verify().findings], name
        _run(neo4j_address, "MATCH (n:Note) DETACH DELETE n")
        world.ada.erase()
        _live(world, "ada")
        assert world.graph.verify().ok, name
