"""The page on HTTP is true: every curl command of it works as it stands, in its order, and so does its Python."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from bench.service import in_thread
from tests.api.served import open_scripted
from tests.worlds import Clock, near

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Serve an empty store; return what the page exports."""
    keys, clock = KeyFile(tmp_path / "keys.jsonl"), Clock()
    _, key = keys.create("acme", ["read", "write"])
    app = create_app(lambda: open_scripted(tmp_path / "beliefs.db", clock), keys=keys)
    with in_thread(app) as address:
        yield {"API": address, "KEY": key}


def test_the_commands_close_a_loop(place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command exits with 0 and prints JSON; the signal moves the belief, and its retraction moves it back."""
    printed: list[str] = []
    for block in _blocks("sh"):
        for command in re.sub(r" \\\n\s*", " ", block).splitlines():
            ran = subprocess.run(
                ["bash", "-c", command],
                env={**os.environ, **place},
                capture_output=True,
                text=True,
                check=False,
            )
            assert 0 == ran.returncode, f"{command}\n{ran.stdout}{ran.stderr}"
            printed.append(ran.stdout)
    answers = [json.loads(one) for one in printed]
    assert near(0.87) == answers[0]["confidence"]
    assert answers[3]["interpretation"]["effects"]
    assert "runnable examples" in answers[4]["prose"]
    assert 2 == len(answers[7]["outcomes"])
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    (program,) = _blocks("python")
    exec(compile(program, "docs/http.md", "exec"), {})  # noqa: S102 - our own page
