"""Commands one by one: what they answer, in JSON and in a pipe, and what wrong use gets."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.shell import Shell

BELIEF_FIELDS = {
    "id", "user_id", "statement", "confidence", "support", "opposition", "standing", "source", "kind", "context",
    "created_at", "revised_at", "spawned_from",
}  # fmt: skip
REVISION_FIELDS = {
    "id", "belief_id", "seq", "before", "after", "nats", "action", "reason", "cause_kind", "cause_id",
    "parameters_version", "recorded_at",
}  # fmt: skip
CAUSES = {"belief_wrong", "response_missed", "form", "other_fault", "accident", "satisfied"}


def test_writes_answer_with_what_was_recorded(shell: Shell) -> None:
    """Each writing verb answers in JSON with the fields of the interface."""
    belief = shell.json(
        "believe", "ada", "Prefers tea", "--confidence", "0.7", "--kind", "fact", "--id", "b1"
    )
    assert set(belief) == BELIEF_FIELDS
    assert ("b1", "ada", "Prefers tea", "fact") == tuple(
        belief[n] for n in ("id", "user_id", "statement", "kind")
    )
    response = shell.json("respond", "ada", "Green tea?", "--belief", "b1/0.5/1", "--id", "r1")
    assert [
        {"belief_id": "b1", "weight": 0.5, "adherence": 1.0, "confidence_then": belief["confidence"]}
    ] == response["generated_by"]
    outcome = shell.json(
        "signal", "ada", "rating", "-1", "--response", "r1", "--tag", "too_long", "--context", "device=mobile"
    )
    assert set(outcome) == {"signal", "interpretation", "revisions", "spawned", "conflicts"}
    assert (-1.0, ["too_long"], {"device": "mobile"}) == tuple(
        outcome["signal"][name] for name in ("value", "tags", "context")
    )
    assert CAUSES == set(outcome["interpretation"]["causes"])
    assert pytest.approx(1.0) == sum(outcome["interpretation"]["causes"].values())
    retracted = shell.json("retract", "ada", outcome["signal"]["id"], "--reason", "a test")
    assert pytest.approx(belief["confidence"]) == retracted["revisions"][0]["after"]
    assert "held" == shell.json("amend", "ada", "b1", "--confidence", "0.9")["standing"]
    assert "retired" == shell.json("amend", "ada", "b1", "--retire", "--reason", "moved on")["standing"]
    assert "held" == shell.json("amend", "ada", "b1", "--restore")["standing"]


def test_reads_answer_in_json(ada: Shell) -> None:
    """Each read answers in JSON with the fields of the interface, and times in ISO 8601."""
    assert ["ada"] == ada.json("users")
    beliefs = ada.json("beliefs", "ada")
    assert ["b2", "b1"] == [belief["id"] for belief in beliefs]
    assert BELIEF_FIELDS == set(beliefs[0])
    assert datetime.fromisoformat(beliefs[0]["created_at"]).tzinfo is not None
    revisions = ada.json("revisions", "ada", "b1")
    assert REVISION_FIELDS == set(revisions[0])
    assert ["s1"] == [revision["cause_id"] for revision in revisions[1:]]
    explanation = ada.json("explain", "ada", "b1")
    terms = [each["term"] for each in explanation["contributions"]]
    assert pytest.approx(explanation["log_odds"]) == (
        explanation["base_nats"] + sum(terms) + explanation["conflict_nats"]
    )
    beneath = [pair for each in explanation["contributions"] for pair in each["signals"]]
    assert [("s1", "s1")] == [(p["signal"]["id"], p["interpretation"]["signal_id"]) for p in beneath]
    trace = ada.json("trace", "ada", "r1")
    assert ["b1", "b2"] == [each["edge"]["belief_id"] for each in trace["beliefs"]]
    assert trace["beliefs"][0]["then"]["confidence"] != trace["beliefs"][0]["now"]["confidence"]
    assert ["s1"] == [pair["signal"]["id"] for pair in trace["signals"]]
    plan = ada.json("personalize", "ada", "runnable examples in the documentation")
    assert ["b1"] == [choice["belief"]["id"] for choice in plan["used"]]
    assert {"belief", "confidence", "relevance", "weight", "reason"} == set(plan["used"][0])
    assert "runnable examples" in plan["prompt"]
    tight = ada.json("personalize", "ada", "runnable examples in the documentation", "--max-chars", "50")
    assert ([], "") == (tight["used"], tight["prompt"])
    assert len(plan["used"]) + len(plan["withheld"]) == len(tight["withheld"])
    assert ["r1"] == [response["id"] for response in ada.json("responses", "ada")]
    assert ["s1"] == [signal["id"] for signal in ada.json("signals", "ada")]
    assert [] == ada.json("conflicts", "ada")
    assert {"ok": True, "users": 1, "beliefs": 2, "revisions": 4, "findings": []} == ada.json("verify")
    assert ["version"] == list(ada.json("version"))


def test_a_pipe_gets_plain_aligned_text(ada: Shell) -> None:
    """A table in a pipe has a head, columns that begin at the same place, and no colour."""
    head, *rows = ada.run("beliefs", "ada").stdout.splitlines()
    assert {head.index("statement")} == {
        row.index(word) for row, word in zip(rows, ("Pref", "Docu"), strict=True)
    }
    assert "\x1b" not in ada.run("explain", "ada", "b1").stdout
    assert "no conflict\n" == ada.run("conflicts", "ada").stdout


def test_texts_cannot_steer_a_terminal(shell: Shell) -> None:
    """Control characters and turned writing in a statement do not come out in tables and prose."""
    shell.run("believe", "ada", "Likes\x1b[31m red\u202e wine\r\n", "--id", "b1")
    for words in (["beliefs", "ada"], ["explain", "ada", "b1"]):
        shown = shell.run(*words).stdout
        assert not {"\x1b", "\u202e", "\r"} & set(shown)
    assert "Likes\x1b[31m red\u202e wine\r\n" == shell.json("beliefs", "ada")[0]["statement"]


def test_the_store_may_be_named_before_or_after_the_command(shell: Shell, tmp_path: Path) -> None:
    """The target after the command wins over the one before it; tenants are apart."""
    here, there = str(tmp_path / "here.db"), str(tmp_path / "there.db")
    shell.run("--db", here, "believe", "ada", "Prefers tea")
    shell.run("--db", here, "believe", "bob", "Prefers tea", "--db", there)
    shell.run("--db", there, "--tenant", "other", "believe", "eve", "Prefers tea")
    assert ["ada"] == shell.json("users", "--db", here)
    assert ["bob"] == shell.json("--db", f"sqlite:///{there}", "users")
    assert ["eve"] == shell.json("users", "--db", there, "--tenant", "other")


def test_as_of_goes_back(ada: Shell) -> None:
    """Every read of beliefs takes a moment and answers as it stood then."""
    seen = [
        datetime.fromisoformat(revision["recorded_at"]).astimezone(UTC).isoformat()
        for revision in ada.json("revisions", "ada", "b1")
    ]
    assert 0.87 == pytest.approx(ada.json("explain", "ada", "b1", "--as-of", seen[0])["belief"]["confidence"])
    assert ["b1"] == [belief["id"] for belief in ada.json("beliefs", "ada", "--as-of", seen[0])]
    assert 1 == len(ada.json("revisions", "ada", "b1", "--as-of", seen[0]))
    assert "response: there is no response 'r1' of user 'ada'" == ada.error(
        "trace", "ada", "r1", "--as-of", seen[0]
    )
    assert 1 == len(ada.json("trace", "ada", "r1", "--as-of", seen[1])["signals"])


def test_a_dry_run_writes_nothing(ada: Shell) -> None:
    """It answers what would happen."""
    before = ada.run("export", "ada").stdout
    outcome = ada.json("signal", "ada", "rating", "1", "--response", "r1", "--dry-run")
    assert outcome["revisions"]
    assert before == ada.run("export", "ada").stdout


def test_the_same_call_again_changes_nothing(ada: Shell) -> None:
    """An id makes a call safe to repeat; with other content it is refused."""
    before = ada.run("export", "ada").stdout
    words = ["signal", "ada", "rating", "-1", "--response", "r1", "--id", "s1", "--text"]
    ada.run(*words, "There is no example")
    assert before == ada.run("export", "ada").stdout
    assert "id: signal 's1' is recorded already, with other content; choose a new id" == ada.error(
        *words, "Other"
    )


def test_limits_and_pages(shell: Shell) -> None:
    """Lists go on past the library's page, and stop where they are told to."""
    lines = [
        json.dumps({"type": "belief", "user": "ada", "id": f"b{n}", "statement": f"n{n}"})
        for n in range(1100)
    ]
    shell.run("ingest", "-", stdin="\n".join(lines))
    assert 1100 == len(shell.json("beliefs", "ada"))
    assert ["b1099", "b1098"] == [belief["id"] for belief in shell.json("beliefs", "ada", "--limit", "2")]


def test_erase_asks(ada: Shell) -> None:
    """Where nobody can be asked, `--yes` is required; then nothing is left."""
    assert "yes: is required where nobody can be asked" == ada.error("erase", "ada")
    assert {"beliefs": 2, "responses": 1, "signals": 1, "revisions": 4, "links": 0} == ada.json(
        "erase", "ada", "--yes"
    )
    assert [] == ada.json("users")


@pytest.mark.parametrize("command", ["verify", "resolve", "audit"])
def test_a_job_on_a_tenant_without_users_says_which_have_some(ada: Shell, command: str) -> None:
    """All is well where nobody is; the hint goes to stderr and changes neither the answer nor the status."""
    told = "tenant acme has no users; --tenant names one that has: default\n"
    found = ada.run(command, "--tenant", "acme", "--json")
    assert told == found.stderr
    json.loads(found.stdout)
    assert "" == ada.run(command).stderr
    assert "" == Shell(store=ada.folder / "empty.db", folder=ada.folder).run(command).stderr


def test_erasing_somebody_unknown_says_so(ada: Shell) -> None:
    """It may be done twice; that nothing is held is told with the tenant, which may be the wrong one."""
    said = ada.run("erase", "ada", "--yes", "--tenant", "acme").stdout
    assert "nothing is held on ada in tenant acme; nothing was erased\n" == said
    assert 0 == ada.json("erase", "ada", "--yes", "--tenant", "acme")["beliefs"]
    assert ada.run("erase", "ada", "--yes").stdout.startswith("erased 2 beliefs, ")
    assert ada.run("erase", "ada", "--yes").stdout.startswith("nothing is held on ada in tenant default;")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["believe", "ada", "x", "--confidence", "1"], "confidence: must be less than or equal to 0.999 (got 1.0)"),
        (["believe", "ada", "x", "--confidence", "nan"], "confidence: must be a finite number (got nan)"),
        (["believe", "ada", "x", "--confidence", "high"], "confidence: must be a number (got 'high')"),
        (["believe", "ada", ""], "statement: must not be empty"),
        (["believe", "ada", "x" * 100_001], "statement: must have at most 100000 characters"),
        (["believe", "a/b", "x"], "user: must be 1 to 200 visible characters without '/', and not '.' or '..'"),
        (["believe", "ada", "x", "--at", "2026-01-31"], "at: must be a time with a timezone, as in 2026-01-31T"),
        (["believe", "ada", "x", "--context", "mobile"], "context: must be key=value, as in device=mobile"),
        (["signal", "ada", "rating", "2"], "value: must lie from -1 to 1 for a signal of kind 'rating' (got 2)"),
        (["signal", "ada", "rating", "bad"], "value: must be a number, true, false, positive or negative (got 'bad')"),
        (["signal", "ada", "rating", "1", "--tag", "nice"], "tags: must be among "),
        (["signal", "ada", "wave"], "kind: must be one of abandon, "),
        (["signal", "ada", "rating", "1", "--response", "r9"], "response: there is no response 'r9' of user 'ada'"),
        (["respond", "ada", "x", "--belief", "b9"], "belief: there is no belief 'b9' of user 'ada'"),
        (["respond", "ada", "x", "--belief", "b1/much"], "belief: weight and adherence must be numbers"),
        (["respond", "ada", "x", "--belief", "b1/2"], "beliefs.0.weight: must be less than or equal to 1"),
        (["retract", "ada", "s9"], "signal: there is no signal 's9' of user 'ada'"),
        (["explain", "ada", "b9"], "belief: there is no belief 'b9' of user 'ada'"),
        (["explain", "eve", "b1"], "belief: there is no belief 'b1' of user 'eve'"),
        (["explain", "ada"], "belief: is required; see beliefgraph explain --help"),
        (["personalize", "ada", " "], "query: must not be empty"),
        (["beliefs", "ada", "--standing", "high"], "standing: 'high' is not one of "),
        (["users", "--db", "mongodb://x"], "target: must be a path, sqlite:///path, :memory:, neo4j://host:port or bolt://host:port"),
        (["dance"], "No such command 'dance'."),
        (["users", "--loud"], "No such option '--loud'."),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_one_line(ada: Shell, words: list[str], expected: str) -> None:
    """Bad input gets status 2 and one line that names the field and what would be right; nothing is written."""
    before = ada.run("export", "ada").stdout
    assert ada.error(*words).startswith(expected)
    assert before == ada.run("export", "ada").stdout


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", "it is a folder; name a file"),
        ("nowhere/beliefs.db", "it cannot be opened; check that its folder exists and can be written"),
        ("notes.txt", "it is not a beliefgraph store"),
    ],
)
def test_a_store_that_cannot_be_used_gets_status_3(
    shell: Shell, tmp_path: Path, place: str, expected: str
) -> None:
    """A folder, a missing folder and a file of something else are told apart."""
    shell.write("notes.txt", "x" * 5000)
    assert shell.error("users", "--db", str(tmp_path / place), status=3).endswith(expected)


def test_an_unknown_setting_is_wrong_use(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped setting is not passed over."""
    monkeypatch.setenv("BELIEFGRAPH_STOER", "x")
    assert shell.error("users").startswith(
        "BELIEFGRAPH_STOER: is not a setting; there are BELIEFGRAPH_STORE, "
    )


def test_help_of_every_command(shell: Shell) -> None:
    """Every command is in the help, under a family, and has a help of its own."""
    from beliefgraph.cli import app

    listed = shell.run("--help").stdout
    for name in app.commands:
        assert f"\n  {name} " in listed
        assert "Usage: " in shell.run(name, "--help").stdout
