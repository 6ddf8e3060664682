"""Services to ask over a socket on this machine: in a thread of this process, or in a process of its own."""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn

from beliefgraph import BeliefGraph
from beliefgraph.api.keys import KeyFile
from beliefgraph.api.protocol import Http
from beliefgraph.ingest.relate import EmbeddingRelater
from beliefgraph.settings import Settings
from bench.neo4j_server import Address
from bench.scratch import HashedWords

_START_S = 300.0


@contextmanager
def in_thread(app: Any) -> Iterator[str]:
    """Serve an application on a free port of the loopback; yield its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=Http, log_config=None, access_log=False, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the service did not start")
        time.sleep(0.005)


class Served:
    """A service in a process of its own, on a store and a file of keys in a folder. A context manager.

    With `server`, its store is that of a Neo4j server. `settings` are put into its environment.
    """

    def __init__(
        self, folder: Path, *, server: Address | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self.target = str(folder / "beliefs.db") if server is None else server.uri
        self._environment = {**(environment_of(server) if server else {}), **(settings or {})}
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        _, self.key = KeyFile(folder / "keys.jsonl").create("default", ["admin"])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it is; the same after it was started again."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "bench.service", str(self._folder), str(self._port), self.target]
        environment = {**os.environ, **self._environment}
        with (self._folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        until = time.monotonic() + _START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the service did not start")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health/ready", timeout=5.0).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Tell it to stop, and wait until it has; return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait()

    def kill(self) -> int:
        """Kill it as a failure of the machine would (SIGKILL), and wait until it is gone; 0 when it was that."""
        assert self._process is not None
        self._process.kill()
        return self._process.wait() + signal.SIGKILL

    def memory_mb(self) -> float:
        """Return how much memory it holds now (Linux)."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.stop()


def open_hashed(target: Path | str) -> BeliefGraph:
    """Open a store with an embedder and a relater that cost next to nothing."""
    embedder = HashedWords()
    return BeliefGraph.open(target, embedder=embedder, relater=EmbeddingRelater(embedder))


def environment_of(server: Address) -> dict[str, str]:
    """Return the variables with which a process gets into a Neo4j server."""
    named = {"NEO4J_USERNAME": server.username, "NEO4J_PASSWORD": server.password}
    return named if server.database is None else {**named, "NEO4J_DATABASE": server.database}


@contextmanager
def let_in(server: Address | None) -> Iterator[None]:
    """Let this process into a Neo4j server, too."""
    with ExitStack() as stack:
        for name, value in () if server is None else environment_of(server).items():
            before = os.environ.get(name)
            undo = (
                partial(os.environ.pop, name)
                if before is None
                else partial(os.environ.update, {name: before})
            )
            stack.callback(undo)
            os.environ[name] = value
        yield


def main(folder: str, port: str, target: str) -> None:
    """Serve a store as `beliefgraph serve` does, with models that cost next to nothing."""
    from beliefgraph.api.serving import serve

    settings = Settings(api_keys=str(Path(folder) / "keys.jsonl"), rate_limit=0, log_level="ERROR")
    serve(lambda: open_hashed(target), settings, host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
