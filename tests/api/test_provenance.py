"""Provenance, differences and suppositions over HTTP: the same as the library, in every form, complete in OpenAPI."""

import json
from typing import Any

import networkx as nx
import pytest
from prov.model import ProvDocument

from beliefgraph import SelfModel
from beliefgraph.cli.console import to_json
from tests.api.served import Api, open_scripted
from tests.worlds import START

ADA = "/v1/users/ada"
ASKED = {
    "beliefs/b1/provenance": {"belief": "b1"},
    "signals/s1/influence": {"signal": "s1"},
    "responses/r1/provenance": {"response": "r1"},
}


def _in_library(told: Api, work: Any) -> Any:
    with open_scripted(told.folder / "beliefs.db", told.clock) as graph:
        ada: SelfModel = graph.for_tenant("acme").user("ada")
        return work(ada)


@pytest.mark.parametrize("path", ASKED)
def test_each_form_is_that_of_the_library(told: Api, path: str) -> None:
    """Graph, PROV document, timeline and story answer what the library gives; a PROV library reads the document."""
    found = _in_library(told, lambda ada: ada.provenance_of(**ASKED[path]))
    linked = told.get(f"{ADA}/{path}")
    assert linked == told.get(f"{ADA}/{path}?format=node-link") == json.loads(json.dumps(found.node_link()))
    assert nx.utils.graphs_equal(found.graph(), nx.node_link_graph(linked, edges="edges"))
    document = told.get(f"{ADA}/{path}?format=prov")
    assert json.loads(json.dumps(found.prov())) == document
    assert list(ProvDocument.deserialize(content=json.dumps(document), format="json").get_records())
    events = told.get(f"{ADA}/{path}?format=timeline")
    assert [(e.what, e.id, e.text) for e in found.timeline()] == [
        (e["what"], e["id"], e["text"]) for e in events["events"]
    ]
    story = {"text": str(found), "left_out": 0, "cursor": None}
    assert story == told.get(f"{ADA}/{path}?format=prose")


def test_a_long_provenance_is_paged(told: Api) -> None:
    """The cursor of a page asks for what it left out, in every form."""
    every = _in_library(told, lambda ada: [revision.seq for revision in ada.revisions("b1")])
    cut = told.get(f"{ADA}/beliefs/b1/provenance?limit=1&format=timeline")
    assert (1, [str(every[1])]) == (
        cut["left_out"],
        [e["id"] for e in cut["events"] if e["what"] == "change"],
    )
    rest = told.get(f"{ADA}/beliefs/b1/provenance?limit=1&cursor={cut['cursor']}")
    assert (0, None) == (rest["graph"]["left_out"], rest["graph"]["cursor"])
    assert f"revision:{every[0]}" in [node["id"] for node in rest["nodes"]]


def test_reads_as_of_a_time_give_what_was_served(told: Api) -> None:
    """Records are answered as they stood, after an edit and a retraction; later ones are not found."""
    paths = [
        *ASKED,
        "beliefs/b1",
        "responses/r1",
        "signals/s1",
        "duplicates",
        "conflicts",
        "responses/r1/trace",
    ]
    then = told.clock.now
    served = {path: told.get(f"{ADA}/{path}") for path in paths}
    exported = told.send("GET", f"{ADA}/export", status=200).text
    told.clock.pass_time(hours=1)
    told.send("PATCH", f"{ADA}/beliefs/b1", {"confidence": 0.2}, status=200)
    told.post(f"{ADA}/signals/s1/retraction", status=200)
    told.post(f"{ADA}/signals", {"id": "s2", "kind": "deny", "belief": "b1"})
    told.post(f"{ADA}/responses", {"id": "r2", "text": "Another."})
    at = then.isoformat().replace("+", "%2B")
    assert served == {path: told.get(f"{ADA}/{path}?as_of={at}") for path in paths}
    assert exported == told.send("GET", f"{ADA}/export?as_of={at}", status=200).text
    for path in ("signals/s2", "signals/s2/influence", "responses/r2", "responses/r2/provenance"):
        told.get(f"{ADA}/{path}")
        told.problem("GET", f"{ADA}/{path}?as_of={at}", status=404)


def test_a_difference_is_that_of_the_library(told: Api) -> None:
    """What changed between two times, with its prose; `to` is now unless given."""
    told.clock.pass_time(hours=1)
    told.send("PATCH", f"{ADA}/beliefs/b1", {"confidence": 0.2, "reason": "she called"}, status=200)
    found = _in_library(told, lambda ada: ada.diff(START, told.clock.now))
    answered = told.get(f"{ADA}/diff?from=2026-03-01T12:00:00Z")
    assert str(found) == answered["prose"]
    assert [each.after.id for each in found.differences] == [
        each["after"]["id"] for each in answered["differences"]
    ]
    assert "moved" == answered["differences"][0]["what"]
    assert answered == told.get(f"{ADA}/diff?from=2026-03-01T12:00:00Z&to=2026-03-01T13:00:00Z&limit=5")


def test_what_would_be_is_answered_and_nothing_written(told: Api) -> None:
    """Without a signal, and with one that came now; afterwards everything is as it was."""
    before = told.send("GET", f"{ADA}/export", status=200).text
    found = _in_library(told, lambda ada: ada.what_if(without="s1"))
    without = told.post(f"{ADA}/what-if", {"without": "s1"}, 200)
    assert (str(found), [s.now.id for s in found.shifts]) == (
        without["prose"],
        [s["now"]["id"] for s in without["shifts"]],
    )
    came = told.post(f"{ADA}/what-if", {"kind": "deny", "belief": "b1"}, 200)
    (shift,) = came["shifts"]
    assert shift["supposed"]["confidence"] < shift["now"]["confidence"]
    dry = told.post(f"{ADA}/signals/s1/retraction?dry_run=true", status=200)
    moved = {each["belief_id"]: each["after"] for each in dry["revisions"]}
    assert moved == {s["supposed"]["id"]: s["supposed"]["confidence"] for s in without["shifts"]}
    assert before == told.send("GET", f"{ADA}/export", status=200).text


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "beliefs/b1/provenance?format=xml", None, "format"),
        ("GET", "beliefs/b1/provenance?limit=0", None, "limit"),
        ("GET", "beliefs/b1/provenance?cursor=x", None, "cursor"),
        ("GET", "signals/s1/influence?limit=5", None, "limit"),
        ("GET", "diff", None, "from"),
        ("GET", "diff?from=2030-01-01T00:00:00Z", None, "from"),
        ("GET", "diff?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", None, "from"),
        ("GET", "diff?from=yesterday", None, "from"),
        ("POST", "what-if", {}, "kind"),
        ("POST", "what-if", {"value": 1}, "kind"),
        ("POST", "what-if", {"without": "s1", "kind": "rating"}, "without"),
        ("POST", "what-if", {"kind": "deny", "belief": "b1", "id": "x"}, "id"),
        ("POST", "signals/s1/retraction?dry_run=maybe", None, "dry_run"),
    ],
)
def test_wrong_questions_name_the_field(told: Api, method: str, path: str, body: Any, field: str) -> None:
    """What cannot be answered is a 422 that names the parameter as the caller knows it."""
    assert field == told.problem(method, f"{ADA}/{path}", body, status=422)["field"]


def test_nothing_of_another_tenant_is_found(told: Api) -> None:
    """Ids that exist for one tenant do not for the other, on each of these routes."""
    stranger = told.as_(told.key("globex", "admin"))
    for path in ASKED:
        stranger.problem("GET", f"{ADA}/{path}", status=404)
    stranger.problem("GET", f"{ADA}/diff?from=2026-01-01T00:00:00Z", status=404)
    stranger.problem("POST", f"{ADA}/what-if", {"without": "s1"}, status=404)
    stranger.problem("POST", f"{ADA}/what-if", {"kind": "deny", "belief": "b1"}, status=404)


def test_openapi_describes_every_field_of_these_answers(api: Api) -> None:
    """Each route is there with its forms, and each field of each answer has a meaning and an example."""
    described = api.get("/openapi.json")
    by_id = {o["operationId"]: o for path in described["paths"].values() for o in path.values()}
    for name in ("get_provenance", "get_influence", "get_response_provenance"):
        schema = by_id[name]["responses"]["200"]["content"]["application/json"]["schema"]
        forms = {one["$ref"].rpartition("/")[2] for one in schema["anyOf"]}
        assert {"Graph", "ProvDocument", "Timeline", "Story", "Provenance"} == forms
    assert "422" in by_id["what_if"]["responses"] and "404" in by_id["what_if"]["responses"]
    for name in ("Graph", "ProvDocument", "Timeline", "Story", "TimelineEvent", "Diff", "Difference", "WhatIf", "Shift",
                 "Supposition"):  # fmt: skip
        for field, schema in described["components"]["schemas"][name]["properties"].items():
            assert schema.get("description"), (name, field)


def test_answers_say_what_openapi_says(told: Api) -> None:
    """Each answer has exactly the fields that its schema requires or knows."""
    schemas = told.get("/openapi.json")["components"]["schemas"]
    for name, form in (
        ("Graph", "node-link"),
        ("ProvDocument", "prov"),
        ("Timeline", "timeline"),
        ("Story", "prose"),
    ):
        for path in ASKED:
            answered = set(told.get(f"{ADA}/{path}?format={form}"))
            assert set(schemas[name]["required"]) <= answered <= set(schemas[name]["properties"]), (
                name,
                path,
            )
    found = told.get(f"{ADA}/diff?from=2026-01-01T00:00:00Z")
    assert set(schemas["Diff"]["properties"]) == set(found)
    assert set(to_json(_in_library(told, lambda ada: ada.diff(START.replace(year=2025))))) < set(found)
