"""What is written: links lead somewhere, Python blocks run, commands exist, doctests hold, no file names a machine."""

import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/**/*.md")])
ROOMS = ("graph", "ingest", "queries", "api")
OURS = (*ROOMS, "bench", "docs", "src/beliefgraph", "tests", ".ci", ".github")
SOURCES = sorted(
    [*(path for room in ROOMS for path in (ROOT / room).rglob("*.py")), *ROOT.glob("src/beliefgraph/**/*.py")]
)

_LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)")
_FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
_REASON = re.compile(r"<!-- not run: (\S.*?) -->\s*\Z", re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|home|root|Users|tmp/\w+)/")


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, the line it starts on, and why it is not run."""

    language: str
    text: str
    line: int
    reason: str | None


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(text):
        reason = _REASON.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start(3))
        yield Block(fence[2], fence[3], line, reason and reason[1])


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that hosting sites give a page's headings."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(_prose(page)))
    return {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there, and every anchor a heading on it."""
    dead = []
    for target in _LINK.findall(_prose(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name) if name else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in _anchors(place)):
            dead.append(target)
    assert [] == dead


@pytest.mark.model
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.language == "python" for block in _blocks(page))], ids=_name
)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run one after the other in one session, but for those that say why not.

    A block is left out by a comment in front of it: `<!-- not run: needs a server -->`.
    """
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {"__name__": "__main__"}
    for block in _blocks(page):
        if block.language == "python" and block.reason is None:
            exec(compile("\n" * block.line + block.text, str(page), "exec"), session)  # noqa: S102 - our own pages


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_exist(page: Path) -> None:
    """Every `make` target that a page names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(
        re.findall(r"(?:`|^\s*\$? ?|&& )make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set() == named - targets


@pytest.mark.parametrize(
    "source", [path for path in SOURCES if ">>>" in path.read_text(encoding="utf-8")], ids=_name
)
def test_examples_in_docstrings_hold(source: Path) -> None:
    """Every doctest gives what it shows."""
    inside = source.relative_to(ROOT / "src" if source.is_relative_to(ROOT / "src") else ROOT).with_suffix("")
    parts = inside.parts if inside.parts[0] == "beliefgraph" else ("beliefgraph", *inside.parts)
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    failed, tried = doctest.testmod(module)
    assert (0, True) == (failed, tried > 0)


def test_no_file_names_a_machine() -> None:
    """No page, module or setting names a folder of the machine that it was written on."""
    top = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".env"]
    files = [*top, *(path for folder in OURS for path in (ROOT / folder).rglob("*") if path.is_file())]
    named = [
        f"{_name(path)}: {match[0]}"
        for path in files
        if path.suffix in (".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".sql", ".cypher", ".json", "")
        and "__pycache__" not in path.parts
        and path.relative_to(ROOT).parts[:2] != ("bench", "out")
        for match in _MACHINE_PATH.finditer(path.read_text(encoding="utf-8"))
    ]
    assert [] == named


def test_a_block_is_left_out_only_with_a_reason(tmp_path: Path) -> None:
    """The runner reads the language, the line and the reason of each block."""
    page = tmp_path / "page.md"
    fence = "```"
    page.write_text(
        f"{fence}python\na = 1\n{fence}\n\n<!-- not run: needs a server -->\n{fence}python\nb = 2\n{fence}\n",
        encoding="utf-8",
    )
    expected = [Block("python", "a = 1\n", 1, None), Block("python", "b = 2\n", 6, "needs a server")]
    assert expected == list(_blocks(page))
