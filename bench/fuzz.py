"""Requests drawn at random from the OpenAPI description, valid and not, each answer checked against it (schemathesis).

Looked for: a server error, a status, header, content type or body that is not described, and nonsense that is accepted.
Half of the requests name records that are there, so that they come further than the door.
"""

import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from beliefgraph.api.limits import Limits
from bench.http import servers
from bench.neo4j_server import Address
from bench.service import in_thread, let_in, open_hashed

REQUESTS, QUICK_REQUESTS = 20_000, 100
_USER = "ada"
_PATIENCE_S = 120.0
"""How long an answer may take on a machine that is busy with other things; nothing is timed here."""
_STATEMENT = "wants runnable examples in documentation"
_IDS = {"user_id": _USER, "belief_id": "b1", "response_id": "r1", "signal_id": "s1"}
_IN_BODY = {"response": "response_id", "belief": "belief_id", "keep": "belief_id", "belief_id": "belief_id"}
_CHECKS = (
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
)


@dataclass(slots=True, kw_only=True)
class Found:
    """What came of the requests: how many, their statuses, and for each fault one request that shows it."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the count by status, then every kind of fault."""
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        lines = [f"{self.requests:,} requests ({statuses}); {len(self.faults)} kinds of faults"]
        return "\n".join([*lines, *(f"  {name}\n    {shown}" for name, shown in self.faults.items())])


class Fuzzed:
    """A service that is asked as its description (or another) says; `ids` are those of records that are there."""

    def __init__(self, address: str, described: dict[str, Any], key: str | None = None) -> None:
        self.address, self._session = address, requests.Session()
        if key is not None:
            self._session.headers["Authorization"] = f"Bearer {key}"
        self._schema = schemathesis.openapi.from_dict(_without_security(described))
        self.ids: dict[str, str] = {}

    def tell_story(self) -> None:
        """Let there be a user with two beliefs that say the same, a response and a signal."""
        story: tuple[tuple[str, Any], ...] = (
            ("beliefs", {"id": "b1", "statement": _STATEMENT}),
            ("beliefs", {"id": "b2", "statement": _STATEMENT}),
            ("responses", {"id": "r1", "text": "Pass it back.", "beliefs": ["b1"]}),
            ("signals", {"id": "s1", "kind": "rating", "value": -1, "response": "r1"}),
        )
        for kind, body in story:
            self._session.post(f"{self.address}/v1/users/{_USER}/{kind}", json=body).raise_for_status()
        pairs = self._session.get(f"{self.address}/v1/users/{_USER}/duplicates").json()
        self.ids = {**_IDS, "conflict_id": pairs["items"][0]["id"]}

    def operations(self) -> list[Any]:
        """Return the operations of the description; what erases comes last."""
        described: Any = self._schema
        found = [one.ok() for one in described.get_all_operations()]
        return sorted(found, key=lambda one: one.method == "delete")

    def ask(self, operation: Any, mode: GenerationMode, count: int, found: Found, *, seed: int = 1) -> None:
        """Send at most `count` requests of an operation; those of a seed are always the same."""
        if not (mode.is_positive or _varies(operation)):
            return
        known = {one.name: self.ids[one.name] for one in operation.path_parameters if self.ids}
        strategies = [operation.as_strategy(generation_mode=mode)]
        if known and (mode.is_positive or operation.query or operation.body):
            strategies.append(operation.as_strategy(generation_mode=mode, path_parameters=known))

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=st.one_of(*strategies), aimed=st.booleans())
        def one(case: Any, aimed: bool) -> None:
            if aimed and mode.is_positive and isinstance(case.body, dict):
                case.body = self._aimed(case.body)
            self._send(case, found)

        one()

    def _aimed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Let a valid body name records that are there."""
        aimed = {name: self.ids[_IN_BODY[name]] if name in _IN_BODY else one for name, one in body.items()}
        if "beliefs" in aimed:
            aimed["beliefs"] = [self.ids["belief_id"]]
        return aimed

    def _send(self, case: Any, found: Found) -> None:
        answer = case.call(base_url=self.address, session=self._session, timeout=_PATIENCE_S)
        found.requests += 1
        found.statuses[answer.status_code] += 1
        judged = [check for check in _CHECKS if check is not checks.negative_data_rejection]
        try:
            case.validate_response(answer, checks=judged if _refused_by_line(answer) else list(_CHECKS))
        except (Failure, FailureGroup) as failure:
            for fault in getattr(failure, "exceptions", [failure]):
                name = f"{case.operation.label}: {fault.title}"
                shown = f"{case.as_curl_command()}\n    {answer.status_code} {answer.text[:300]}\n    {fault}"
                found.faults.setdefault(name, shown)
        if case.method == "DELETE" and answer.status_code == 200:
            self.tell_story()


@contextmanager
def fuzzed(server: Address | None = None) -> Iterator[Fuzzed]:
    """Serve a scratch store, a file or that of a Neo4j server, and tell a story."""
    with tempfile.TemporaryDirectory() as folder, let_in(server):
        keys = KeyFile(Path(folder) / "keys.jsonl")
        _, key = keys.create("acme", ["admin"])
        place = Path(folder) / "beliefs.db" if server is None else server.uri
        app = create_app(lambda: open_hashed(place), keys=keys, limits=Limits(rate_per_s=0))
        with in_thread(app) as address:
            found = Fuzzed(address, requests.get(f"{address}/openapi.json", timeout=60).json(), key)
            found.tell_story()
            yield found


def run(
    count: int, *, server: Address | None = None, on_operation: Callable[[Found], None] = lambda _: None
) -> Found:
    """Send at least `count` requests, about as many to each operation that varies, half of them valid."""
    found, seed = Found(), 0
    with fuzzed(server) as service:
        operations = service.operations()
        each = -(-count // (2 * len(operations)))
        while found.requests < count:
            seed += 1
            for operation in operations if seed == 1 else filter(_varies, operations):
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    service.ask(operation, mode, each, found, seed=seed)
                on_operation(found)
    return found


def report(*, quick: bool, store: str | None = None) -> None:
    """Send the requests and print what was found, for SQLite and, where a server can be had, for Neo4j."""
    count = QUICK_REQUESTS if quick else REQUESTS

    def progress(found: Found) -> None:
        if sys.stderr.isatty():
            print(f"\r{found.requests:,} requests", end="", file=sys.stderr, flush=True)

    logging.getLogger("beliefgraph.api").setLevel(logging.CRITICAL)
    for name, server in servers(store):
        print(f"{name}: {run(count, server=server, on_operation=progress)}", flush=True)


def _refused_by_line(answer: Any) -> bool:
    """Say whether a batch was answered line by line, and refused what is wrong there."""
    return answer.status_code == 200 and b'"results":[' in answer.content and answer.json()["rejected"] > 0


def _without_security(described: dict[str, Any]) -> dict[str, Any]:
    """Leave keys out: every request has a good one, and what a bad one may do is tested elsewhere."""
    for operations in described["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return described


def _varies(operation: Any) -> bool:
    """Say whether requests of an operation can differ in anything, and so be wrong in anything."""
    return bool(operation.path_parameters or operation.query or operation.headers or operation.body)
