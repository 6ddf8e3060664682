"""Calibration on the command line: what it answers, what it writes, and what wrong use gets."""

from dataclasses import replace
from pathlib import Path

import pytest

from beliefgraph.ingest.parameters import load_parameters
from bench import curves, worlds
from tests.cli.shell import Shell

GRUMPY = replace(worlds.BASE, name="grumpy", candour=0.7, fault=0.05)


def test_a_log_is_calibrated(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better parameters are written where --out says, those no better are not; lines that make no event are counted."""
    lines = [*curves.to_lines(GRUMPY, users=70, seed=1), "no event", '{"type": "signal"}']
    log = shell.write("log.jsonl", "\n".join(lines))
    out = tmp_path / "fitted.toml"
    found = shell.json("calibrate", log, "--share", "0.5", "--out", str(out))
    assert found["better"]
    assert found["version"] == load_parameters(out).version
    assert (7000, 2) == (found["provenance"]["signals"], found["rejected"])
    shell.run("ingest", log, status=1)
    shown = shell.run("calibrate", "--share", "0.5").stdout
    assert "Prediction of signals" in shown
    assert "better on held-out users" in shown
    monkeypatch.setenv("BELIEFGRAPH_PARAMETERS", str(out))
    again = tmp_path / "again.toml"
    assert (
        "not to be adopted" in shell.run("calibrate", "--share", "0.5", "--out", str(again), status=1).stdout
    )
    assert not again.exists()


def test_too_few_users_are_wrong_use(shell: Shell, tmp_path: Path) -> None:
    """An empty store, a share out of range and a picture of no known form are told apart, and nothing is written."""
    out = tmp_path / "fitted.toml"
    assert shell.error("calibrate", "--out", str(out)).startswith("users: must be at least 20")
    assert shell.error("calibrate", "--share", "2").startswith("share: must be a number between 0 and 1")
    assert shell.error("calibrate", "--plot", "x.bmp").startswith("plot: the file's name must end in")
    assert not out.exists()


def test_what_cannot_be_written_is_said_before_the_run(shell: Shell, tmp_path: Path) -> None:
    """No such folder, a folder, the log itself, a wrong share: the field is named and nothing is replayed."""
    log = shell.write("log.jsonl", "no event\n")
    for arguments, expected in (
        (("--out", str(tmp_path / "none" / "fitted.toml")), "out: there is no folder"),
        (("--out", str(tmp_path)), "out: "),
        (("--out", log), "out: "),
        (("--plot", str(tmp_path / "none" / "fit.png")), "plot: there is no folder"),
        (("--share", "1"), "share: must be a number between 0 and 1"),
        (("--share", "some"), "share: "),
    ):
        assert shell.error("calibrate", log, *arguments).startswith(expected)
    assert "no event\n" == Path(log).read_text(encoding="utf-8")


def test_a_store_is_reinterpreted(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another parameters file each belief that moves gets one revision; a second run finds nothing to do."""
    shell.run("believe", "ada", "Prefers tea", "--id", "b1")
    shell.run("respond", "ada", "Green tea?", "--belief", "b1", "--id", "r1")
    shell.run("signal", "ada", "rating", "-1", "--response", "r1")
    own = shell.write("own.toml", 'version = "own"\n[attribution]\nwrong_dissatisfies = 0.5\n')
    monkeypatch.setenv("BELIEFGRAPH_PARAMETERS", own)
    done = {"version": "own", "users": 1, "beliefs": 1, "moved": 1}
    assert done == shell.json("reinterpret")
    assert "1 user: 0 of 1 belief moved, under own\n" == shell.run("reinterpret").stdout
    last = shell.json("revisions", "ada", "b1")[-1]
    assert ("parameters", "own", "own") == tuple(
        last[name] for name in ("cause_kind", "cause_id", "parameters_version")
    )
    assert shell.json("verify")["ok"]
