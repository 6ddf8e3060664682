"""Requests to a service: sent, sent again where that is safe, and read back as JSON or raised as the library's errors.

A request that may be repeated (it reads, or carries an id or an idempotency key) is, after a broken connection and
after an answer that passes by itself. One that may not is repeated only when it surely never arrived.
"""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import httpx

from beliefgraph.client.refusals import MEDIA_TYPE, PASSING, PREFIX, error_of
from beliefgraph.graph.errors import InvalidInputError, ServiceError, StoreUnavailableError

ATTEMPTS = 6
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 10.0
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `key` is an idempotency key; `repeatable` says that sending it twice is as sending it once."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Any = None
    lines: bytes | None = None
    key: str | None = None
    if_match: str | None = None
    user_id: str | None = None
    repeatable: bool = True


class Transport:
    """A connection pool to one service. Usable from several threads at once."""

    def __init__(self, target: str, api_key: str | None, *, timeout_s: float) -> None:
        self.target = target.rstrip("/")
        headers = {"User-Agent": f"beliefgraph/{version('beliefgraph')}", "Accept": "application/json"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._client = httpx.Client(
            base_url=self.target, headers=headers, timeout=httpx.Timeout(timeout_s), limits=limits
        )

    def close(self) -> None:
        """Let go of the connections. Closing twice is fine."""
        self._client.close()

    def json(self, ask: Ask) -> Any:
        """Send a request and return what is answered. Raises the errors of the library."""
        return self._read(self.send(ask))

    def send(self, ask: Ask) -> httpx.Response:
        """Send a request and return the answer, which is none of a problem. Raises the errors of the library."""
        if self._client.is_closed:
            raise StoreUnavailableError(self.target, "it is closed")
        request = self._request(ask)
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = self._client.send(request)
            except httpx.TransportError as error:
                if last or not (ask.repeatable or isinstance(error, _NEVER_ARRIVED)):
                    raise StoreUnavailableError(self.target, _why(error)) from error
                time.sleep(_wait_s(attempt))
                continue
            if answer.is_success:
                return answer
            problem = self._problem(answer)
            name = str(problem.get("type", "")).removeprefix(PREFIX)
            if last or name not in PASSING:  # which were refused before anything was done
                raise error_of(problem, target=self.target, user_id=ask.user_id)
            time.sleep(max(_wait_s(attempt), _told_s(answer)))
        raise AssertionError("the last attempt returns or raises")

    def _request(self, ask: Ask) -> httpx.Request:
        headers: dict[str, str] = {}
        content = ask.lines
        if ask.body is not None:
            try:
                content = json.dumps(ask.body, allow_nan=False, ensure_ascii=False).encode()
            except (TypeError, ValueError, RecursionError):
                raise InvalidInputError(_at_fault(ask.body), "must be valid Unicode, and JSON") from None
        if content is not None:
            headers["Content-Type"] = "application/json" if ask.lines is None else "application/x-ndjson"
        if ask.key is not None:
            headers["Idempotency-Key"] = ask.key
        if ask.if_match is not None:
            headers["If-Match"] = ask.if_match
        query = {name: value for name, value in (ask.query or {}).items() if value is not None}
        return self._client.build_request(
            ask.method, ask.path, params=query or None, content=content, headers=headers
        )

    def _problem(self, answer: httpx.Response) -> Mapping[str, Any]:
        if answer.headers.get("content-type", "").partition(";")[0] != MEDIA_TYPE:
            raise ServiceError(self.target, f"it answers {answer.status_code}, and not as a service of ours")
        found = self._read(answer)
        return found if isinstance(found, dict) else {}

    def _read(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ServiceError(self.target, "what it answers is not JSON") from None


def _at_fault(body: Any) -> str:
    """Name the field that cannot be written as JSON."""
    for name, value in body.items() if isinstance(body, dict) else ():
        try:
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError):
            return str(name)
    return "body"


def _wait_s(attempt: int) -> float:
    """Return how long to wait before the next attempt: doubling, and not the same for all who wait."""
    return float(_FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _told_s(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "0")
    return min(float(told), _LONGEST_WAIT_S) if told.isascii() and told.isdigit() else 0.0


def _why(error: httpx.TransportError) -> str:
    """Say what happened to a request, without its address, which names a user."""
    return {
        httpx.ConnectError: "it cannot be reached",
        httpx.ConnectTimeout: "it cannot be reached in time",
        httpx.ReadTimeout: "it does not answer in time",
    }.get(type(error), "the connection broke off")
