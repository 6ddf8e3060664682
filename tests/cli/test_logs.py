"""Logs in and out: everything that can be wrong with a file, and that nothing is applied twice or lost."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from beliefgraph.cli.sources import Source
from beliefgraph.ingest import reader
from beliefgraph.ingest.reader import MAX_LINE, Unreadable
from tests.cli.shell import Shell
from tests.cross_encoders import ScriptedCrossEncoder, install

EVENTS: Sequence[dict[str, Any]] = (
    {"type": "belief", "user": "ada", "id": "b1", "statement": "Prefers short answers", "source": "imported"},
    {"type": "response", "user": "ada", "id": "r1", "text": "…", "beliefs": [{"id": "b1", "weight": 0.8}]},
    {"type": "signal", "user": "ada", "id": "s1", "response": "r1", "kind": "rating", "value": -1},
    {"type": "signal", "user": "ada", "response": "r1", "kind": "accept"},
    {"type": "signal", "user": "ada", "kind": "statement", "text": "I live in Oslo"},
    {"type": "belief", "user": "bob", "statement": "Prefers tea"},
    {"type": "retract", "user": "ada", "signal": "s1", "reason": "a slip"},
)
APPLIED = {"belief": 2, "response": 1, "signal": 3, "retract": 1}


def _lines(events: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def _state(shell: Shell) -> list[str]:
    return [shell.run("export", user).stdout for user in shell.json("users")]


def test_a_log_is_applied_once(shell: Shell) -> None:
    """A log sent again changes nothing, also where its events bring no ids."""
    log = shell.write("log.jsonl", _lines(EVENTS))
    report = shell.json("ingest", log)
    assert {"applied": APPLIED, "rejected": 0, "stopped": False, "rejects": []} == report
    before = _state(shell)
    assert APPLIED == shell.json("ingest", log)["applied"]
    assert before == _state(shell)


@pytest.mark.parametrize(
    "form", ["plain", "gzip", "gzip without the name", "standard input", "byte order mark", "crlf"]
)
def test_forms_of_a_log(shell: Shell, form: str) -> None:
    """Packed or not, by name or through a pipe, with a byte order mark or line ends of another system."""
    plain = _lines(EVENTS)
    content = {
        "gzip": gzip.compress(plain),
        "gzip without the name": gzip.compress(plain),
        "byte order mark": b"\xef\xbb\xbf" + plain,
        "crlf": plain.replace(b"\n", b"\r\n"),
    }.get(form, plain)
    if form == "standard input":
        report = shell.json("ingest", "-", stdin=content)
    else:
        report = shell.json("ingest", shell.write("log.jsonl.gz" if form == "gzip" else "log", content))
    assert APPLIED == report["applied"]


BAD: Sequence[tuple[bytes, str, str]] = (
    (b"{", "line", "invalid JSON: EOF while parsing an object at column 1"),
    (b'{"type": "belief", "user": "ada", "statement": "\xff"}', "line", "invalid JSON: invalid unicode"),
    (b'{"type": "dance", "user": "ada"}', "type", "must be one of belief, response, signal, retract"),
    (b'{"type": "belief", "user": "ada", "statement": "x", "confidence": NaN}', "confidence", "must be a finite"),
    (b'{"type": "belief", "user": "ada", "statement": "x", "at": "2026-01-01T00:00:00"}', "at", "must have a timezone"),
    (b'{"type": "signal", "user": "ada", "kind": "rating", "value": 7}', "value", "must lie from -1 to 1"),
    (b'{"type": "signal", "user": "ada", "kind": "wave"}', "kind", "must be one of abandon"),
    (b'{"type": "signal", "user": "ada", "kind": "rating", "value": 1, "response": "r9"}', "response", "there is no"),
    (b'{"type": "retract", "user": "ada", "signal": "s9"}', "signal", "there is no signal"),
    (b'{"type": "belief", "user": "ada", "id": "b1", "statement": "Something else"}', "id", "belief 'b1' is recorded"),
    (b"x" * 10_000_000, "line", "must be at most 2,000,000 bytes long"),
)  # fmt: skip


def test_a_line_that_cannot_be_applied_is_reported_and_the_rest_goes_on(shell: Shell) -> None:
    """Each reject has its number, field and reason; --rejects keeps the lines as they were, in their order."""
    log = shell.write(
        "log.jsonl", _lines(EVENTS[:1]) + b"\n".join(bad for bad, _, _ in BAD) + b"\n" + _lines(EVENTS[1:])
    )
    kept = shell.folder / "rejects.jsonl"
    found = shell.run("ingest", log, "--rejects", str(kept), "--json", status=1)
    report = json.loads(found.stdout)
    assert (APPLIED, len(BAD)) == (report["applied"], report["rejected"])
    for number, ((_, field, reason), reject) in enumerate(zip(BAD, report["rejects"], strict=True), start=2):
        assert (number, field) == (reject["line"], reject["field"])
        assert reject["reason"].startswith(reason)
    assert f"{log}:2: line: invalid JSON" in found.stderr
    assert sorted(bad for bad, _, _ in BAD) == sorted(kept.read_bytes().splitlines())


def test_rejects_can_be_mended_and_sent_again(shell: Shell) -> None:
    """What could not be applied for want of something comes in the order in which it was sent."""
    late = {"type": "response", "user": "ada", "id": "r1", "text": "…", "beliefs": [{"id": "b1"}]}
    broken = b'{"type": "signal", "user": "ada", "response": "r1", "kind": "accept"'
    log = shell.write("log.jsonl", _lines([late]) + broken + b"\n" + _lines([EVENTS[2]]))
    kept = shell.folder / "rejects.jsonl"
    shell.run("ingest", log, "--rejects", str(kept), status=1)
    assert [
        *_lines([late]).splitlines(),
        broken,
        *_lines([EVENTS[2]]).splitlines(),
    ] == kept.read_bytes().splitlines()
    mended = kept.read_bytes().replace(broken, broken + b"}")
    shell.run("ingest", "-", stdin=_lines(EVENTS[:1]))
    assert {"response": 1, "signal": 2} == shell.json("ingest", "-", stdin=mended)["applied"]


def test_strict_stops_at_the_first(shell: Shell) -> None:
    """Nothing after the first line that cannot be applied is applied, of whatever user."""
    log = shell.write("log.jsonl", _lines(EVENTS[:2]) + b"{\n" + _lines(EVENTS[2:]))
    report = shell.json("ingest", log, "--strict", status=1)
    assert ({"belief": 1, "response": 1}, 1, True) == (
        report["applied"],
        report["rejected"],
        report["stopped"],
    )
    assert ["ada"] == shell.json("users")


def test_a_truncated_gzip_gives_what_can_be_read(shell: Shell) -> None:
    """Everything before the break is applied, the break is reported, the status says so."""
    events = [
        {"type": "belief", "user": "ada", "id": f"b{n}", "statement": os.urandom(20).hex()}
        for n in range(300)
    ]
    packed = gzip.compress(_lines(events))
    log = shell.write("log.jsonl.gz", packed[: len(packed) // 2])
    report = shell.json("ingest", log, status=1)
    assert 0 < report["applied"]["belief"] < 300
    assert [("file", "the gzip file is cut off or damaged here")] == [
        (r["field"], r["reason"]) for r in report["rejects"]
    ]
    damaged = shell.write("damaged.gz", packed[:200] + b"\0\0\0\0" + packed[204:])
    assert 1 == shell.json("ingest", damaged, status=1)["rejected"]


def test_a_line_without_end_does_not_fill_memory(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long line is read in pieces, and handed on as what could not be read."""
    log = shell.write("log.jsonl", b"x" * (3 * MAX_LINE) + b"\n{}\n" + b"y" * (2 * MAX_LINE))
    kept: list[bytes] = []
    lines = list(Source(log).lines(kept.append))
    expected = Unreadable(field="line", reason="must be at most 2,000,000 bytes long")
    assert [expected, b"{}\n", expected] == lines
    assert max(map(len, kept)) <= MAX_LINE + 1
    assert b"x" * (3 * MAX_LINE) + b"\n" + b"y" * (2 * MAX_LINE) + b"\n" == b"".join(kept)


def test_long_lines_do_not_pile_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are applied when they are many or large, so that memory does not grow with the log."""
    monkeypatch.setattr(reader, "_WINDOW_SIZE", 1000)
    log = shell.write("log.jsonl", _lines(EVENTS))
    assert APPLIED == shell.json("ingest", log)["applied"]


@pytest.mark.parametrize(
    ("name", "expected"), [("", "is a folder; name the files in it"), ("missing.jsonl", "there is no ")]
)
def test_a_file_that_cannot_be_read_stops_before_anything_is_applied(
    shell: Shell, name: str, expected: str
) -> None:
    """A folder or a missing file among several is wrong use, and the others are left alone."""
    log = shell.write("log.jsonl", _lines(EVENTS))
    for command in ("ingest", "evaluate"):
        said = shell.error(command, log, str(shell.folder / name))
        assert said.startswith("file: ")
        assert expected in said
    assert not shell.store.exists()


def test_rejects_never_overwrite_what_is_read(shell: Shell) -> None:
    """The file that keeps rejects is another one, in a folder that is there."""
    log = shell.write("log.jsonl", _lines(EVENTS))
    assert "name another file" in shell.error("ingest", log, "--rejects", log)
    assert _lines(EVENTS) == Path(log).read_bytes()
    assert "cannot be written" in shell.error(
        "ingest", log, "--rejects", str(shell.folder / "no" / "rejects")
    )


def test_an_export_gives_the_same_confidences_in_a_new_store(
    shell: Shell, ada: Shell, tmp_path: Path
) -> None:
    """Export and ingest: the same beliefs, standings and confidences, retractions and edits included."""
    ada.run("signal", "ada", "rating", "1", "--response", "r1", "--id", "s2")
    ada.run("retract", "ada", "s1")
    ada.run("amend", "ada", "b2", "--confidence", "0.3")
    ada.run("signal", "ada", "correction", "--belief", "b1", "--text", "Documentation needs no examples")
    exported = ada.run("export", "ada").stdout
    copy = Shell(store=tmp_path / "copy.db", folder=tmp_path)
    copy.run("ingest", "-", stdin=exported)
    assert exported == copy.run("export", "ada").stdout

    def told(where: Shell) -> dict[str, tuple[str, Any]]:
        return {
            belief["id"]: (belief["standing"], pytest.approx(belief["confidence"], abs=1e-6))
            for belief in where.json("beliefs", "ada")
        }

    assert told(ada) == told(copy)
    assert copy.json("verify")["ok"]


def test_evaluate_scores_predictions(shell: Shell) -> None:
    """Scores overall and by history in JSON, a table in a pipe, a diagram on request; no store is touched."""
    events = [
        {"type": "belief", "user": "ada", "id": "b1", "statement": "x", "at": "2026-01-01T00:00:00Z"},
        {"type": "response", "user": "ada", "id": "r1", "text": "y", "beliefs": [{"id": "b1"}]},
        {"type": "signal", "user": "ada", "response": "r1", "kind": "answer", "value": 1, "at": "2026-01-02T00:00:00Z"},
    ]  # fmt: skip
    log = shell.write("log.jsonl", _lines(events))
    scores = shell.json("evaluate", log)
    assert {"log_loss", "brier", "auc", "ece", "n", "by_history"} <= set(scores)
    assert 1 == scores["n"] == scores["by_history"]["0"]["n"]
    assert "log loss" in shell.run("evaluate", log).stdout
    assert "plot: the file's name must end in .png, .svg or .pdf" == shell.error(
        "evaluate", log, "--plot", "x.txt"
    )
    assert not shell.store.exists()
    broken = shell.write("broken.jsonl", _lines(events) + b"{\n")
    assert 1 == shell.json("evaluate", broken, status=1)["rejected"]


@pytest.mark.parametrize("words", [("export", "ada"), ("curve", "--user", "ada")])
def test_somebody_of_whom_nothing_is_held(ada: Shell, words: tuple[str, ...]) -> None:
    """An empty answer would pass for hers: who is not there is an error that names the tenant."""
    ada.run(*words)
    assert "user: there is no user 'ada' in tenant 'acme'" == ada.error(*words, "--tenant", "acme")


def test_curve_of_a_log_of_a_store_and_of_a_user(shell: Shell) -> None:
    """The same records give the same curve, replayed or stored; wrong options are named."""
    events = [
        {"type": "belief", "user": "ada", "id": "b1", "statement": "x"},
        {"type": "response", "user": "ada", "id": "r1", "text": "y", "beliefs": [{"id": "b1"}]},
        {"type": "signal", "user": "ada", "response": "r1", "kind": "answer", "value": 1},
    ]
    log = shell.write("log.jsonl", _lines(events))
    replayed = shell.json("curve", log)
    assert not shell.store.exists()
    shell.run("ingest", log)
    stored = shell.json("curve")
    for way, scores in stored["stages"][0]["scores"].items():
        assert (
            pytest.approx(replayed["stages"][0]["scores"][way]["brier"]["value"]) == scores["brier"]["value"]
        )
    assert "ada" == shell.json("curve", "--user", "ada")["user_id"]
    assert 0 == shell.json("curve", "--at-least", "2")["interactions"]
    assert "self-model" in shell.run("curve").stdout
    assert "user: is for a store" in shell.error("curve", log, "--user", "ada")
    assert "at-least: is for all users" in shell.error("curve", "--user", "ada", "--at-least", "2")
    broken = shell.write("broken.jsonl", _lines(events) + b"{\n")
    assert 1 == shell.json("curve", broken, status=1)["rejected"]


@pytest.mark.parametrize("command", ["ingest", "evaluate", "curve", "calibrate"])
def test_a_log_is_read_by_the_relater_that_the_settings_name(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """BELIEFGRAPH_RELATER judges the texts of a log wherever one is read, on a store or replayed on a scratch one."""
    encoder = ScriptedCrossEncoder({})
    install(monkeypatch, encoder)
    monkeypatch.setenv("BELIEFGRAPH_RELATER", "somebody/nli-model")
    texts = ("Wants comments in code", "Wants no comments in code")
    log = shell.write(
        "log.jsonl", _lines([{"type": "belief", "user": "ada", "statement": text} for text in texts])
    )
    shell.run(command, log, status=2 if command == "calibrate" else 0)  # one user is too few to calibrate on
    assert {texts, texts[::-1]} == set(encoder.asked)
