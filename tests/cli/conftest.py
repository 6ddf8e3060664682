"""Shells to run the command line with."""

from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell on an empty store."""
    return Shell(store=tmp_path / "beliefs.db", folder=tmp_path)


@pytest.fixture
def ada(shell: Shell) -> Shell:
    """Return a shell on a store in which Ada has two beliefs, a response and a signal."""
    shell.run(
        "believe",
        "ada",
        "Documentation should include runnable examples",
        "--confidence",
        "0.87",
        "--id",
        "b1",
    )
    shell.run("believe", "ada", "Prefers short answers", "--id", "b2", "--context", "device=mobile")
    shell.run("respond", "ada", "Use the cursor", "--belief", "b1/0.6/0.9", "--belief", "b2", "--id", "r1")
    shell.run(
        "signal", "ada", "rating", "-1", "--response", "r1", "--text", "There is no example", "--id", "s1"
    )
    return shell
