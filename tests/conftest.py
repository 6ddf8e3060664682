"""What holds for every test: no network beyond this machine, no settings or stores of the developer's own."""

import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bench.neo4j_server import Address, LocalServer, NoServer, fetch_jars, running_local_server
from tests.neo4j_server import claim, find_server, wipe

_DEVELOPERS_OWN = dict(os.environ)

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def _is_here(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _keep_the_network_closed(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to look up or reach any host but this one; named sockets of the file system stay open."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    else:
        return
    if not _is_here(host):
        raise PermissionError(f"the network is closed in tests: {event} to {host!r}")


def pytest_configure() -> None:
    """Close the network in this process, and tell programs that tests start to stay off it."""
    sys.addaudithook(_keep_the_network_closed)
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", PIP_NO_INDEX="1", UV_OFFLINE="1")


@pytest.fixture(autouse=True)
def _settings_from_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let no setting of the developer's shell into a test, and no store of a test into her data folder."""
    for name in list(os.environ):
        if name.startswith(("BELIEFGRAPH_", "NEO4J_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def copy_repository(repository: Path) -> Callable[[Path], Path]:
    """Return a function that copies the repository to a new folder, links as links, without what was built."""
    built = shutil.ignore_patterns(
        ".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "out", "*.egg-info"
    )

    def copy(place: Path) -> Path:
        return Path(shutil.copytree(repository, place, symlinks=True, ignore=built))

    return copy


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    """Return the environment for programs that must not see this repository by accident."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))
    }


@contextmanager
def _a_server() -> Iterator[None]:
    """Where no server can be had, skip in one loud line, or fail if REQUIRE_NEO4J says so."""
    try:
        yield
    except NoServer as error:
        if _DEVELOPERS_OWN.get("REQUIRE_NEO4J"):
            raise
        pytest.skip(f"TESTS ON NEO4J ARE NOT RUN: {error}")


@pytest.fixture(params=["store", "service"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test hold for the store itself, and for the same store behind a service (`tests.worlds.open_world`)."""
    monkeypatch.setattr("tests.worlds.SERVED", request.param == "service")


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def either_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test hold on both stores; two worlds at once need two tenants (`tests.worlds.open_world`)."""
    if request.param == "neo4j":
        monkeypatch.setattr("tests.worlds.TARGET", request.getfixturevalue("neo4j_address").uri)


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[Address]:
    """Lend one Neo4j server to all tests."""
    with ExitStack() as stack:
        with _a_server():
            address = stack.enter_context(find_server(_DEVELOPERS_OWN))
            claim(address)
        yield address


@pytest.fixture(scope="session")
def neo4j_jars() -> Path:
    """Return the folder with the jars of a Neo4j server."""
    with _a_server():
        return fetch_jars()


_SHORT_LIVED = ["-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
"""Has Java compile quickly rather than well: a server that is started often spends most of its time on that."""


@pytest.fixture(scope="module")
def mortal_server() -> Iterator[LocalServer]:
    """Lend a server of the module's own, which may be killed and started again; its database is claimed."""
    with ExitStack() as stack:
        with _a_server():
            server = stack.enter_context(running_local_server(heap="512m", options=_SHORT_LIVED))
            claim(server.address)
        yield server


@pytest.fixture
def neo4j_address(neo4j_server: Address, monkeypatch: pytest.MonkeyPatch) -> Address:
    """Return where the server is, with an empty database and with its settings in the environment."""
    wipe(neo4j_server)
    monkeypatch.setenv("NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    if neo4j_server.database is not None:
        monkeypatch.setenv("NEO4J_DATABASE", neo4j_server.database)
    return neo4j_server
