"""Connections to one Neo4j database: the driver, its errors as ours, the schema. No query about beliefs here."""

import logging
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakValueDictionary

import neo4j
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    ConstraintError,
    DatabaseError,
    DriverError,
    Forbidden,
    Neo4jError,
    TransientError,
)

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.errors import (
    BeliefGraphError,
    IntegrityError,
    InvalidInputError,
    StoreUnavailableError,
    StoreVersionError,
)

Versions = Sequence[Sequence[str]]
"""The statements of each version of the schema."""

OLDEST = (5, 26)
SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")

_LOCKED = "it was not done in time; another writer may keep the user locked"
_UNAVAILABLE: tuple[tuple[type[Exception], str, str], ...] = (
    (AuthError, "", "it refuses the user name or the password; check NEO4J_USERNAME and NEO4J_PASSWORD"),
    (Forbidden, "", "this user of the database may not do that"),
    (ConfigurationError, "", "it does not speak this protocol; check the scheme (bolt, neo4j, +s, +ssc)"),
    (
        ClientError,
        "Neo.ClientError.Security.CredentialsExpired",
        "the first password of this user must be changed before use",
    ),
    (ClientError, "Neo.ClientError.Security.", "it does not let this user in ({code})"),
    (ClientError, "Neo.ClientError.Database.", "it has no database of this name; check NEO4J_DATABASE"),
    (ClientError, "Neo.ClientError.Transaction.", _LOCKED),
    (
        ClientError,
        "Neo.ClientError.Procedure.ProcedureTimedOut",
        "it is still building its indexes; open it again later",
    ),
    (TransientError, "", "the database reports {code}"),
    (DatabaseError, "", "the database reports {code}"),
)
"""Why a store cannot be used, by the driver's error and how the server's code begins."""


_UNREACHED: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "no TLS connection comes about; check the scheme (+s and +ssc ask for TLS)"),
    (socket.gaierror, "its host has no address"),
    (Exception, "the server cannot be reached, or the connection was lost"),
)
"""Why a server was not reached, by what lies behind the driver's error."""

logging.getLogger("neo4j").addHandler(
    logging.NullHandler()
)  # to who listens; not to stderr where nobody does


def statement(name: str) -> str:
    """Return a block of queries.cypher, to be planned once.

    A plan costs the server a second and more, and a growing database would make it plan again and again; but the
    hints in the queries leave statistics nothing to decide.
    """
    return "CYPHER replan=skip " + load_blocks("beliefgraph.graph.neo4j", "queries.cypher")[name]


def translate(error: Exception, target: str) -> BeliefGraphError:
    """Return our error for one of the driver's. Never repeats what the server says about values."""
    code = getattr(error, "code", None) or ""
    if isinstance(error, ConstraintError):
        return IntegrityError(target, "an id is taken already")
    for kind, beginning, why in _UNAVAILABLE:
        if isinstance(error, kind) and code.startswith(beginning):
            return StoreUnavailableError(target, why.format(code=code))
    if isinstance(error, ClientError):
        return IntegrityError(target, f"the database refuses a query ({code})")
    closed = isinstance(error, DriverError) and str(error) == "Driver closed"
    return StoreUnavailableError(target, "it is closed" if closed else _unreached(error))


def _unreached(error: Exception) -> str:
    behind = list(_behind(error))
    return next(why for kind, why in _UNREACHED if any(isinstance(one, kind) for one in behind))


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, and the members of groups."""
    yield error
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for one in (*members, error.__cause__):
        if one is not None:
            yield from _behind(one)


@contextmanager
def translated(target: str) -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except (DriverError, Neo4jError) as error:
        raise translate(error, target) from error


class Connections:
    """A driver (its own pool of connections) for one database, and how long to wait for it.

    The password is handed to the driver and kept nowhere else.
    """

    def __init__(
        self, uri: str, *, username: str, password: str, database: str | None, timeout_s: float
    ) -> None:
        if "@" in uri or uri.partition("://")[0] not in SCHEMES:
            raise InvalidInputError(
                "target",
                f"must be like bolt://host:port, with a scheme of {', '.join(SCHEMES)} and no user or password in it",
            )
        self.target, self.timeout_s = uri, timeout_s
        self._database = database
        self._guard = threading.Lock()
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        with translated(uri):
            self._driver = neo4j.GraphDatabase.driver(
                uri,
                auth=(username, password),
                connection_timeout=min(timeout_s, 10.0),
                connection_acquisition_timeout=timeout_s,
                notifications_min_severity="OFF",
                telemetry_disabled=True,
            )
            try:
                self._prepare()
            except BaseException:
                self._driver.close()
                raise

    def __repr__(self) -> str:
        return f"Connections({self.target!r})"

    def session(self, *, retry_s: float = 0.0) -> neo4j.Session:
        """Open a session on the database whose managed transactions are retried for so long."""
        return self._driver.session(
            database=self._database,
            max_transaction_retry_time=retry_s,
            initial_retry_delay=0.1,
            retry_delay_multiplier=1.5,
        )

    @contextmanager
    def turn(self, user: str) -> Iterator[None]:
        """Let this process's threads on one user come in turn: the server takes longer to hand a lock on.

        Raises `StoreUnavailableError` when the turn does not come in time: the server is away, or who has it keeps it.
        """
        with self._guard:
            lock = self._turns.setdefault(user, threading.Lock())
        if not lock.acquire(timeout=self.timeout_s):
            with translated(self.target):
                self._driver.verify_connectivity()
            raise StoreUnavailableError(self.target, _LOCKED)
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    def _prepare(self) -> None:
        """Refuse a server that is too old and a database that is not ours or newer; create or migrate the rest."""
        versions = [
            [one.strip().removesuffix(";") for one in block.split(";\n")]
            for block in load_blocks("beliefgraph.graph.neo4j", "schema.cypher").values()
        ]
        with self.session(retry_s=self.timeout_s) as session:
            _check_server(session, self.target)
            store = session.run(statement("store")).single(strict=True)
            if store["version"] is None and store["used"]:
                raise StoreVersionError(self.target, "the database holds a graph of something else")
            if self._known(store["version"], versions) < len(versions):
                self._run_schema(session, versions[0][0])  # one name, one node: there is but one lock
                session.execute_write(self._migrate, versions)

    def _known(self, version: int | None, versions: Versions) -> int:
        """Return a version of the schema; 0 before there is any. Raises `StoreVersionError` for a newer one."""
        if version is not None and version > len(versions):
            raise StoreVersionError(
                self.target,
                f"its schema is version {version}, this beliefgraph knows up to {len(versions)}; upgrade beliefgraph",
            )
        return version or 0

    def _migrate(self, keeper: neo4j.ManagedTransaction, versions: Versions) -> None:
        """Run the statements of newer versions while one transaction keeps the store's node: openers come in turn.

        They are committed one by one. Each may be run again, after an opener that did not come to its end.
        """
        found = keeper.run(statement("lock store")).single(strict=True)["version"]
        with self.session() as session:
            for version in versions[self._known(found, versions) :]:
                for one in version:
                    self._run_schema(session, one)
            timeout_s = math.ceil(self.timeout_s)
            session.run(statement("await indexes"), given={"timeout_s": timeout_s}).consume()
        keeper.run(statement("set version"), given={"version": len(versions)}).consume()

    def _run_schema(self, session: neo4j.Session, one: str) -> None:
        """Run one schema statement, again while another opener is in its way."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                session.run(one).consume()
                return
            except Neo4jError as error:
                in_the_way = error.is_retryable() or (error.code or "").startswith("Neo.ClientError.Schema.")
                if not in_the_way or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def _check_server(session: neo4j.Session, target: str) -> None:
    record = session.run(statement("server")).single(strict=True)
    numbers = tuple(int(number) for number in re.findall(r"\d+", record["version"])[:2])
    if numbers < OLDEST:
        raise StoreVersionError(
            target, f"the server is Neo4j {record['version']}; beliefgraph needs 5.26 or newer"
        )
