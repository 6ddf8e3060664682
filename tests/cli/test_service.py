"""`serve` and `keys` on the command line: what is refused is named as its user knows it."""

import socket
from pathlib import Path

import pytest

from tests.cli.shell import Shell


def test_a_key_is_made_listed_and_revoked(shell: Shell, tmp_path: Path) -> None:
    """The key is shown once; the list tells who may do what, and until when."""
    place = ("--file", str(tmp_path / "keys.jsonl"))
    made = shell.json("keys", "create", "--tenant", "acme", "--scope", "read", "--scope", "write", *place)
    (listed,) = shell.json("keys", "list", *place)
    assert (made["id"], "acme", ["read", "write"], None) == (
        *(listed[name] for name in ("id", "tenant", "scopes")),
        listed["revoked_at"],
    )
    assert made["key"] not in (tmp_path / "keys.jsonl").read_text(encoding="utf-8")
    shell.run("keys", "revoke", made["id"], *place)
    assert shell.json("keys", "list", *place)[0]["revoked_at"] is not None


@pytest.mark.parametrize(
    ("words", "expected", "status"),
    [
        (("create", "--tenant", "acme"), "scope: is required; see beliefgraph keys create --help", 2),
        (("create", "--tenant", "acme", "--scope", "root"), "scope: 'root' is not one of", 2),
        (("create", "--tenant", "a/b", "--scope", "read"), "tenant: must be 1 to 200 visible characters", 2),
        (("create", "--tenant", "acme", "--scope", "read"), "keys.jsonl cannot be used: it cannot be locked", 3),
        (("revoke", "abc"), "key: there is no key 'abc'", 2),
    ],
)  # fmt: skip
def test_what_cannot_be_done_with_keys(
    shell: Shell, tmp_path: Path, words: tuple[str, ...], expected: str, status: int
) -> None:
    """Options are named as they are typed, the file as it was given; no other file is spoken of."""
    place = str(tmp_path / "nowhere" / "keys.jsonl")
    said = shell.error("keys", *words, "--file", place, status=status)
    assert expected in said
    assert ".lock" not in said


def test_a_port_that_is_taken(shell: Shell) -> None:
    """Nothing is opened and nobody is told that it serves; the port is what is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = shell.error("serve", "--port", str(port), status=2)
    assert f"port: 127.0.0.1:{port} cannot be listened on: Address already in use" == said
