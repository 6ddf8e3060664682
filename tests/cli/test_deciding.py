"""`resolve` and `decide`: what they print, that a dry run writes nothing, and that a decision is taken back."""

import pytest

from beliefgraph import SelfModel
from beliefgraph.ingest.verdicts import Decision
from tests.cli.shell import Shell
from tests.embedders import CONTRADICTION, ScriptedRelater

TEA, COFFEE = "drinks tea in the morning", "drinks coffee in the morning"


def _conflict(shell: Shell) -> str:
    shell.run("believe", "ada", TEA, "--id", "b0", "--at", "2026-01-01T00:00:00Z")
    shell.run("believe", "ada", COFFEE, "--id", "b1", "--at", "2026-01-02T00:00:00Z")
    (conflict,) = shell.json("conflicts", "ada")
    return str(conflict["id"])


def _shell(shell: Shell) -> Shell:
    return Shell(
        store=shell.store, folder=shell.folder, relater=ScriptedRelater({(COFFEE, TEA): CONTRADICTION})
    )


def test_the_job_says_what_it_would_do_and_does_it(shell: Shell) -> None:
    """A dry run names the same decision and leaves both beliefs; afterwards there is nothing left."""
    shell = _shell(shell)
    _conflict(shell)
    before = shell.json("revisions", "ada", "b0")
    planned = shell.json("resolve", "--dry-run")
    assert before == shell.json("revisions", "ada", "b0")
    assert planned == shell.json("resolve", "--user", "ada")
    assert ("ada", "keep", "newer", "b1") == tuple(
        planned[0][key] for key in ("user", "verdict", "reason", "keep")
    )
    assert {"held", "superseded"} == {belief["standing"] for belief in shell.json("beliefs", "ada")}
    assert "no conflict to decide\n" == shell.run("resolve").stdout


def test_the_job_tells_it_in_words(shell: Shell) -> None:
    """Who, what stands, what does not, and how many."""
    shell = _shell(shell)
    _conflict(shell)
    told = shell.run("resolve").stdout
    assert f"“{COFFEE}” stands, “{TEA}” does not" in told
    assert "1 conflict decided, 0 to ask about" in told


def test_a_person_decides_and_takes_it_back(shell: Shell) -> None:
    """Keep, undo, scope: each says how the conflict stands."""
    shell = _shell(shell)
    conflict = _conflict(shell)
    kept = shell.run("decide", "ada", conflict, "--keep", "b0", "--reason", "she told us").stdout
    assert "resolved: kept: she told us (kept b0)\n" == kept
    assert "confirmed" == shell.json("decide", "ada", conflict, "--undo")["status"]
    shell.run("decide", "ada", conflict, "--scope", "b0", "place=work", "--scope", "b1", "place=home")
    contexts = {belief["id"]: belief["context"] for belief in shell.json("beliefs", "ada")}
    assert {"b0": {"place": "work"}, "b1": {"place": "home"}} == contexts


def test_a_user_erased_meanwhile_is_passed_over(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is erased after the job decided is not told of, and the users after her are decided and told."""
    shell = _shell(shell)
    _conflict(shell)
    for name, text, day in (("b0", TEA, 1), ("b1", COFFEE, 2)):
        shell.run("believe", "bob", text, "--id", name, "--at", f"2026-01-0{day}T00:00:00Z")
    decide = SelfModel.resolve_conflicts

    def decide_and_erase(model: SelfModel, *, dry_run: bool = False) -> list[Decision]:
        decisions = decide(model, dry_run=dry_run)
        if model.user_id == "ada":
            model.erase()
        return decisions

    monkeypatch.setattr(SelfModel, "resolve_conflicts", decide_and_erase)
    assert ["bob"] == [decided["user"] for decided in shell.json("resolve")]


def test_wrong_decisions_are_refused(shell: Shell) -> None:
    """No decision, two of them, an unknown conflict."""
    shell = _shell(shell)
    conflict = _conflict(shell)
    assert "keep: must be given alone, or else exactly one of" in shell.error("decide", "ada", conflict)
    assert "keep: must be given alone, or else exactly one of" in shell.error(
        "decide", "ada", conflict, "--undo", "--dismiss"
    )
    assert "there is no conflict" in shell.error("decide", "ada", "c_unknown", "--dismiss")
