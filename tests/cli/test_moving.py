"""`copy` from one store to another: what it says, what it leaves alone, and its exit status."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.neo4j_server import Address
from tests.cli.shell import Shell

EVENTS = [
    {"type": "belief", "user": "ada", "id": "b1", "statement": "Prefers short answers"},
    {"type": "response", "user": "ada", "id": "r1", "text": "…", "beliefs": [{"id": "b1"}]},
    {"type": "signal", "user": "ada", "id": "s1", "response": "r1", "kind": "rating", "value": -1},
    {"type": "belief", "user": "bob", "statement": "Prefers tea"},
]


def _fill(shell: Shell) -> None:
    shell.run("ingest", shell.write("log.jsonl", "".join(json.dumps(event) + "\n" for event in EVENTS)))


def test_a_copy_says_what_it_did(shell: Shell) -> None:
    """Once everything is copied, the next run finds it there; both stores explain the same."""
    _fill(shell)
    target = str(shell.folder / "target.db")
    assert "copied 2 users with 7 records\n" == shell.run("copy", str(shell.store), target).stdout
    again = shell.json("copy", str(shell.store), target)
    assert (0, 2, 0) == (again["copied"], again["there"], again["differs"])
    assert 64 == len(again["users"][0]["digest"])
    other = Shell(store=Path(target), folder=shell.folder)
    assert shell.run("export", "ada").stdout == other.run("export", "ada").stdout
    assert shell.json("revisions", "ada", "b1") == other.json("revisions", "ada", "b1")


def test_a_user_with_other_records_is_a_finding(shell: Shell) -> None:
    """She is left as she is, named on stderr, and the exit status says so."""
    _fill(shell)
    other = Shell(store=shell.folder / "target.db", folder=shell.folder)
    other.run("believe", "ada", "Prefers long answers")
    said = shell.run("copy", str(shell.store), str(other.store), status=1)
    assert "copied 1 user" in said.stdout
    assert "user ada of tenant default has other records in TARGET" in said.stderr
    assert ["Prefers long answers"] == [belief["statement"] for belief in other.json("beliefs", "ada")]


def test_what_cannot_be_copied_is_said(shell: Shell) -> None:
    """A source that is not there is not made."""
    nowhere = str(shell.folder / "nowhere.db")
    assert "there is no such file" in shell.error("copy", nowhere, str(shell.folder / "t.db"), status=3)
    assert not Path(nowhere).exists()


def test_a_file_is_not_copied_onto_itself(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever name, and whatever is set for a target on Neo4j, the same file is refused."""
    _fill(shell)
    monkeypatch.setenv("NEO4J_TARGET_DATABASE", "another")
    link = shell.folder / "link.db"
    link.symlink_to(shell.store)
    for name in (shell.store, shell.folder / "." / ".." / shell.folder.name / shell.store.name, link):
        assert "another store than the source" in shell.error("copy", str(shell.store), str(name))


@pytest.mark.neo4j
def test_a_copy_onto_neo4j_is_whole(shell: Shell, neo4j_address: Address) -> None:
    """Both stores export the same and verify; erased there, a user is still in the file, and copied anew."""
    _fill(shell)
    served = replace(shell, target=neo4j_address.uri)
    assert "copied 2 users with 7 records\n" == shell.run("copy", str(shell.store), neo4j_address.uri).stdout
    assert shell.run("export", "ada").stdout == served.run("export", "ada").stdout
    for one in (shell, served):
        assert [] == one.json("verify")["findings"]
    served.run("erase", "ada", "--yes")
    assert ["bob"] == served.json("users")
    again = shell.json("copy", str(shell.store), neo4j_address.uri)
    assert (1, 1, 0) == (again["copied"], again["there"], again["differs"])


@pytest.mark.neo4j
def test_a_target_has_credentials_of_its_own(
    shell: Shell, neo4j_address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set for the target counts for it alone, be it wrong or right."""
    _fill(shell)
    served = replace(shell, target=neo4j_address.uri)
    monkeypatch.setenv("NEO4J_TARGET_PASSWORD", "not the password")
    assert [] == served.json("users")
    assert "refuses the user name" in shell.error("copy", str(shell.store), neo4j_address.uri, status=3)
    monkeypatch.setenv("NEO4J_PASSWORD", "not the password")
    monkeypatch.setenv("NEO4J_TARGET_PASSWORD", neo4j_address.password)
    assert "copied 2 users" in shell.run("copy", str(shell.store), neo4j_address.uri).stdout
    assert "refuses the user name" in served.error("users", status=3)


@pytest.mark.neo4j
def test_a_database_is_not_copied_onto_itself(
    shell: Shell, neo4j_address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another name of the host, another protocol and the default database by its name lead to the same store."""
    monkeypatch.setenv("NEO4J_TARGET_DATABASE", neo4j_address.database or "neo4j")
    other = neo4j_address.uri.replace("bolt://127.0.0.1", "neo4j://localhost")
    assert "another store than the source" in shell.error("copy", neo4j_address.uri, other)
