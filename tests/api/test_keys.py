"""Keys and walls: who is let in, what a key may do, and that an id of another tenant does not exist, on every route."""

import json
import stat
import threading
from pathlib import Path

import pytest

from beliefgraph.api.keys import KeyFile
from beliefgraph.graph.errors import InvalidInputError, NotFoundError, StoreUnavailableError
from tests.api.served import EXAMPLES, Api, serving

ADA = "/v1/users/ada"
OF_NOBODY = ("personalize", "next_question", "answer_questions", "get_consent")
ALWAYS_OPEN = ("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics", "/version")


def test_the_file_keeps_hashes_for_its_owner_alone(tmp_path: Path) -> None:
    """Neither the key nor a part of its secret is in the file, which only its owner may read."""
    keys = KeyFile(tmp_path / "keys.jsonl")
    key, shown = keys.create("acme", ["write", "read"])
    content = keys.path.read_text()
    assert shown.split("_", 2)[2] not in content  # the secret may hold a low line itself
    assert ("acme", ["read", "write"]) == (json.loads(content)["tenant"], json.loads(content)["scopes"])
    assert 0o600 == stat.S_IMODE(keys.path.stat().st_mode)
    caller = keys.caller(shown)
    assert caller is not None
    assert ("acme", ["read", "write"], key.id) == (caller.tenant, sorted(caller.scopes), caller.key_id)


def test_what_is_no_key(tmp_path: Path) -> None:
    """A wrong secret, another key's id, an empty word and an unknown id are nobody."""
    keys = KeyFile(tmp_path / "keys.jsonl")
    one, first = keys.create("acme", ["read"])
    two, second = keys.create("zeta", ["read"])
    swapped = first.replace(one.id, two.id)
    for wrong in (
        first[:-1],
        first + "x",
        swapped,
        second.replace(two.id, one.id),
        "",
        "bg_",
        "bg__",
        "é",
        "bg_\ud800_x",
    ):
        assert keys.caller(wrong) is None, wrong


def test_keys_are_made_by_several_at_once(tmp_path: Path) -> None:
    """No key is lost when many are made at the same time."""
    path, made = tmp_path / "keys.jsonl", []

    def make() -> None:
        made.append(KeyFile(path).create("acme", ["read"])[1])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 == len(made)
    assert all(KeyFile(path).caller(shown) for shown in made)


def test_a_file_that_is_damaged_lets_nobody_in(tmp_path: Path) -> None:
    """A line that is no key is named by its number; a wrong scope, tenant or id is an error of the caller."""
    keys = KeyFile(tmp_path / "keys.jsonl")
    with pytest.raises(InvalidInputError, match="scope"):
        keys.create("acme", ["everything"])
    with pytest.raises(InvalidInputError, match="scope"):
        keys.create("acme", [])
    with pytest.raises(InvalidInputError, match="tenant"):
        keys.create("a/b", ["read"])
    with pytest.raises(NotFoundError):
        keys.revoke("0")
    _, shown = keys.create("acme", ["read"])
    with keys.path.open("a") as file:
        file.write('{"id": "x"}\n')
    with pytest.raises(StoreUnavailableError, match="line 2 is not a key"):
        keys.caller(shown)


def test_without_a_key_nothing_is_answered(api: Api) -> None:
    """401 with a challenge on every address of the interface, there or not; what is open stays open."""
    stranger = api.as_({})
    for path in (f"{ADA}/beliefs", "/v1/users", "/v1/nothing", "/v1/events"):
        answer = stranger.send("GET", path, status=401)
        assert 'Bearer realm="beliefgraph"' == answer.headers["www-authenticate"]
        assert "unauthorized" == stranger.problem("GET", path, status=401)["type"]
    for wrong in ("Bearer nonsense", "Basic YTpi", "Bearer", "bearer  "):
        assert 401 == stranger.send("GET", "/v1/users", authorization=wrong).status_code
    for path in ALWAYS_OPEN:
        assert 200 == stranger.send("GET", path).status_code


def test_a_body_is_not_read_before_the_key_is_known(api: Api) -> None:
    """What a stranger sends is refused as such, whatever is wrong with it."""
    assert "unauthorized" == api.as_({}).problem("POST", f"{ADA}/beliefs", b"{", status=401)["type"]


def test_a_key_is_revoked_while_the_service_runs(api: Api) -> None:
    """Made and revoked in the file, it counts with the next request."""
    key, shown = api.keys.create("acme", ["read"])
    late = api.as_({"Authorization": f"bearer {shown}"})
    late.get("/v1/users")
    KeyFile(api.keys.path).revoke(key.id)
    assert 401 == late.send("GET", "/v1/users").status_code
    assert KeyFile(api.keys.path).keys()[key.id].revoked_at is not None
    api.get("/v1/users")


def test_keys_that_cannot_be_read_are_nobodys(api: Api) -> None:
    """A file that was damaged is 503 and not an open door; without the file everybody is a stranger."""
    kept = api.keys.path.read_text()
    api.keys.path.write_text("nonsense\n")
    assert "keys-unavailable" == api.problem("GET", "/v1/users", status=503)["type"]
    api.keys.path.unlink()
    api.problem("GET", "/v1/users", status=401)
    api.keys.path.write_text(kept)
    api.get("/v1/users")


def test_a_scope_is_needed(told: Api) -> None:
    """Reading, writing and erasing each want their scope; the problem and the challenge name it."""
    reader, writer = told.as_(told.key("acme", "read")), told.as_(told.key("acme", "write"))
    reader.get(f"{ADA}/beliefs")
    assert "write" == reader.problem("POST", f"{ADA}/beliefs", {"statement": EXAMPLES}, status=403)["scope"]
    writer.post(f"{ADA}/beliefs", {"statement": EXAMPLES})
    assert "forbidden" == writer.problem("GET", f"{ADA}/beliefs", status=403)["type"]
    refused = writer.send("DELETE", ADA, status=403)
    assert 'Bearer error="insufficient_scope", scope="admin"' == refused.headers["www-authenticate"]
    told.send("DELETE", ADA, status=200)


def test_every_route_names_its_scope(api: Api) -> None:
    """With a key of no use, every guarded route is 403: none was left open."""
    schema = api.get("/openapi.json")
    scopes = {
        operation["operationId"]: operation.get("security", [{"key": []}])[0]["key"]
        for operations in schema["paths"].values()
        for operation in operations.values()
    }
    unguarded = {"is_live", "is_ready", "get_metrics", "get_version"}
    assert unguarded == {name for name, needed in scopes.items() if not needed}
    assert {"erase_user"} == {name for name, needed in scopes.items() if needed == ["admin"]}


# Without keys


def test_without_keys_this_machine_alone_is_served(tmp_path: Path) -> None:
    """No key is asked for; another host's name, or a page of another site, is refused."""
    with serving(tmp_path, guarded=False) as api:
        api.post(f"{ADA}/beliefs", {"statement": EXAMPLES})
        for host in ("127.0.0.1:8000", "[::1]:8000", "localhost"):
            api.get("/v1/users", host=host)
        for headers in (
            {"host": "evil.example.org"},
            {"host": "127.0.0.1.evil.example.org"},
            {"origin": "https://evil.example.org"},
            {"origin": "null"},
        ):
            assert "foreign-host" == api.problem("GET", "/v1/users", status=403, **headers)["type"]
        api.get("/v1/users", origin="http://localhost:3000")


def test_a_key_that_is_made_closes_a_service_without_keys(tmp_path: Path) -> None:
    """From the first key on every request needs one and reaches the key's tenant alone, and it stays so."""
    with serving(tmp_path, guarded=False) as api:
        api.post(f"{ADA}/beliefs", {"statement": EXAMPLES})
        assert "wants no key" in api.send("GET", "/").text
        acme = api.as_(api.key("acme", "admin"))
        api.problem("GET", f"{ADA}/beliefs", status=401)
        assert [] == acme.get("/v1/users")["items"]
        for page in ("/", "/docs"):
            assert "wants a key" in api.send("GET", page).text
        api.keys.path.unlink()
        api.problem("GET", f"{ADA}/beliefs", status=401)
        acme.problem("GET", f"{ADA}/beliefs", status=401)


def test_a_file_that_is_named_and_is_not_there_opens_nothing(tmp_path: Path) -> None:
    """Keys are needed before the first is made, and everybody is a stranger."""
    keys = KeyFile(tmp_path / "keys.jsonl")
    assert (True, None) == (keys.needed(), keys.caller("bg_0_0"))


def test_a_place_that_cannot_be_looked_at_opens_nothing(tmp_path: Path) -> None:
    """Where it cannot be said whether there are keys, they are needed; where there is no such place, they are not."""
    (tmp_path / "file").write_text("")
    assert not KeyFile(tmp_path / "nowhere" / "keys.jsonl", always=False).needed()
    assert not KeyFile(tmp_path / "file" / "keys.jsonl", always=False).needed()
    assert KeyFile(tmp_path / ("x" * 300), always=False).needed()
