"""Contract tests of as-of: every read at a time T gives what it gave at T, after every kind of change since."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import WORD
from beliefgraph.graph.store import Reader, Store
from beliefgraph.graph.testing.builders import ADA, BOB, Draft, put, put_beliefs, second, vector
from beliefgraph.graph.testing.hooks import StoreHooks


def _start(draft: Draft) -> None:
    draft.belief("b1", near=vector(1, 0))
    draft.belief("b2", near=vector(0, 1))
    draft.response("r1", "b1", "b2")
    draft.signal("s1", response="r1", text="no")
    draft.revise("b1", -0.5)
    draft.link("b1", "b2", "suspected")


def _new_belief(draft: Draft) -> None:
    draft.belief("b3", near=vector(1, 0))


def _new_response(draft: Draft) -> None:
    draft.response("r2", "b1")


def _new_signal(draft: Draft) -> None:
    draft.signal("s2", response="r1")


def _revision(draft: Draft) -> None:
    draft.revise("b1", -1.5)
    draft.revise("b2", 1.5, slot=WORD, item_id="s9")


def _revision_twice(draft: Draft) -> None:
    draft.revise("b2", 2.0)
    draft.revise("b2", 3.0, lifecycle="retired")


def _retraction(draft: Draft) -> None:
    draft.retract("s1", "it was by accident")
    draft.revise("b1", 0.0, removed=True, cause_kind="retraction")


def _confirmed(draft: Draft) -> None:
    draft.link("b1", "b2", "confirmed")


def _resolved(draft: Draft) -> None:
    draft.link("b1", "b2", "resolved")
    draft.revise("b2", slot=None, lifecycle="superseded")


def _duplicate(draft: Draft) -> None:
    draft.link("b1", "b2", "suspected", kind="duplicates")


CHANGES: list[Callable[[Draft], None]] = [
    _new_belief,
    _new_response,
    _new_signal,
    _revision,
    _revision_twice,
    _retraction,
    _confirmed,
    _resolved,
    _duplicate,
]


def _look(reader: Reader, as_of_us: int | None) -> dict[str, Any]:
    """Read everything that can be read as of a time."""
    b1, b2 = BeliefId("b1"), BeliefId("b2")
    return {
        "beliefs": reader.beliefs(as_of_us=as_of_us),
        "some beliefs": reader.beliefs([b2, BeliefId("b3")], as_of_us=as_of_us),
        "a page of beliefs": reader.beliefs(before=4, limit=1, as_of_us=as_of_us),
        "responses": reader.responses(as_of_us=as_of_us),
        "some responses": reader.responses([ResponseId("r1"), ResponseId("r2")], as_of_us=as_of_us),
        "signals": reader.signals(as_of_us=as_of_us),
        "some signals": reader.signals([SignalId("s1"), SignalId("s2")], as_of_us=as_of_us),
        "signals about": reader.signals(about=[ResponseId("r1")], as_of_us=as_of_us),
        "revisions": reader.revisions(as_of_us=as_of_us),
        "revisions of b1": reader.revisions(b1, as_of_us=as_of_us),
        "revisions by s1": reader.revisions(cause_id="s1", as_of_us=as_of_us),
        "latest revisions": reader.latest_revisions([b1, b2], limit=2, as_of_us=as_of_us),
        "conflicts": reader.links("contradicts", as_of_us=as_of_us),
        "conflicts of b1": reader.links("contradicts", beliefs=[b1], as_of_us=as_of_us),
        "duplicates": reader.links("duplicates", as_of_us=as_of_us),
        "nearest": reader.nearest(vector(1, 0), limit=5, as_of_us=as_of_us),
    }


class AsOfContract(StoreHooks):
    """What `as_of_us` promises."""

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
    def test_a_change_leaves_the_past_alone(self, store: Store, change: Callable[[Draft], None]) -> None:
        """After this change, reading as of just before it gives what was read then; as of its time, what is now."""
        put(store, ADA, _start, at=1)
        before = store.read(ADA, lambda reader: _look(reader, None))
        put(store, ADA, change, at=2)
        after = store.read(ADA, lambda reader: _look(reader, None))
        assert before != after
        for at_us in (second(1), second(2) - 1):
            assert before == store.read(ADA, partial(_look, as_of_us=at_us))
        for at_us in (second(2), second(3)):
            assert after == store.read(ADA, partial(_look, as_of_us=at_us))

    def test_before_the_first_record_there_is_nothing(self, store: Store) -> None:
        """As of a time before everything, all lists are empty."""
        put(store, ADA, _start, at=1)
        seen = store.read(ADA, lambda reader: _look(reader, second(1) - 1))
        assert {name: [] for name in seen} == seen

    def test_a_long_story_can_be_read_at_each_of_its_times(self, store: Store) -> None:
        """Every state that was served can be read again, however much came after."""
        served = []
        put(store, ADA, _start, at=1)
        for number, change in enumerate(CHANGES, start=2):
            put(store, ADA, change, at=number)
            put_beliefs(store, BOB, f"b{number}", at=number)
            served.append((second(number), store.read(ADA, lambda reader: _look(reader, None))))
        for at_us, then in served:
            assert then == store.read(ADA, partial(_look, as_of_us=at_us))

    def test_several_units_of_one_moment_are_read_together(self, store: Store) -> None:
        """Units recorded in the same microsecond are all seen as of it, the later state standing."""
        put(store, ADA, _start, at=1)
        put(store, ADA, _revision, at=2)
        put(store, ADA, _resolved, at=2)
        now = store.read(ADA, lambda reader: _look(reader, None))
        assert now == store.read(ADA, lambda reader: _look(reader, second(2)))

    def test_one_unit_may_hold_records_of_several_times(self, store: Store) -> None:
        """Records of one unit carry times of their own, and as of each of them the earlier ones are seen."""

        def build(draft: Draft) -> None:
            for number in range(1, 4):
                draft.belief(f"b{number}")
                draft.response(f"r{number}", "b1")
                draft.signal(f"s{number}", response="r1")
                draft.revise("b1", number)
                if number > 1:
                    draft.link("b1", "b2", "suspected" if number == 2 else "confirmed")
                draft.wait(10)
            draft.revise("b1", 9.0)

        changes = put(store, ADA, build, at=10)
        assert second(40) == store.read(ADA, lambda reader: reader.head().recorded_us)
        for number, at_us in ((1, second(19.9)), (2, second(20)), (3, second(39))):
            seen = store.read(ADA, partial(_look, as_of_us=at_us))
            assert [f"b{n}" for n in range(number, 0, -1)] == [node.id for node in seen["beliefs"]]
            assert [f"r{n}" for n in range(number, 0, -1)] == [response.id for response in seen["responses"]]
            assert [f"s{n}" for n in range(number, 0, -1)] == [signal.id for signal, _ in seen["signals"]]
            assert number + 1 == seen["beliefs"][-1].ordinal == len(seen["revisions of b1"])
            assert seen["revisions of b1"][-1].state == seen["beliefs"][-1].state
            assert seen["revisions of b1"][-1].recorded_at == seen["beliefs"][-1].revised_at
            assert [[], ["suspected"], ["confirmed"]][number - 1] == [
                link.status for link in seen["conflicts"]
            ]
        (now,) = store.read(ADA, lambda reader: reader.beliefs([BeliefId("b1")]))
        assert (5, changes.revisions[-1].recorded_at) == (now.ordinal, now.revised_at)

    def test_a_retraction_shows_from_its_time_on(self, store: Store) -> None:
        """A signal retracted later is shown as not retracted, and from then on with the time of its retraction."""
        put(store, ADA, _start, at=1)
        changes = put(store, ADA, _retraction, at=5)

        def retraction(as_of_us: int | None) -> object:
            ((signal, _),) = store.read(ADA, lambda reader: reader.signals(as_of_us=as_of_us))
            return signal.retracted_at, signal.retraction_note

        (revision,) = changes.revisions
        assert [(None, None)] * 2 == [retraction(second(1)), retraction(second(5) - 1)]
        taken_back = (revision.recorded_at, "it was by accident")
        assert [taken_back] * 2 == [retraction(second(5)), retraction(None)]
