"""The routes: each makes one call of the library and answers with its records, under the names that they have there."""

import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from beliefgraph.cli.console import to_json
from beliefgraph.graph.errors import BeliefGraphError
from bench.neo4j_server import Address
from tests.api.served import EXAMPLES, Api, open_scripted, serving
from tests.embedders import CONTRADICTION
from tests.worlds import near

ADA = "/v1/users/ada"
LONG, SHORT = "prefers long answers with a preamble", "prefers short answers without any preamble"


def _close_a_loop(api: Api) -> None:
    """Hold a belief, choose it, answer, send what the user did, ask why, and take it back."""
    held = api.post(f"{ADA}/beliefs", {"id": "b1", "statement": EXAMPLES, "confidence": 0.87})
    plan = api.post(f"{ADA}/personalize", {"query": "runnable examples in documentation"}, 200)
    assert ["b1"] == [choice["belief"]["id"] for choice in plan["used"]]
    beliefs = [{"belief_id": one["belief"]["id"], "weight": one["weight"]} for one in plan["used"]]
    response = api.post(f"{ADA}/responses", {"text": "Pass it back.", "beliefs": beliefs})
    outcome = api.post(f"{ADA}/signals", {"kind": "rating", "value": -1, "response": response["id"]})
    assert "reduce" == outcome["interpretation"]["action"]
    assert near(1.0) == sum(outcome["interpretation"]["causes"].values())
    now = api.get(f"{ADA}/beliefs/b1")
    assert now["confidence"] < held["confidence"]
    explained = api.get(f"{ADA}/beliefs/b1/explanation")
    terms = sum(one["term"] for one in explained["contributions"])
    assert near(explained["log_odds"]) == explained["base_nats"] + terms + explained["conflict_nats"]
    assert EXAMPLES in explained["prose"]
    api.post(f"{ADA}/signals/{outcome['signal']['id']}/retraction", {"reason": "a test"}, 200)
    assert near(0.87) == api.get(f"{ADA}/beliefs/b1")["confidence"]


def test_a_plan_keeps_within_its_characters_and_says_what_to_ask(api: Api) -> None:
    """`max_chars` bounds the prompt; the question names its beliefs, and the answer to it changes the plan."""
    for name, statement, source, confidence in (
        ("b1", EXAMPLES, "stated", 0.87),
        ("b2", f"{EXAMPLES} in Python", "imported", 0.4),
    ):
        held = {"id": name, "statement": statement, "source": source, "confidence": confidence}
        api.post(f"{ADA}/beliefs", held)
    plan = api.post(f"{ADA}/personalize", {"query": EXAMPLES}, 200)
    assert (["b2"], True) == (plan["question_about"], plan["question_nats"] > 0)
    assert "runnable examples" in plan["question"]
    length = len(plan["prompt"])
    assert (
        plan["used"] == api.post(f"{ADA}/personalize", {"query": EXAMPLES, "max_chars": length}, 200)["used"]
    )
    tight = api.post(f"{ADA}/personalize", {"query": EXAMPLES, "max_chars": length - 1}, 200)
    assert ([], "") == (tight["used"], tight["prompt"])
    assert "budget" in {choice["reason"] for choice in tight["withheld"]}
    problem = api.post(f"{ADA}/personalize", {"query": EXAMPLES, "max_chars": 0}, 422)
    assert "max_chars" in json.dumps(problem)
    api.post(f"{ADA}/signals", {"kind": "confirm", "belief": "b2"})
    later = api.post(f"{ADA}/personalize", {"query": EXAMPLES}, 200)
    assert (None, [], 0.0) == (later["question"], later["question_about"], later["question_nats"])
    assert {"b1", "b2"} == {choice["belief"]["id"] for choice in later["used"]}


def test_a_loop_closes_over_http(api: Api) -> None:
    """Belief, choice, response, signal, explanation and retraction fit together by their ids."""
    _close_a_loop(api)


@pytest.mark.neo4j
def test_a_loop_closes_over_http_on_neo4j(tmp_path: Path, neo4j_address: Address) -> None:
    """The service does not know which store it has."""
    with serving(tmp_path, target=neo4j_address.uri) as api:
        _close_a_loop(api)
        erased = api.send("DELETE", ADA, status=200).json()
        assert (1, 1, 1) == (erased["beliefs"], erased["responses"], erased["signals"])
        api.problem("GET", f"{ADA}/beliefs", status=404)


NUMBERED = ("seq", "ordinal")
"""Places of records in sequences, which the service alone tells of each."""


def _plain(value: Any) -> Any:
    """Return JSON with times in one form and numbers rounded: two reads are some microseconds of fading apart."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in NUMBERED}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        return f"{value[:-1]}+00:00"
    return round(value, 9) if isinstance(value, float) else value


def test_answers_are_the_records_of_the_library(told: Api) -> None:
    """Every read answers what the library returns, field by field, as the command line shows it."""
    with open_scripted(told.folder / "beliefs.db", told.clock) as graph:
        ada = graph.for_tenant("acme").user("ada")
        for path, record in (
            ("beliefs/b1", ada.belief("b1")),
            ("responses/r1", ada.response("r1")),
            ("signals/s1", ada.signal_record("s1")),
            ("responses/r1/trace", ada.trace("r1")),
            ("beliefs/b1/explanation", ada.explain("b1")),
        ):
            answered = told.get(f"{ADA}/{path}")
            answered.pop("prose", None)
            assert _plain(to_json(record)) == _plain(answered), path
        for path, records in (
            ("beliefs", ada.beliefs()),
            ("responses", ada.responses()),
            ("signals", ada.signals()),
            ("beliefs/b1/revisions", ada.revisions("b1")),
        ):
            assert _plain(to_json(list(records))) == _plain(told.get(f"{ADA}/{path}")["items"]), path
        plan = ada.personalize(EXAMPLES)
        answered = told.post(f"{ADA}/personalize", {"query": EXAMPLES}, 200)
        assert plan.prompt() == answered.pop("prompt")
        assert _plain(to_json(plan)) == _plain(answered)
        lines = told.send("GET", f"{ADA}/export", status=200).text.splitlines()
        assert ada.export() == [json.loads(line) for line in lines]
        assert ada.export() == told.get(f"{ADA}/export", accept="application/json")


def test_provenance_is_the_graph_of_the_library(told: Api) -> None:
    """The node-link JSON reads back as the same graph."""
    found = nx.node_link_graph(told.get(f"{ADA}/beliefs/b1/provenance"), edges="edges")
    with open_scripted(told.folder / "beliefs.db", told.clock) as graph:
        wanted = graph.for_tenant("acme").user("ada").provenance("b1")
    assert dict(wanted.nodes(data=True)) == dict(found.nodes(data=True))
    assert sorted(wanted.edges(data="type")) == sorted(found.edges(data="type"))


def test_what_is_made_says_where_it_is(api: Api) -> None:
    """201, with the address under which the same record can be read."""
    for path, body in (
        ("beliefs", {"statement": EXAMPLES}),
        ("responses", {"text": "Here."}),
        ("signals", {"kind": "statement", "text": "I live in Oslo"}),
    ):
        made = api.send("POST", f"{ADA}/{path}", body, status=201)
        read = api.get(made.headers["location"])
        assert made.json() == read


def test_the_same_statement_refreshes_the_belief(api: Api) -> None:
    """Without an id, a statement said again answers the belief that is there."""
    first = api.post(f"{ADA}/beliefs", {"statement": EXAMPLES})
    again = api.post(f"{ADA}/beliefs", {"statement": EXAMPLES.upper()})
    assert first["id"] == again["id"]
    assert 1 == len(api.get(f"{ADA}/beliefs")["items"])


def test_a_dry_run_writes_nothing(told: Api) -> None:
    """With `dry_run=true` the outcome is worked out, 200, and the signal cannot be read afterwards."""
    body = {"id": "s9", "kind": "rating", "value": 1, "response": "r1"}
    outcome = told.post(f"{ADA}/signals?dry_run=true", body, 200)
    assert outcome["revisions"]
    told.problem("GET", f"{ADA}/signals/s9", status=404)
    assert outcome["interpretation"] == told.post(f"{ADA}/signals", body)["interpretation"]


def test_a_person_amends_a_belief(told: Api) -> None:
    """A pin moves the confidence; a new wording makes a successor, which is answered."""
    pinned = told.send("PATCH", f"{ADA}/beliefs/b1", {"confidence": 0.95, "reason": "she called"}, status=200)
    assert near(0.95) == pinned.json()["confidence"]
    successor = told.send("PATCH", f"{ADA}/beliefs/b1", {"statement": "wants examples"}, status=200).json()
    assert ["b1"] == [one for one in successor["spawned_from"] if one == "b1"]
    assert "superseded" == told.get(f"{ADA}/beliefs/b1")["standing"]
    retired = told.send("PATCH", f"{ADA}/beliefs/b2", {"retired": True}, status=200).json()
    assert "retired" == retired["standing"]
    assert ["b1"] == [one["id"] for one in told.get(f"{ADA}/beliefs?standing=superseded")["items"]]


def test_an_edit_that_changes_nothing_is_refused(told: Api) -> None:
    """The problem names the field as the caller knows it."""
    problem = told.problem("PATCH", f"{ADA}/beliefs/b1", {}, status=422)
    assert "confidence: must be given, or else statement, context or retired" == problem["detail"]


def test_predict(told: Api) -> None:
    """The probability of satisfaction, by ids or by edges; with a kind, that such a signal turns out good."""
    by_id = told.post(f"{ADA}/predict", {"beliefs": ["b1"]}, 200)
    by_edge = told.post(f"{ADA}/predict", {"beliefs": [{"belief_id": "b1", "weight": 1.0}]}, 200)
    assert 0 < by_id["probability"] < 1
    assert near(by_id["probability"]) == by_edge["probability"]
    rated = told.post(f"{ADA}/predict", {"beliefs": ["b1"], "kind": "rating"}, 200)
    assert rated != by_id
    assert "belief" == told.problem("POST", f"{ADA}/predict", {"beliefs": ["b9"]}, status=404)["what"]


def test_as_of_answers_what_was_served_then(told: Api) -> None:
    """Every read takes the time in its address; questions with a body also in it."""
    then = told.clock.now.isoformat().replace("+00:00", "Z")
    before = told.get(f"{ADA}/beliefs/b1")
    planned = told.post(f"{ADA}/personalize", {"query": EXAMPLES}, 200)
    told.clock.pass_time(days=1)
    told.post(f"{ADA}/signals", {"kind": "deny", "belief": "b1"})
    told.clock.pass_time(days=1)
    assert told.get(f"{ADA}/beliefs/b1")["confidence"] < before["confidence"]
    assert before == told.get(f"{ADA}/beliefs/b1?as_of={then}")
    assert before == told.get(f"{ADA}/beliefs/b1/explanation?as_of={then}")["belief"]
    assert before in told.get(f"{ADA}/beliefs?as_of={then}")["items"]
    assert 2 == len(told.get(f"{ADA}/beliefs/b1/revisions?as_of={then}")["items"])
    assert planned == told.post(f"{ADA}/personalize?as_of={then}", {"query": EXAMPLES}, 200)
    assert planned == told.post(f"{ADA}/personalize", {"query": EXAMPLES, "as_of": then}, 200)
    twice = told.problem(
        "POST", f"{ADA}/predict?as_of={then}", {"beliefs": [], "as_of": "2026-01-01T00:00:00Z"}, status=422
    )
    assert "as_of" == twice["field"]


def test_conflicts_are_listed_and_decided(tmp_path: Path) -> None:
    """A person keeps one of two beliefs, undoes it, and dismisses the conflict; the job has nothing left to do."""
    pairs = {(LONG, SHORT): CONTRADICTION, (SHORT, LONG): CONTRADICTION}
    with serving(tmp_path, script=pairs) as api:
        for id, statement in (("b1", LONG), ("b2", SHORT)):
            api.post(f"{ADA}/beliefs", {"id": id, "statement": statement})
        (conflict,) = api.get(f"{ADA}/conflicts")["items"]
        assert (["b1", "b2"], "confirmed") == (conflict["beliefs"], conflict["status"])
        place = f"{ADA}/conflicts/{conflict['id']}/resolution"
        kept = api.post(place, {"keep": "b2", "reason": "she said so"}, 200)
        assert "resolved" == kept["status"]
        assert "superseded" == api.get(f"{ADA}/beliefs/b1")["standing"]
        assert [] == api.get(f"{ADA}/conflicts?status=confirmed")["items"]
        assert "confirmed" == api.post(place, {"undo": True}, 200)["status"]
        assert "held" == api.get(f"{ADA}/beliefs/b1")["standing"]
        planned = api.post(f"{ADA}/conflicts/resolution?dry_run=true", status=200)
        assert [conflict["id"]] == [one["conflict_id"] for one in planned]
        assert "dismissed" == api.post(place, {"dismiss": True}, 200)["status"]
        assert [] == api.post(f"{ADA}/conflicts/resolution", status=200)
        both = api.problem("POST", place, {"keep": "b1", "dismiss": True}, status=422)
        none = api.problem("POST", place, {}, status=422)
        assert ("keep", "keep") == (both["field"], none["field"])


def test_duplicates_are_listed(api: Api) -> None:
    """Two ids for one text are proposed for merging, and decided like a conflict."""
    for id in ("b1", "b2"):
        api.post(f"{ADA}/beliefs", {"id": id, "statement": EXAMPLES})
    (pair,) = api.get(f"{ADA}/duplicates")["items"]
    assert ["b1", "b2"] == pair["beliefs"]
    kept = api.post(f"{ADA}/conflicts/{pair['id']}/resolution", {"keep": "b1"}, 200)
    assert "resolved" == kept["status"]


def test_a_new_user(api: Api) -> None:
    """Nothing is held of her: reads are 404, a personalization is empty, a prediction is the usual one."""
    for path in ("beliefs", "responses", "signals", "conflicts", "duplicates", "export"):
        problem = api.problem("GET", f"{ADA}/{path}", status=404)
        assert ("user", "ada") == (problem["what"], problem["id"])
    assert {"consents": None} == api.get(f"{ADA}/consent")
    assert api.get(f"{ADA}/onboarding")["question"]
    assert [] == api.post(f"{ADA}/personalize", {"query": "hello"}, 200)["used"]
    assert 0 < api.post(f"{ADA}/predict", {"beliefs": []}, 200)["probability"] < 1


def test_erasing_leaves_nothing(told: Api) -> None:
    """Counts of what went; then she is nobody, and erasing her again says so."""
    erased = told.send("DELETE", ADA, status=200).json()
    assert (2, 1, 1) == (erased["beliefs"], erased["responses"], erased["signals"])
    told.problem("GET", f"{ADA}/beliefs", status=404)
    assert "user" == told.problem("DELETE", ADA, status=404)["what"]
    assert [] == told.get("/v1/users")["items"]


def test_an_export_goes_back_in(told: Api) -> None:
    """What is exported, sent to the batch route of another tenant, makes the same self-model."""
    lines = told.send("GET", f"{ADA}/export", status=200).content
    other = told.as_(told.key("zeta", "read", "write"))
    report = other.post("/v1/events", lines, 200, content_type="application/x-ndjson")
    assert (0, {"belief": 2, "response": 1, "signal": 1}) == (report["rejected"], report["applied"])
    there = {one["id"]: one["confidence"] for one in other.get(f"{ADA}/beliefs")["items"]}
    here = {one["id"]: near(one["confidence"]) for one in told.get(f"{ADA}/beliefs")["items"]}
    assert here == there


def test_an_export_takes_along_what_other_routes_made(told: Api) -> None:
    """Edits and answers to questions are kinds that nobody posts; as lines of an export they go back in."""
    told.send("PATCH", f"{ADA}/beliefs/b1", {"confidence": 0.6}, status=200)
    asked = told.get(f"{ADA}/onboarding")["question"]
    told.post(f"{ADA}/onboarding", {"answers": {asked["id"]: asked["answers"][0]["id"]}}, 200)
    lines = told.send("GET", f"{ADA}/export", status=200).content
    assert {b'"set"', b'"onboarding"'} <= set(re.findall(rb'"kind": ("\w+")', lines))
    other = told.as_(told.key("zeta", "read", "write"))
    assert 0 == other.post("/v1/events", lines, 200, content_type="application/x-ndjson")["rejected"]
    assert [one["kind"] for one in told.get(f"{ADA}/signals")["items"]] == [
        one["kind"] for one in other.get(f"{ADA}/signals")["items"]
    ]


def test_a_byte_order_mark_is_no_part_of_a_body(api: Api) -> None:
    """What editors on Windows write before a text is passed over, on every route and in every form."""
    held = b'\xef\xbb\xbf{"type": "belief", "user": "ada", "id": "b1", "statement": "likes tea"}'
    for kind, body in (
        ("application/x-ndjson", held),
        ("application/json", held[:3] + b"[" + held[3:] + b"]"),
    ):
        assert 0 == api.post("/v1/events", body, 200, content_type=kind)["rejected"]
    api.post(f"{ADA}/beliefs", held[:3] + b'{"id": "b1", "statement": "likes tea"}')
    assert 1 == len(api.get(f"{ADA}/beliefs")["items"])


def test_ids_with_every_visible_character(api: Api) -> None:
    """An id with spaces' neighbours, percent signs and other scripts survives the address."""
    from urllib.parse import quote

    for id in ("50%", "ä@é:ü+,;=&?#", "日本", "'\"<b>"):
        place = f"/v1/users/{quote(id, safe='')}/beliefs"
        made = api.send("POST", place, {"id": id, "statement": EXAMPLES}, status=201)
        assert (id, id) == (made.json()["user_id"], made.json()["id"])
        assert f"{place}/{quote(id, safe='')}" == made.headers["location"]
        assert made.json() == api.get(made.headers["location"])


def test_a_store_error_that_no_table_knows_is_ours() -> None:
    """Every error of the library has a problem of its own but the root, which is an internal error."""
    from beliefgraph.api.problems import INTERNAL, problem_of

    assert INTERNAL == problem_of(BeliefGraphError("secret")).kind
    assert "secret" not in str(problem_of(BeliefGraphError("secret")).detail)
