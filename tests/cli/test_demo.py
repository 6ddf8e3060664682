"""The demo tells what it says it tells, with the real model."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from beliefgraph import SelfModel
from beliefgraph.cli import Session, app
from beliefgraph.cli.demo import invitation
from beliefgraph.ingest.relate import Pair, Relation
from beliefgraph.ingest.verdicts import Decision
from tests.embedders import CONTRADICTION, SUSPICION, ScriptedRelater, WordEmbedder

OLD, NEW = "Wants comments in code", "I want no comments in code"


def test_the_last_words_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`make demo` leaves the command in .venv alone: what puts it on the PATH comes first, unless it is there."""
    typed = 'beliefgraph believe me "…"  ·  beliefgraph --help'
    command = tmp_path / ".venv" / "bin" / "beliefgraph"
    command.parent.mkdir(parents=True)
    for file in (command, command.with_name("activate")):
        file.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert f". .venv/bin/activate  ·  {typed}" == invitation()
    monkeypatch.setenv("PATH", str(command.parent))
    assert typed == invitation()


def _check_contradiction(lines: list[str]) -> None:
    """Check that a belief is spawned, a conflict found, weighed, explained before it is decided, and decided."""
    old, new = OLD, NEW
    act = next(place for place, line in enumerate(lines) if f"She says: “{new}”" in line)
    told = " ".join(" ".join(lines[act:]).split())
    assert f"{new} .50 → " in told  # spawned
    assert re.search(r" contradiction, confirmed: \d+% sure ", told)
    before, lowered = re.search(rf" {old} \.(\d\d) → \.(\d\d) stated ", told).groups()  # type: ignore[union-attr]
    assert lowered < before
    explained, _, decided = told.partition("beliefgraph resolve decides ")
    assert re.search(rf"It contradicts “{new}” \([\d.]+ % sure\): both cannot be true", explained)
    assert f"{new} stands" in decided
    assert f"{old} no longer used" in decided
    assert "reason: newer; beliefgraph decide --undo takes it back" in decided


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({}, ["nothing: what is only suspected is left to a person"]),
        ({(NEW, OLD): SUSPICION}, ["contradiction, suspected: 70% sure", "nothing: what is only suspected"]),
    ],
)
def test_an_undecided_conflict_is_not_told_as_decided(script: dict[Pair, Relation], told: list[str]) -> None:
    """Where the relater finds none, or merely suspects one, the act says so and neither belief goes."""
    session = Session(embedder=WordEmbedder(), relater=ScriptedRelater(script))
    found = CliRunner().invoke(app, ["demo"], obj=session, prog_name="beliefgraph")
    assert 0 == found.exit_code, found.output
    for each in told:
        assert each in found.stdout
    assert "no longer used" not in found.stdout.partition("resolve decides")[2].partition("“Why")[0]


def test_what_is_only_asked_about_is_not_offered_for_undoing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the job decides nothing, a person is asked, and there is nothing to take back."""

    def ask(user: SelfModel) -> list[Decision]:
        (conflict,) = user.conflicts()
        return [
            Decision(conflict_id=conflict.id, beliefs=conflict.beliefs, verdict="ask", reason="same_time")
        ]

    monkeypatch.setattr(SelfModel, "resolve_conflicts", ask)
    session = Session(embedder=WordEmbedder(), relater=ScriptedRelater({(NEW, OLD): CONTRADICTION}))
    found = CliRunner().invoke(app, ["demo"], obj=session, prog_name="beliefgraph")
    assert "reason: same_time; a person decides, by beliefgraph decide\n" in found.stdout
    assert "asked about" in found.stdout
    assert "--undo" not in found.stdout


@pytest.mark.model
def test_the_same_thumbs_down_means_four_things() -> None:
    """Each of the four is read as what it is, the retraction puts the numbers back, the replay agrees."""
    told = CliRunner().invoke(app, ["demo"], prog_name="beliefgraph")
    assert 0 == told.exit_code, told.output
    lines = told.stdout.splitlines()
    assert "" == told.stderr
    assert "\x1b" not in told.stdout
    for meaning in ("an accident", "bad format", "a wrong belief", "a right one, missed"):
        assert 1 == sum(f"  {meaning}  " in line for line in lines)
    [missed] = (line for line in lines if "a right one, missed" in line)
    [back] = (line for line in lines if "as if it had never come" in line)
    before, _, after = missed.split()[-6:-3]
    assert [after, "→", before] == back.split()[1:4]
    assert any(line.endswith("replayed: the same numbers") for line in lines)
    assert any(line.startswith("   I write Go now ") for line in lines)  # the correction took Java's place
    _check_contradiction(lines)
    assert max(map(len, lines)) <= 92
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    for line in (line.split() for line in lines if line.count("→") == 2 and "%" in line):
        share, examples, java = line[-7], " ".join(line[-6:-3]), " ".join(line[-3:])
        assert f"| {share} | {examples} | {java} |" in readme
