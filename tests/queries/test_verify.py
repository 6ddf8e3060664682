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
DAMAGES: dict[str, tuple[str, list[str]]] = {
    "a confidence on the node": ("belief b0", [f"UPDATE beliefs SET direct_for = direct_for + 0.5 WHERE {ADA} AND id = 'b0'"]),
    "a conflict factor on the node": ("belief b0", [f"UPDATE beliefs SET conflict = 0 WHERE {ADA} AND id = 'b0'"]),
    "a standing on the node": ("belief b0", [f"UPDATE beliefs SET lifecycle = 'retired' WHERE {ADA} AND id = 'b0'"]),
    "a context on the node": ("belief b0", [f"UPDATE beliefs SET context = '{{\"a\":\"b\"}}' WHERE {ADA} AND id = 'b0'"]),
    "a base rate on the node": ("belief b0", [f"UPDATE beliefs SET base = 1.0 WHERE {ADA} AND id = 'b0'"]),
    "the confidence a revision names": (
        "revision", [f"UPDATE revisions SET after = after + 0.001 WHERE {ADA} AND belief = 'b0' AND ordinal = 2"]),
    "where a revision starts": (
        "revision", [f"UPDATE revisions SET before = before - 0.001 WHERE {ADA} AND belief = 'b0' AND ordinal = 3"]),
    "the state of a revision": (
        "revision", [f"UPDATE revisions SET inferred_against = 9 WHERE {ADA} AND belief = 'b0' AND ordinal = 2"]),
    "a revision and the node alike": (
        "belief b0", [
            f"UPDATE revisions SET item_nats = item_nats - 1 WHERE {ADA} AND belief = 'b0' AND ordinal = 2",
            f"UPDATE evidence SET nats = nats - 1 WHERE {ADA} AND belief = 'b0' AND id = 'r0'"]),
    "a revision deleted in the middle": (
        "revision", [f"DELETE FROM revisions WHERE {ADA} AND belief = 'b0' AND ordinal = 3"]),
    "the last revision deleted": (
        "belief b0", [f"DELETE FROM revisions WHERE {ADA} AND belief = 'b0' AND ordinal = {LAST}"]),
    "the first revision deleted": (
        "revision", [f"DELETE FROM revisions WHERE {ADA} AND belief = 'b0' AND ordinal = 1"]),
    "all revisions deleted": ("belief b0", [f"DELETE FROM revisions WHERE {ADA} AND belief = 'b0'"]),
    "an inferred item altered": (
        "belief b0", [f"UPDATE evidence SET nats = -5 WHERE {ADA} AND belief = 'b0' AND id = 'r0'"]),
    "an inferred item made later": (
        "belief b0", [f"UPDATE evidence SET observed_at = observed_at + 1 WHERE {ADA} AND belief = 'b0' AND id = 'r0'"]),
    "an inferred item deleted": (
        "belief b0", [f"DELETE FROM evidence WHERE {ADA} AND belief = 'b0' AND id = 'r2'"]),
    "an inferred item added": (
        "belief b0", [f"INSERT INTO evidence SELECT user, belief, slot, 'r9', nats, observed_at FROM evidence "
                      f"WHERE {ADA} AND belief = 'b0' AND id = 'r0'"]),
    "a word altered": ("belief b0", [f"UPDATE evidence SET nats = 1 WHERE {ADA} AND belief = 'b0' AND slot = 'word'"]),
    "a word deleted": ("belief b0", [f"DELETE FROM evidence WHERE {ADA} AND belief = 'b0' AND slot = 'word'"]),
    "a statement deleted": (
        "belief b0", [f"DELETE FROM evidence WHERE {ADA} AND belief = 'b0' AND slot = 'source:stated'"]),
    "a pin deleted": ("belief b1", [f"DELETE FROM evidence WHERE {ADA} AND belief = 'b1' AND slot = 'pin'"]),
    "an effect on a belief that is not there": (
        "signal s0", [f"UPDATE signals SET interpretation = replace(interpretation, '\"b1\"', '\"b9\"') "
                      f"WHERE {ADA} AND id = 's0'"]),
    "causes that do not sum to 1": (
        "signal s0", [f"UPDATE signals SET interpretation = json_set(interpretation, '$[0].form', 0.5) "
                      f"WHERE {ADA} AND id = 's0'"]),
    "a premise that is not there": (
        "response r0", [f"UPDATE generated_by SET belief = 'b9' WHERE {ADA} AND response = 'r0' AND belief = 'b1'"]),
    "a snapshot out of range": (
        "response r0", [f"UPDATE generated_by SET confidence_then = 1.5 WHERE {ADA} AND response = 'r0'"]),
    "a cause that is not there": (
        "revision", [f"UPDATE revisions SET cause = 'nobody' WHERE {ADA} AND cause = 's0'"]),
    "two revisions out of order": (
        "revision", [f"UPDATE revisions SET seq = seq + 1000 WHERE {ADA} AND belief = 'b0' AND ordinal = 1"]),
    "time that goes back": (
        "revision", [f"UPDATE revisions SET recorded_at = recorded_at + 86400000000 * 2 "
                     f"WHERE {ADA} AND belief = 'b1' AND ordinal = 1"]),
    "a sequence below its records": ("signal", ["UPDATE users SET seq = 3 WHERE id = 'ada'"]),
    "a time below its records": ("user", ["UPDATE users SET recorded_at = 3 WHERE id = 'ada'"]),
}  # fmt: skip


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
