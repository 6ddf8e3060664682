"""Whether time tells one tenant what another has: a foreign id against one that never was, on every route.

The two are asked for in turn, in random order; told is how often the foreign one took longer. Half of the pairs means
that time says nothing. Of many routes some stand apart by chance: the two that do most are asked again, ten times as
often. What the answers say, and that the same queries run, is tested (`tests/api/test_walls.py`).
"""

import math
import random
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from beliefgraph.api.keys import KeyFile
from bench.http import servers
from bench.neo4j_server import Address
from bench.service import Served

PAIRS, QUICK_PAIRS = 200, 4
APART, AGAIN = 2, 10
"""So many routes, those that stand apart most, are asked again, with so many times the pairs."""
MOST = 0.02
"""How far from one half the share over all routes may be."""
MAKES = ("believe", "answer_questions")
"""What makes a user in the own tenant instead of finding none."""
OWNER = {"user_id": "ada-of-acme", "belief_id": "b1", "response_id": "r1", "signal_id": "s1"}
NEVER = {"user_id": "eve-of-acme", "belief_id": "x1", "response_id": "y1", "signal_id": "z1"}
_CONFLICT = "c_000000000000000000000000"
Asked = tuple[str, str, Any, str]
"""Method, path, body, and the id of the operation."""


def requests_of(schema: Mapping[str, Any], ids: Mapping[str, str]) -> list[Asked]:
    """Return a valid request for every operation that names an id, with those ids, from the description alone."""
    found = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if "{" not in path:
                continue
            place = re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path)
            asked = [
                one for one in operation.get("parameters", []) if one["in"] == "query" and one["required"]
            ]
            if asked:
                place += "?" + "&".join(f"{one['name']}={one['schema']['examples'][0]}" for one in asked)
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = None if content is None else _body(content["schema"], schema, ids)
            found.append((method.upper(), place, body, operation["operationId"]))
    return sorted(found, key=lambda one: one[3] in MAKES)


def _body(schema: Mapping[str, Any], whole: Mapping[str, Any], ids: Mapping[str, str]) -> Any:
    reference = schema.get("$ref") or schema["anyOf"][0]["$ref"]
    record = whole["components"]["schemas"][reference.rpartition("/")[2]]
    names = {"belief_id": ids["belief_id"], "response": ids["response_id"], "keep": ids["belief_id"]}
    body = {
        name: names.get(name, field["examples"][0])
        for name, field in record["properties"].items()
        if name in record.get("required", []) or name in ("beliefs", "response", "keep", "confidence")
    }
    if "without" in record["properties"]:
        body = {"without": ids["signal_id"]}
    if "beliefs" in body:
        body["beliefs"] = [ids["belief_id"]]
    if body.get("kind") == "rating" and "value" in record["properties"]:
        body["value"] = 1
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """In which share of the pairs the foreign id took longer, by route; `pairs` of each route."""

    store: str
    situation: str
    pairs: int
    longer: Mapping[str, float]

    @property
    def share(self) -> float:
        """Return the share over all routes."""
        return sum(self.longer.values()) / len(self.longer)

    @property
    def apart(self) -> list[str]:
        """Return the routes, furthest from one half first."""
        return sorted(self.longer, key=lambda route: -abs(self.longer[route] - 0.5))

    @property
    def met(self) -> bool:
        """Say whether time tells nothing, as far as so many pairs can say."""
        return abs(self.share - 0.5) <= MOST + 2 * _error(self.pairs * len(self.longer))

    def __str__(self) -> str:
        """Return one line."""
        worst = self.apart[0]
        count = self.pairs * len(self.longer)
        return (
            f"{self.store:<7} {self.situation:<29} slower in {self.share:.3f} ± {2 * _error(count):.3f} "
            f"of {count:,} pairs, "
            f"most apart: {self.longer[worst]:.2f} ± {2 * _error(self.pairs):.2f} ({worst})   "
            f"within {MOST:g} of a half: {'met' if self.met else 'missed'}"
        )


def _error(count: int) -> float:
    """Return the standard error of a share near one half."""
    return 0.5 / math.sqrt(count)


def measure(pairs: int, *, store: str, server: Address | None = None) -> Iterator[Told]:
    """Yield what time tells of somebody else's user, and of somebody else's records on a user that both have."""
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder), server=server) as service:
        _, other = KeyFile(Path(folder) / "keys.jsonl").create("zeta", ["admin"])
        with _client(service, service.key) as mine, _client(service, other) as theirs:
            schema = mine.get("/openapi.json").json()
            ids, never = {**OWNER, "conflict_id": _tell(mine)}, {**NEVER, "conflict_id": _CONFLICT}
            yield from _compare_twice(
                theirs, differing(schema, ids, never), pairs, store=store, situation="another tenant's user"
            )
            own = theirs.post(f"/v1/users/{ids['user_id']}/beliefs", json={"statement": "likes tea"})
            own.raise_for_status()
            here = {**never, "user_id": ids["user_id"]}
            yield from _compare_twice(
                theirs,
                differing(schema, ids, here),
                pairs,
                store=store,
                situation="records of a user's namesake",
            )


def _client(service: Served, key: str) -> httpx.Client:
    return httpx.Client(base_url=service.address, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def _tell(client: httpx.Client) -> str:
    """Let the owner have records of every kind; return the id of a pair of beliefs that say the same."""
    at = f"/v1/users/{OWNER['user_id']}"
    for place, body in (
        ("beliefs", {"id": "b1", "statement": "wants runnable examples"}),
        ("beliefs", {"id": "b2", "statement": "wants runnable examples"}),
        ("responses", {"id": "r1", "text": "Pass the cursor back.", "beliefs": ["b1"]}),
        ("signals", {"id": "s1", "kind": "rating", "value": -1, "response": "r1"}),
    ):
        client.post(f"{at}/{place}", json=body).raise_for_status()
    return str(client.get(f"{at}/duplicates").json()["items"][0]["id"])


def _compare_twice(
    client: httpx.Client, asked: Iterable[tuple[Asked, Asked]], pairs: int, *, store: str, situation: str
) -> Iterator[Told]:
    """Ask on every route, then again on those that stand apart most: chance does not tell the same thing twice."""
    each = list(asked)
    first = _compare(client, each, pairs, store=store, situation=situation)
    yield first
    for route in first.apart[:APART]:
        again = [pair for pair in each if pair[0][3] == route]
        yield _compare(client, again, AGAIN * pairs, store=store, situation=f"{route} again")


def _compare(
    client: httpx.Client, asked: Iterable[tuple[Asked, Asked]], pairs: int, *, store: str, situation: str
) -> Told:
    """Ask for foreign ids and for missing ones in turn."""
    chance, longer = random.Random(1), {}
    for foreign, missing in asked:
        slower = 0
        for _ in range(pairs):
            if chance.random() < 0.5:
                slower += _seconds(client, foreign) > _seconds(client, missing)
            else:
                slower += _seconds(client, missing) < _seconds(client, foreign)
        longer[foreign[3]] = slower / pairs
    return Told(store=store, situation=situation, pairs=pairs, longer=longer)


def differing(
    schema: Mapping[str, Any], ids: Mapping[str, str], never: Mapping[str, str]
) -> Iterator[tuple[Asked, Asked]]:
    """Yield the requests for foreign ids with those for missing ones, where they differ and make nothing."""
    for foreign, missing in zip(requests_of(schema, ids), requests_of(schema, never), strict=True):
        if foreign[3] not in (*MAKES, "erase_user") and foreign != missing:
            yield foreign, missing


def _seconds(client: httpx.Client, asked: Asked) -> float:
    method, path, body, _ = asked
    started = time.perf_counter()
    client.request(method, path, json=body)
    return time.perf_counter() - started


def report(*, quick: bool, store: str | None = None) -> None:
    """Print what time tells, for SQLite and, where a server can be had, for Neo4j."""
    for name, server in servers(store):
        for told in measure(QUICK_PAIRS if quick else PAIRS, store=name, server=server):
            print(told, flush=True)
