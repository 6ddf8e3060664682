"""Contract tests of writing: sequence numbers, atomicity, projections, what others see meanwhile, closing."""

import threading
from dataclasses import replace
from functools import partial

import pytest

from beliefgraph.graph.errors import StoreUnavailableError
from beliefgraph.graph.ids import BeliefId, ResponseId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import Tally
from beliefgraph.graph.store import Head, Reach, Reader, Store, Writer
from beliefgraph.graph.testing.builders import (
    ADA,
    BOB,
    Draft,
    draft_from,
    put,
    put_beliefs,
    second,
)
from beliefgraph.graph.testing.contract_records import everything
from beliefgraph.graph.testing.hooks import StoreHooks


class _Refused(Exception):
    """What a unit of work raises to be taken back."""


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

    def test_what_is_counted_is_what_was_saved_last(self, store: Store) -> None:
        """Each save says anew what is counted of the user's signals; the head, a traversal and the history have it."""
        first = {"rating": Tally(good=1.0, bad=2.5, nats=-1.75), "stars": Tally(good=0.0, bad=0.0, nats=0.0)}
        for at, tallies in enumerate((first, {"rating": Tally(good=1.5, bad=2.5, nats=-2.25)}), start=1):

            def save(writer: Writer, at: int = at, tallies: dict[str, Tally] = tallies) -> Head:
                draft = draft_from(writer, ADA, second(at))
                draft.belief(f"b{at}")
                draft.tallies = tallies
                writer.save(draft.changes())
                return writer.head()

            assert tallies == store.write(ADA, save).tallies
            assert tallies == store.read(ADA, lambda reader: reader.head()).tallies
            assert tallies == store.read(ADA, lambda reader: reader.neighbourhood(Reach()).head).tallies
            assert tallies == store.read(ADA, lambda reader: reader.history()).tallies
            assert tallies == store.read(ADA, lambda reader: reader.news(0)).head.tallies
        assert {} == store.read(BOB, lambda reader: reader.head()).tallies

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
            everything(draft)
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
            everything(draft)
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
        put(store, ADA, everything)
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
        put(store, ADA, everything)
        peeked = self.peek(store, ADA)
        assert (8, second(1)) == peeked.head
        assert {"b1": "Statement of b1", "b2": "Statement of b2"} == peeked.beliefs
        assert {"r1": "An answer"} == peeked.responses
        assert {"s1": "There is no example in it"} == peeked.signals
        assert [(2, "b1", 1), (4, "b2", 1), (7, "b1", 2)] == peeked.revisions
        assert [(8, "b1", "b2", "confirmed")] == peeked.links
        assert {"vector of statement of b1"} == peeked.vectors

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

    def test_a_revision_rereads_items_without_new_evidence(self, store: Store) -> None:
        """Items that weigh otherwise take the place of their predecessors, and the revision is read back with them."""

        def items() -> dict[str, float]:
            found = store.read(ADA, lambda reader: list(reader.inferred(BeliefId("b1"))))
            return {item.id: item.nats for item in found}

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.revise("b1", 1.0, item_id="r1")
            draft.revise("b1", 2.0, item_id="r2")

        def reread(draft: Draft) -> None:
            weights = {ResponseId("r1"): -0.25, ResponseId("r3"): 1e-300}
            draft.revise("b1", slot=None, reread=weights, cause_kind="parameters", cause_id="2027.01")

        put(store, ADA, build)
        revision = put(store, ADA, reread).revisions[0]
        assert {"r1": -0.25, "r2": 2.0, "r3": 1e-300} == items()
        assert [revision] == store.read(ADA, lambda reader: reader.revisions(cause_id="2027.01"))
        assert revision == store.read(ADA, lambda reader: reader.history()).revisions[-1]
        assert [()] * 3 == [each.reread for each in store.read(ADA, lambda reader: reader.revisions())][:-1]

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
            store.identity,
            store.tenants,
            lambda: store.users("acme"),
            lambda: store.erase(ADA),
            lambda: store.embedding_model("a model"),
        ):
            with pytest.raises(StoreUnavailableError):
                call()

    def test_the_embedding_model_is_recorded_once(self, store: Store) -> None:
        """The first name stays; later ones are answered with it."""
        assert store.embedding_model() is None
        assert "first" == store.embedding_model("first")
        assert "first" == store.embedding_model("second")
        assert "first" == store.embedding_model()
        assert "first" == store.embedding_model("first")
