"""The edge of the service: what happens to every request before and after its route, as plain ASGI.

A request id, who calls, how much and how often, how large; a problem for whatever goes wrong; what is counted and
logged. Of a request, only its method, its route and the id of its key are logged: no path, no text, no key.
"""

import logging
import time
import traceback
import uuid
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beliefgraph.api import problems
from beliefgraph.api.keys import Caller
from beliefgraph.api.limits import Limits, Rates
from beliefgraph.api.metrics import Metrics
from beliefgraph.api.problems import Kind, ProblemError, answer, problem_of
from beliefgraph.api.tracing import Tracing
from beliefgraph.graph.errors import BeliefGraphError

_LOG = logging.getLogger("beliefgraph.api")
_GUARDED = "/v1/"
_BATCH = "/v1/events"
_BODILESS = ("GET", "DELETE", "OPTIONS")
_METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")


class Keys(Protocol):
    """Where the keys are."""

    def needed(self) -> bool:
        """Say whether callers need a key; asked with every request."""
        ...

    def caller(self, key: str) -> Caller | None:
        """Return who has this key, None for one that is unknown or revoked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Who is let in: where keys are needed, who has one; else this machine alone, as `tenant` with every scope."""

    keys: Keys | None
    tenant: str = "default"
    origins: tuple[str, ...] = ()

    def guarded(self) -> bool:
        """Say whether a key is needed now."""
        return self.keys is not None and self.keys.needed()

    def caller(self, headers: Headers) -> Caller:
        """Return who calls. Raises `ProblemError`."""
        if self.keys is None or not self.keys.needed():
            self._check_is_here(headers)
            return Caller(tenant=self.tenant, scopes=frozenset({"admin"}))
        scheme, _, key = headers.get("authorization", "").partition(" ")
        known = None
        if scheme.lower() == "bearer" and key:
            try:
                known = self.keys.caller(key.strip())
            except BeliefGraphError as error:
                _LOG.error("keys", extra={"fields": {"error": str(error)}})
                raise ProblemError(problems.KEYS_UNAVAILABLE) from error
        if known is None:
            fault = ' error="invalid_token"' if key else ""
            challenge = f'Bearer realm="beliefgraph"{"," if fault else ""}{fault}'
            raise ProblemError(problems.UNAUTHORIZED, headers={"WWW-Authenticate": challenge})
        return known

    def _check_is_here(self, headers: Headers) -> None:
        """Refuse what a page of another site may send through a browser on this machine."""
        origin = headers.get("origin")
        foreign = (
            origin is not None and origin not in self.origins and not _is_here(urlsplit(origin).hostname)
        )
        if foreign or not _is_here(urlsplit(f"//{headers.get('host', '')}").hostname):
            raise ProblemError(problems.FOREIGN_HOST)


def _is_here(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Edge:
    """The outermost layer of the service; what is inside it may raise what it likes."""

    def __init__(
        self, app: ASGIApp, *, gate: Gate, limits: Limits, metrics: Metrics, tracing: Tracing | None
    ) -> None:
        self._app, self._gate, self._limits = app, gate, limits
        self._metrics, self._tracing = metrics, tracing
        self._rates = Rates(limits.rate_per_s)
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # what GET answers; the server leaves the body out
            scope = {**scope, "method": "GET"}
        if "\ufffd" in scope["path"]:  # bytes that are no UTF-8 are kept apart, for the route to refuse
            path = unquote(scope["raw_path"].decode("latin-1"), errors="surrogateescape")
            scope = {**scope, "path": path}
        exchange = _Exchange(scope, send)
        span = None if self._tracing is None else self._tracing.start(exchange.headers)
        self._in_flight += 1
        self._metrics.in_flight.inc()
        try:
            await self._answer(exchange, receive)
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.dec()
            self._note(exchange)
            if span is not None:
                span.end(
                    method=exchange.method,
                    route=exchange.route,
                    status=exchange.status,
                    request_id=exchange.request_id,
                    error=exchange.problem,
                )

    async def _answer(self, exchange: "_Exchange", receive: Receive) -> None:
        try:
            self._admit(exchange)
            await self._app(exchange.scope, self._measured(exchange, receive), exchange.send)
        except Exception as error:
            problem = problem_of(error)
            exchange.failed(problem.kind, error)
            if exchange.status:  # too late for an answer: the connection breaks off
                raise
            response = answer(problem, exchange.request_id)
            await response(exchange.scope, receive, exchange.send)

    def _admit(self, exchange: "_Exchange") -> None:
        """Let a request in, or raise `ProblemError`."""
        if self._in_flight > self._limits.in_flight:
            raise ProblemError(problems.OVERLOADED)
        if not exchange.scope["path"].startswith(_GUARDED):
            return
        caller = self._gate.caller(exchange.headers)
        exchange.scope["state"]["caller"] = exchange.caller = caller
        wait_s = self._rates.wait_s(caller.key_id)
        if wait_s:
            raise ProblemError(
                problems.TOO_MANY_REQUESTS,
                f"A key may send {self._limits.rate_per_s:g} requests a second.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )

    def _measured(self, exchange: "_Exchange", receive: Receive) -> Receive:
        """Return the body as it comes in; too much of it is a problem, announced or not."""
        scope = exchange.scope
        most = self._limits.batch_bytes if scope["path"] == _BATCH else self._limits.body_bytes
        announced = exchange.headers.get("content-length", "0")
        too_large = _TooLarge(most)
        if announced.isdigit() and int(announced) > most:
            raise too_large.problem
        if scope["method"] in _BODILESS:
            return receive
        if exchange.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise ProblemError(
                problems.UNSUPPORTED_MEDIA_TYPE,
                "It is compressed: send it as it is, without Content-Encoding.",
                headers={"Accept-Encoding": "identity"},
            )
        received, complete, until = 0, False, anyio.current_time() + self._limits.body_s

        async def measured() -> Message:
            nonlocal received, complete
            try:
                with anyio.fail_after(None if complete else max(0.0, until - anyio.current_time())):
                    message = await receive()
            except TimeoutError:
                raise _TooSlow from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > most:
                raise too_large
            return message

        return measured

    def _note(self, exchange: "_Exchange") -> None:
        seconds = time.perf_counter() - exchange.started
        method, route = exchange.method, exchange.route
        self._metrics.latency.labels(method, route).observe(seconds)
        self._metrics.requests.labels(method, route, str(exchange.status)).inc()
        fields: dict[str, Any] = {
            "request_id": exchange.request_id,
            "method": method,
            "route": route,
            "status": exchange.status,
            "ms": round(seconds * 1000, 2),
            "key_id": None if exchange.caller is None else exchange.caller.key_id,
        }
        if exchange.problem is not None:
            fields["problem"] = exchange.problem
        level = logging.INFO if exchange.status < 500 else logging.ERROR
        if exchange.status == 503:
            level = logging.WARNING
        fields.update(exchange.told)
        _LOG.log(level, "request", extra={"fields": fields})


def _told(error: Exception) -> dict[str, Any]:
    """Say what went wrong and where. Never the message of a library, which may quote what it was given."""
    frames = traceback.extract_tb(error.__traceback__)
    told: dict[str, Any] = {
        "error": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    return {**told, "why": str(error)} if isinstance(error, BeliefGraphError) else told


class _TooLarge(HTTPException):
    """A body over the limit, in a form that passes through whoever was reading it."""

    def __init__(self, most: int) -> None:
        super().__init__(problems.BODY_TOO_LARGE.status)
        self.problem = ProblemError(
            problems.BODY_TOO_LARGE, f"It must be at most {most:,} bytes.", headers={"Connection": "close"}
        )


class _TooSlow(HTTPException):
    """A body that does not come to its end in time, in the same form."""

    def __init__(self) -> None:
        super().__init__(problems.REQUEST_TIMEOUT.status)
        self.problem = ProblemError(problems.REQUEST_TIMEOUT, headers={"Connection": "close"})


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.started = time.perf_counter()
        self.headers = Headers(scope=scope)
        self.request_id = _request_id(self.headers.get("x-request-id", ""))
        self.scope = scope
        scope.setdefault("state", {}).update(request_id=self.request_id, exchange=self)
        self.status = 0
        self.caller: Caller | None = None
        self.problem: str | None = None
        self.told: dict[str, Any] = {}
        self._send = send

    @property
    def method(self) -> str:
        """The method if it is a usual one, else `_OTHER`, as OpenTelemetry has it: nothing that a caller wrote."""
        method: str = self.scope["method"]
        return method if method in _METHODS else "_OTHER"

    @property
    def route(self) -> str:
        """The template of the route; nothing that a caller wrote."""
        route = self.scope.get("route")
        return str(getattr(route, "path", "unmatched"))

    def failed(self, kind: Kind, error: Exception) -> None:
        """Note what went wrong, for the log."""
        self.problem = kind.name
        if kind.status >= 500 and not isinstance(error, ProblemError):
            self.told = _told(error)

    async def send(self, message: Message) -> None:
        """Send a part of the answer, under the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            if self.scope["path"].startswith(_GUARDED):
                headers["Cache-Control"] = "private, no-cache" if "etag" in headers else "no-store"
        await self._send(message)


def _request_id(given: str) -> str:
    """Return the caller's request id if it is a plain one, else a fresh one."""
    plain = 1 <= len(given) <= 128 and given.isascii() and all(c.isalnum() or c in "-_.:" for c in given)
    return given if plain else uuid.uuid4().hex
