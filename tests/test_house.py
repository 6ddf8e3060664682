"""The house keeps its own rules, and each checker sees the code behind the links: mistakes are planted to prove it."""

import ast
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOMS = ("graph", "ingest", "queries", "api")
ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    [*(path for room in ROOMS for path in (ROOT / room).rglob("*.py")), *ROOT.glob("src/beliefgraph/**/*.py")]
)

_MISTAKES = '''"""Hold one mistake for each checker."""

import {forbidden}
import {room}

number: int = "one"
__all__ = [ "number" ]
'''
_FORBIDDEN = {
    "graph": "beliefgraph.ingest.pipeline",  # upwards
    "ingest": "beliefgraph.queries",  # sideways
    "queries": "sqlite3",  # a store's driver
    "api": "beliefgraph.graph",  # allowed
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, copy_repository: Callable[[Path], Path]) -> Path:
    """Return a copy of the repository with a file full of mistakes in each room, in the tests and in the benches."""
    copy = copy_repository(tmp_path_factory.mktemp("planted") / "copy")
    for room in ROOMS:
        mistakes = _MISTAKES.format(room=room, forbidden=_FORBIDDEN[room])
        (copy / room / "planted.py").write_text(mistakes, encoding="utf-8")
    for folder in ("tests", "bench"):
        (copy / folder).mkdir(exist_ok=True)
        mistakes = _MISTAKES.format(room="graph", forbidden="os")
        (copy / folder / "planted.py").write_text(mistakes, encoding="utf-8")
    return copy


def _run(copy: Path, environment: Mapping[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    tool = Path(sys.executable).with_name(command[0])
    path = {**environment, "PYTHONPATH": str(copy / "src"), "NO_COLOR": "1", "COLUMNS": "400"}
    return subprocess.run(
        [str(tool), *command[1:]],
        cwd=copy,
        env=path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.slow
def test_mypy_sees_a_wrong_type_in_every_folder(planted: Path, clean_environment: dict[str, str]) -> None:
    """A text for a number is an error behind each link, in the tests and in the benches."""
    found = _run(planted, clean_environment, "mypy", "--no-incremental").stdout
    places = [f"src/beliefgraph/{room}/planted.py" for room in ROOMS] + [
        "tests/planted.py",
        "bench/planted.py",
    ]
    missed = [place for place in places if f"{place}:6: error: Incompatible types in assignment" not in found]
    assert [] == missed, found


@pytest.mark.parametrize(
    ("command", "code"),
    [(["check"], "TID251"), (["format", "--check"], "unformatted")],
    ids=["import", "format"],
)
def test_ruff_sees_a_bare_import_and_bad_format_in_every_folder(
    planted: Path, clean_environment: dict[str, str], command: list[str], code: str
) -> None:
    """`import graph` and its siblings are flagged everywhere, each once, and so is what is not formatted."""
    found = json.loads(
        _run(planted, clean_environment, "ruff", *command, "--output-format", "json", ".").stdout
    )
    flagged = {
        Path(one["filename"]).relative_to(planted.resolve()).as_posix()
        for one in found
        if one["code"] == code
    }
    expected = {f"{folder}/planted.py" for folder in (*ROOMS, "tests", "bench")}
    assert expected == {place for place in flagged if place.endswith("planted.py")}


def test_import_linter_sees_an_import_that_points_up_or_sideways(
    planted: Path, clean_environment: dict[str, str]
) -> None:
    """The contracts name each planted import that breaks them, and none that keeps them."""
    found = _run(planted, clean_environment, "lint-imports", "--no-cache").stdout
    broken = {line.removesuffix(" BROKEN") for line in found.splitlines() if line.endswith(" BROKEN")}
    expected = {
        "Imports point down only",
        "Neither the pipeline nor the reads know which store they have",
    }
    assert expected == broken, found
    for importer in ("graph", "ingest", "queries"):
        assert f"beliefgraph.{importer}.planted -> {_FORBIDDEN[importer]}" in found
    assert "beliefgraph.api.planted" not in found


def test_each_link_leads_to_its_room() -> None:
    """The links are relative, so that a clone anywhere works."""
    links = {room: os.readlink(ROOT / "src" / "beliefgraph" / room) for room in ROOMS}
    assert {room: f"../../{room}" for room in ROOMS} == links


def test_only_the_settings_read_the_environment() -> None:
    """Nothing else touches it but the embedder, which switches the telemetry of a library off."""
    reading = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    ]
    assert set(reading) <= {"src/beliefgraph/settings.py", "ingest/embedder.py"}


def test_file_names_say_something() -> None:
    """No module is named after nothing in particular."""
    empty = {"base", "common", "helpers", "manager", "misc", "utils"}
    assert [] == [path for path in MODULES if path.stem in empty]


def test_importing_the_package_loads_nothing_heavy(clean_environment: dict[str, str]) -> None:
    """Libraries that take long to import wait until they are needed."""
    heavy = "{'torch', 'transformers', 'sentence_transformers', 'sklearn', 'scipy', 'matplotlib', 'neo4j', 'fastapi'}"
    program = f"import sys, beliefgraph; print(sorted({heavy} & set(sys.modules)))"
    environment = {**clean_environment, "PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "[]" == ran.stdout.strip()


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1"])
def test_the_network_is_closed(host: str) -> None:
    """A test that reaches for another machine fails at once."""
    with pytest.raises(PermissionError, match="the network is closed"):
        socket.create_connection((host, 443))


def test_this_machine_can_be_reached() -> None:
    """A server on the loopback interface is open to tests."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert server.getsockname() == client.getpeername()
