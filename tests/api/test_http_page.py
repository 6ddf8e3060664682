"""What is said of HTTP is true: every command of the page on it and of the service's own pages works as it stands."""

import html
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from beliefgraph.ingest.parameters import load_parameters
from bench.service import in_thread
from tests.api.served import Api, open_scripted
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


def _shown(page: str) -> list[str]:
    """Return the commands of a page, as a browser shows them."""
    return [html.unescape(one) for one in re.findall(r'<pre class="run"><code>(.*?)</code>', page, re.DOTALL)]


def _run(command: str, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl -sS --fail-with-body ")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, f"{command}\n{done.stdout}{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("guarded", [True, False])
def test_a_reader_of_the_service_alone_closes_a_loop(tmp_path: Path, guarded: bool) -> None:
    """The steps of `/`, and then those of `/docs`, work one after the other, with a key and without."""
    keys, clock = KeyFile(tmp_path / "keys.jsonl"), Clock()
    _, key = keys.create("acme", ["read", "write"])
    app = create_app(lambda: open_scripted(tmp_path / "beliefs.db", clock), keys=keys if guarded else None)
    with in_thread(app) as address:
        first = _shown(httpx.get(address).text)
        exported, *steps = _shown(httpx.get(f"{address}/docs").text)
        assert f"export API={address}{' KEY=…' if guarded else ''}" == exported
        assert (2, 6) == (len(first), len(steps))
        environment = {"API": address, "KEY": key}
        answers = [_run(one.replace("Bearer KEY", f"Bearer {key}"), environment) for one in first]
        answers += [_run(one, environment) for one in steps]
    held, plan, held_again, planned_again, _, outcome, explained, retracted = answers
    assert (held["id"], near(0.87)) == (held_again["id"], held_again["confidence"])
    assert plan["prompt"] == planned_again["prompt"]
    assert outcome["revisions"] and "would_change" in explained
    assert near(0.87) == retracted["revisions"][0]["after"]


def test_the_page_of_the_service_says_what_each_signal_means(api: Api) -> None:
    """Every kind that a caller may send stands in its table with what the user did; samples come in their order."""
    page = api.send("GET", "/docs").text
    table = page[page.index('<h2 id="signals">') : page.index('<h2 id="events">')]
    rows = re.findall(r"<tr><td><code>(\w+)</code></td><td>(.*?)</td>", table)
    sent = set(load_parameters().signals) - {"set", "onboarding"}
    assert sent == set(load_parameters().sent)
    assert sent == {kind for kind, meaning in rows if meaning}
    sample = re.search(r"<div><p>Every belief considered.*?<pre><code>(.*?)</code>", page, re.DOTALL)
    assert sample is not None
    assert ["query", "context", "limit", "max_chars"] == list(json.loads(html.unescape(sample[1])))
    assert re.search(r"<td>(path|query|header)</td><td>[^<]*null", page) is None
