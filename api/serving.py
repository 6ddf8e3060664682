"""Serving: one process, one port. Checks who may be served before anything is opened; stops without losing anything."""

import os
import signal
import socket
from collections.abc import Callable
from ipaddress import ip_address

from beliefgraph import __version__
from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from beliefgraph.api.limits import Limits
from beliefgraph.api.logs import configure
from beliefgraph.api.tracing import tracing_of
from beliefgraph.bootstrap import BeliefGraph
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.bank import load_bank
from beliefgraph.settings import Settings

_GRACE_S = 30


def serve(
    open_graph: Callable[[], BeliefGraph],
    settings: Settings,
    *,
    host: str,
    port: int,
    tenant: str = "default",
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until the process is told to stop (SIGTERM, SIGINT); what was accepted by then is answered.

    `announce` gets a sentence that says where, and whom it serves. Raises `InvalidInputError` for a host that may not
    be served without keys, a port that is taken or a bank of questions that cannot be read, and whatever opening the
    store raises.
    """
    import uvicorn

    from beliefgraph.api.protocol import Http

    keys = KeyFile(settings.keys_file, always=settings.api_keys is not None)
    if not keys.needed() and not _is_loopback(host):
        raise InvalidInputError(
            "host",
            "without keys only this machine is served: make a key with `beliefgraph keys create`, or use 127.0.0.1",
            got=repr(host[:80]),
        )
    keys.keys()  # a file that cannot be read is noticed now
    bank = load_bank(settings.bank)
    configure(settings.log_level)
    listening = _listen(host, port)
    try:
        graph = open_graph()
    except BaseException:
        listening.close()
        raise
    app = create_app(
        lambda: graph,
        keys=keys,
        tenant=tenant,
        limits=Limits(threads=settings.threads, rate_per_s=settings.rate_limit),
        cors_origins=settings.cors_origins,
        bank=bank,
        tracing=tracing_of(wanted=settings.traces, version=__version__),
    )
    config = uvicorn.Config(
        app,
        http=Http,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        lifespan="on",
    )
    announce(_sentence(listening, keys))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_quietly)
    uvicorn.Server(config).run(sockets=[listening])


def _stop_quietly(_: int, __: object) -> None:
    """Be what the server hands a signal on to once it has stopped: the process ends as it should, with status 0."""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before the models are loaded, so that a taken one is known at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Taken over by each connection. Without it an answer's body waits 40 ms for the caller to acknowledge its head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
        raise InvalidInputError("port", f"{host}:{port} cannot be listened on: {why}") from error


def _sentence(listening: socket.socket, keys: KeyFile) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    whom = (
        f"callers with a key of {keys.path}"
        if keys.needed()
        else "this machine alone, without keys, until `beliefgraph keys create` makes one"
    )
    return f"serving http://{shown}:{port} to {whom}"
