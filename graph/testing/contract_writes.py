"""Contract tests of writing: sequence numbers, atomicity, projections, round trips, references."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from beliefgraph.graph.errors import IntegrityError, StoreUnavailableError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import GeneratedBy
from beliefgraph.graph.store import Head, Reader, Scope, Store, Writer
from beliefgraph.graph.testing.builders import (
    ADA,
    BOB,
    Draft,
    draft_from,
    put,
    put_beliefs,
    second,
    vector,
)
from beliefgraph.graph.testing.hooks import StoreHooks

AWKWARD_TEXTS = [
    "plain",
    'O\'Brien said "no"; DROP TABLE beliefs; --',
    "back\\slash, per%cent, under_score, {curly} $1 :name ?",
    "naïve Ünïcödé 日本語 עברית 👩🏽‍🚀 \u200d\u202e",
    "é and e\u0301 are not the same text",
    " leading, trailing, and\ttabs\r\nand\nlines ",
    "a\x00b",
    "[]",
    "{}",
    "null",
    "0",
    "long " * 40_000,
]


class _Refused(Exception):
    """What a unit of work raises to be taken back."""


def _everything(draft: Draft) -> None:
    draft.belief("b1", near=vector(1, 0))
    draft.belief("b2", parent="b1", origin="s1")
    draft.response("r1", "b1", "b2")
    draft.signal("s1", response="r1", text="There is no example in it")
    draft.revise("b1")
    draft.link("b1", "b2")


class WritingContract(StoreHooks):
    """What `write` and `save` promise."""

    def test_a_user_without_records_stands_at_zero(self, store: Store) -> None:
        """The head of a user who was never written is 0 and 0."""
        assert Head(seq=0, recorded_us=0) == store.read(ADA, lambda reader: reader.head())
        assert Head(seq=0, recorded_us=0) == store.write(ADA, lambda writer: writer.head())

    def test_the_head_is_what_was_saved_last(self, store: Store) -> None:
        """The head carries the number and the time of the last save."""
        put_beliefs(store, ADA, "b1", "b2", at=1)
        assert Head(seq=4, recorded_us=second(1)) == store.read(ADA, lambda reader: reader.head())
        put_beliefs(store, ADA, "b3", at=7)
        assert Head(seq=6, recorded_us=second(7)) == store.read(ADA, lambda reader: reader.head())
        peeked = self.peek(store, ADA)
        assert (6, second(7)) == peeked.head

    def test_each_user_has_a_sequence_of_her_own(self, store: Store) -> None:
        """Writing one user leaves the number of another alone."""
        put_beliefs(store, ADA, "b1", "b2", at=3)
        put_beliefs(store, BOB, "b1", at=2)
        assert 4 == store.read(ADA, lambda reader: reader.head().seq)
        assert 2 == store.read(BOB, lambda reader: reader.head().seq)

    def test_a_unit_sees_what_it_saved(self, store: Store) -> None:
        """Reads after `save` in the same unit see the new records and the new head."""

        def work(writer: Writer) -> tuple[Head, list[str], int]:
            draft = draft_from(writer, ADA, second(1))
            _everything(draft)
            writer.save(draft.changes())
            return writer.head(), [node.id for node in writer.beliefs()], len(writer.revisions())

        assert (Head(seq=8, recorded_us=second(1)), ["b2", "b1"], 3) == store.write(ADA, work)

    def test_write_returns_what_the_work_returns(self, store: Store) -> None:
        """The result of the work comes back, also when nothing was saved."""
        assert "done" == store.write(ADA, lambda writer: "done")
        assert [] == store.users("acme")

    def test_what_the_work_raises_takes_everything_back(self, store: Store) -> None:
        """An exception after `save` leaves no record, no user and no vector, and reaches the caller as it is."""

        def work(writer: Writer) -> None:
            draft = draft_from(writer, ADA, second(1))
            _everything(draft)
            writer.save(draft.changes())
            raise _Refused

        with pytest.raises(_Refused):
            store.write(ADA, work)
        peeked = self.peek(store, ADA)
        assert (None, {}, {}, {}) == (peeked.head, peeked.beliefs, peeked.responses, peeked.signals)
        assert ([], [], frozenset()) == (peeked.revisions, peeked.links, peeked.vectors)
        assert [] == store.users("acme")
        assert [] == store.tenants()

    def test_a_unit_that_fails_leaves_the_state_before_it(self, store: Store) -> None:
        """A failed unit after good ones changes neither head, projection nor items."""
        put(store, ADA, _everything)
        before = store.read(
            ADA, lambda reader: (reader.head(), reader.beliefs(), list(reader.inferred(BeliefId("b1"))))
        )

        def work(writer: Writer) -> None:
            draft = draft_from(writer, ADA, second(2))
            draft.revise("b1", 3.0)
            draft.revise("b2", 3.0)
            draft.link("b1", "b2", "dismissed")
            draft.retract("s1")
            writer.save(draft.changes())
            raise _Refused

        with pytest.raises(_Refused):
            store.write(ADA, work)
        after = store.read(
            ADA, lambda reader: (reader.head(), reader.beliefs(), list(reader.inferred(BeliefId("b1"))))
        )
        assert before == after
        assert ["confirmed"] == [status for _, _, _, status in self.peek(store, ADA).links]
        ((signal, _),) = store.read(ADA, lambda reader: reader.signals())
        assert None is signal.retracted_at

    def test_the_store_works_on_after_a_failed_unit(self, store: Store) -> None:
        """A failed unit holds no lock: the next one goes through."""

        def fail(_: Writer) -> None:
            raise _Refused

        for _ in range(3):
            with pytest.raises(_Refused):
                store.write(ADA, fail)
        put_beliefs(store, ADA, "b1")
        assert {"b1": "Statement of b1"} == self.peek(store, ADA).beliefs

    def test_everything_is_in_the_database(self, store: Store) -> None:
        """One unit writes its nodes, revisions, edges and vectors, as seen without the store."""
        put(store, ADA, _everything)
        peeked = self.peek(store, ADA)
        assert (8, second(1)) == peeked.head
        assert {"b1": "Statement of b1", "b2": "Statement of b2"} == peeked.beliefs
        assert {"r1": "An answer"} == peeked.responses
        assert {"s1": "There is no example in it"} == peeked.signals
        assert [(2, "b1", 1), (4, "b2", 1), (7, "b1", 2)] == peeked.revisions
        assert [(8, "b1", "b2", "confirmed")] == peeked.links
        assert {"vector of statement of b1"} == peeked.vectors

    def test_every_record_comes_back_as_it_was_saved(self, store: Store) -> None:
        """Beliefs, responses, signals, interpretations, revisions and links round-trip field by field."""
        changes = put(store, ADA, _everything)
        assert list(reversed(changes.beliefs)) == store.read(ADA, lambda reader: reader.beliefs())
        assert changes.responses == store.read(ADA, lambda reader: reader.responses())
        assert changes.signals == store.read(ADA, lambda reader: reader.signals())
        assert changes.revisions == store.read(ADA, lambda reader: reader.revisions())
        assert changes.links == store.read(ADA, lambda reader: reader.links("contradicts"))

    def test_unusual_states_come_back_as_they_were_saved(self, store: Store) -> None:
        """An endless half-life, a context and a lifecycle round-trip in the node and in the revision."""

        def build(draft: Draft) -> None:
            draft.belief(
                "b1", half_life_days=float("inf"), lifecycle="tentative", context='{"device":"tablet"}'
            )
            draft.revise("b1", -1e-300, lifecycle="superseded")

        changes = put(store, ADA, build)
        assert changes.beliefs == store.read(ADA, lambda reader: reader.beliefs())
        assert changes.revisions == store.read(ADA, lambda reader: reader.revisions())

    def test_edges_and_values_come_back_as_they_were_saved(self, store: Store) -> None:
        """The order, weights and adherences of premises, nested attributes and absent values round-trip."""
        edges = (
            GeneratedBy(belief_id=BeliefId("b2"), weight=0.1 + 0.2, adherence=0.0, confidence_then=0.001),
            GeneratedBy(belief_id=BeliefId("b1"), weight=1e-9, adherence=1.0, confidence_then=0.999),
        )
        attributes: dict[str, Any] = {
            "n": 1,
            "x": 0.1,
            "none": None,
            "list": [1, "a", {"b": True}],
            "é": "ü",
            "empty": {},
        }

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            draft.response("r1", text="", attributes=attributes, edges=edges)
            draft.signal("s1", kind="copy", value=None)
            draft.signal("s2", belief="b1", kind="confirm", value=0.0)

        changes = put(store, ADA, build)
        assert changes.responses == store.read(ADA, lambda reader: reader.responses())
        assert list(reversed(changes.signals)) == store.read(ADA, lambda reader: reader.signals())

    @pytest.mark.parametrize("text", AWKWARD_TEXTS, ids=range(len(AWKWARD_TEXTS)))
    def test_texts_come_back_exactly(self, store: Store, text: str) -> None:
        """Quotes, markup, unicode, control characters and long texts survive unchanged wherever a text can stand."""

        def build(draft: Draft) -> None:
            draft.belief("b1", text)
            draft.response("r1", "b1", text=text, attributes={text: text})
            draft.signal("s1", response="r1", text=text)

        changes = put(store, ADA, build)
        assert changes.beliefs == store.read(ADA, lambda reader: reader.beliefs())
        assert changes.responses == store.read(ADA, lambda reader: reader.responses())
        assert changes.signals == store.read(ADA, lambda reader: reader.signals())

    @pytest.mark.parametrize("id", ["7", "O'Brien", 'a"b', "b%_\\", "日本", "😀", "x" * 200, "null", "[1]"])
    def test_ids_are_found_exactly(self, store: Store, id: str) -> None:
        """Whatever visible characters an id holds, it names this record and no other, for users too."""
        scope = Scope(f"tenant {id}", UserId(f"user {id}"))

        def build(draft: Draft) -> None:
            draft.belief(id)
            draft.belief("b")
            draft.response(id, id)
            draft.signal(id, response=id)
            draft.revise(id, item_id=id, cause_id=id)
            draft.link(id, "b")

        put(store, scope, build)

        def work(reader: Reader) -> list[list[str]]:
            return [
                [node.id for node in reader.beliefs([BeliefId(id)])],
                [response.id for response in reader.responses([ResponseId(id)])],
                [signal.id for signal, _ in reader.signals([SignalId(id)])],
                [signal.id for signal, _ in reader.signals(about=[ResponseId(id)])],
                [item.id for item in reader.inferred(BeliefId(id))],
                sorted({revision.belief_id for revision in reader.revisions(cause_id=id)}),
                [
                    link.low if link.low != "b" else link.high
                    for link in reader.links("contradicts", beliefs=[BeliefId(id)])
                ],
            ]

        assert [[id]] * 7 == store.read(scope, work)
        assert [scope.user_id] == store.users(scope.tenant)

    def test_ids_that_look_alike_stay_apart(self, store: Store) -> None:
        """Case, accents and numbers are not folded."""
        ids = ["a", "A", "é", "e\u0301", "1", "01", "1.0"]
        put_beliefs(store, ADA, *ids)
        assert list(reversed(ids)) == [node.id for node in store.read(ADA, lambda reader: reader.beliefs())]
        assert ["01"] == [
            node.id for node in store.read(ADA, lambda reader: reader.beliefs([BeliefId("01")]))
        ]

    def test_a_revision_is_projected_on_its_belief(self, store: Store) -> None:
        """After a revision the belief carries its state, ordinal and time; the rest of it is unchanged."""
        first = put_beliefs(store, ADA, "b1", at=1).beliefs[0]
        revision = put(store, ADA, lambda draft: draft.revise("b1"), at=2).revisions[0]
        expected = replace(first, ordinal=2, revised_at=revision.recorded_at, state=revision.state)
        assert [expected] == store.read(ADA, lambda reader: reader.beliefs())

    def test_of_several_revisions_in_one_unit_the_last_is_projected(self, store: Store) -> None:
        """One unit may revise a belief many times: ordinals have no gap and the last state stands."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            for number in range(5):
                draft.revise("b1", 0.1 * number, item_id=f"r{number}")

        changes = put(store, ADA, build)
        (node,) = store.read(ADA, lambda reader: reader.beliefs())
        assert (6, changes.revisions[-1].state) == (node.ordinal, node.state)
        assert [1, 2, 3, 4, 5, 6] == [
            revision.ordinal for revision in store.read(ADA, lambda reader: reader.revisions())
        ]

    def test_a_revision_puts_replaces_and_removes_its_item(self, store: Store) -> None:
        """An item exists once per belief, slot and id; a later revision changes it or takes it away."""

        def items() -> list[Item]:
            return store.read(ADA, lambda reader: list(reader.inferred(BeliefId("b1"))))

        put_beliefs(store, ADA, "b1")
        for nats in (0.5, -2.0):
            revision = put(store, ADA, partial(Draft.revise, belief_id="b1", nats=nats)).revisions[0]
            assert [revision.item] == items()
        put(store, ADA, lambda draft: draft.revise("b1", 0.0, item_id="r1", removed=True))
        assert [] == items()
        put(store, ADA, lambda draft: draft.revise("b1", slot=None))
        assert [] == items()

    def test_an_item_changed_twice_in_one_unit_ends_as_the_last_revision_says(self, store: Store) -> None:
        """Put then removed is gone; removed then put is there."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.revise("b1", 1.0, item_id="gone")
            draft.revise("b1", 0.0, item_id="gone", removed=True)
            draft.revise("b1", 0.0, item_id="back", removed=True)
            draft.revise("b1", 2.0, item_id="back")

        put(store, ADA, build)
        items = store.read(ADA, lambda reader: list(reader.inferred(BeliefId("b1"))))
        assert [("back", 2.0)] == [(item.id, item.nats) for item in items]

    @pytest.mark.parametrize(
        "build",
        [
            lambda draft: draft.response("r", "nobody"),
            lambda draft: draft.signal("s", response="nothing"),
            lambda draft: draft.signal("s", belief="nobody"),
            lambda draft: draft.belief("b2", parent="nobody"),
            lambda draft: draft.belief("b2", origin="nothing"),
            lambda draft: draft.link("b1", "nobody"),
            lambda draft: draft.link("b1", "aaa"),
            lambda draft: draft.retract("nothing"),
        ],
        ids=[
            "premise",
            "about response",
            "about belief",
            "parent",
            "origin",
            "link",
            "link low",
            "retracted",
        ],
    )
    def test_a_dangling_reference_is_refused(self, store: Store, build: Callable[[Draft], object]) -> None:
        """A record that refers to what this user does not have raises `IntegrityError` and writes nothing."""
        put_beliefs(store, ADA, "b1")
        put(store, BOB, lambda draft: (draft.belief("nobody"), draft.response("nothing", "nobody")))
        put(store, BOB, lambda draft: draft.signal("nothing"))
        before = self.peek(store, ADA)
        with pytest.raises(IntegrityError):
            put(store, ADA, build, at=2)
        assert before == self.peek(store, ADA)

    def test_a_revision_of_a_foreign_belief_is_refused(self, store: Store) -> None:
        """Another user's belief cannot be revised: `IntegrityError`, and it stays as it was."""
        foreign = put_beliefs(store, BOB, "b1").beliefs[0]
        put_beliefs(store, ADA, "b2")

        def work(writer: Writer) -> None:
            draft = Draft(ADA.user_id, seq=writer.head().seq, at_us=second(2), known=lambda _: foreign)
            draft.revise("b1", 4.0)
            writer.save(draft.changes())

        with pytest.raises(IntegrityError):
            store.write(ADA, work)
        assert [foreign] == store.read(BOB, lambda reader: reader.beliefs())

    @pytest.mark.parametrize(
        "build",
        [
            lambda draft: draft.belief("b1"),
            lambda draft: draft.response("r1", "b1"),
            lambda draft: draft.signal("s1", response="r1"),
        ],
        ids=["belief", "response", "signal"],
    )
    def test_an_id_is_taken_once(self, store: Store, build: Callable[[Draft], object]) -> None:
        """A second node with the id of a first one raises `IntegrityError` and leaves the first as it was."""
        put(store, ADA, _everything)
        before = self.peek(store, ADA)
        with pytest.raises(IntegrityError):
            put(store, ADA, build, at=2)
        assert before == self.peek(store, ADA)

    def test_a_read_sees_one_state(self, store: Store) -> None:
        """A write that ends (or waits) during a read changes nothing of what this read sees."""
        put_beliefs(store, ADA, "b1", at=1)
        writers: list[threading.Thread] = []

        def work(reader: Reader) -> tuple[int, int, int, int]:
            before = reader.head().seq, len(reader.beliefs())
            if not writers:
                writers.append(
                    threading.Thread(target=put_beliefs, args=(store, ADA, "b2"), kwargs={"at": 2})
                )
                writers[0].start()
                writers[0].join(timeout=0.5)
            return *before, reader.head().seq, len(reader.beliefs())

        seen = store.read(ADA, work)
        writers[0].join()
        assert seen in [(2, 1, 2, 1), (4, 2, 4, 2)]
        assert (4, 2) == store.read(ADA, lambda reader: (reader.head().seq, len(reader.beliefs())))

    def test_a_read_does_not_see_an_unfinished_write(self, store: Store) -> None:
        """What a write has saved is invisible to others until the write ends."""
        put_beliefs(store, ADA, "b1", at=1)
        seen: list[int] = []

        def look() -> None:
            seen.append(store.read(ADA, lambda reader: len(reader.beliefs())))

        reading = threading.Thread(target=look)

        def work(writer: Writer) -> None:
            draft = draft_from(writer, ADA, second(2))
            draft.belief("b2")
            writer.save(draft.changes())
            reading.start()
            reading.join(timeout=0.5)
            raise _Refused

        with pytest.raises(_Refused):
            store.write(ADA, work)
        reading.join()
        assert [1] == seen

    def test_a_closed_store_says_so(self, store: Store) -> None:
        """After `close` every call raises `StoreUnavailableError`; closing twice is fine."""
        put_beliefs(store, ADA, "b1")
        store.close()
        store.close()
        for call in (
            lambda: store.read(ADA, lambda reader: reader.head()),
            lambda: store.write(ADA, lambda writer: writer.head()),
            store.tenants,
            lambda: store.users("acme"),
            lambda: store.erase(ADA),
            lambda: store.embedding_model("a model"),
        ):
            with pytest.raises(StoreUnavailableError):
                call()

    def test_the_embedding_model_is_recorded_once(self, store: Store) -> None:
        """The first name stays; later ones are answered with it."""
        assert "first" == store.embedding_model("first")
        assert "first" == store.embedding_model("second")
        assert "first" == store.embedding_model("first")
