"""The server that the tests share: the one that NEO4J_URI names, else one that bench/neo4j_server.py starts."""

import contextlib
import os
from collections.abc import Iterator, Mapping

from beliefgraph.bootstrap import open_store
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.settings import read_settings
from bench.neo4j_server import USERNAME, Address, NoServer, start_server, wait_for


@contextlib.contextmanager
def find_server(environment: Mapping[str, str] = os.environ) -> Iterator[Address]:
    """Lend a server: the one named in the environment, else one started for this purpose. Raises `NoServer`."""
    if environment.get("NEO4J_URI"):
        yield _named(environment)
        return
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(start_server())
        except NoServer as error:
            raise NoServer(f"no Neo4j server: NEO4J_URI is not set; {error}") from None
        yield address


def _named(environment: Mapping[str, str]) -> Address:
    address = Address(
        uri=environment["NEO4J_URI"],
        username=environment.get("NEO4J_USERNAME") or environment.get("NEO4J_USER") or USERNAME,
        password=environment.get("NEO4J_PASSWORD", ""),
        database=environment.get("NEO4J_DATABASE") or None,
    )
    wait_for(address, seconds=30)
    return address


def open_scratch(target: str, *, timeout_s: float = 60.0) -> Neo4jStore:
    """Open the store at a target with the credentials that the environment holds (also in child processes)."""
    settings = read_settings()
    return Neo4jStore(
        target,
        username=settings.neo4j_user or USERNAME,
        password=settings.neo4j_password or "",
        database=settings.neo4j_database,
        timeout_s=timeout_s,  # a busy machine may plan a query for long
    )


def claim(address: Address) -> None:
    """Mark an empty database as one that tests may empty. Raises `NoServer` when it holds anything else.

    A server that NEO4J_URI names may hold somebody's data: nothing is ever deleted without this mark.
    """
    open_store(address.uri, address.settings()).close()
    with address.driver() as driver:
        found = driver.execute_query(
            "MATCH (s:Store) WITH s, COUNT { MATCH () } AS nodes "
            "WHERE s.scratch OR nodes = 1 SET s.scratch = true RETURN s",
            database_=address.database,
        )
    if not found.records:
        raise NoServer(f"the database at {address.uri} is not empty; tests need one of their own")


def wipe(address: Address) -> None:
    """Empty a database that was claimed."""
    with address.driver() as driver:
        driver.execute_query(
            "MATCH (s:Store {scratch: true}) REMOVE s.embedding_model "
            "WITH s MATCH (n) WHERE n <> s CALL (n) { DETACH DELETE n } RETURN count(*)",
            database_=address.database,
        )


def unmake(address: Address) -> None:
    """Take a database that was claimed back to before its first opening: no schema and no node, also not the mark."""
    wipe(address)
    with address.driver() as driver:

        def run(query: str) -> list[str]:
            found = driver.execute_query(query, database_=address.database)
            return [record[0] for record in found.records]

        if run("MATCH (s:Store {scratch: true}) DELETE s RETURN 1 AS deleted"):
            for name in run("SHOW CONSTRAINTS YIELD name"):
                run(f"DROP CONSTRAINT {name}")
            for name in run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
                run(f"DROP INDEX {name}")
