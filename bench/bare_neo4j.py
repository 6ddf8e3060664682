"""The bare driver on Neo4j: what a signal's nodes and edges cost without us, and copies of a user by the thousand.

No SDK here: the properties are read off what the store wrote, and written by statements of our own.
"""

from collections.abc import Sequence
from typing import Any

import neo4j

from bench.neo4j_server import Address

Properties = dict[str, Any]
_STATE = (
    "sums",
    "newest_id",
    "lifecycle",
    "context",
    "ordinal",
    "revised_us",
    "confidence",
    "standing",
    "support",
    "opposition",
)
_AT_ONCE = 500
"""So many copies of a user are made in one transaction."""

_WRITE = """
MATCH (u:User {key: $given.user})
SET u.seq = $given.seq, u.recorded_us = $given.recorded_us, u.tallies = $given.tallies
WITH u
MATCH (r:Response {key: $given.signal.response})
CREATE (s:Signal)-[:ABOUT]->(r)
SET s = $given.signal, r.signal_kinds = coalesce(r.signal_kinds, []) + s.kind
WITH s, r
UNWIND $given.moved AS row
MATCH (b:Belief {key: row.revision.belief})
MATCH (r)-[g:GENERATED_BY]->(b)
CREATE (v:Revision)-[:REVISES]->(b), (v)-[:CAUSED_BY]->(s), (b)-[:OBSERVED_IN]->(s)
SET v = row.revision, b += row.state, g += row.item
"""
_WRITE_MANY = """
MATCH (u:User {key: $given.user})
SET u.seq = $given.seq, u.recorded_us = $given.recorded_us, u.tallies = $given.tallies
WITH u
CALL (u) {
    UNWIND $given.signals AS one
    MATCH (r:Response {key: one.signal.response})
    CREATE (s:Signal)-[:ABOUT]->(r)
    SET s = one.signal, r.signal_kinds = coalesce(r.signal_kinds, []) + s.kind
    WITH r, s, one
    UNWIND one.moved AS row
    MATCH (b:Belief {key: row.revision.belief})
    MATCH (r)-[g:GENERATED_BY]->(b)
    CREATE (v:Revision)-[:REVISES]->(b), (v)-[:CAUSED_BY]->(s), (b)-[:OBSERVED_IN]->(s)
    SET v = row.revision, g += row.item
}
UNWIND $given.states AS row
MATCH (b:Belief {key: row.belief})
SET b += row.state
"""
_WRITTEN = """
UNWIND $signals AS key
MATCH (s:Signal {key: key})<-[:CAUSED_BY]-(v:Revision)-[:REVISES]->(b:Belief)
MATCH (s)-[:ABOUT]->(:Response)-[g:GENERATED_BY]->() WHERE g.belief = v.belief
MATCH (u:User {key: s.user})
RETURN u {.seq, .recorded_us, .tallies} AS head, s {.*} AS signal, v {.*} AS revision, b {.*} AS belief,
       g {.nats, .observed_us, .response_id} AS item
ORDER BY v.seq
"""
_GRAPH = """
MATCH (n) WHERE n.user = $user OR n.key = $user OR n.key STARTS WITH $user + '/'
OPTIONAL MATCH (n)-[r]->(m)
RETURN labels(n)[0] AS label, n {.*, tenant: null, id: null, locked: null, word_slots: null} AS node,
       type(r) AS edge, r {.*} AS held, m.key AS end
"""
_MULTIPLY = """
UNWIND range($first, $last) AS number
WITH 'u' + number AS user
CALL (user) {
    UNWIND $nodes AS row
    CREATE (n:$(row.label))
    SET n = row.held
    FOREACH (name IN keys(row.named) | SET n[name] = replace(row.named[name], 'u0', user))
    WITH user, collect(n) AS nodes
    UNWIND $edges AS row
    WITH user, row, nodes[row.start] AS start, nodes[row.end] AS end
    CREATE (start)-[r:$(row.type)]->(end)
    SET r = row.held
    FOREACH (name IN keys(row.named) | SET r[name] = replace(row.named[name], 'u0', user))
}
RETURN count(*)
"""


class BareNeo4j:
    """A driver of our own on a server that the store has prepared."""

    def __init__(self, address: Address) -> None:
        self._driver, self._database = address.driver(), address.database

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    def _rows(self, query: str, **parameters: Any) -> list[Properties]:
        found = self._driver.execute_query(query, parameters, database_=self._database)
        return [record.data() for record in found.records]

    def written(self, signals: Sequence[str], *, user: str, twin: str) -> list[Properties]:
        """Return what the store wrote for each signal (their keys), in the name of another user (keys of both).

        The head of the user and the states of beliefs are those of now.
        """
        of: dict[str, Properties] = {}
        for row in self._rows(_WRITTEN, signals=list(signals)):
            given = {"user": user, **row["head"], "signal": row["signal"], "moved": []}
            state = {name: row["belief"].get(name) for name in _STATE}
            moved = {"revision": row["revision"], "state": state, "item": row["item"]}
            of.setdefault(row["signal"]["key"], given)["moved"].append(moved)
        return [_renamed(of[signal], user, twin) for signal in signals]

    def write(self, given: Properties) -> None:
        """Write a signal with its revisions and evidence, in one statement of one transaction."""
        self._execute(_WRITE, given)

    def write_many(self, given: Properties) -> None:
        """Write what `as_one` put together, in one statement of one transaction."""
        self._execute(_WRITE_MANY, given)

    def _execute(self, query: str, given: Properties) -> None:
        def work(transaction: neo4j.ManagedTransaction) -> None:
            transaction.run(query, given=given).consume()

        with self._driver.session(database=self._database) as session:
            session.execute_write(work)

    def processor_s(self) -> float:
        """Return how many seconds of processor time the server has taken since it began."""
        (found,) = self._rows(
            "CALL dbms.queryJmx('java.lang:type=OperatingSystem') YIELD attributes "
            "RETURN attributes.ProcessCpuTime.value AS ns"
        )
        return float(found["ns"]) / 1e9

    def graph(self, user: str) -> list[str]:
        """Return everything of a user, in her own name, to compare her with another."""
        return sorted(str(_renamed(row, user, "her")) for row in self._rows(_GRAPH, user=user))

    def multiply(self, tenant: str, count: int) -> None:
        """Make the user u0 of a tenant into that many who are alike."""
        user = f"{tenant}/u0"
        found = self._rows(
            "MATCH (n) WHERE n.user = $user OR n.key = $user OR n.key STARTS WITH $user + '/' "
            "RETURN elementId(n) AS id, labels(n)[0] AS label, n {.*} AS held",
            user=user,
        )
        place = {row["id"]: number for number, row in enumerate(found)}
        nodes = [{"label": row["label"], **_parted(row["held"])} for row in found]
        between = self._rows(
            "MATCH (a)-[r]->(b) WHERE elementId(a) IN $ids "
            "RETURN elementId(a) AS start, elementId(b) AS end, type(r) AS type, r {.*} AS held",
            ids=list(place),
        )
        edges = [
            {
                "type": row["type"],
                "start": place[row["start"]],
                "end": place[row["end"]],
                **_parted(row["held"]),
            }
            for row in between
        ]
        for first in range(1, count, _AT_ONCE):
            last = min(first + _AT_ONCE, count) - 1
            self._rows(_MULTIPLY, first=first, last=last, nodes=nodes, edges=edges)


def as_one(several: Sequence[Properties]) -> Properties:
    """Return what was written for signals of one user, in order, as one: each belief's state is that of the last."""
    states = {row["revision"]["belief"]: row["state"] for given in several for row in given["moved"]}
    return {
        **{name: several[-1][name] for name in ("user", "seq", "recorded_us", "tallies")},
        "signals": [
            {
                "signal": given["signal"],
                "moved": [{name: row[name] for name in ("revision", "item")} for row in given["moved"]],
            }
            for given in several
        ],
        "states": [{"belief": belief, "state": state} for belief, state in states.items()],
    }


def _parted(held: Properties) -> Properties:
    """Return the properties that all copies share, and those that name their user."""
    named = {name: value for name, value in held.items() if isinstance(value, str) and "u0" in value}
    return {"held": {name: value for name, value in held.items() if name not in named}, "named": named}


def _renamed(value: Any, user: str, other: str) -> Any:
    """Return a value with one user's key replaced by another's in every text."""
    if isinstance(value, str):
        return value.replace(user, other)
    if isinstance(value, dict):
        return {name: _renamed(held, user, other) for name, held in value.items()}
    if isinstance(value, list):
        return [_renamed(held, user, other) for held in value]
    return value
