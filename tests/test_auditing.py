"""What was refused at the door, judged again: why, whether it has come since, and that nothing is counted twice."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from beliefgraph import Audit
from beliefgraph.ingest.reader import Reject, Unreadable
from beliefgraph.queries.audit import Stopped
from bench.neo4j_server import Address
from tests.worlds import World, open_world

BELIEF = {"type": "belief", "user": "ada", "id": "b0", "statement": "likes tea"}
RESPONSE = {"type": "response", "user": "ada", "id": "r0", "text": "x", "beliefs": [{"id": "b0"}]}
RATING = {"type": "signal", "user": "ada", "id": "s0", "response": "r0", "kind": "rating", "value": -1}


@pytest.fixture
def world() -> Iterator[World]:
    with open_world() as opened:
        yield opened


def _refused(world: World, *events: Any) -> list[str | bytes]:
    """Ingest lines; return those that were refused, as they were."""
    kept: list[Reject] = []
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    world.graph.ingest(lines, on_reject=kept.append)
    return [reject.raw for reject in kept]


def _audit(world: World, *events: Any, **options: Any) -> tuple[Audit, list[Stopped]]:
    stopped: list[Stopped] = []
    kept = _refused(world, *events)
    return world.graph.audit(rejects={"kept": kept}, on_stopped=stopped.append, **options), stopped


def test_a_signal_about_a_response_that_was_never_recorded(world: World) -> None:
    """The door refused it; the audit names it, with its place in the file."""
    audit, (stopped,) = _audit(world, RATING)
    assert {"no_response": 1} == audit.total.reasons
    assert (1, 0, 1, 0.0) == (audit.total.received, audit.total.traced, audit.total.lost, audit.total.closed)
    assert ("ada", "s0", "rating", "r0", "kept:1") == (
        stopped.user, stopped.signal, stopped.kind, stopped.response, stopped.place
    )  # fmt: skip
    assert not audit.ok


def test_a_signal_about_a_belief_that_was_never_recorded(world: World) -> None:
    """As for responses."""
    audit, _ = _audit(world, {"type": "signal", "user": "ada", "kind": "confirm", "belief": "b9"})
    assert {"no_belief": 1} == audit.total.reasons


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"value": 7}, "value", "must lie from -1 to 1 for a signal of kind 'rating'"),
        ({"kind": "wave"}, "kind", "must be one of abandon, "),
        ({"tags": ["nice"]}, "tags", "must be among bad_format, "),
        ({"at": "2026-01-01T00:00:00"}, "at", "must have a timezone"),
        ({"mood": "good"}, "mood", "is not a known field"),
        ({"user": "a/b"}, "user", "must be 1 to 200 visible characters"),
        ({"id": "\ud800"}, "line", "invalid JSON"),
        ({"id": 5}, "id", "must be a text"),
    ],
)
def test_a_signal_refused_for_what_it_says(
    world: World, changes: dict[str, Any], field: str, expected: str
) -> None:
    """Counted with the field at fault and what would be right, and never with what was given."""
    audit, (stopped,) = _audit(world, {**RATING, **changes})
    assert {"rejected": 1} == audit.total.reasons
    (refusal,) = audit.refusals
    assert (field, 1) == (refusal.field, refusal.count)
    assert refusal.expected.startswith(expected)
    assert f"{refusal.field}: {refusal.expected}" == stopped.detail


def test_an_id_that_is_taken(world: World) -> None:
    """A signal under the id of another is refused; the same signal again is not, and is not counted twice."""
    other = {**RATING, "value": 1}
    audit, _ = _audit(world, BELIEF, RESPONSE, RATING, other)
    assert {"rejected": 1} == audit.total.reasons
    assert (2, 1, "id") == (audit.total.received, audit.total.moved, audit.refusals[0].field)


def test_what_came_since_is_not_counted_twice(world: World) -> None:
    """Refused first, sent again once its response was there, or mended under its id."""
    bad = {**RATING, "id": "s1", "value": 7}
    kept = _refused(world, RATING, bad)
    assert [] == _refused(world, BELIEF, RESPONSE, *kept[:1], {**bad, "value": 1})
    audit = world.graph.audit(rejects={"kept": kept})
    assert (2, 2, 2) == (
        audit.total.received,
        audit.total.moved + audit.total.reasons["superseded"],
        audit.came_since,
    )
    assert audit.ok


def test_what_would_be_applied_now_says_so(world: World) -> None:
    """The response came later than its signal, which was not sent again."""
    kept = _refused(world, RATING)
    _refused(world, BELIEF, RESPONSE)
    audit = world.graph.audit(rejects={"kept": kept})
    assert {"rejected": 1} == audit.total.reasons
    assert "would be applied now; send it again" == audit.refusals[0].expected


def test_a_line_that_was_kept_twice_counts_once(world: World) -> None:
    """By its id, or by its content where it brings none; the same from another user is another."""
    bare = {name: value for name, value in RATING.items() if name != "id"}
    kept = _refused(world, RATING, RATING, bare, bare, {**RATING, "user": "bob"})
    audit = world.graph.audit(rejects={"one": kept, "two": kept})
    assert {"no_response": 3} == audit.total.reasons


def test_lines_that_are_no_signals_are_set_apart(world: World) -> None:
    """Other events are none, broken lines may have been; only the latter are findings."""
    late = {**RESPONSE, "id": "r5", "beliefs": [{"id": "b9"}]}
    audit, _ = _audit(world, late, {"type": "dance", "user": "ada"}, "", "   ")
    assert (0, 2, 0, True) == (audit.total.received, audit.no_signals, audit.unreadable, audit.ok)
    broken: list[Any] = ["{", "[1]", b"\xff", Unreadable(field="line", reason="too long"), '{"a":' * 100_000]
    audit = world.graph.audit(rejects={"kept": broken})
    assert (0, 0, 5, False) == (audit.total.received, audit.no_signals, audit.unreadable, audit.ok)


def test_what_was_meant_as_a_signal_counts_as_one(world: World) -> None:
    """Without its type, or with two, it still says which kind it is of."""
    bare = {name: value for name, value in RATING.items() if name != "type"}
    doubled = json.dumps({**RATING, "id": "s1"}).replace('"type"', '"type": "belief", "type"', 1)
    audit, _ = _audit(world, bare, doubled)
    assert 2 == audit.total.received


def test_sources_periods_and_users_of_refused_signals(world: World) -> None:
    """They are counted where they belong: by their context or response, by their time, or as undated."""
    _refused(world, BELIEF, {**RESPONSE, "attributes": {"source": "chat"}})
    kept = _refused(
        world,
        {**RATING, "value": 7, "at": "2026-01-07T00:00:00Z"},
        {**RATING, "id": "s1", "response": "r9", "context": {"source": "mail"}, "at": "2026-01-14T00:00:00Z"},
        {**RATING, "id": "s2", "user": "bob", "context": {"source": 5}, "at": "never"},
    )
    audit = world.graph.audit(rejects={"kept": kept})
    assert {"2026-01-05": 1, "2026-01-12": 1, "(undated)": 1} == _received(audit.periods)
    assert {"chat": 1, "mail": 1, "5": 1} == _received(audit.sources)
    assert 1 == world.graph.audit(rejects={"kept": kept}, user="bob").total.received
    since = datetime(2026, 1, 10, tzinfo=UTC)
    assert 2 == world.graph.audit(rejects={"kept": kept}, since=since).total.received


def _received(funnels: Any) -> dict[str, int]:
    return {name: funnel.received for name, funnel in funnels.items()}


def test_refusals_do_not_fill_memory(world: World) -> None:
    """A fault of its own on each line is counted, though not all are listed."""
    kept = _refused(
        world, *({**RATING, "id": f"s{n}", f"field{n}": 1, "kind": f"kind{n}"} for n in range(300))
    )
    audit = world.graph.audit(rejects={"kept": kept})
    assert (300, 100, 201) == (audit.total.received, len(audit.refusals), len(audit.kinds))


@pytest.mark.neo4j
def test_both_stores_give_one_audit(neo4j_address: Address) -> None:
    """The same history, refused lines included, is judged alike."""
    events = [
        BELIEF,
        {**RESPONSE, "attributes": {"source": "chat"}},
        RATING,
        {**RATING, "id": "s1", "value": 1},
        {**RATING, "id": "s2", "response": "r9"},
        {**RATING, "id": "s3", "kind": "stars", "value": 3},
        {"type": "response", "user": "ada", "id": "r1", "text": "y"},
        {**RATING, "id": "s4", "response": "r1"},
        {"type": "signal", "user": "bob", "id": "s5", "kind": "accept"},
        {"type": "response", "user": "ada", "id": "r2", "text": "z", "beliefs": [{"id": "b0"}]},
        {"type": "retract", "user": "ada", "signal": "s3"},
    ]
    audits = []
    for target in (":memory:", neo4j_address.uri):
        with open_world(target) as world:
            kept = [line for event in events for line in _refused(world, event)]
            stopped: list[Stopped] = []
            audits.append((world.graph.audit(rejects={"kept": kept}, on_stopped=stopped.append), stopped))
    assert audits[0] == audits[1]
    total = audits[0][0].total
    assert {"superseded", "no_response", "retracted", "no_beliefs_behind", "untraced"} == set(total.reasons)
    assert (1, 1) == (total.moved, total.used)
