"""What is built: the wheel is complete, holds nothing else, and works from any folder; the locked versions travel."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOMS = ("graph", "ingest", "queries", "api")
SHIPPED = (
    ".py",
    ".sql",
    ".toml",
    ".yaml",
    ".cypher",
    ".html",
    ".css",
    ".typed",
    ".onnx",
    ".json",
    ".md",
    ".txt",
)

_TOUR = """
import importlib, importlib.util, pkgutil, sys
import beliefgraph

assert [] == [room for room in ("graph", "ingest", "queries", "api") if importlib.util.find_spec(room)]
for module in pkgutil.walk_packages(beliefgraph.__path__, "beliefgraph."):
    importlib.import_module(module.name)

from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.parameters import load_parameters

load_parameters()
store = SqliteStore("tour.db")
print(beliefgraph.__file__, store.read(Scope("tenant", "ada"), lambda reader: reader.head().seq))
store.close()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, copy_repository: Callable[[Path], Path]) -> Path:
    """Return a folder with the source archive and the wheel made from it, built from a copy without leftovers."""
    place = tmp_path_factory.mktemp("built")
    copy_repository(place / "copy")
    _check_run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place / "dist")], place / "copy"
    )
    return place / "dist"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment that holds the wheel, and sees our dependencies but not our sources."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(place, with_pip=True, symlinks=True)
    python = place / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    _check_run([str(python), "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", str(wheel)], place)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(sorted(ours)) + "\n", encoding="utf-8")
    return python


def _check_run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _expected(repository: Path) -> set[str]:
    """Return what the wheel should hold: the files of the package itself (no link is walked into) and of the rooms."""
    package = repository / "src"
    folders = [(package, package / "beliefgraph"), *((repository, repository / room) for room in ROOMS)]
    inside = [
        path.relative_to(top)
        for top, folder in folders
        for path in folder.rglob("*")
        if path.suffix in SHIPPED
    ]
    return {
        path.as_posix() if path.parts[0] == "beliefgraph" else f"beliefgraph/{path.as_posix()}"
        for path in inside
    }


def test_the_wheel_holds_every_module_and_data_file_and_nothing_else(built: Path, repository: Path) -> None:
    """Every module, query file and parameters file behind the links is there, and no folder beside beliefgraph."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licenses = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    assert _expected(repository) == names
    assert {
        "beliefgraph/graph/sqlite/schema.sql",
        "beliefgraph/ingest/parameters.toml",
        "beliefgraph/py.typed",
    } <= names
    assert 1 == len(licenses)


def test_the_source_archive_builds_without_the_links(built: Path) -> None:
    """The source archive holds files where the repository has links, so that it unpacks on any system."""
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        links = [member.name for member in archive.getmembers() if member.issym() or member.islnk()]
    assert [] == links


def test_the_wheel_works_from_another_folder(
    installed: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    """Every module imports, the parameters load, a store opens, and no top-level `graph` or `api` exists."""
    place, seq = _check_run([str(installed), "-c", _TOUR], tmp_path, clean_environment).split()
    assert Path(place).is_relative_to(installed.parents[1])
    assert "0" == seq


def test_the_command_line_works_from_another_folder(
    installed: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    """`beliefgraph version` answers with the version of the wheel."""
    command = installed.with_name("beliefgraph")
    assert "0.1.0" in _check_run([str(command), "version"], tmp_path, clean_environment)


def test_the_locked_versions_name_no_index(repository: Path) -> None:
    """The constraints work with whatever index the machine uses: versions only, no address and no option."""
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [] == [line for line in locked if "==" not in line or "://" in line or line.startswith("-")]
    assert "://" not in "\n".join(lines)
