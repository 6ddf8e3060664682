"""`serve` and `keys` on the command line: what is refused is named as its user knows it."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beliefgraph import BeliefGraph
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


@pytest.mark.parametrize("named", [False, True])
def test_the_first_key_counts_at_once(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """A service that was started before there are keys wants them from the first on; with a named file, always."""
    served: dict[str, Any] = {}

    def create_app(open_graph: Callable[[], BeliefGraph], **options: Any) -> None:
        open_graph().close()
        served.update(options)

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if named:
        monkeypatch.setenv("BELIEFGRAPH_API_KEYS", str(tmp_path / "keys.jsonl"))
    monkeypatch.setattr("beliefgraph.api.serving.create_app", create_app)
    monkeypatch.setattr("beliefgraph.api.serving.configure", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: sockets[0].close())
    said = shell.run("serve", "--port", "0").stdout
    keys = served["keys"]
    assert (named, named) == (keys.needed(), "callers with a key of" in said)
    assert named == ("until `beliefgraph keys create` makes one" not in said)
    made = shell.json("keys", "create", "--tenant", "acme", "--scope", "read")
    assert (True, "acme") == (keys.needed(), keys.caller(made["key"]).tenant)


def test_without_keys_no_other_machine_is_served(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started without keys, it listens on loopback or not at all."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    said = shell.error("serve", "--host", "::", "--port", "0")
    assert said.startswith("host: without keys only this machine is served")
