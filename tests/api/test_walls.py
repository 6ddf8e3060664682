"""Walls between tenants: an id of another does not exist, on every route, in what is answered and in what is asked."""

import re
from pathlib import Path
from typing import Any

import pytest

from bench.neo4j_server import Address
from bench.walls import NEVER, OWNER, Told, differing, requests_of
from tests.api.served import EXAMPLES, Api, serving, tell_story
from tests.api.test_keys import OF_NOBODY
from tests.embedders import CONTRADICTION


def test_the_ids_of_one_tenant_do_not_exist_for_another(tmp_path: Path) -> None:
    """On every route each id is 404 with another tenant's key, word for word as an id that never was.

    Nothing of the owner's is in any answer, and nothing of hers has changed.
    """
    long, short = "prefers long answers", "prefers short answers"
    script = {(long, short): CONTRADICTION, (short, long): CONTRADICTION}
    with serving(tmp_path, script=script) as owner:
        tell_story(owner, "ada-of-acme")
        at = "/v1/users/ada-of-acme"
        owner.post(f"{at}/beliefs", {"id": "long", "statement": long})
        (conflict,) = owner.get(f"{at}/conflicts")["items"]
        ids = {
            "user_id": "ada-of-acme",
            "belief_id": "b1",
            "response_id": "r1",
            "signal_id": "s1",
            "conflict_id": conflict["id"],
        }
        never = {**dict.fromkeys(ids, "never"), "user_id": "never-was"}
        before = owner.send("GET", f"{at}/export", status=200).text
        schema = owner.get("/openapi.json")
        other = owner.as_(owner.key("zeta", "admin"))
        seen = 0
        for known, unknown in zip(requests_of(schema, ids), requests_of(schema, never), strict=True):
            (method, path, body, name), (_, elsewhere, other_body, _) = known, unknown
            answer, blank = other.send(method, path, body), other.send(method, elsewhere, other_body)
            assert (201 if name == "believe" else 200 if name in OF_NOBODY else 404) == answer.status_code, (
                name
            )
            assert _anonymous(answer, ids) == _anonymous(blank, never), name
            for secret in (EXAMPLES, "Pass the cursor", "no example", long):
                assert secret not in answer.text or name == "believe", name
            seen += 1
        assert 20 <= seen
        assert before == owner.send("GET", f"{at}/export", status=200).text
        assert "b1" not in [one["id"] for one in other.get(f"{at}/beliefs")["items"]]


def _anonymous(answer: Any, ids: dict[str, str]) -> tuple[Any, ...]:
    """Return an answer without the ids that the caller sent, and what differs from one request to the next."""
    text = answer.text
    for name, id in sorted(ids.items(), key=lambda one: -len(one[1])):
        text = text.replace(f'"{id}"', f'"<{name}>"').replace(f"'{id}'", f"'<{name}>'")
    text = re.sub(r'"(request_id|id|created_at|revised_at)":"[^"]*"', "", text)
    text = re.sub(r"<\w+>", "<id>", text)
    passing = ("x-request-id", "content-length", "location")
    headers = {name: value for name, value in answer.headers.items() if name not in passing}
    return answer.status_code, text, headers


def test_a_batch_reaches_only_the_tenant_of_its_key(told: Api) -> None:
    """Events about another tenant's records are rejected as if those had never been."""
    other = told.as_(told.key("zeta", "write"))
    events = [
        {"type": "signal", "user": "ada", "response": "r1", "kind": "rating", "value": 1},
        {"type": "retract", "user": "ada", "signal": "s1"},
        {"type": "response", "user": "ada", "text": "x", "beliefs": [{"id": "b1"}]},
    ]
    report = other.post("/v1/events", events, 200)
    assert ["response", "signal", "belief"] == [one["field"] for one in report["results"]]
    assert ["rejected"] * 3 == [one["status"] for one in report["results"]]


def test_what_is_asked_of_a_whole_tenant_holds_nothing_of_another(told: Api) -> None:
    """Every read without an id (users, audit, curve, and what will come) is as of an empty store, headers too."""
    other, empty = told.as_(told.key("zeta", "admin")), told.as_(told.key("nobody", "admin"))
    paths = [
        path
        for path, operations in told.get("/openapi.json")["paths"].items()
        if path.startswith("/v1/") and "{" not in path and "get" in operations
    ]
    assert {"/v1/users", "/v1/audit", "/v1/curve"} <= set(paths)
    for path in paths:
        answer, blank = other.send("GET", path, status=200), empty.send("GET", path, status=200)
        assert _anonymous(answer, {}) == _anonymous(blank, {}), path
        assert told.send("GET", path, status=200).text != answer.text, path
        for secret in ('"ada"', EXAMPLES, "Pass the cursor", "no example", "acme"):
            assert secret not in answer.text + str(answer.headers), path


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str | None, list[str]]:
    """Return where to keep records, and the list that the names of the store's queries are added to."""
    ran: list[str] = []
    place = {
        "sqlite": "beliefgraph.graph.sqlite.store._sql",
        "neo4j": "beliefgraph.graph.neo4j.store.statement",
    }[request.param]
    module, _, name = place.rpartition(".")
    look_up = getattr(pytest.importorskip(module), name)

    def noted(query: str) -> Any:
        ran.append(query)
        return look_up(query)

    target = None
    if request.param == "neo4j":
        address: Address = request.getfixturevalue("neo4j_address")
        target = address.uri
    monkeypatch.setattr(place, noted)
    return target, ran


@pytest.mark.parametrize("namesake", [False, True], ids=["user", "records"])
def test_the_same_is_asked_of_the_store(
    tmp_path: Path, asked: tuple[str | None, list[str]], *, namesake: bool
) -> None:
    """For an id of another tenant the store runs the very queries that it runs for one that never was."""
    target, ran = asked
    with serving(tmp_path, target=target) as owner:
        tell_story(owner, OWNER["user_id"])
        owner.post(f"/v1/users/{OWNER['user_id']}/beliefs", {"id": "b3", "statement": EXAMPLES})
        (pair,) = owner.get(f"/v1/users/{OWNER['user_id']}/duplicates")["items"]
        ids = {**OWNER, "conflict_id": pair["id"]}
        never = {**NEVER, "conflict_id": "c_000000000000000000000000"}
        other = owner.as_(owner.key("zeta", "admin"))
        if namesake:
            other.post(f"/v1/users/{OWNER['user_id']}/beliefs", {"id": "own", "statement": "likes tea"})
            never["user_id"] = OWNER["user_id"]
        schema = owner.get("/openapi.json")
        compared = 0
        for foreign, missing in differing(schema, ids, never):
            queries = []
            for method, path, body, _ in (foreign, missing):
                ran.clear()
                other.send(method, path, body, status=None)
                queries.append(list(ran))
            assert queries[0] == queries[1], foreign[3]
            assert queries[0], foreign[3]
            compared += 1
    assert compared >= (10 if namesake else 20)


def test_a_difference_is_seen() -> None:
    """What takes longer for a foreign id more often than chance would is no success."""
    fine = {"store": "SQLite", "situation": "", "pairs": 200}
    assert Told(**fine, longer={f"route {n}": 0.5 for n in range(20)}).met  # type: ignore[arg-type]
    assert not Told(**fine, longer={f"route {n}": 0.55 for n in range(20)}).met  # type: ignore[arg-type]
