"""Logs of events: applied in order of each user, sent twice without effect, rejects named by line and field."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Event
from typing import Any, NoReturn

import pytest

from beliefgraph import GeneratedBy
from beliefgraph.graph.errors import StoreUnavailableError
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Scope
from beliefgraph.ingest import reader
from beliefgraph.ingest.pipeline import Batch, Pipeline
from beliefgraph.ingest.reader import Reject
from tests.worlds import START, World, open_world


def line(kind_of: str, /, **fields: Any) -> str:
    """Write one event."""
    return json.dumps({"type": kind_of, "user": "ada", **fields})


def log(users: Iterable[str] = ("ada",), rounds: int = 3) -> list[str]:
    """Write a log in which users take turns."""
    lines = [line("belief", user=user, id="b0", statement="likes tea", confidence=0.7) for user in users]
    for number in range(rounds):
        at = START.replace(day=1 + number).isoformat()
        for user in users:
            premise = {"id": "b0", "weight": 1.0, "adherence": 0.9}
            lines.append(line("response", user=user, id=f"r{number}", text="x", beliefs=[premise], at=at))
            lines.append(
                line(
                    "signal",
                    user=user,
                    id=f"s{number}",
                    response=f"r{number}",
                    kind="rating",
                    value=-1,
                    at=at,
                )
            )
    return lines


def confidences(world: World) -> dict[str, float]:
    """Return the confidence of b0 of each user."""
    return {user: world.graph.user(user).belief("b0").confidence for user in world.graph.users()}


def test_a_log_does_what_the_calls_do() -> None:
    """A log gives the confidences that the same calls give, user by user."""
    with open_world() as world, open_world() as called:
        for each in (world, called):
            each.clock.pass_time(days=10)
        report = world.graph.ingest(log(["ada", "bob"]))
        assert report.ok
        assert {"belief": 2, "response": 6, "signal": 6} == dict(report.applied)
        for user in ("ada", "bob"):
            model = called.graph.user(user)
            for text in log([user]):
                event = json.loads(text)
                at = datetime.fromisoformat(event["at"]) if "at" in event else None
                if event["type"] == "belief":
                    model.believe(event["statement"], id="b0", confidence=0.7)
                elif event["type"] == "response":
                    (premise,) = event["beliefs"]
                    edge = GeneratedBy(belief_id=premise.pop("id"), **premise)
                    model.respond("x", id=event["id"], beliefs=[edge], at=at)
                else:
                    model.signal("rating", -1, response=event["response"], id=event["id"], at=at)
        assert pytest.approx(confidences(called), abs=1e-9) == confidences(world)


def test_a_log_sent_twice_changes_nothing() -> None:
    """The second time every line is applied and nothing is written, ids or not."""
    anonymous = [
        line("belief", statement="likes coffee"),
        line("belief", statement="Likes coffee.", source="imported"),
        line("response", id="r", text="x", beliefs=[{"id": "b0"}]),
        line("signal", response="r", kind="rating", value=1),
        line("signal", kind="statement", text="I always want metric units"),
        line("signal", kind="set", belief="b0", value=0.4, note="edited"),
        line("retract", signal="s1", reason="not hers"),
        line("retract", signal="s1"),
    ]
    with open_world() as world:
        world.clock.pass_time(days=10)
        assert world.graph.ingest([*log(), *anonymous]).ok
        before = world.content()
        world.clock.pass_time(days=1)
        report = world.graph.ingest([*log(), *anonymous])
        assert report.ok
        assert 15 == sum(report.applied.values())
        assert before == world.content()
        assert world.graph.verify().ok


def test_order_within_a_user_is_the_order_of_application() -> None:
    """Lines of different users may be mixed; each user's are applied as they come."""
    with open_world() as world:
        lines = [
            line("belief", user="bob", id="b0", statement="likes tea"),
            line("response", user="ada", id="r0", text="x", beliefs=[{"id": "b0"}]),
            line("belief", user="ada", id="b0", statement="likes tea"),
            line("response", user="ada", id="r1", text="x", beliefs=[{"id": "b0"}]),
        ]
        report = world.graph.ingest(lines)
        assert [(2, "belief")] == [(reject.line, reject.field) for reject in report.rejects]
        assert ["r1"] == [response.id for response in world.ada.responses()]


@pytest.mark.parametrize("writers", [1, 4])
@pytest.mark.parametrize(("window", "transaction"), [(4000, 500), (7, 3), (1, 1), (1000, 2)])
def test_windows_and_transactions_of_any_size(
    window: int, transaction: int, writers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a log is cut, what comes out is the same."""
    monkeypatch.setattr(reader, "_WINDOW", window)
    monkeypatch.setattr(reader, "_TRANSACTION", transaction)
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", transaction)
    monkeypatch.setattr(SqliteStore, "writers", writers)
    with open_world() as world:
        world.clock.pass_time(days=40)
        progress: list[int] = []
        lines = log(["ada", "bob", "cleo"], rounds=8)
        report = world.graph.ingest(lines, on_progress=progress.append)
        assert report.ok
        assert len(lines) == sum(progress)
        found = confidences(world)
        assert world.graph.verify().ok
    monkeypatch.undo()
    with open_world() as world:
        world.clock.pass_time(days=40)
        world.graph.ingest(lines)
        assert confidences(world) == found


BAD: list[tuple[str, str | bytes]] = [
    ("line", "not json"),
    ("line", "[1, 2]"),
    ("line", b"\xff\xfe"),
    ("line", '{"type": "belief", "user": "ada", "statement": "trunca'),
    ("line", b'{"type": "belief", "user": "ada", "statement": "\xff"}'),
    ("line", json.dumps({"type": "belief", "user": "ada", "statement": "x" * 2_100_000})),
    ("type", '{"user": "ada"}'),
    ("type", '{"type": "opinion", "user": "ada"}'),
    ("user", '{"type": "belief", "statement": "x"}'),
    ("user", '{"type": "belief", "user": 5, "statement": "x"}'),
    ("statement", line("belief", statement="")),
    ("statement", line("belief")),
    ("statement", line("belief", statement="x" * 100_001)),
    ("confidence", line("belief", statement="x", confidence=1)),
    ("confidence", line("belief", statement="x", confidence="0.5")),
    ("confidence", '{"type": "belief", "user": "ada", "statement": "x", "confidence": NaN}'),
    ("at", line("belief", statement="x", at="2026-03-01T12:00:00")),
    ("at", line("belief", statement="x", at="2026-03-02T12:00:00Z")),
    ("at", line("belief", statement="x", at=5)),
    ("at", line("belief", statement="x", at="5")),
    ("surprise", line("belief", statement="x", surprise=1)),
    ("beliefs.0.weight", line("response", text="x", beliefs=[{"id": "b0", "weight": 0}])),
    ("beliefs", line("response", text="x", beliefs=[{"id": "b0"}, {"id": "b0"}])),
    ("belief", line("response", text="x", beliefs=[{"id": "none"}])),
    ("kind", line("signal", kind="wink")),
    ("value", line("signal", kind="rating", value=2)),
    ("value", line("signal", kind="rating", value="good")),
    ("tags", line("signal", kind="rating", value=1, tags=["smelly"])),
    ("tags", line("signal", kind="rating", value=1, tags="too_long")),
    ("response", line("signal", kind="rating", value=1, response="none")),
    ("belief", line("signal", kind="rating", value=1, response="r", belief="b0")),
    ("signal", line("retract", signal="none")),
    ("signal", line("retract")),
    ("id", line("belief", id="b0", statement="something else")),
]


@pytest.mark.parametrize("window", [4000, 7])
def test_users_at_once_are_told_of_as_in_turn(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where users are written beside each other, what is reported of lines is the same, in the same order."""
    monkeypatch.setattr(reader, "_WINDOW", window)
    lines = log(["ada", "bob", "cleo"], rounds=4)
    lines[5::6] = [line("response", user="bob", text="x", beliefs=[{"id": "none"}]) for _ in lines[5::6]]
    lines[8] = "not json"

    def told() -> list[object]:
        found: list[object] = []
        with open_world() as world:
            world.clock.pass_time(days=40)
            report = world.graph.ingest(lines, on_reject=found.append)
            assert report.rejected >= 4
            return [*found, dict(report.applied), world.graph.verify().ok]

    expected = told()
    monkeypatch.setattr(SqliteStore, "writers", 4)
    monkeypatch.setattr(reader, "_BESIDE_OTHERS", 5)
    assert expected == told()


def test_a_window_is_read_while_the_one_before_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where users are written beside each other, a store that is still writing keeps nobody from reading on."""
    monkeypatch.setattr(SqliteStore, "writers", 4)
    monkeypatch.setattr(reader, "_WINDOW", 2)
    read_on, apply_all = Event(), Pipeline.apply_all

    def write(*given: Any) -> Any:
        assert read_on.wait(30), "nothing more was read while a window was being written"
        return apply_all(*given)

    def lines() -> Iterator[str]:
        for number in range(6):
            if number == 2:
                read_on.set()
            yield line(
                "belief", user=f"user{number % 2}", id=f"b{number}", statement=f"likes number {number}"
            )

    monkeypatch.setattr(Pipeline, "apply_all", write)
    with open_world() as world:
        assert {"belief": 6} == world.graph.ingest(lines()).applied


def test_a_store_that_fails_ends_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where users are written beside each other, the first error of the store is raised, and nothing more begins."""
    monkeypatch.setattr(SqliteStore, "writers", 2)
    monkeypatch.setattr(reader, "_WINDOW", 2)
    tried: list[str] = []

    def fail(_: Pipeline, scope: Scope, batch: Batch) -> NoReturn:
        tried.append(scope.user_id)
        raise StoreUnavailableError("here", "it is gone")

    monkeypatch.setattr(Pipeline, "apply_all", fail)
    with open_world() as world, pytest.raises(StoreUnavailableError, match="it is gone"):
        world.graph.ingest(log(["ada", "bob"], rounds=20))
    assert len(tried) <= 2


def test_rejects_are_named_by_line_and_field() -> None:
    """Each line that cannot be applied is reported with number, field, reason and text; the rest goes on."""
    with open_world() as world:
        lines: list[str | bytes] = [line("belief", id="b0", statement="likes tea"), ""]
        lines += [bad for _, bad in BAD]
        lines += ["  \n", line("belief", id="b1", statement="likes coffee")]
        heard: list[Reject] = []
        report = world.graph.ingest(lines, on_reject=heard.append)
        expected = [(number, field) for number, (field, _) in enumerate(BAD, start=3)]
        assert expected == [(reject.line, reject.field) for reject in report.rejects]
        assert [repr(reject) for reject in heard] == [repr(reject) for reject in report.rejects]
        assert (len(BAD), False, False) == (report.rejected, report.ok, report.stopped)
        assert ["b1", "b0"] == [belief.id for belief in world.ada.beliefs()]
        assert all(reject.reason for reject in report.rejects)
        assert not any("xxx" in reject.reason for reject in report.rejects)


@pytest.mark.parametrize("bad", ["not json", line("retract", signal="none"), line("signal", kind="wink")])
@pytest.mark.parametrize("transaction", [500, 2, 1])
def test_strict_stops_at_the_first_bad_line(
    bad: str, transaction: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With strict, everything before the first bad line is applied and nothing after it, of whichever user."""
    monkeypatch.setattr(reader, "_TRANSACTION", transaction)
    good = [
        line("belief", user=user, id=f"b{n}", statement=f"{user} {n}")
        for n in range(3)
        for user in ("ada", "bob")
    ]
    with open_world() as world:
        report = world.graph.ingest([*good, bad, *log(["cleo", "ada"]), "not json either"], strict=True)
        assert (True, 1, [7]) == (report.stopped, report.rejected, [reject.line for reject in report.rejects])
        assert ["ada", "bob"] == list(world.graph.users())
        assert [3, 3] == [len(world.graph.user(user).beliefs()) for user in ("ada", "bob")]


def test_strict_stops_in_the_middle_of_one_users_lines() -> None:
    """With strict, what the same user sent after the bad line is left out too, within the same transaction."""
    lines = [line("belief", id=f"b{number}", statement=f"number {number}") for number in range(6)]
    lines[3] = line("response", text="x", beliefs=[{"id": "none"}])
    with open_world() as world:
        report = world.graph.ingest(lines, strict=True)
        assert [4] == [reject.line for reject in report.rejects]
        assert (True, {"belief": 3}) == (report.stopped, dict(report.applied))
        assert ["b2", "b1", "b0"] == [belief.id for belief in world.ada.beliefs()]


def test_own_time_lives_through_the_log_again() -> None:
    """In own time each event is recorded at its own moment, and as-of reads see the log as it went."""
    lines = log(rounds=4)
    lines[0] = line(
        "belief", id="b0", statement="likes tea", kind="state", confidence=0.7, at=START.isoformat()
    )
    lines.append(line("retract", signal="s3", at=START.replace(day=20).isoformat()))
    with open_world() as world:
        world.clock.pass_time(days=90)
        assert world.graph.ingest(lines, own_time=True).ok
        recorded = [revision.recorded_at for revision in world.ada.revisions("b0")]
        assert [START, *(START.replace(day=day) for day in (1, 2, 3, 4)), START.replace(day=20)] == recorded
        then = [world.ada.response(f"r{n}").generated_by[0].confidence_then or 0.0 for n in range(4)]
        now = [world.ada.belief("b0", as_of=START.replace(day=1 + n)).confidence for n in range(4)]
        assert sorted(then[:2], reverse=True) == then[:2]
        assert now[0] < 0.7
        assert world.graph.verify().ok
        signal = world.ada.signal_record("s3").signal
        assert START.replace(day=20) == signal.retracted_at
        assert {None} == {s.retracted_at for s in world.ada.signals(as_of=START.replace(day=19))}


def test_a_repeat_within_one_transaction() -> None:
    """A line that comes twice in one transaction is applied once; one that differs is refused."""
    with open_world() as world:
        rating = line("signal", id="s0", response="r0", kind="rating", value=-1)
        lines = [
            line("belief", id="b0", statement="likes tea"),
            line("response", id="r0", text="x", beliefs=[{"id": "b0"}]),
            rating,
            rating,
            line("signal", id="s0", response="r0", kind="rating", value=1),
            line("retract", signal="s0"),
            line("retract", signal="s0"),
            rating,
        ]
        report = world.graph.ingest(lines)
        assert [(5, "id")] == [(reject.line, reject.field) for reject in report.rejects]
        assert [1, 3] == [len(world.ada.signals()), len(world.ada.revisions("b0"))]
        assert world.graph.verify().ok


def test_observers_see_each_event_before_it_is_applied() -> None:
    """An observer sees the confidence that an event finds."""
    seen: list[tuple[str, float]] = []

    def observe(event: Any, working: Any) -> None:
        if event.type == "signal":
            seen.append((event.id, working.confidence("b0")))

    with open_world() as world:
        world.clock.pass_time(days=10)
        world.graph.ingest(log(rounds=3), observe=observe)
        assert ["s0", "s1", "s2"] == [id for id, _ in seen]
        assert sorted((confidence for _, confidence in seen), reverse=True) == [c for _, c in seen]
        assert pytest.approx(world.ada.response("r2").generated_by[0].confidence_then) == seen[2][1]
