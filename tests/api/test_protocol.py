"""What comes over the wire that is no request, no whole request, or one that asks for no body."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beliefgraph.api.app import create_app
from beliefgraph.api.limits import Limits
from beliefgraph.api.problems import MEDIA_TYPE, TYPE_PREFIX
from beliefgraph.api.protocol import Http
from bench.service import in_thread, open_hashed

POST = "POST /v1/users/ada/beliefs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve a store to whoever is on this machine; a second is long to wait there."""
    monkeypatch.setattr(Http, "head_s", 1.0)
    app = create_app(lambda: open_hashed(tmp_path / "beliefs.db"), limits=Limits(body_s=1.0))
    with in_thread(app) as address:
        yield int(address.rpartition(":")[2])


def _sent(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send parts over one connection; return all that comes back before it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        answer = b""
        while got := connection.recv(65536):
            answer += got
    return answer


def _problem(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the document of an answer that is one problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert f"content-type: {MEDIA_TYPE}" in lines
    assert f"content-length: {len(body)}" in lines
    document = json.loads(body)
    assert f"x-request-id: {document['request_id']}" in lines
    return int(lines[0].split()[1]), document


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /v1/users HTTP/1.1\r\n\r\n",
        b"GET /v1/users/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        POST.encode() + b"Content-Length: -5\r\n\r\n{}",
        POST.encode() + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST.encode() + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ],
    ids=["tls", "words", "no host", "bytes", "length", "lengths", "chunk"],
)
def test_what_is_no_request_is_a_problem(port: int, sent: bytes) -> None:
    """400 with a document like any other, and the connection closes."""
    status, document = _problem(_sent(port, sent))
    assert (400, TYPE_PREFIX + "malformed-request") == (status, document["type"])


@pytest.mark.parametrize(
    "sent", [b"", b"GET /v1/users HTTP/1.1\r\nHost: loc"], ids=["nothing", "half a head"]
)
def test_a_head_that_does_not_come_is_not_waited_for(port: int, sent: bytes) -> None:
    """408 after a while, and the connection closes: also when it drips in."""
    status, document = _problem(_sent(port, sent))
    assert (408, TYPE_PREFIX + "request-timeout") == (status, document["type"])
    started = time.monotonic()
    dripping = [b"GET /v1/users HTTP/1.1\r\n", *[b"X-A: 1\r\n"] * 3]
    assert 408 == _problem(_sent(port, *dripping, pause_s=0.2))[0]
    assert time.monotonic() - started < 1.7  # what drips in does not begin the wait anew


def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    """408 after a while; nothing was done."""
    status, document = _problem(_sent(port, POST.encode() + b'Content-Length: 99\r\n\r\n{"statem'))
    assert (408, TYPE_PREFIX + "request-timeout") == (status, document["type"])
    assert b" 404 " in _get(port, "/v1/users/ada/beliefs").split(b"\r\n")[0]


def _get(port: int, path: str, *, method: str = "GET") -> bytes:
    return _sent(port, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())


def test_a_head_in_time_is_no_fault(port: int) -> None:
    """A request that comes in pieces, and one that comes late over a connection already used, are answered."""
    pieces = [b"GET /version HTTP/1.1\r\n", b"Host: localhost\r\n", b"\r\n"]
    late = b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = _sent(port, *pieces, b"", b"", b"", b"", b"", late, pause_s=0.2)
    assert 2 == answer.count(b"HTTP/1.1 200 OK")


def test_requests_in_one_breath_are_answered_in_their_order(port: int) -> None:
    """Pipelined requests each get their answer, a bad one at the end its problem."""
    asked = "".join(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in ("/version", "/nowhere", "/")
    )
    answer = _sent(port, asked.encode() + b"hello\r\n\r\n")
    assert [b"200", b"404", b"200", b"400"] == [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_head_is_get_without_the_body(port: int) -> None:
    """Wherever GET answers, HEAD does: with its status and its headers."""
    for path in ("/", "/docs", "/openapi.json", "/health/live", "/v1/users", "/v1/users/ada", "/nowhere"):
        shown, asked = (_get(port, path, method=method) for method in ("GET", "HEAD"))
        head, _, body = asked.partition(b"\r\n\r\n")
        assert b"" == body, path
        wanted = shown.partition(b"\r\n\r\n")[0]
        assert _plain(wanted) == _plain(head), path


def _plain(head: bytes) -> list[bytes]:
    passing = (b"x-request-id", b"date", b"content-length")
    return [line for line in head.lower().split(b"\r\n") if not line.startswith(passing)]


def test_who_leaves_in_the_middle_disturbs_nobody(port: int) -> None:
    """Connections that break off at any byte of a request leave the service as it was, and nothing half done."""
    body = b'{"id": "b1", "statement": "likes tea"}'
    whole = POST.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body

    def leave(length: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(whole[:length])

    threads = [threading.Thread(target=leave, args=(length,)) for length in range(1, len(whole), 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b" 404 " in _get(port, "/v1/users/ada/beliefs").split(b"\r\n")[0]
