"""The embedded store: one SQLite file in WAL mode, several threads and processes at once.

SQL lies in queries.sql and schema.sql, connections in connections.py, rows in rows.py.
"""

import json
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from beliefgraph.graph.accounts import Evidence, account_with, changes_in, left_by
from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.encoding import tallies_json, to_tallies
from beliefgraph.graph.errors import IntegrityError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import Inferred, Item
from beliefgraph.graph.model import (
    BeliefNode,
    GeneratedBy,
    Interpretation,
    Link,
    LinkKind,
    Response,
    Revision,
    Signal,
)
from beliefgraph.graph.sqlite import rows
from beliefgraph.graph.sqlite.connections import Connections, Synchronous
from beliefgraph.graph.store import (
    Account,
    Changes,
    Erasure,
    Head,
    Neighbour,
    Neighbourhood,
    News,
    Reach,
    Reader,
    Scope,
    Vector,
    Writer,
    current_links,
)

T = TypeVar("T")
_ALWAYS = 2**62
_ALL = -1
_ERASING = "erasing"
"""The setting that says, while it is there, that the file holds traces of erased rows."""


class SqliteStore:
    """A `Store` in one SQLite file (or `:memory:`, gone when closed).

    `synchronous` FULL survives a power failure, NORMAL may lose the last moments to one (never to a crash of the
    process). `timeout_s` is how long a writer waits for its turn. Raises `StoreUnavailableError` and
    `StoreVersionError`.
    """

    def __init__(self, path: str, *, synchronous: Synchronous = "FULL", timeout_s: float = 30.0) -> None:
        self._connections = Connections(path, synchronous=synchronous, timeout_s=timeout_s)

    @property
    def target(self) -> str:
        """Return the path."""
        return self._connections.target

    def identity(self) -> str:
        """Return the number of the file on its device; of a store in memory, a number of its own."""
        with self._connections.transaction("BEGIN"):
            return self._connections.identity()

    @property
    def writers(self) -> int:
        """Return 1: SQLite lets one connection write at a time."""
        return 1

    def read(self, scope: Scope, work: Callable[[Reader], T]) -> T:
        """Run `work` on one snapshot of the file."""
        with self._connections.transaction("BEGIN") as connection:
            return work(_Transaction(connection, scope, self.target))

    def write(self, scope: Scope, work: Callable[[Writer], T]) -> T:
        """Run `work` in one immediate transaction; the file's one write lock is every user's lock."""
        with self._connections.transaction("BEGIN IMMEDIATE") as connection:
            return work(_Transaction(connection, scope, self.target))

    def tenants(self) -> list[str]:
        """Return the tenants that have users, sorted."""
        with self._connections.transaction("BEGIN") as connection:
            return [tenant for (tenant,) in connection.execute(_sql("tenants"))]

    def users(self, tenant: str, *, after: UserId | None = None, limit: int | None = None) -> list[UserId]:
        """Return user ids after one, sorted by code point (SQLite compares UTF-8 bytes, which is the same order)."""
        wanted = {"tenant": tenant, "after": after or "", "limit": _ALL if limit is None else limit}
        with self._connections.transaction("BEGIN") as connection:
            return [user_id for (user_id,) in connection.execute(_sql("users"), wanted)]

    def erase(self, scope: Scope) -> Erasure:
        """Delete the user's rows, then write the file anew, which takes as long as the file is large.

        An erasure that was cut short in between is finished by the next one, of whomever.
        """
        with self._connections.transaction("BEGIN IMMEDIATE") as connection:
            erased = _erase(connection, _find_user(connection, scope)[0])
            unfinished = connection.execute(_sql("get setting"), {"name": _ERASING}).fetchone()
        if unfinished is not None:
            self._connections.forget_deleted()
            with self._connections.transaction("BEGIN IMMEDIATE") as connection:
                connection.execute(_sql("remove setting"), {"name": _ERASING, "value": unfinished[0]})
        return erased

    def embedding_model(self, name: str | None = None) -> str | None:
        """Record the embedding model's name on first use; return the recorded one."""
        with self._connections.transaction("BEGIN") as connection:
            found = connection.execute(_sql("get setting"), {"name": "embedding_model"}).fetchone()
        if found is None and name is not None:
            with self._connections.transaction("BEGIN IMMEDIATE") as connection:
                connection.execute(_sql("add setting"), {"name": "embedding_model", "value": name})
                found = connection.execute(_sql("get setting"), {"name": "embedding_model"}).fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Close the file."""
        self._connections.close()


def _sql(name: str) -> str:
    return load_blocks("beliefgraph.graph.sqlite", "queries.sql")[name]


def _find_user(connection: sqlite3.Connection, scope: Scope) -> tuple[int | None, Head]:
    found = connection.execute(_sql("find user"), {"tenant": scope.tenant, "id": scope.user_id}).fetchone()
    return (
        (None, Head(seq=0, recorded_us=0))
        if found is None
        else (found[0], Head(seq=found[1], recorded_us=found[2], tallies=to_tallies(found[3])))
    )


def _erase(connection: sqlite3.Connection, user: int | None) -> Erasure:
    if user is None:
        return Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0)
    counts = connection.execute(_sql("count for erasure"), {"user": user}).fetchone()
    vectors = [vector for (vector,) in connection.execute(_sql("vectors of user"), {"user": user})]
    connection.execute(_sql("delete user"), {"user": user})
    connection.execute(_sql("delete unused vectors"), {"vectors": json.dumps(vectors)})
    connection.execute(_sql("set setting"), {"name": _ERASING, "value": secrets.token_hex(8)})
    return Erasure(
        **dict(zip(("beliefs", "responses", "signals", "revisions", "links"), counts, strict=True))
    )


class _Transaction:
    """A `Reader` and `Writer` over one connection inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope, target: str) -> None:
        self._connection, self._scope, self._target = connection, scope, target
        self._user, self._head = _find_user(connection, scope)

    def _rows(self, query: str, **parameters: Any) -> sqlite3.Cursor:
        return self._connection.execute(_sql(query), {"user": self._user, **parameters})

    def head(self) -> Head:
        return self._head

    def neighbourhood(self, reach: Reach, *, depth: int = 1) -> Neighbourhood:
        responses = self.responses(reach.responses) if reach.responses else []
        nearest = {
            name: self._nearest(vector, limit=reach.nearest, live=reach.live)
            for name, vector in reach.vectors.items()
        }
        beliefs = self._reached(reach, nearest, depth)
        signals = self._signals_for(reach)
        items = (
            self._rows("items of responses", responses=json.dumps(reach.responses)) if reach.responses else ()
        )
        found = [rows.to_item(row) for row in items]
        return Neighbourhood(
            head=self._head,
            beliefs={node.id: node for node in beliefs},
            responses={response.id: response for response in responses},
            signals={signal.id: signal for signal, _ in signals},
            interpretations={signal.id: interpretation for signal, interpretation in signals},
            items={(item.belief_id, ResponseId(item.id)): item for item in found},
            links=self._links_among(beliefs) if len(beliefs) > 1 else [],
            nearest=nearest,
        )

    def _reached(
        self, reach: Reach, nearest: Mapping[str, Sequence[Neighbour]], depth: int
    ) -> list[BeliefNode]:
        start = [*reach.beliefs, *(found.belief_id for near in nearest.values() for found in near)]
        if reach.statement_keys:
            start += [
                row[0] for row in self._rows("beliefs by statement", keys=json.dumps(reach.statement_keys))
            ]
        if not start and not reach.responses:
            return []
        wanted = {"beliefs": json.dumps(start), "responses": json.dumps(reach.responses), "depth": depth}
        reached = [row[0] for row in self._rows("component", **wanted)]
        if depth > 1:
            reached += [row[0] for row in self._rows("surroundings", **wanted)]
        return self.beliefs(reached)

    def _signals_for(self, reach: Reach) -> list[tuple[Signal, Interpretation]]:
        signals = self.signals(reach.signals) if reach.signals else []
        if reach.responses:
            latest = self._rows("latest signals", about=json.dumps(reach.responses))
            signals += [rows.to_signal(self._scope.user_id, row, _ALWAYS) for row in latest]
        return signals

    def _links_among(self, beliefs: list[BeliefNode]) -> list[Link]:
        return [
            rows.to_link(row)
            for row in self._rows("links among", ids=json.dumps([node.id for node in beliefs]))
        ]

    def nearest(self, vector: Vector, *, limit: int, as_of_us: int | None = None) -> list[Neighbour]:
        return self._nearest(vector, limit=limit, as_of_us=as_of_us)

    def _nearest(
        self, vector: Vector, *, limit: int, as_of_us: int | None = None, live: bool = False
    ) -> list[Neighbour]:
        found = self._rows("vectors of beliefs", after=0, as_of=_or_always(as_of_us), live=live).fetchall()
        if not found:
            return []
        matrix = np.frombuffer(b"".join(value for _, value in found), dtype=np.float32).reshape(
            len(found), -1
        )
        # Row by row, unlike `@`: a cosine must not hang on which other beliefs there are, and equal vectors tie.
        # In float64, so that every store gives the same.
        cosines = np.clip(np.einsum("ij,j->i", matrix, vector, dtype=np.float64), -1.0, 1.0).tolist()
        ranked = sorted(
            zip(cosines, (belief for belief, _ in found), strict=True), key=lambda pair: (-pair[0], pair[1])
        )
        return [Neighbour(belief, cosine) for cosine, belief in ranked[:limit]]

    def beliefs(
        self,
        ids: Iterable[BeliefId] | None = None,
        *,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[BeliefNode]:
        window = _window(before, limit, as_of_us)
        found = (
            self._rows("beliefs", **window)
            if ids is None
            else self._rows("beliefs by id", ids=_json_ids(ids), **window)
        )
        nodes = [rows.to_belief(self._scope.user_id, row) for row in found]
        return nodes if as_of_us is None else self._as_of(nodes, as_of_us)

    def _as_of(self, nodes: list[BeliefNode], as_of_us: int) -> list[BeliefNode]:
        ids = json.dumps([node.id for node in nodes])
        states = {row[0]: row for row in self._rows("states as of", ids=ids, as_of=as_of_us)}
        return [
            replace(node, ordinal=row[1], revised_at=from_us(row[2]), state=rows.to_state(row[3:]))
            for node, row in ((node, states[node.id]) for node in nodes)
        ]

    def responses(
        self,
        ids: Iterable[ResponseId] | None = None,
        *,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Response]:
        window = _window(before, limit, as_of_us)
        query = (
            self._rows("responses", **window)
            if ids is None
            else self._rows("responses by id", ids=_json_ids(ids), **window)
        )
        found = query.fetchall()
        premises: dict[str, list[GeneratedBy]] = defaultdict(list)
        for row in self._rows("premises", ids=json.dumps([row[0] for row in found])):
            premises[row[0]].append(rows.to_premise(row))
        return [rows.to_response(self._scope.user_id, row, premises[row[0]]) for row in found]

    def signals(
        self,
        ids: Iterable[SignalId] | None = None,
        *,
        about: Iterable[ResponseId] | None = None,
        kinds: Iterable[str] | None = None,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[tuple[Signal, Interpretation]]:
        of_kinds = None if kinds is None else _json_ids(kinds)
        window = {**_window(before, limit, as_of_us), "kinds": of_kinds}
        if ids is not None:
            found = self._rows("signals by id", ids=_json_ids(ids), **window)
        elif about is not None:
            found = self._rows("signals about", about=_json_ids(about), **window)
        else:
            found = self._rows("signals", **window)
        return [rows.to_signal(self._scope.user_id, row, _or_always(as_of_us)) for row in found]

    def words(self, belief_id: BeliefId, *, excluding: Iterable[str] = ()) -> list[Item]:
        found = self._rows("words", belief=belief_id, excluding=json.dumps(list(excluding)))
        return [rows.to_item(row) for row in found]

    def inferred(self, belief_id: BeliefId) -> Iterator[Item]:
        return map(rows.to_item, self._rows("inferred", belief=belief_id))

    def account(self, belief_id: BeliefId, *, as_of_us: int | None = None) -> Account | None:
        return account_with(self, belief_id, self._evidence(belief_id, as_of_us), as_of_us)

    def _evidence(self, belief_id: BeliefId, as_of_us: int | None) -> Evidence:
        """Read evidence as columns: a thousand items take five times as long."""
        if as_of_us is None:
            return self.words(belief_id), Inferred.of(belief_id, self._rows("evidence", belief=belief_id))
        found = self._rows("changes of evidence", belief=belief_id, as_of=as_of_us)
        return left_by(belief_id, changes_in(found))

    def revisions(
        self,
        belief_id: BeliefId | None = None,
        *,
        cause_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Revision]:
        window = {"after": after, "limit": _ALL if limit is None else limit, "as_of": _or_always(as_of_us)}
        if belief_id is not None:
            found = self._rows("revisions of belief", belief=belief_id, **window)
        elif cause_id is not None:
            found = self._rows("revisions by cause", cause=cause_id, **window)
        else:
            found = self._rows("revisions", **window)
        return [rows.to_revision(row) for row in found]

    def latest_revisions(
        self,
        beliefs: Iterable[BeliefId],
        *,
        limit: int,
        before: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Revision]:
        window = _window(before, limit, as_of_us)
        return [
            rows.to_revision(row)
            for row in self._rows("latest revisions", beliefs=_json_ids(beliefs), **window)
        ]

    def revision_before(self, revision: Revision) -> Revision | None:
        row = self._rows("revision before", belief=revision.belief_id, seq=revision.seq).fetchone()
        return None if row is None else rows.to_revision(row)

    def links(
        self, kind: LinkKind, *, beliefs: Iterable[BeliefId] | None = None, as_of_us: int | None = None
    ) -> list[Link]:
        wanted = {"kind": kind, "as_of": _or_always(as_of_us)}
        found = (
            self._rows("links", **wanted)
            if beliefs is None
            else self._rows("links of", beliefs=_json_ids(beliefs), **wanted)
        )
        return [rows.to_link(row) for row in found]

    def news(self, after: int) -> News:
        revised = self._rows("beliefs revised", after=after) if after else None
        vectors = self._rows("vectors of beliefs", after=after, as_of=_ALWAYS, live=False)
        versions = [rows.to_link(row) for row in self._rows("link versions", after=after)]
        first = self._rows("first belief").fetchone()
        return News(
            head=self._head,
            beliefs=self.beliefs()
            if revised is None
            else [rows.to_belief(self._scope.user_id, row) for row in revised],
            vectors={row[0]: np.frombuffer(row[1], dtype=np.float32) for row in vectors},
            links=current_links(versions),
            first_us=0 if first is None else first[0],
        )

    def history(self) -> Changes:
        beliefs = self.beliefs()[::-1]
        found = self._rows("vectors of beliefs", after=0, as_of=_ALWAYS, live=False)
        vectors = {row[0]: row[1] for row in found}
        return Changes(
            seq=self._head.seq,
            recorded_us=self._head.recorded_us,
            tallies=self._head.tallies,
            beliefs=beliefs,
            vectors={
                node.vector_key: np.frombuffer(vectors[node.id], dtype=np.float32)
                for node in beliefs
                if node.vector_key is not None and node.id in vectors
            },
            responses=self.responses()[::-1],
            signals=self.signals()[::-1],
            revisions=self.revisions(),
            links=[rows.to_link(row) for row in self._rows("link versions", after=0)],
        )

    def save(self, changes: Changes) -> None:
        if self._user is None:
            names = {"tenant": self._scope.tenant, "id": self._scope.user_id}
            (self._user,) = self._rows("add user", **names).fetchone()
        self._head = Head(seq=changes.seq, recorded_us=changes.recorded_us, tallies=changes.tallies)
        tallies = tallies_json(changes.tallies)
        self._rows("advance user", seq=changes.seq, recorded_at=changes.recorded_us, tallies=tallies)
        self._save_nodes(self._user, changes)
        self._save_revisions(self._user, changes)

    def _save_nodes(self, user: int, changes: Changes) -> None:
        vectors = self._save_vectors(changes.vectors)
        self._many(
            "add belief",
            (rows.belief_row(user, node, vectors.get(node.vector_key)) for node in changes.beliefs),
        )
        self._many("add response", (rows.response_row(user, response) for response in changes.responses))
        self._many(
            "add premise",
            (row for response in changes.responses for row in rows.premise_rows(user, response)),
        )
        self._many("add signal", (rows.signal_row(user, signal, read) for signal, read in changes.signals))
        taken_back = [(changes.recorded_us, note, user, id) for id, note in changes.retracted.items()]
        if self._many("retract signal", taken_back) != len(taken_back):
            raise IntegrityError(
                self._target, "a retraction names a signal that is not there, or is retracted already"
            )
        self._many("add link", (rows.link_row(user, link) for link in changes.links))

    def _save_revisions(self, user: int, changes: Changes) -> None:
        revisions = changes.revisions
        self._many("add revision", (rows.revision_row(user, revision) for revision in revisions))
        latest = {revision.belief_id: revision for revision in revisions}
        self._many(
            "revise belief",
            (
                (
                    revision.ordinal,
                    to_us(revision.recorded_at),
                    *rows.state_row(revision.state),
                    user,
                    belief_id,
                )
                for belief_id, revision in latest.items()
            ),
        )
        items = {
            (item.belief_id, item.slot, item.id): (item, removed)
            for revision in revisions
            for item, removed in revision.items()
        }
        self._many(
            "put item",
            (
                (user, *key, item.nats, item.observed_us)
                for key, (item, removed) in items.items()
                if not removed
            ),
        )
        self._many("remove item", ((user, *key) for key, (_, removed) in items.items() if removed))

    def _save_vectors(self, vectors: Mapping[str, Vector]) -> dict[str | None, int]:
        keys: dict[str | None, int] = {}
        for key, vector in vectors.items():
            named = {"tenant": self._scope.tenant, "key": key}
            self._rows("add vector", **named, value=np.ascontiguousarray(vector, dtype=np.float32).tobytes())
            (keys[key],) = self._rows("find vector", **named).fetchone()
        return keys

    def _many(self, query: str, parameters: Iterable[tuple[Any, ...]]) -> int:
        batch = list(parameters)
        return self._connection.executemany(_sql(query), batch).rowcount if batch else 0


def _json_ids(ids: Iterable[str]) -> str:
    return json.dumps(list(dict.fromkeys(ids)))


def _or_always(as_of_us: int | None) -> int:
    return _ALWAYS if as_of_us is None else as_of_us


def _window(before: int | None, limit: int | None, as_of_us: int | None) -> dict[str, int]:
    return {
        "before": _ALWAYS if before is None else before,
        "limit": _ALL if limit is None else limit,
        "as_of": _or_always(as_of_us),
    }
