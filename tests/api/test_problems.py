"""Errors: each is a problem document with a stable type, names what is at fault, and leaks nothing."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from beliefgraph import BeliefGraph
from beliefgraph.api import problems
from beliefgraph.api.app import create_app
from beliefgraph.graph import errors
from tests.api.served import EXAMPLES, Api, open_scripted
from tests.worlds import Clock

ADA = "/v1/users/ada"


def test_kinds_have_names_of_their_own() -> None:
    """Types are stable because each is named once; every error class of the library has a kind."""
    names = [kind.name for kind in problems.KINDS]
    assert sorted(set(names)) == sorted(names)
    library = {
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.BeliefGraphError)
    }
    assert library - {errors.BeliefGraphError} <= {error for error, _ in problems.OF_ERROR}


FIELDS: list[tuple[Any, str, str]] = [
    ({"statement": EXAMPLES, "confidence": 1.5}, "confidence", "must be less than or equal to 0.999"),
    ({"statement": EXAMPLES, "confidence": "0.5"}, "confidence", "must be a number"),
    ({"statement": EXAMPLES, "confidence": True}, "confidence", "must be a number"),
    ({}, "statement", "is required"),
    ({"statement": ""}, "statement", "must not be empty"),
    ({"statement": " \u200b"}, "statement", "must not be empty"),
    ({"statement": 5}, "statement", "must be a text"),
    ({"statement": "x" * 100_001}, "statement", "must have at most 100000 characters"),
    ({"statement": "\ud800"}, "statement", "must be valid Unicode"),
    ({"statement": EXAMPLES, "belief": 1}, "belief", "is not a known field; there are id, "),
    ({"statement": EXAMPLES, "kind": "whim"}, "kind", "must be 'preference', 'fact'"),
    ({"statement": EXAMPLES, "at": "2026-03-01T12:00:00"}, "at", "must have a timezone"),
    ({"statement": EXAMPLES, "at": 5}, "at", "must be a time with a timezone"),
    ({"statement": EXAMPLES, "at": "5"}, "at", "must be a time with a timezone"),
    ({"statement": EXAMPLES, "at": "2026-03-01T13:00:00Z"}, "at", "five minutes in the future"),
    ({"statement": EXAMPLES, "id": "a/b"}, "id", "visible characters without '/'"),
    ({"statement": EXAMPLES, "context": {"place": ""}}, "context.place", "must not be empty"),
    ([], "body", "must be an object"),
    ({"statement": EXAMPLES, "context": []}, "context", "must be an object"),
    (None, "body", "is required"),
]
PARAMETERS = [
    ("?limit=0", "limit"),
    ("?limit=1001", "limit"),
    ("?limit=ten", "limit"),
    ("?limit=1.0", "limit"),
    ("?limit=1&limit=2", "limit"),
    ("?cursor=x", "cursor"),
    ("?cursor=-1", "cursor"),
    ("?as_of=yesterday", "as_of"),
    ("?as_of=2026-03-01", "as_of"),
    ("?as_of=5", "as_of"),
    ("?standing=fine", "standing"),
    ("?asof=2026-03-01T12:00:00Z", "asof"),
]


def test_a_field_at_fault_is_named(api: Api) -> None:
    """The problem says which field, and what would be right; nothing is written."""
    for body, field, expected in FIELDS:
        problem = api.problem("POST", f"{ADA}/beliefs", body, status=422)
        assert ("invalid-input", field) == (problem["type"], problem["field"])
        assert expected in problem["expected"]
        assert problem["detail"].startswith(f"{field}: {problem['expected']}")
    assert [] == api.get("/v1/users")["items"]


def test_a_place_within_attributes_is_named(api: Api) -> None:
    """By the names that the caller gave, also where they are those of types, and by nothing else."""
    for attributes, field in (
        (b'{"n": 1e999}', "attributes.n"),
        (b'{"float": {"dict": [1, NaN]}}', "attributes.float.dict.1"),
    ):
        body = b'{"text": "x", "attributes": %s}' % attributes
        assert field == api.problem("POST", f"{ADA}/responses", body, status=422)["field"]


def test_what_was_given_is_shown_as_json_has_it(told: Api) -> None:
    """No word of Python's reaches a caller over HTTP: of a field, of a line of a batch, of a check of the library."""
    for given, shown in (
        (b"null", "null"),
        (b"true", "true"),
        (b"NaN", "NaN"),
        (b"1e999", "Infinity"),
        (b"-1e999", "-Infinity"),
        (b"2.5", "2.5"),
    ):
        problem = told.problem("POST", f"{ADA}/beliefs", b'{"statement": %s}' % given, status=422)
        assert (shown, True) == (problem["got"], problem["detail"].endswith(f"(got {shown})"))
        batch = b'{"type": "belief", "user": "ada", "statement": %s}' % given
        (line,) = told.post("/v1/events", batch, 200, content_type="application/x-ndjson")["results"]
        assert ("statement", f"must be a text (got {shown})") == (line["field"], line["reason"])
    problem = told.problem("POST", f"{ADA}/signals", {"kind": "accept", "value": True}, status=422)
    assert "true" == problem["got"]


def test_a_body_where_there_is_nothing_to_say(told: Api) -> None:
    """What the job of conflicts does not know is refused, above all a wish not to write; an empty body is fine."""
    path = f"{ADA}/conflicts/resolution"
    unknown = told.problem("POST", path, {"dry_run": True}, status=422)
    assert "dry_run: is not a known field; there is none (got true)" == unknown["detail"]
    for body, field in (({"dry_run": True}, "dry_run"), ({"foo": 1}, "foo"), ([], "body"), (1, "body")):
        assert field == told.problem("POST", path, body, status=422)["field"]
    told.post(path, None, 200)
    told.post(path, {}, 200)


def test_a_parameter_at_fault_is_named(told: Api) -> None:
    """Parameters are checked like fields; one that no route knows is not overlooked."""
    for path, field in PARAMETERS:
        assert field == told.problem("GET", f"{ADA}/beliefs{path}", status=422)["field"]


def test_a_time_that_cannot_be_read_says_why(told: Api) -> None:
    """A plus sign in an address is a blank: the hint says how to write it; everything else that is wrong is named."""
    for given, expected in (
        ("2026-01-01T00:00:00+01:00", "must have its + written as %2B: in an address, + is a blank"),
        (
            "2026-13-01T00:00:00Z",
            "must be a time with a timezone, as in 2026-01-31T12:00:00Z: month value is outside",
        ),
    ):
        problem = told.problem("GET", f"{ADA}/beliefs?as_of={given}", status=422)
        assert ("as_of", True) == (problem["field"], problem["expected"].startswith(expected))
    told.get(f"{ADA}/beliefs?as_of=2026-01-01T00:00:00%2B01:00")
    problem = told.problem(
        "POST", f"{ADA}/beliefs", {"statement": EXAMPLES, "at": "2026-03-01 1:1"}, status=422
    )
    assert problem["expected"].startswith("must be a time with a timezone, as in 2026-01-31T12:00:00Z: ")


def test_what_was_not_there_then(told: Api) -> None:
    """A 404 as of an earlier time says that it is about that time: the record may be there now."""
    then = "as_of=2020-01-01T00:00:00Z"
    for path in ("beliefs/b1", "beliefs/b1/explanation", "responses/r1", "signals/s1"):
        assert told.problem("GET", f"{ADA}/{path}?{then}", status=404)["detail"].endswith(" at that time")
        assert told.get(f"{ADA}/{path}")
    assert not told.problem("GET", f"{ADA}/beliefs/b9", status=404)["detail"].endswith(" at that time")


def test_fields_that_there_are_are_named(told: Api) -> None:
    """Of a field that is not known the problem says which are, of the record within which it stands."""
    for method, path, body, field, known in (
        ("POST", "responses", {"text": "x", "beliefs": [{"belief_id": "b1", "w": 1}]}, "beliefs.0.w",
         "belief_id, weight, adherence"),
        ("POST", "signals/s1/retraction", {"why": "x"}, "why", "reason"),
        ("POST", "personalize", {"query": "x", "k": 5}, "k", "query, context, limit, max_chars, as_of"),
    ):  # fmt: skip
        problem = told.problem(method, f"{ADA}/{path}", body, status=422)
        assert (field, f"is not a known field; there are {known}") == (problem["field"], problem["expected"])
    line = b'{"type": "response", "user": "ada", "text": "x", "beliefs": [{"id": "b1", "w": 1}]}'
    (result,) = told.post("/v1/events", line, 200, content_type="application/x-ndjson")["results"]
    assert "is not a known field; there are id, weight, adherence (got 1)" == result["reason"]


def test_an_address_that_is_no_text(told: Api) -> None:
    """Bytes that are no UTF-8 are refused where they stand, and never taken for one another, or for U+FFFD itself."""
    for path, field in (
        ("users/%FE/beliefs", "user_id"),
        ("users%2F%C0/beliefs", "user_id"),
        ("users/%ED%A0%80", "user_id"),
        ("users/ada/beliefs/b%FF", "belief_id"),
        ("users/%EF%BF%BD/beliefs/%FF", "belief_id"),
        ("users?cursor=%FE", "cursor"),
        ("audit?per=week&source=a%C3", "source"),
        ("users/ada/beliefs?standing=%FF", "standing"),
    ):
        method = "DELETE" if path.endswith("%80") else "GET"
        problem = told.problem(method, f"/v1/{path}", status=422)
        assert ("invalid-input", field) == (problem["type"], problem["field"]), path
        assert "UTF-8" in problem["expected"]
    for kind, body in (("beliefs", {"statement": EXAMPLES}), ("signals", {"kind": "rating", "value": 1})):
        assert "user_id" == told.problem("POST", f"/v1/users/%FF/{kind}", body, status=422)["field"]
    told.problem("GET", "/v1/%FF", status=404)
    told.problem("GET", "/v1/users?%FF=1", status=422)
    told.post("/v1/users/%EF%BF%BD/beliefs", {"statement": EXAMPLES})
    assert ["ada", "\ufffd"] == told.get("/v1/users")["items"]


def test_several_fields_at_fault_are_all_named(api: Api) -> None:
    """The first is told as one problem, all of them in `errors`."""
    body = {"confidence": 2, "kind": "whim", "extra": 1}
    problem = api.problem("POST", f"{ADA}/beliefs", body, status=422)
    named = [one["field"] for one in problem["errors"]]
    assert sorted(["statement", "confidence", "kind", "extra"]) == sorted(named)
    assert named[0] == problem["field"]


def test_a_signal_is_checked_against_its_kind(told: Api) -> None:
    """An unknown kind has a type of its own; a value out of its range names the field."""
    unknown = told.problem("POST", f"{ADA}/signals", {"kind": "wave"}, status=422)
    assert "unknown-signal-kind" == unknown["type"]
    assert "rating" in unknown["expected"]
    for kind in ("set", "onboarding"):  # made by routes of their own
        for path in ("signals", "what-if"):
            made = told.problem(
                "POST", f"{ADA}/{path}", {"kind": kind, "value": 0.5, "belief": "b1"}, status=422
            )
            assert ("unknown-signal-kind", unknown["expected"]) == (made["type"], made["expected"])
        assert kind not in unknown["expected"].replace(",", "").split()
    wrong = told.problem("POST", f"{ADA}/signals", {"kind": "stars", "value": 9}, status=422)
    assert ("invalid-input", "value") == (wrong["type"], wrong["field"])
    both = {"kind": "rating", "value": 1, "response": "r1", "belief": "b1"}
    assert "belief" == told.problem("POST", f"{ADA}/signals", both, status=422)["field"]


def test_what_was_used_for_something_else_is_named(told: Api) -> None:
    """Of a reused idempotency key the header is named and a new key asked for, of a reused id the id."""
    asked: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
        ("POST", "beliefs", {"statement": "likes tea"}, {"statement": "likes coffee"}),
        ("POST", "responses", {"text": "Here."}, {"text": "There."}),
        ("POST", "signals", {"kind": "statement", "text": "likes tea"}, {"kind": "rating", "value": 1}),
        ("PATCH", "beliefs/b1", {"confidence": 0.9}, {"confidence": 0.8}),
    )
    for number, (method, path, first, other) in enumerate(asked):
        told.send(method, f"{ADA}/{path}", first, Idempotency_Key=f"k{number}").raise_for_status()
        problem = told.problem(method, f"{ADA}/{path}", other, status=409, Idempotency_Key=f"k{number}")
        assert ("duplicate-id", "Idempotency-Key") == (problem["type"], problem["field"])
        assert problem["detail"].startswith("Idempotency-Key: was used already, for ")
        assert problem["detail"].endswith(" with other content; send a new key")
    problem = told.problem("POST", f"{ADA}/beliefs", {"id": "b1", "statement": "likes tea"}, status=409)
    assert ("duplicate-id", "id") == (problem["type"], problem["field"])
    assert problem["detail"].endswith("; choose a new id")


def test_beside_an_id_a_key_is_not_looked_at(api: Api) -> None:
    """A body with an id of its own is identified by that id, as the header's description and the page say."""
    for id in ("own", "own2"):
        assert id == api.post(f"{ADA}/beliefs", {"id": id, "statement": EXAMPLES}, Idempotency_Key="k")["id"]
    api.post(f"{ADA}/beliefs", {"statement": "likes tea"}, Idempotency_Key="k")
    told = api.send("GET", "/docs").text
    assert "identified by that id: the <code>Idempotency-Key</code> is then not looked at" in told
    assert "identified by that id, and the key is not looked at" in told


def test_what_is_not_there_is_named(told: Api) -> None:
    """404 says what there is none of, wherever the id stood."""
    for method, path, body, what in (
        ("GET", "beliefs/b9", None, "belief"),
        ("GET", "beliefs/b9/explanation", None, "belief"),
        ("GET", "beliefs/b9/revisions", None, "belief"),
        ("GET", "beliefs/b9/provenance", None, "belief"),
        ("PATCH", "beliefs/b9", {"retired": True}, "belief"),
        ("GET", "responses/r9", None, "response"),
        ("GET", "responses/r9/trace", None, "response"),
        ("POST", "responses", {"text": "x", "beliefs": ["b9"]}, "belief"),
        ("GET", "signals/s9", None, "signal"),
        ("POST", "signals/s9/retraction", None, "signal"),
        ("POST", "signals", {"kind": "rating", "value": 1, "response": "r9"}, "response"),
        ("POST", "signals", {"kind": "confirm", "belief": "b9"}, "belief"),
        ("POST", "conflicts/c9/resolution", {"dismiss": True}, "conflict"),
    ):
        problem = told.problem(method, f"{ADA}/{path}", body, status=404)
        assert ("not-found", what) == (problem["type"], problem["what"]), path


def test_an_address_that_is_no_route(api: Api) -> None:
    """404 with a type of its own, within and outside the interface."""
    for path in ("/v1/nothing", f"{ADA}/nothing", "/nothing", f"{ADA}/beliefs/", "/v1/users/a/b/c/d/e"):
        assert "unknown-route" == api.problem("GET", path, status=404)["type"]


def test_a_method_that_a_route_has_not(api: Api) -> None:
    """405 names every method that the address has, whichever routes have them."""
    for path, allowed in (
        (f"{ADA}/beliefs", "GET, HEAD, POST"),
        (f"{ADA}/beliefs/b1", "GET, HEAD, PATCH"),
        ("/v1/events", "POST"),
        ("/version", "GET, HEAD"),
    ):
        answer = api.send("PUT", path, status=405)
        assert allowed == answer.headers["allow"]
        assert "method-not-allowed" == api.problem("PUT", path, status=405)["type"]


def test_a_body_that_is_not_json(api: Api) -> None:
    """400 for what cannot be read at all, however it is broken; nothing at all is a missing body."""
    for body in (b"{", b"\xff", b"{'a': 1}", b'{"a": 1} {}'):
        assert "malformed-body" == api.problem("POST", f"{ADA}/beliefs", body, status=400)["type"]
    assert "invalid-input" == api.problem("POST", f"{ADA}/beliefs", b"", status=422)["type"]


def test_a_body_that_nobody_reads(api: Api) -> None:
    """JSON of too many digits or levels is called what it is, at every depth; what is taken can be read again."""
    for path in (f"{ADA}/beliefs", "/v1/events"):
        for body, expected in (
            (b"[1" + b"1" * 5000 + b"]", "must hold no number of more than 4,300 digits"),
            (b"[" * 50_000 + b"]" * 50_000, "must not be nested so deeply"),
        ):
            problem = api.problem("POST", path, body, status=422)
            assert ("body", expected) == (problem["field"], problem["expected"])
    for depth in (101, 150, 206, 250, 255, 300, 900):
        body = b'{"text": "x", "attributes": {"n": %s}}' % (b"[" * depth + b"]" * depth)
        problem = api.problem("POST", f"{ADA}/responses", body, status=422)
        assert ("attributes", True) == (problem["field"], "nested" in problem["expected"])
    body = b'{"text": "x", "attributes": {"n": %s}}' % (b"[" * 100 + b"]" * 100)
    made = api.post(f"{ADA}/responses", body)
    assert made["attributes"] == api.get(f"{ADA}/responses/{made['id']}")["attributes"]
    lines = api.send("GET", f"{ADA}/export").content
    other = api.as_(api.key("zeta", "write"))
    assert 0 == other.post("/v1/events", lines, 200, content_type="application/x-ndjson")["rejected"]


def test_a_body_of_another_type(api: Api) -> None:
    """415 says what it should be, for forms, text and nothing in particular."""
    body = json.dumps({"statement": EXAMPLES}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        problem = api.problem("POST", f"{ADA}/beliefs", body, status=415, content_type=kind)
        assert "application/json" in problem["detail"]
    api.send("POST", f"{ADA}/beliefs", body, status=201, content_type="application/json; charset=utf-8")


def test_a_body_that_is_compressed(api: Api) -> None:
    """415 says that it must come as it is, on every route that reads one; `identity` is as it is."""
    body = gzip.compress(json.dumps({"statement": EXAMPLES}).encode())
    for method, path, encoding in (
        ("POST", f"{ADA}/beliefs", "gzip"),
        ("POST", "/v1/events", "br"),
        ("PATCH", f"{ADA}/beliefs/b1", "identity, GZIP"),
        ("POST", f"{ADA}/conflicts/resolution", "deflate"),
    ):
        answer = api.send(method, path, body, content_encoding=encoding)
        assert (415, "identity") == (answer.status_code, answer.headers["accept-encoding"])
        problem = api.problem(method, path, body, status=415, content_encoding=encoding)
        assert ("unsupported-media-type", True) == (problem["type"], "Content-Encoding" in problem["detail"])
    api.problem("GET", f"{ADA}/beliefs", status=404, content_encoding="gzip")
    for encoding in ("", "Identity "):
        api.post(f"{ADA}/beliefs", {"statement": EXAMPLES}, content_encoding=encoding)


FAILURES: list[tuple[Exception, problems.Kind, str | None]] = [
    (errors.StoreUnavailableError("/secret/place.db", "it is locked"), problems.STORE_UNAVAILABLE, "5"),
    (errors.StoreVersionError("/secret/place.db", "it is newer"), problems.STORE_VERSION, None),
    (errors.IntegrityError("/secret/place.db", "secret"), problems.STORE_DAMAGED, None),
    (errors.ModelUnavailableError("/secret/model"), problems.MODEL_UNAVAILABLE, "30"),
    (RuntimeError("secret"), problems.INTERNAL, None),
    (ValueError("secret"), problems.INTERNAL, None),
]


def test_what_fails_behind_the_service_leaks_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The status fits, the caller learns neither place nor message; of our own mistakes the log holds no message."""
    for error, kind, retry in FAILURES:

        def fail(*_: object, error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr(BeliefGraph, "for_tenant", fail)
        caplog.clear()
        problem = api.problem("GET", f"{ADA}/beliefs", status=kind.status)
        answer = api.send("GET", f"{ADA}/beliefs")
        assert kind.name == problem["type"]
        assert retry == answer.headers.get("retry-after")
        assert "secret" not in answer.text + str(answer.headers)
        logged = next(one for one in caplog.records if one.getMessage() == "request").__dict__["fields"]
        assert type(error).__name__ == logged["error"]
        assert any("test_problems.py" in place for place in logged["at"])
        assert isinstance(error, errors.BeliefGraphError) == ("secret" in json.dumps(logged))


def test_a_store_that_goes_away_and_comes_back(told: Api) -> None:
    """While the file cannot be read it is 503 with a time to wait, ready says so too, and then it goes on."""
    place = told.folder / "beliefs.db"
    told.get(f"{ADA}/beliefs")
    app = told.client.app
    connections = app.state.service.graph._pipeline.store._connections
    idle, connections._idle = connections._idle, []
    moved = place.rename(told.folder / "elsewhere.db")
    place.mkdir()
    answer = told.send("GET", f"{ADA}/beliefs", status=503)
    assert "5" == answer.headers["retry-after"]
    assert "store-unavailable" == told.problem("GET", "/health/ready", status=503)["type"]
    assert 200 == told.send("GET", "/health/live").status_code
    place.rmdir()
    moved.rename(place)
    connections._idle = idle
    told.get(f"{ADA}/beliefs")


def test_a_store_that_cannot_be_opened_is_an_error_of_the_start(tmp_path: Path) -> None:
    """Serving does not begin on a store that is not ours."""
    from starlette.testclient import TestClient

    place = tmp_path / "beliefs.db"
    place.write_bytes(b"something else entirely, and long enough to be looked at " * 20)
    app = create_app(lambda: open_scripted(place, Clock()))
    with pytest.raises(errors.StoreVersionError), TestClient(app):
        pass
