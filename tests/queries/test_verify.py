"""Verify: every kind of planted damage is found, and the record at fault is named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.embedders import CONTRADICTION
from tests.worlds import START, STATEMENTS, Clock, open_world


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a store in which everything has happened at least once, and which verifies."""
    place = tmp_path / "beliefs.db"
    script = {("never wants examples", "wants examples"): CONTRADICTION}
    with open_world(place, script=script) as world:
        world.ada.believe("wants examples", id="b0", confidence=0.7)
        world.ada.believe("prefers short answers", id="b1")
        for index in range(3):
            world.clock.pass_time(days=1)
            world.ada.respond("an answer", beliefs=["b0", "b1"], id=f"r{index}")
            world.ada.signal("rating", -1, response=f"r{index}", id=f"s{index}")
        world.clock.pass_time(days=1)
        world.ada.signal("confirm", belief="b0", id="word")
        world.ada.signal("statement", text="never wants examples", id="said")
        world.ada.amend("b1", confidence=0.4)
        world.ada.retract("s1")
        world.graph.user("bob").believe(STATEMENTS[0], id="b0")
        assert world.graph.verify().ok
    return place


def damage(place: Path, *statements: str) -> None:
    """Change the file past the store."""
    with closing(sqlite3.connect(place)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount, statement


def findings(place: Path) -> list[tuple[str, str, str]]:
    """Return user, record and problem of each finding."""
    with open_world(place, clock=Clock(START.replace(month=6))) as world:
        report = world.graph.verify()
        assert report.ok == (not report.findings)
        return [(found.user_id, found.record, found.problem) for found in report.findings]


ADA = "user = (SELECT pk FROM users WHERE id = 'ada')"
LAST = f"(SELECT max(ordinal) FROM revisions WHERE {ADA} AND belief = 'b0')"


def node(change: str) -> str:
    """Change the node of b0."""
    return f"UPDATE beliefs SET {change} WHERE {ADA} AND id = 'b0'"


def revision(ordinal: int, change: str, belief: str = "b0") -> str:
    """Change one revision."""
    return f"UPDATE revisions SET {change} WHERE {ADA} AND belief = '{belief}' AND ordinal = {ordinal}"


def no_revision(which: str) -> str:
    """Take revisions of b0 away."""
    return f"DELETE FROM revisions WHERE {ADA} AND belief = 'b0' AND {which}"


def item(change: str, which: str) -> str:
    """Change an evidence item of b0."""
    return f"UPDATE evidence SET {change} WHERE {ADA} AND belief = 'b0' AND {which}"


def no_item(which: str, belief: str = "b0") -> str:
    """Take an evidence item away."""
    return f"DELETE FROM evidence WHERE {ADA} AND belief = '{belief}' AND {which}"


def signal(change: str) -> str:
    """Change the signal s0."""
    return f"UPDATE signals SET {change} WHERE {ADA} AND id = 's0'"


def premise(change: str) -> str:
    """Change what r0 says of b1."""
    return f"UPDATE generated_by SET {change} WHERE {ADA} AND response = 'r0' AND belief = 'b1'"


ADDED = (
    "INSERT INTO evidence SELECT user, belief, slot, 'r9', nats, observed_at FROM evidence"
    f" WHERE {ADA} AND belief = 'b0' AND id = 'r0'"
)
DAMAGES: dict[str, tuple[str, list[str]]] = {
    "a confidence on the node": ("belief b0", [node("direct_for = direct_for + 0.5")]),
    "a conflict factor on the node": ("belief b0", [node("conflict = 0")]),
    "a standing on the node": ("belief b0", [node("lifecycle = 'retired'")]),
    "a context on the node": ("belief b0", [node("""context = '{"a":"b"}'""")]),
    "a base rate on the node": ("belief b0", [node("base = 1.0")]),
    "a count on the node": ("belief b0", [node("ordinal = ordinal + 1")]),
    "the confidence a revision names": ("revision", [revision(2, "after = after + 0.001")]),
    "where a revision starts": ("revision", [revision(3, "before = before - 0.001")]),
    "the state of a revision": ("revision", [revision(2, "inferred_against = 9")]),
    "an item in all its places": (
        "belief b0",
        [revision(2, "item_nats = item_nats - 1"), item("nats = nats - 1", "id = 'r0'")],
    ),
    "a revision deleted in the middle": ("revision", [no_revision("ordinal = 3")]),
    "the last revision deleted": ("belief b0", [no_revision(f"ordinal = {LAST}")]),
    "the first revision deleted": ("revision", [no_revision("ordinal = 1")]),
    "all revisions deleted": ("belief b0", [no_revision("true")]),
    "an inferred item altered": ("belief b0", [item("nats = -5", "id = 'r0'")]),
    "an inferred item made later": ("belief b0", [item("observed_at = observed_at + 1", "id = 'r0'")]),
    "an inferred item deleted": ("belief b0", [no_item("id = 'r2'")]),
    "an inferred item added": ("belief b0", [ADDED]),
    "a word altered": ("belief b0", [item("nats = 1", "slot = 'word'")]),
    "a word deleted": ("belief b0", [no_item("slot = 'word'")]),
    "a statement deleted": ("belief b0", [no_item("slot = 'source:stated'")]),
    "a pin deleted": ("belief b1", [no_item("slot = 'pin'", "b1")]),
    "an effect on a belief that is not there": (
        "signal s0",
        [signal("""interpretation = replace(interpretation, '"b1"', '"b9"')""")],
    ),
    "causes that do not sum to 1": (
        "signal s0",
        [signal("interpretation = json_set(interpretation, '$[0].form', 0.5)")],
    ),
    "a premise that is not there": ("response r0", [premise("belief = 'b9'")]),
    "a snapshot out of range": ("response r0", [premise("confidence_then = 1.5")]),
    "a cause that is not there": ("revision", [revision(2, "cause = 'nobody'")]),
    "two revisions out of order": ("revision", [revision(1, "seq = seq + 1000")]),
    "time that goes back": ("revision", [revision(1, "recorded_at = recorded_at + 172800000000", "b1")]),
    "a sequence below its records": ("signal", ["UPDATE users SET seq = 3 WHERE id = 'ada'"]),
    "a time below its records": ("user", ["UPDATE users SET recorded_at = 3 WHERE id = 'ada'"]),
}


@pytest.mark.parametrize(("record", "statements"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found(place: Path, record: str, statements: list[str]) -> None:
    """The first record that contradicts itself is named, with its user; other users stay clean."""
    damage(place, *statements)
    ((user_id, found, problem),) = findings(place)
    assert ("ada", True) == (user_id, found.startswith(record)), (found, problem)
    assert problem


def test_the_report_counts_what_it_checked(place: Path) -> None:
    """The report says how many users, beliefs and revisions were checked; each damaged user is reported once."""
    with open_world(place) as world:
        report = world.graph.verify()
        assert (2, 4) == (report.users, report.beliefs)
        assert report.revisions == sum(
            len(model.revisions(belief.id))
            for model in (world.ada, world.graph.user("bob"))
            for belief in model.beliefs()
        )
    damage(place, "UPDATE beliefs SET base = 2.0")
    assert ["ada", "bob"] == sorted(user for user, _, _ in findings(place))


def test_an_untouched_store_has_no_findings(place: Path) -> None:
    """Without damage nothing is found, again and again, also by another tenant's graph."""
    assert [] == findings(place)
    with open_world(place, tenant="other") as world:
        assert (0, True) == (world.graph.verify().users, world.graph.verify().ok)
