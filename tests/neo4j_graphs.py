"""A whole graph with its schema, seen past the store, and the form in which version 1 of the schema kept one."""

import json

from beliefgraph.graph.ids import ResponseId
from beliefgraph.graph.ledger import WORD
from beliefgraph.graph.testing.builders import Draft
from bench.neo4j_server import Address

_TO_VERSION_1 = """\
MATCH (n:Belief|Revision) SET n.base = n.sums[0], n.half_life_days = n.sums[1], n.memory_nats = n.sums[2],
    n.reference_us = toInteger(n.sums[3]), n.direct_for = n.sums[4], n.direct_against = n.sums[5],
    n.inferred_for = n.sums[6], n.inferred_against = n.sums[7], n.spoken = n.sums[8], n.newest_us =
    toInteger(n.sums[9]), n.conflict = n.sums[10], n.session_nats = n.sums[11], n.heard_for = n.sums[12],
    n.heard_against = n.sums[13], n.newest_id = coalesce(n.newest_id, ''), n.lifecycle =
    coalesce(n.lifecycle, 'open'), n.context = coalesce(n.context, '{}') REMOVE n.sums, n.support,
    n.opposition;
MATCH (b:Belief) SET b.word_slots = coalesce(b.word_slots, []);
MATCH (v:Revision)-[:REVISES]->(b:Belief) SET v.belief_id = b.id, v.removed = coalesce(v.removed, false),
    v.cause = v.user + '/' + v.cause_id;
MATCH (v:Revision) WHERE v.seq < 3 REMOVE v.session_nats, v.heard_for, v.heard_against;
MATCH (s:Signal) SET s.tags = coalesce(s.tags, []), s.context = coalesce(s.context, '{}'), s.response_id =
    split(s.response, '/')[-1];
MATCH (r:Response) SET r.attributes = coalesce(r.attributes, '{}'), r.signal_kinds =
    coalesce(r.signal_kinds, []);
MATCH (e:Evidence) SET e.belief_id = split(e.belief, '/')[-1];
MATCH (r:Response)-[g:GENERATED_BY]->(b:Belief) WHERE g.nats IS NOT NULL CREATE (:Evidence {key: b.key +
    '/response/' + r.id, belief: b.key, belief_id: b.id, slot: 'response', id: r.id, nats: g.nats,
    observed_us: g.observed_us}) REMOVE g.nats, g.observed_us, g.response_id;
DROP INDEX generated_by_evidence;
MATCH (s:Store) SET s.version = 1
"""
"""Puts a graph back into the form that version 1 of the schema kept it in."""
_KNOWN_TO_VERSION_1 = (
    "MATCH (n:Belief|Revision) SET n.sums = "
    "CASE WHEN n:Revision AND n.seq < 3 THEN n.sums[0..11] + [Infinity, 0.0, 0.0] ELSE n.sums[0..14] END + "
    "[Infinity, 0.0, 0.0, 0.0, 0.0, 0.0]"
)
"""Takes from the states what came after version 1 (no detector of change, nothing from practice), and from the first
revisions what came while it was in use (sessions)."""


def run(address: Address, query: str) -> None:
    """Run one query past the store."""
    with address.driver() as driver:
        driver.execute_query(query, database_=address.database)


def leave_what_version_1_knew(address: Address) -> None:
    """Take from a graph what version 1 of the schema had no place for."""
    run(address, _KNOWN_TO_VERSION_1)


def to_version_1(address: Address) -> None:
    """Put what is left into the form of version 1."""
    for query in _TO_VERSION_1.split(";\n"):
        run(address, query)


def story(draft: Draft) -> None:
    """Draft something of everything that migrations change."""
    draft.belief("b1", context='{"device":"mobile"}')
    draft.belief("b2", lifecycle="tentative")
    draft.response("r1", "b1", "b2", attributes={"model": "m"})
    draft.response("r2", "b1")
    draft.signal("s1", response="r1", text="no")
    draft.signal("s2", response="r2")
    draft.revise("b1", item_id="r1")
    draft.revise("b2", -0.5, item_id="r1")
    draft.revise("b2", 0.25, item_id="r2", cause_id="s2")  # as a belief inherits it
    draft.revise("b1", 1.5, slot=WORD, item_id="s2", cause_id="s2")
    draft.revise("b2", item_id="r1", removed=True, cause_id="s2", cause_kind="retraction")
    draft.revise("b1", slot=None, cause_id="p2", cause_kind="parameters", reread={ResponseId("r1"): 0.125})


def graph_of(address: Address) -> list[str]:
    """Return every node and edge with its properties, in one order."""
    with address.driver() as driver:
        found = driver.execute_query(
            "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) "
            "RETURN labels(n) AS labels, n {.*} AS node, type(r) AS type, r {.*} AS edge, m.key AS end",
            database_=address.database,
        )
    return sorted(json.dumps(record.data(), sort_keys=True) for record in found.records)


def schema_of(address: Address) -> list[str]:
    """Return the names of all constraints and indexes, sorted."""
    with address.driver() as driver:
        found = driver.execute_query(
            "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name", database_=address.database
        )
    return sorted(record["name"] for record in found.records)
