"""The demo tells what it says it tells, with the real model."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from beliefgraph.cli import app


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
    assert max(map(len, lines)) <= 92
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    for line in (line.split() for line in lines if line.count("→") == 2 and "%" in line):
        share, examples, java = line[-7], " ".join(line[-6:-3]), " ".join(line[-3:])
        assert f"| {share} | {examples} | {java} |" in readme
