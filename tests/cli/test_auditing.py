"""`audit` of a store and of a log: what it says, its exit status, and that docs/audit.md shows what is printed."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.shell import Shell

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOG = "event,uid,answer\nresponse,ada,r0\naccept,ada,r0\n"
MAP = ("--map", "user=uid", "--map", "kind=event", "--map", "response=answer")


def _printed(shell: Shell, command: str) -> str:
    found = shell.run(*shlex.split(command.removeprefix("beliefgraph ")), status=1)
    return found.stdout


def test_the_page_shows_what_is_printed(
    shell: Shell, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each console block of docs/audit.md, run in a folder with the samples, prints what stands there.

    The page says where each sample lies.
    """
    page = (repository / "docs" / "audit.md").read_text(encoding="utf-8")
    for sample in (repository / "docs" / "samples").iterdir():
        shell.write(sample.name, sample.read_bytes())
        assert f"(samples/{sample.name})" in page
    monkeypatch.chdir(shell.folder)
    blocks = CONSOLE.findall(page)
    assert 2 == len(blocks)
    for block in blocks:
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        expected = "".join(f"$ {command}\n{_printed(shell, command)}" for command in commands)
        assert expected == block


def test_a_store_without_open_loops_has_status_0(ada: Shell) -> None:
    """What was heard and moved nothing is no finding; a lost signal is, and a rejected line."""
    ada.run("signal", "ada", "stars", "3", "--response", "r1")
    found = ada.json("audit")
    assert (True, 2, 0, {"tells_little": 1}) == (
        found["ok"], found["total"]["received"], found["total"]["lost"], found["total"]["reasons"]
    )  # fmt: skip
    assert found["text"] == ada.run("audit").stdout.rstrip("\n")
    ada.run("signal", "bob", "accept")
    assert {"untraced": 1, "tells_little": 1} == ada.json("audit", status=1)["total"]["reasons"]
    assert ada.json("audit", "--user", "ada")["ok"]
    broken = ada.write("rejects.jsonl", "{\n")
    assert 1 == ada.json("audit", "--user", "ada", "--rejects", broken, status=1)["unreadable"]


def test_each_signal_can_be_listed(ada: Shell) -> None:
    """One JSON object a line: the reason, whose, which, since when."""
    ada.run("signal", "bob", "accept", "--id", "s9", "--context", "shop=web", "--at", "2026-01-02T00:00:00Z")
    listed = ada.folder / "open.jsonl"
    ada.run("audit", "--list", str(listed), "--source", "shop", status=1)
    (line,) = listed.read_text().splitlines()
    assert {
        "reason": "untraced", "user": "bob", "signal": "s9", "kind": "accept", "source": "web", "response": None,
        "belief": None, "at": "2026-01-02T00:00:00+00:00", "place": None, "detail": None,
    } == json.loads(line)  # fmt: skip
    assert "name another file" in ada.error("audit", "--list", str(listed), "--rejects", str(listed))
    assert "cannot be written" in ada.error("audit", "--list", str(ada.folder / "no" / "file"))


def test_options_choose_of_a_store(ada: Shell) -> None:
    """Since when, in which periods, as of when."""
    ada.run("signal", "ada", "accept", "--response", "r1", "--at", "2025-01-02T00:00:00Z")
    assert "2025-01-01" in ada.json("audit", "--per", "month")["periods"]
    assert 1 == ada.json("audit", "--since", "2026-01-01T00:00:00Z")["total"]["received"]
    assert 0 == ada.json("audit", "--as-of", "2026-01-01T00:00:00Z")["total"]["received"]


@pytest.mark.parametrize("form", ["plain", "gzip", "standard input", "json lines"])
def test_a_log_needs_no_store(shell: Shell, form: str) -> None:
    """CSV or JSON Lines, packed or not; nothing is made on the disk."""
    content = LOG
    if form == "json lines":
        head, *rows = [line.split(",") for line in LOG.splitlines()]
        content = "".join(json.dumps(dict(zip(head, row, strict=True))) + "\n" for row in rows)
    if form == "standard input":
        found = shell.json("audit", "-", *MAP, stdin=content)
    else:
        packed = gzip.compress(content.encode()) if form == "gzip" else content
        found = shell.json("audit", shell.write("log", packed), *MAP)
    assert (True, 1, 1, 1) == (
        found["ok"],
        found["responses"],
        found["total"]["received"],
        found["total"]["reaching"],
    )
    assert not shell.store.exists()


def test_a_map_on_the_command_line(shell: Shell) -> None:
    """It wins over the file's, entry by entry; a file of alike rows needs no column for what they are."""
    mapping = shell.write(
        "map.toml", '[columns]\nuser = "nobody"\nresponse = ["answer", "id"]\n[values]\nup = -1\ndown = -1\n'
    )
    answers = shell.write("answers.csv", "id,uid\nr0,ada\n")
    thumbs = shell.write("thumbs.csv", "uid,answer,value\nada,r0,up\nada,r0,down\nada,r0,9\n")
    likes = shell.write("likes.csv", "uid,answer\nada,r0\n")
    found = shell.json(
        "audit", answers, thumbs, likes, "--mapping", mapping, "--map", "user=uid", "--value", "up=1",
        "--rows", "answers.csv=response", "--rows", f"{thumbs}=rating", "--rows", "likes.csv=rating/1", status=1,
    )  # fmt: skip
    assert (4, 3, {"refused": 1}) == (
        found["total"]["received"], found["total"]["reaching"], found["total"]["reasons"]
    )  # fmt: skip
    log = shell.write("log.csv", LOG + "like,ada,r0\npage,ada,\n")
    found = shell.json("audit", log, *MAP, "--kind", "like=rating/1", "--kind", "page=-")
    assert (2, 1) == (found["total"]["reaching"], found["left_out"])


def test_lost_signals_of_a_log_are_findings(shell: Shell) -> None:
    """The status says so, and the prose names what to add."""
    log = shell.write("log.csv", LOG + "accept,ada,\naccept,bob,r7\n")
    said = shell.run("audit", log, *MAP, status=1).stdout
    assert "1 of 3 signals (33 %) would reach the model" in said
    assert "1  carry no response id (accept 1), such as " in said
    assert "Ids that never appear: 1 (r7)." in said
    assert "Users none of whose signals would: 1 of 2 (bob)." in said
    assert "0 of 1 signals (0 %)" in shell.run("audit", log, *MAP, "--user", "bob", status=1).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["log.csv", "--rejects", "log.csv"], "rejects: goes with a store, not with a log"),
        (["log.csv", "--as-of", "2026-01-01T00:00:00Z"], "as-of: goes with a store, not with a log"),
        (["log.csv", "--list", "x"], "list: goes with a store"),
        (["--map", "user=uid"], "map: goes with a log; name its files"),
        (["--mapping", "map.toml"], "mapping: goes with a log; name its files"),
        (["none.csv"], "file: there is no none.csv"),
        (["--rejects", "none.csv"], "file: there is no none.csv"),
        (["log.csv"], "map: must name the column of log.csv that holds the user, as in user=uid; there are event,"),
        (["log.csv", "--map", "usr=uid"], "map: columns.usr"),
        (["log.csv", *MAP, "--kind", "accept=wave"], "kinds.accept: must be response, - (to leave it out) or a"),
        (["log.csv", *MAP, "--kind", "accept=rating/good"], "kind: must be a number (got 'good')"),
        (["log.csv", *MAP, "--value", "up=one"], "value: must be a number (got 'one')"),
        (["log.csv", *MAP, "--value", "up"], "value: must be key=value"),
        (["log.csv", "--mapping", "none.toml"], "mapping: none.toml cannot be read: No such file"),
        (["--per", "year"], "per: 'year' is not one of"),
        (["--since", "2026-01-01"], "since: must be a time with a timezone"),
        (["--user", "a b"], "user: must be 1 to 200 visible characters"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_one_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    """Status 2, the field and what would be right."""
    shell.write("log.csv", LOG)
    monkeypatch.chdir(shell.folder)
    assert shell.error("audit", *words).startswith(expected)
