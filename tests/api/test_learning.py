"""Audit, curve, onboarding and merges over HTTP: what the library answers, and no more is needed to close the loop."""

from pathlib import Path

from beliefgraph.api import bodies
from beliefgraph.ingest.bank import load_bank
from tests.api.served import EXAMPLES, Api, serving, tell_story

ADA = "/v1/users/ada"
BANK = load_bank()


def test_the_audit_names_what_did_not_reach_the_model(told: Api) -> None:
    """Of the tenant and of one user: numbers that add up, reasons, examples, and the account in words."""
    told.post(f"{ADA}/responses", {"id": "r2", "text": "Hello."})
    told.post(f"{ADA}/signals", {"id": "s2", "kind": "rating", "value": 1, "response": "r2"})
    found = told.get("/v1/audit?per=day&source=device")
    total = found["total"]
    assert (2, 1, 1) == (total["received"], total["moved"], total["lost"])
    assert total["received"] == total["moved"] + sum(total["reasons"].values())
    assert [["s2"]] == [[one["signal"] for one in kept] for kept in found["examples"].values()]
    assert (False, ["2026-03-01"]) == (found["ok"], list(found["periods"]))
    assert "2 signals" in found["text"]
    one = told.get(f"{ADA}/audit")
    assert total == one["total"]
    assert 0 == told.get("/v1/audit?since=2026-03-02T00:00:00Z")["total"]["received"]
    assert "per" == told.problem("GET", "/v1/audit?per=year", status=422)["field"]
    assert "user" == told.problem("GET", "/v1/users/eve/audit", status=404)["what"]


def test_the_curve_is_that_of_the_library(told: Api) -> None:
    """Stages with every way to foresee, for one user and for all; too few are told by nulls, not by numbers."""
    of_all, of_one = told.get("/v1/curve"), told.get(f"{ADA}/curve")
    assert (None, 1, 1) == (of_all["user_id"], of_all["users"], of_all["interactions"])
    assert ("ada", 1) == (of_one["user_id"], of_one["interactions"])
    (stage,) = of_one["stages"]
    assert {"self_model", "without_learning"} < set(stage["scores"])
    assert stage["scores"]["self_model"]["log_loss"]["low"] is None
    assert of_one["line"] == of_one["stages"]
    assert 0 == told.get("/v1/curve?at_least=2")["interactions"]
    assert "at_least" == told.problem("GET", "/v1/curve?at_least=0", status=422)["field"]


def test_a_new_user_is_asked_and_answers(api: Api) -> None:
    """The first question needs nothing known; an answer moves beliefs, a skip none; repeated, it changes nothing."""
    first = api.get(f"{ADA}/onboarding")
    assert (BANK.name, {}, None) == (first["bank"], first["answered"], first["stopped"])
    asked = first["question"]
    answer = asked["answers"][0]["id"]
    step = api.post(f"{ADA}/onboarding", {"answers": {asked["id"]: answer}}, 200)
    (outcome,) = step["outcomes"]
    assert outcome["spawned"]
    assert {asked["id"]: answer} == step["answered"]
    assert step["question"]["id"] != asked["id"]
    skipped = api.post(f"{ADA}/onboarding", {"answers": {step["question"]["id"]: None}}, 200)
    assert [step["question"]["id"]] == skipped["skipped"]
    again = api.post(f"{ADA}/onboarding", {"answers": {asked["id"]: answer}}, 200)
    assert [] == again["outcomes"]
    assert again == api.get(f"{ADA}/onboarding")
    assert 2 == len(api.get(f"{ADA}/signals")["items"])


def test_how_a_question_is_skipped(api: Api) -> None:
    """The word "none" is no answer: what skips a question is named as it is written over HTTP."""
    wrong = api.problem("POST", f"{ADA}/onboarding", {"answers": {"length": "none"}}, status=422)
    assert ("answers.length", "'none'") == (wrong["field"], wrong["got"])
    assert wrong["expected"].endswith("; or null (in Python None) where it was skipped")


def test_answers_that_the_bank_has_not(api: Api) -> None:
    """An unknown question or answer is named with what would be right, and nothing of the request is recorded."""
    question = next(iter(BANK.questions))
    answer = next(iter(BANK.questions[question].answers))
    wrong = api.problem("POST", f"{ADA}/onboarding", {"answers": {question: answer, "age": "12"}}, status=422)
    assert ("answers", "'age'") == (wrong["field"], wrong["got"])
    wrong = api.problem("POST", f"{ADA}/onboarding", {"answers": {question: "maybe"}}, status=422)
    assert f"answers.{question}" == wrong["field"]
    for wrong_answers, field, expected in (
        ({}, "answers", "must have at least 1"),
        ([], "answers", "must be an object"),
        ({"": None}, "answers", "each name must be 1 to 200 visible characters"),
        ({"a/b": None}, "answers.a/b", "each name must be 1 to 200 visible characters"),
        ({"x" * 100_000: None}, f"answers.{'x' * 80}", "each name must be 1 to 200 visible characters"),
        ({f"q{number}": None for number in range(201)}, "answers", "must have at most 200 entries"),
        ({question: 1}, f"answers.{question}", "must be a text"),
        ({question: [answer]}, f"answers.{question}", "must be a text"),
    ):
        wrong = api.problem("POST", f"{ADA}/onboarding", {"answers": wrong_answers}, status=422)
        assert field == wrong["field"]
        assert wrong["expected"].startswith(expected)
        assert len(wrong["detail"]) < 300
    api.problem("GET", f"{ADA}/signals", status=404)


def test_a_bank_of_the_operators_own(tmp_path: Path) -> None:
    """The questions are those that the service was started with; an id that the caller has taken is left alone."""
    place = tmp_path / "bank.yaml"
    place.write_text(
        "name: tea\nbeliefs: {tea: Likes tea}\nquestions:\n  drink:\n    ask: Tea?\n    answers:\n"
        "      y: {say: Yes, speaks: {tea: 0.9}}\n      n: {say: No, speaks: {tea: 0.1}}\n"
    )
    with serving(tmp_path, bank=load_bank(place)) as api:
        assert "drink" == api.get(f"{ADA}/onboarding")["question"]["id"]
        (born,) = api.post(f"{ADA}/onboarding", {"answers": {"drink": "y"}}, 200)["outcomes"][0]["spawned"]
        api.post("/v1/users/eve/beliefs", {"id": born["id"], "statement": EXAMPLES})
        other = api.post("/v1/users/eve/onboarding", {"answers": {"drink": "y"}}, 200)["outcomes"][0]
        assert born["id"] != other["spawned"][0]["id"]
        assert {"tea"} == {api.get(f"/v1/users/{user}/onboarding")["bank"] for user in ("ada", "new")}


def test_the_examples_of_the_description_are_questions_of_the_bank(api: Api) -> None:
    """What the description shows as an answer can be sent as it is."""
    (example,) = bodies.Answers.model_fields["answers"].examples or []
    assert 2 == len(api.post(f"{ADA}/onboarding", {"answers": example}, 200)["outcomes"])


def test_consent_is_a_signal_and_can_be_read(api: Api) -> None:
    """Never asked, given, ended."""
    heard = [api.get(f"{ADA}/consent")["consents"]]
    for value in (1, 0):
        api.post(f"{ADA}/signals", {"kind": "consent", "value": value})
        api.clock.pass_time(seconds=1)
        heard.append(api.get(f"{ADA}/consent")["consents"])
    assert [None, True, False] == heard


def test_merges_are_proposed_decided_and_undone(api: Api) -> None:
    """Two beliefs that say the same are proposed; merged, parted again, and kept apart for good."""
    for id in ("b1", "b2"):
        api.post(f"{ADA}/beliefs", {"id": id, "statement": EXAMPLES})
    (pair,) = api.get(f"{ADA}/duplicates?status=suspected")["items"]
    place = f"{ADA}/conflicts/{pair['id']}/resolution"
    assert "resolved" == api.post(place, {"keep": "b1", "reason": "the same"}, 200)["status"]
    standings = [api.get(f"{ADA}/beliefs/{id}")["standing"] for id in ("b1", "b2")]
    assert ["held", "superseded"] == standings
    assert "b1" == api.get(f"{ADA}/beliefs/b2/explanation")["heir"]["id"]
    assert "confirmed" == api.post(place, {"undo": True}, 200)["status"]
    assert "held" == api.get(f"{ADA}/beliefs/b2")["standing"]
    assert "dismissed" == api.post(place, {"dismiss": True}, 200)["status"]
    assert ["dismissed"] == [one["status"] for one in api.get(f"{ADA}/duplicates")["items"]]
    assert [] == api.post(f"{ADA}/conflicts/resolution", status=200)


def test_answers_are_counted(api: Api) -> None:
    """An answer is a signal in the metrics too."""
    asked = api.get(f"{ADA}/onboarding")["question"]
    api.post(f"{ADA}/onboarding", {"answers": {asked["id"]: asked["answers"][0]["id"]}}, 200)
    counted = api.send("GET", "/metrics").text
    assert any(
        line.startswith('beliefgraph_signals_total{action="spawn"') and 'kind="onboarding"' in line
        for line in counted.splitlines()
    )


def test_these_reads_have_tags(api: Api) -> None:
    """An ETag of a user of whom nothing is held is right until something is."""
    paths = (f"{ADA}/onboarding", f"{ADA}/consent")
    tags = [api.send("GET", path, status=200).headers["etag"] for path in paths]
    for path, tag in zip(paths, tags, strict=True):
        api.send("GET", path, status=304, if_none_match=tag)
    tell_story(api)
    for path, tag in zip(paths, tags, strict=True):
        api.send("GET", path, status=200, if_none_match=tag)
