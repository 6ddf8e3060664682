"""Commands about provenance and change: every form, in JSON and in a pipe, and what wrong use gets."""

import json

import networkx as nx
import pytest
from prov.model import ProvDocument

from tests.cli.shell import Shell


def test_a_belief_tells_its_story(ada: Shell) -> None:
    """Prose unless said; a timeline line by line; both graphs read back."""
    told = ada.run("provenance", "ada", "b1").stdout
    assert told.startswith("“Documentation should include runnable examples”: we are ")
    assert "she gave rating -1 on response r1: “There is no example” (signal s1)" in told
    lines = ada.run("provenance", "ada", "b1", "--format", "timeline").stdout.splitlines()
    assert ["change", "response", "signal", "change"] == [line[18:].split()[0] for line in lines]
    linked = json.loads(ada.run("provenance", "ada", "b1", "--format", "node-link").stdout)
    assert linked["edges"] == ada.json("provenance", "ada", "b1")["edges"]
    assert "signal:s1" in nx.node_link_graph(linked, edges="edges")
    document = ada.run("provenance", "ada", "b1", "--format", "prov").stdout
    assert list(ProvDocument.deserialize(content=document, format="json").get_records())


def test_a_signal_and_a_response_tell_theirs(ada: Shell) -> None:
    """With --signal, what it changed; with --response, what generated it."""
    assert "Signal s1 touched 2 beliefs, now:" in ada.run("provenance", "ada", "--signal", "s1").stdout
    assert "Response r1 rested on:" in ada.run("provenance", "ada", "--response", "r1").stdout
    assert str(ada.json("provenance", "ada", "--response", "r1", "--format", "prose")["text"]).startswith(
        "Response"
    )


def test_what_is_left_out_is_said(ada: Shell) -> None:
    """A cut answer says on stderr how to go on, and in JSON with a cursor."""
    cut = ada.run("provenance", "ada", "b1", "--limit", "1")
    assert "1 earlier changes are left out here." in cut.stdout
    told = ada.json("provenance", "ada", "b1", "--limit", "1", "--format", "timeline")
    assert f"the 1 before these: --cursor {told['cursor']}\n" == cut.stderr
    rest = ada.json("provenance", "ada", "b1", "--cursor", told["cursor"], "--format", "timeline")
    assert (0, None) == (rest["left_out"], rest["cursor"])


def test_a_difference_is_told(ada: Shell) -> None:
    """Every belief that came is told, in words and in JSON."""
    told = ada.run("diff", "ada", "--from", "2026-01-01T00:00:00Z").stdout
    assert "added: “Documentation should include runnable examples” at " in told
    found = ada.json("diff", "ada", "--from", "2026-01-01T00:00:00Z")
    assert {"b1", "b2"} == {each["after"]["id"] for each in found["differences"]}
    assert found["text"].startswith("What changed between")
    nothing = ada.run("diff", "ada", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z").stdout
    assert nothing.startswith("Nothing changed between")


def test_a_retraction_can_be_tried(ada: Shell) -> None:
    """With --dry-run what would be is shown, and the signal still counts."""
    before = ada.json("beliefs", "ada")
    tried = ada.json("retract", "ada", "s1", "--dry-run")
    assert ["b1", "b2"] == sorted(each["belief_id"] for each in tried["revisions"])
    assert [None] == [signal["retracted_at"] for signal in ada.json("signals", "ada")]
    assert [round(b["confidence"], 6) for b in before] == [
        round(b["confidence"], 6) for b in ada.json("beliefs", "ada")
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("provenance", "ada"), "belief: must be given, or else signal or response: exactly one of them"),
        (("provenance", "ada", "b1", "--signal", "s1"), "belief: must be given, or else signal or response"),
        (("provenance", "ada", "b9"), "belief"),
        (("provenance", "ada", "b1", "--limit", "0"), "limit: must be a whole number, 1 to 1000 (got '0')"),
        (("provenance", "ada", "b1", "--cursor", "x"), "cursor: must be one that a page of this list gave"),
        (("provenance", "ada", "b1", "--format", "xml"), "format"),
        (("diff", "ada"), "from: is required"),
        (("diff", "ada", "--from", "2999-01-01T00:00:00Z"), "must be before the end"),
        (
            ("diff", "ada", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"),
            "from: must be before to",
        ),
        (("diff", "ada", "--from", "yesterday"), "from: must be a time with a timezone"),
    ],
)
def test_wrong_use_names_what_is_wrong(ada: Shell, words: tuple[str, ...], message: str) -> None:
    """One line on stderr, with the parameter and what would be right; exit status 2."""
    assert message in ada.error(*words)


def test_the_past_can_be_read(ada: Shell) -> None:
    """As of before anything, there is no such belief, no duplicate and nothing to export."""
    before = ("--as-of", "2026-01-01T00:00:00Z")
    assert ada.error("provenance", "ada", "b1", *before).startswith("belief: ")
    assert [] == ada.json("duplicates", "ada", *before)
    assert "" == ada.run("export", "ada", *before).stdout
