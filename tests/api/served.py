"""A service in this process, on a world that the test scripts: keys of tenants, a clock, requests as curl has them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from beliefgraph import BeliefGraph
from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from beliefgraph.api.limits import Limits
from beliefgraph.api.problems import MEDIA_TYPE, TYPE_PREFIX
from beliefgraph.graph.clock import Clock as Now
from beliefgraph.ingest.relate import Pair, Relation
from tests.embedders import FormGate, ScriptedRelater, WordEmbedder
from tests.worlds import PARAMETERS, Clock

EXAMPLES = "wants runnable examples in documentation"


def open_scripted(
    target: str | Path, clock: Now, script: Mapping[Pair, Relation] | None = None
) -> BeliefGraph:
    """Open a store with scripted models."""
    return BeliefGraph.open(
        target,
        embedder=WordEmbedder(),
        relater=ScriptedRelater(script),
        gate=FormGate(),
        parameters=PARAMETERS,
        clock=clock,
    )


@dataclass(kw_only=True)
class Api:
    """A running service, and who asks it."""

    client: Any
    clock: Clock
    keys: KeyFile
    headers: dict[str, str] = field(default_factory=dict)
    folder: Path

    def key(self, tenant: str, *scopes: str) -> dict[str, str]:
        """Make a key; return the header that carries it."""
        _, shown = self.keys.create(tenant, scopes)
        return {"Authorization": f"Bearer {shown}"}

    def as_(self, headers: Mapping[str, str]) -> "Api":
        """Return the same service, asked with these headers."""
        return Api(
            client=self.client, clock=self.clock, keys=self.keys, headers=dict(headers), folder=self.folder
        )

    def send(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, **headers: str
    ) -> Any:
        """Send a request and return the answer, checked for its status."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        answer = self.client.request(method, path, content=content, headers=sent)
        if status is not None:
            assert status == answer.status_code, answer.text
        return answer

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """Return what a GET answers, as JSON."""
        return self.send("GET", path, status=status, **headers).json()

    def post(self, path: str, body: Any = None, status: int = 201, **headers: str) -> Any:
        """Return what a POST answers, as JSON."""
        return self.send("POST", path, body, status=status, **headers).json()

    def problem(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> Any:
        """Send a request that fails; return its problem, checked for what every problem has."""
        answer = self.send(method, path, body, status=status, **headers)
        assert MEDIA_TYPE == answer.headers["content-type"]
        problem = answer.json()
        assert (status, answer.headers["x-request-id"]) == (problem["status"], problem["request_id"])
        assert problem["title"] and problem["detail"]
        problem["type"] = problem["type"].removeprefix(TYPE_PREFIX)
        return problem


@contextmanager
def serving(
    folder: Path,
    *,
    guarded: bool = True,
    target: str | Path | None = None,
    script: Mapping[Pair, Relation] | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Iterator[Api]:
    """Serve a store; with `guarded`, ask with a key of the tenant `acme` that may do everything.

    Without, it wants no key before there is one.
    """
    clock, keys = Clock(), KeyFile(folder / "keys.jsonl", always=guarded)
    app = create_app(
        lambda: open_scripted(target or folder / "beliefs.db", clock, script),
        keys=keys,
        limits=limits or Limits(rate_per_s=0),
        now=lambda: clock().timestamp(),
        **options,
    )
    with ExitStack() as stack:
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        stack.enter_context(client)
        api = Api(client=client, clock=clock, keys=keys, folder=folder)
        if guarded:
            api.headers = api.key("acme", "admin")
        yield api


def tell_story(api: Api, user: str = "ada") -> None:
    """Let a user have two beliefs, a response that rests on both, and a signal about it."""
    at = f"/v1/users/{user}"
    api.post(f"{at}/beliefs", {"id": "b1", "statement": EXAMPLES, "confidence": 0.87})
    api.post(f"{at}/beliefs", {"id": "b2", "statement": "prefers short answers"})
    api.post(f"{at}/responses", {"id": "r1", "text": "Pass the cursor back.", "beliefs": ["b1", "b2"]})
    api.post(
        f"{at}/signals", {"id": "s1", "kind": "rating", "value": -1, "response": "r1", "text": "no example"}
    )
