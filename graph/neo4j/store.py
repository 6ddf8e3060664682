"""The production store: one Neo4j database, any number of processes.

Cypher lies in queries.cypher and schema.cypher, connections in connections.py, properties in saving.py and rows.py.

Neo4j is read-committed and shows a commit piece by piece, so that no number read beside the data could say whether it
is whole. A transaction therefore takes the user's lock first, for reading as for writing: what it reads belongs to one
sequence number. One that wrote nothing is rolled back.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from heapq import merge
from typing import Any, TypeVar, get_args

import neo4j
from neo4j.exceptions import ClientError, IncompleteCommit

from beliefgraph.graph.encoding import to_tallies
from beliefgraph.graph.errors import IntegrityError, StoreUnavailableError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import BeliefNode, Interpretation, Link, LinkKind, Response, Revision, Signal
from beliefgraph.graph.neo4j import rows, saving
from beliefgraph.graph.neo4j.accounts import to_account, to_account_at
from beliefgraph.graph.neo4j.connections import Connections, statement, translated
from beliefgraph.graph.neo4j.keys import join, statement_digest, user_key
from beliefgraph.graph.neo4j.shown import misshown
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
_ALWAYS = _ALL = 2**62
_KINDS = get_args(LinkKind)
_WRITERS = 4
_MORE = 8
"""So many more beliefs than asked for are ranked in double precision, lest rounding decides who is left out."""


class Neo4jStore:
    """A `Store` in a Neo4j database (5.26 or newer; Community is enough).

    `uri` is bolt://host:port or neo4j://host:port, with +s or +ssc for TLS. `timeout_s` is how long a call may try to
    reach the server, and how long it may wait for the user's lock once it has; it ends within three times that.
    Raises `InvalidInputError`, `StoreUnavailableError` and `StoreVersionError`.
    """

    def __init__(
        self,
        uri: str,
        *,
        username: str = "neo4j",
        password: str = "",
        database: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self._connections = Connections(
            uri, username=username, password=password, database=database, timeout_s=timeout_s
        )
        try:
            self._rehearse()
        except BaseException:
            self.close()
            raise

    def _rehearse(self) -> None:
        """Have the server plan the queries of the loop now: one that has just begun takes seconds for it.

        They run for a user that cannot be, and are rolled back. What takes too long is left to the first call.
        """

        def work(transaction: _Transaction) -> None:
            transaction.neighbourhood(Reach())
            transaction.save(Changes(seq=0, recorded_us=0))
            raise _NothingWritten(None)

        try:
            self._transact(Scope("", UserId("")), lambda transaction: transaction.news(after=1))
            self._transact(Scope("", UserId("")), work)
        except StoreUnavailableError as error:
            if not isinstance(error.__cause__, ClientError):
                raise

    @property
    def target(self) -> str:
        """Return the URI."""
        return self._connections.target

    def identity(self) -> str:
        """Return the id that the server (the cluster) gave itself, and the name of the database."""
        (found,) = self._managed(lambda connection: _rows(connection, "identity"))
        return str(found)

    @property
    def writers(self) -> int:
        """Return enough to keep a server busy while this process prepares what comes next."""
        return _WRITERS

    def read(self, scope: Scope, work: Callable[[Reader], T]) -> T:
        """Run `work` under the user's lock, in a transaction that is rolled back."""
        return self._transact(scope, work)

    def write(self, scope: Scope, work: Callable[[Writer], T]) -> T:
        """Run `work` under the user's lock. After a lost connection it is run again: it finds what it did before."""
        return self._transact(scope, work)

    def _transact(self, scope: Scope, work: "Callable[[_Transaction], T]") -> T:
        def attempt(connection: neo4j.ManagedTransaction) -> T:
            transaction = _Transaction(connection, scope, self.target)
            result = work(transaction)
            if not transaction.saved:
                raise _NothingWritten(result)
            return result

        try:
            with self._connections.turn(user_key(scope)):
                return self._managed(attempt)
        except _NothingWritten as nothing:
            result: T = nothing.result
            return result

    def _managed(self, attempt: Callable[[neo4j.ManagedTransaction], T]) -> T:
        """Run a managed transaction, again also when its outcome is unknown or its user was erased meanwhile."""
        timed = neo4j.unit_of_work(timeout=self._connections.timeout_s)(attempt)
        deadline = time.monotonic() + self._connections.timeout_s
        with translated(self.target):
            while True:
                left = deadline - time.monotonic()
                try:
                    with self._connections.session(retry_s=max(0.0, left)) as session:
                        return session.execute_write(timed)
                except IncompleteCommit:
                    if left < 0:
                        raise
                except _ErasedMeanwhile:
                    if left < 0:
                        raise StoreUnavailableError(self.target, "the user is being erased") from None

    def tenants(self) -> list[str]:
        """Return the tenants that have users, sorted."""
        return self._managed(lambda connection: _rows(connection, "tenants"))

    def users(self, tenant: str, *, after: UserId | None = None, limit: int | None = None) -> list[UserId]:
        """Return user ids after one, sorted by code point."""
        wanted = {"tenant": tenant, "after": after or "", "limit": _or_all(limit)}
        return self._managed(lambda connection: _rows(connection, "users", **wanted))

    def erase(self, scope: Scope) -> Erasure:
        """Delete the user's nodes and edges in one transaction.

        One whose outcome is unknown is run again and may find nothing left: the run that found most counts.
        """
        runs = [Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0)]

        def attempt(connection: neo4j.ManagedTransaction) -> None:
            found = connection.run(statement("erase"), given={"user": user_key(scope)}).single()
            if found is not None:
                runs.append(Erasure(**found.data()))

        with self._connections.turn(user_key(scope)):
            self._managed(attempt)
        return max(runs, key=lambda run: sum(astuple(run)))

    def embedding_model(self, name: str | None = None) -> str | None:
        """Record the embedding model's name on first use; return the recorded one."""

        def attempt(connection: neo4j.ManagedTransaction) -> str | None:
            found = connection.run(statement("embedding model"), given={"name": name}).single(strict=True)
            recorded: str | None = found["name"]
            return recorded

        return self._managed(attempt)

    def close(self) -> None:
        """Close the driver."""
        self._connections.close()


class _NothingWritten(Exception):
    """Takes the result of a unit that wrote nothing past the commit."""

    def __init__(self, result: Any) -> None:
        self.result = result


class _ErasedMeanwhile(Exception):
    """The user's node was deleted while this transaction waited for its lock; a new one finds what is there."""


def _head(found: neo4j.Record) -> Head:
    if found["seq"] is None:
        raise _ErasedMeanwhile
    return Head(seq=found["seq"], recorded_us=found["recorded_us"], tallies=to_tallies(found["tallies"]))


def _rows(connection: neo4j.ManagedTransaction, query: str, **parameters: Any) -> list[Any]:
    return [record["row"] for record in connection.run(statement(query), given=parameters)]


class _Transaction:
    """A `Reader` and `Writer` over one managed transaction."""

    def __init__(self, connection: neo4j.ManagedTransaction, scope: Scope, target: str) -> None:
        self._connection, self._scope, self._target = connection, scope, target
        self._user = user_key(scope)
        self._head: Head | None = None
        self.saved = False

    @property
    def _whose(self) -> dict[str, str]:
        return {"user": self._user, "tenant": self._scope.tenant, "id": self._scope.user_id}

    def head(self) -> Head:
        if self._head is None:
            found = self._connection.run(statement("lock"), given=self._whose).single(strict=True)
            self._head = _head(found)
        return self._head

    def _rows(self, query: str, **parameters: Any) -> list[Any]:
        """Return what a query finds, under the lock; for a user without records without asking."""
        if self.head().seq == 0:
            return []
        return _rows(self._connection, query, user=self._user, **parameters)

    def _keys(self, ids: Iterable[str]) -> list[str]:
        return [join(self._user, id) for id in dict.fromkeys(ids)]

    def neighbourhood(self, reach: Reach, *, depth: int = 1) -> Neighbourhood:
        asked = {
            "beliefs": self._keys(reach.beliefs),
            "responses": self._keys(reach.responses),
            "signals": self._keys(reach.signals),
            "statements": [statement_digest(self._user, key) for key in dict.fromkeys(reach.statement_keys)],
            "vectors": [{"name": name, "vector": vector.tolist()} for name, vector in reach.vectors.items()],
            "nearest": reach.nearest,
            "candidates": reach.nearest + _MORE,
            "live": reach.live,
            "steps": depth if depth >= 2 else 0,
        }
        given = {**self._whose, **asked}
        found = self._connection.run(statement("neighbourhood"), given=given).single(strict=True)
        self._head = _head(found)
        return self._to_neighbourhood(self._head, found)

    def _to_neighbourhood(self, head: Head, found: neo4j.Record) -> Neighbourhood:
        user_id = self._scope.user_id
        beliefs = [rows.to_belief(user_id, row) for row in found["beliefs"]]
        responses = [
            rows.to_response(user_id, row)
            for row in rows.with_premises(found["responses"], found["premises"])
        ]
        signals = [rows.to_signal(user_id, row, _ALWAYS) for row in found["signals"]]
        items = rows.heard(found["premises"])
        links = [rows.to_link(row) for row in found["links"]]
        return Neighbourhood(
            head=head,
            beliefs={node.id: node for node in beliefs},
            responses={response.id: response for response in responses},
            signals={signal.id: signal for signal, _ in signals},
            interpretations={signal.id: interpretation for signal, interpretation in signals},
            items={(item.belief_id, ResponseId(item.id)): item for item in items},
            links=sorted(links, key=lambda link: link.seq),
            nearest={
                asked["name"]: [rows.to_neighbour(row) for row in asked["found"]]
                for asked in found["nearest"]
            },
        )

    def nearest(self, vector: Vector, *, limit: int, as_of_us: int | None = None) -> list[Neighbour]:
        wanted = {"vector": vector.tolist(), "limit": limit, "candidates": limit + _MORE}
        found = self._rows("nearest", **wanted, as_of=_or_always(as_of_us))
        return [rows.to_neighbour(row) for row in found]

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
            else self._rows("beliefs by key", keys=self._keys(ids), **window)
        )
        nodes = [rows.to_belief(self._scope.user_id, row) for row in found]
        return nodes if as_of_us is None else self._as_of(nodes, as_of_us)

    def _as_of(self, nodes: list[BeliefNode], as_of_us: int) -> list[BeliefNode]:
        found = self._rows("states as of", keys=self._keys(node.id for node in nodes), as_of=as_of_us)
        left = {row["belief"]: row for row in found}
        return [rows.as_left(node, left[join(self._user, node.id)]) for node in nodes]

    def responses(
        self,
        ids: Iterable[ResponseId] | None = None,
        *,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Response]:
        window = _window(before, limit, as_of_us)
        found = (
            self._rows("responses", **window)
            if ids is None
            else self._rows("responses by key", keys=self._keys(ids), **window)
        )
        return [rows.to_response(self._scope.user_id, row) for row in found]

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
        of_kinds = None if kinds is None else list(kinds)
        window = {**_window(before, limit, as_of_us), "kinds": of_kinds}
        if ids is not None:
            found = self._rows("signals by key", keys=self._keys(ids), **window)
        elif about is not None:
            lists = self._rows("signals about", responses=self._keys(about), **window)
            found = [row for rows_ in lists for row in rows_]
        else:
            found = self._rows("signals", **window)
        return [rows.to_signal(self._scope.user_id, row, _or_always(as_of_us)) for row in found]

    def words(self, belief_id: BeliefId, *, excluding: Iterable[str] = ()) -> list[Item]:
        found = self._rows("words", belief=join(self._user, belief_id), excluding=list(excluding))
        return [rows.to_item(row) for row in found]

    def inferred(self, belief_id: BeliefId) -> Iterator[Item]:
        if self.head().seq == 0:
            return iter(())
        given = {"belief": join(self._user, belief_id)}
        found = (record["row"] for record in self._connection.run(statement("inferred"), given=given))
        inherited = [rows.to_inferred(belief_id, row) for row in next(found)]
        own = (rows.to_inferred(belief_id, row) for row in found)
        return merge(inherited, own, key=lambda item: item.order, reverse=True)

    def account(self, belief_id: BeliefId, *, as_of_us: int | None = None) -> Account | None:
        given = {**self._whose, "belief": join(self._user, belief_id), "as_of": as_of_us}
        query, made = ("account", to_account) if as_of_us is None else ("account as of", to_account_at)
        found = self._connection.run(statement(query), given=given).single(strict=True)
        self._head = _head(found)
        return made(self._scope.user_id, belief_id, found)

    def revisions(
        self,
        belief_id: BeliefId | None = None,
        *,
        cause_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Revision]:
        window = {"after": after, "limit": _or_all(limit), "as_of": _or_always(as_of_us)}
        if belief_id is not None:
            found = self._rows("revisions of belief", belief=join(self._user, belief_id), **window)
        elif cause_id is not None:
            found = self._rows("revisions by cause", cause=join(self._user, cause_id), **window)
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
        found = self._rows("latest revisions", keys=self._keys(beliefs), **_window(before, limit, as_of_us))
        return [rows.to_revision(row) for row in found]

    def revision_before(self, revision: Revision) -> Revision | None:
        belief = join(self._user, revision.belief_id)
        found = self._rows("revision before", belief=belief, seq=revision.seq)
        return rows.to_revision(found[0]) if found else None

    def links(
        self, kind: LinkKind, *, beliefs: Iterable[BeliefId] | None = None, as_of_us: int | None = None
    ) -> list[Link]:
        window = {"kinds": [kind], "as_of": _or_always(as_of_us)}
        if beliefs is not None:
            found = self._rows("links of", keys=self._keys(beliefs), **window)
            return [rows.to_link(row) for row in found]
        return current_links(rows.to_link(row) for row in self._rows("link versions", **window))

    def news(self, after: int) -> News:
        if after:
            return self._news_since(after)
        versions = self._rows("link versions", kinds=_KINDS, as_of=_ALWAYS)
        first = self._rows("first belief")
        return News(
            head=self.head(),
            beliefs=self.beliefs(),
            vectors={row["id"]: rows.to_vector(row) for row in self._rows("vectors")},
            links=current_links(rows.to_link(row) for row in versions),
            first_us=first[0] if first else 0,
        )

    def _news_since(self, after: int) -> News:
        given = {**self._whose, "after": after}
        found = self._connection.run(statement("news"), given=given).single(strict=True)
        self._head = _head(found)
        beliefs = sorted(found["beliefs"], key=lambda row: -row["seq"])
        return News(
            head=self._head,
            beliefs=[rows.to_belief(self._scope.user_id, row) for row in beliefs],
            vectors={row["id"]: rows.to_vector(row) for row in beliefs if row["vector"] is not None},
            links=current_links(rows.to_link(row) for row in found["links"]),
            first_us=found["first"][0] if found["first"] else 0,
        )

    def history(self) -> Changes:
        head = self.head()
        return Changes(
            seq=head.seq,
            recorded_us=head.recorded_us,
            tallies=head.tallies,
            beliefs=self.beliefs()[::-1],
            vectors={row["vector_key"]: rows.to_vector(row) for row in self._rows("vectors")},
            responses=self.responses()[::-1],
            signals=self.signals()[::-1],
            revisions=self.revisions(),
            links=[rows.to_link(row) for row in self._rows("link versions", kinds=_KINDS, as_of=_ALWAYS)],
        )

    def misshown(self) -> Iterator[tuple[str, str]]:
        return misshown(self._user, self.history(), self._rows("shown"))

    def save(self, changes: Changes) -> None:
        self.head()
        given = saving.save_parameters(self._user, changes)
        written = self._connection.run(statement("save"), given=given).single(strict=True)
        for part, count in saving.wanted(given).items():
            missing = count - written[part]
            if missing:
                raise IntegrityError(
                    self._target,
                    f"{missing} of the {part.replace('_', ' ')} to be written "
                    "refer to what this user does not have",
                )
        self._head = Head(seq=changes.seq, recorded_us=changes.recorded_us, tallies=changes.tallies)
        self.saved = True


def _or_always(as_of_us: int | None) -> int:
    return _ALWAYS if as_of_us is None else as_of_us


def _or_all(limit: int | None) -> int:
    return _ALL if limit is None else limit


def _window(before: int | None, limit: int | None, as_of_us: int | None) -> dict[str, int]:
    return {
        "before": _ALWAYS if before is None else before,
        "limit": _or_all(limit),
        "as_of": _or_always(as_of_us),
    }
