"""How the queries run on SQLite: by index from what is asked for; nothing else in the file makes them slower."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.sqlite.store import SqliteStore

BLOCKS = {
    name: text
    for name, text in load_blocks("beliefgraph.graph.sqlite", "queries.sql").items()
    if text.startswith(("SELECT", "WITH"))
}
LISTS = {
    "beliefs",
    "first belief",
    "links",
    "link versions",
    "revisions",
    "responses",
    "signals",
    "tenants",
    "users",
} | {
    "count for erasure",
    "vectors of beliefs",
    "vectors of user",
    "beliefs revised",
}
"""Those that are about all of a user, or of a part of her sequence."""
_GROWS = {
    "beliefs",
    "responses",
    "generated_by",
    "signals",
    "evidence",
    "revisions",
    "links",
    "vectors",
    "users",
}
_ALIASES = re.compile(r"(?:FROM|JOIN)\s+(\w+)\s+AS\s+(\w+)")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Open the file of a new store past the store."""
    path = tmp_path_factory.mktemp("plans") / "beliefs.db"
    SqliteStore(str(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def _plan(file: sqlite3.Connection, text: str) -> list[str]:
    names = re.findall(r":(\w+)", text)
    plural = {"ids", "keys", "beliefs", "about", "responses", "kinds", "excluding", "vectors"}
    given = {name: "[]" if name in plural else 1 for name in names}
    return [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {text}", given)]


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - LISTS))
def test_a_query_finds_its_rows_by_what_it_asks_for(file: sqlite3.Connection, name: str) -> None:
    """No step reads a table from end to end, or every row that a user has in it."""
    tables = {alias: table for table, alias in _ALIASES.findall(BLOCKS[name])}
    wide = [
        step
        for step in _plan(file, BLOCKS[name])
        if re.search(r"^SEARCH .*\(user=\?(?: AND (?:kind=\?|seq[<>]\?))*\)", step)
        or ((scan := re.match(r"SCAN (\w+)", step)) and tables.get(scan[1], scan[1]) in _GROWS)
    ]
    assert [] == wide


def test_what_changed_since_is_found_by_its_number(file: sqlite3.Connection) -> None:
    """What is newer than a number of the sequence is read from there on, not picked out of everything."""
    for name in ("beliefs revised", "link versions", "vectors of beliefs"):
        assert any("user=? AND seq>?" in step for step in _plan(file, BLOCKS[name])), name
