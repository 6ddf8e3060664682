"""A real Neo4j server for the benches and the tests: in Docker, else from Maven Central on this machine's Java.

The jars (about 120 MB) are fetched once into the user's cache folder. A server that is started here listens on a free
port of the loopback interface, keeps its data in a temporary folder and is killed at the end, also when the process
that started it is killed. Where none can be had, `NoServer` says what was missing.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import neo4j
import platformdirs
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from beliefgraph.settings import Settings

POM = Path(__file__).with_name("neo4j.pom.xml")
IMAGE = "neo4j:5.26-community"
USERNAME = "neo4j"
_READY_S = 200.0
_JAVA_SINCE = 17

_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent", "java.lang")
_JAVA = (
    "-XX:+UseParallelGC",
    "-Dio.netty.tryReflectionSetAccessible=true",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
)
_SETTINGS = """\
server.bolt.listen_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.heap.max_size={heap}
server.memory.pagecache.size=256m
db.index_sampling.background_enabled=false
dbms.usage_report.enabled=false
"""


class NoServer(Exception):
    """No Neo4j server can be had on this machine; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How to reach a server. The password does not show in `repr`."""

    uri: str
    username: str = USERNAME
    password: str = field(repr=False)
    database: str | None = None

    def settings(self) -> Settings:
        """Return the settings that lead to this server."""
        return Settings(
            neo4j_uri=self.uri,
            neo4j_user=self.username,
            neo4j_password=self.password,
            neo4j_database=self.database,
        )

    def driver(self) -> neo4j.Driver:
        """Open a driver of our own, for looking behind the store's back."""
        return neo4j.GraphDatabase.driver(self.uri, auth=(self.username, self.password))


_WATCH = "import subprocess, sys; sys.stdin.read(1) or subprocess.run(sys.argv[1:])"


@contextlib.contextmanager
def if_killed(*command: str) -> Iterator[None]:
    """Have a command run if this process is killed inside the block.

    A process of its own waits at a pipe: a byte says that the block has ended, and its end alone that we are gone.
    """
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCH, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watcher.communicate(b".")


class LocalServer:
    """A server from jars in a home folder of its own, which can be killed and started again on the same data."""

    def __init__(self, jars: Path, home: Path, *, heap: str = "1g", options: Sequence[str] = ()) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._jars, self._home, self._heap, self._options = jars, home, heap, options
        self._process: subprocess.Popen[bytes] | None = None
        self._watched = contextlib.ExitStack()
        self.address = Address(uri=f"bolt://127.0.0.1:{self.port}", password=secrets.token_hex(16))
        (home / "conf").mkdir(parents=True)
        written = _SETTINGS.format(port=self.port, heap=heap)
        (home / "conf" / "neo4j.conf").write_text(written, encoding="utf-8")

    def start(self) -> None:
        """Start the server, unless it runs, and wait until it answers. Raises `NoServer` when it does not."""
        if self._alive():
            return
        command = [
            "java",
            f"-Xms{self._heap}",
            f"-Xmx{self._heap}",
            *_JAVA,
            *self._options,
            "-cp",
            f"{self._jars}/*",
            "org.neo4j.server.CommunityEntryPoint",
        ]
        places = [f"--home-dir={self._home}", f"--config-dir={self._home / 'conf'}", "--console-mode"]
        with (self._home / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                [*command, *places], stdout=console, stderr=console, stdin=subprocess.DEVNULL
            )
        clean = 'kill -9 "$0"; rm -r "$1"'
        self._watched.enter_context(if_killed("sh", "-c", clean, str(self._process.pid), str(self._home)))
        try:
            wait_for(self.address, self._alive)
        except NoServer as error:
            self.kill()
            said = (self._home / "console.log").read_text(encoding="utf-8", errors="replace")
            raise NoServer(f"{error}\n{said[-2000:]}") from None

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill the server as a power failure would (SIGKILL) and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._watched.close()


@contextlib.contextmanager
def start_server() -> Iterator[Address]:
    """Lend a server that is started for this purpose: in Docker, else from jars. Raises `NoServer`."""
    reasons = []
    for start in (docker_server, local_server):
        with contextlib.ExitStack() as stack:
            try:
                address = stack.enter_context(start())
            except NoServer as error:
                reasons.append(str(error))
                continue
            yield address
            return
    raise NoServer("; ".join(reasons))


@contextlib.contextmanager
def local_server() -> Iterator[Address]:
    """Lend a server that runs from jars on this machine's Java. Raises `NoServer`."""
    with running_local_server() as server:
        yield server.address


@contextlib.contextmanager
def running_local_server(heap: str = "1g", options: Sequence[str] = ()) -> Iterator[LocalServer]:
    """Lend the process itself, for tests that kill it; `options` are Java's. Raises `NoServer`."""
    jars = fetch_jars()
    home = Path(tempfile.mkdtemp(prefix="neo4j-"))
    server = LocalServer(jars, home, heap=heap, options=options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(home, ignore_errors=True)


def fetch_jars() -> Path:
    """Return the folder of the server's jars, fetched with Maven on first use. Raises `NoServer`."""
    version = ET.parse(POM).findtext(".//{*}neo4j.version")  # noqa: S314, our own file
    jars = platformdirs.user_cache_path("beliefgraph", appauthor=False) / f"neo4j-{version}"
    _check_java()
    if jars.is_dir():
        return jars
    if shutil.which("mvn") is None:
        raise NoServer("Maven is not installed")
    jars.parent.mkdir(parents=True, exist_ok=True)
    fetched = Path(tempfile.mkdtemp(prefix=jars.name, dir=jars.parent))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
    ran = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, timeout=1200, check=False
    )
    if ran.returncode != 0:
        shutil.rmtree(fetched)
        raise NoServer(f"Maven could not fetch the server: {(ran.stdout + ran.stderr).strip()[-500:]}")
    try:
        fetched.rename(jars)  # whoever comes first, all or nothing
    except OSError:
        shutil.rmtree(fetched)
    return jars


def _check_java() -> None:
    """Raise `NoServer` unless there is a Java that the server runs on."""
    if shutil.which("java") is None:
        raise NoServer(f"Java {_JAVA_SINCE} is not installed")
    ran = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=60, check=False)
    said = re.search(r'version "(?:1\.)?(\d+)', ran.stderr)
    if said is None or int(said[1]) < _JAVA_SINCE:
        found = f"Java {said[1]}" if said else "no Java that tells its version"
        raise NoServer(f"Neo4j needs Java {_JAVA_SINCE} or newer, and `java` here is {found}")


@contextlib.contextmanager
def docker_server() -> Iterator[Address]:
    """Lend a server in a container. Raises `NoServer` when no engine answers or it cannot run the image."""
    if shutil.which("docker") is None:
        raise NoServer("Docker is not installed")
    password = secrets.token_hex(16)
    settings = {
        "NEO4J_server_memory_heap_initial__size": "1g",
        "NEO4J_server_memory_heap_max__size": "1g",
        "NEO4J_server_jvm_additional": "-XX:-UseG1GC -XX:+UseParallelGC",
        "NEO4J_server_memory_pagecache_size": "256m",
        "NEO4J_db_index__sampling_background__enabled": "false",
        "NEO4J_dbms_usage__report_enabled": "false",
    }
    flags = [flag for name, value in settings.items() for flag in ("--env", f"{name}={value}")]
    environment = {**os.environ, "NEO4J_AUTH": f"{USERNAME}/{password}"}
    run = ["docker", "run", "--rm", "--detach", "--publish", "127.0.0.1::7687", "--env", "NEO4J_AUTH"]
    container = _docker(*run, *flags, IMAGE, environment=environment)
    try:
        ports = json.loads(
            _docker("docker", "inspect", "--format", "{{json .NetworkSettings.Ports}}", container)
        )
        port = ports["7687/tcp"][0]["HostPort"]
        address = Address(uri=f"bolt://127.0.0.1:{port}", password=password)
        with if_killed("docker", "kill", container):
            wait_for(address)
            yield address
    finally:
        subprocess.run(["docker", "kill", container], capture_output=True, check=False)


def _docker(*command: str, environment: Mapping[str, str] | None = None) -> str:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise NoServer("Docker does not answer") from None
    if ran.returncode != 0:
        said = ran.stderr.strip().splitlines()
        raise NoServer(f"Docker cannot run it: {said[-1] if said else 'no reason given'}")
    return ran.stdout.strip()


def wait_for(
    address: Address, alive: Callable[[], bool] = lambda: True, *, seconds: float = _READY_S
) -> None:
    """Wait until the server lets us in, setting the password of a new one."""
    deadline = time.monotonic() + seconds
    last = "it does not answer"
    while time.monotonic() < deadline and alive():
        try:
            with address.driver() as driver, driver.session(database=address.database) as session:
                session.run("RETURN 1").consume()  # unlike managed queries, tried once
            return
        except AuthError:
            with contextlib.suppress(DriverError, Neo4jError):
                _set_password(address)
        except (DriverError, Neo4jError, OSError) as error:
            last = str(error)
        time.sleep(0.2)
    raise NoServer(f"the server at {address.uri} cannot be used: {last}")


def _set_password(address: Address) -> None:
    """Change the password that every new server comes with."""
    with neo4j.GraphDatabase.driver(address.uri, auth=(USERNAME, "neo4j")) as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new",
            {"new": address.password},
            database_="system",
        )
