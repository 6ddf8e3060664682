"""The command line, run in this process on a store of its own, with an embedder that needs no model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from beliefgraph.cli import Session, app
from beliefgraph.ingest.relate import Relater
from tests.embedders import WordEmbedder


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs commands on one store: a file, or where `target` leads."""

    store: Path
    folder: Path
    relater: Relater | None = None
    target: str | None = None

    def run(self, *words: str, stdin: str | bytes | None = None, status: int = 0) -> Result:
        """Run a command and check its exit status, and that nothing of ours leaked out as a traceback."""
        found = CliRunner().invoke(
            app,
            list(words),
            input=stdin,
            obj=Session(target=self.target or str(self.store), embedder=WordEmbedder(), relater=self.relater),
            prog_name="beliefgraph",
        )
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        assert status == found.exit_code, found.output
        return found

    def json(self, *words: str, stdin: str | bytes | None = None, status: int = 0) -> Any:
        """Run a command with `--json` and return what it answers."""
        return json.loads(self.run(*words, "--json", stdin=stdin, status=status).stdout)

    def error(self, *words: str, status: int = 2) -> str:
        """Run a command that fails and return its one line on stderr."""
        found = self.run(*words, status=status)
        lines = found.stderr.splitlines()
        assert 1 == len(lines), found.stderr
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file beside the store and return its path."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)
