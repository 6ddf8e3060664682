"""Contract tests of records: they come back as they were saved, and dangling references and taken ids are refused."""

from collections.abc import Callable
from typing import Any

import pytest

from beliefgraph.graph.copying import digest
from beliefgraph.graph.errors import IntegrityError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import GeneratedBy
from beliefgraph.graph.store import Changes, Reach, Reader, Scope, Store, Writer
from beliefgraph.graph.testing.builders import (
    ADA,
    BOB,
    Draft,
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


def everything(draft: Draft) -> None:
    """Draft one unit with a record of each kind."""
    draft.belief("b1", near=vector(1, 0))
    draft.belief("b2", parent="b1", origin="s1")
    draft.response("r1", "b1", "b2")
    draft.signal("s1", response="r1", text="There is no example in it")
    draft.revise("b1")
    draft.link("b1", "b2")


class RecordsContract(StoreHooks):
    """What `save` promises about single records."""

    def test_every_record_comes_back_as_it_was_saved(self, store: Store) -> None:
        """Beliefs, responses, signals, interpretations, revisions and links round-trip field by field."""
        changes = put(store, ADA, everything)
        assert list(reversed(changes.beliefs)) == store.read(ADA, lambda reader: reader.beliefs())
        assert changes.responses == store.read(ADA, lambda reader: reader.responses())
        assert changes.signals == store.read(ADA, lambda reader: reader.signals())
        assert changes.revisions == store.read(ADA, lambda reader: reader.revisions())
        assert changes.links == store.read(ADA, lambda reader: reader.links("contradicts"))

    def test_a_history_saved_for_somebody_else_is_the_same_history(self, store: Store) -> None:
        """What `history` gives, `save` repeats: every record, link version, vector, number and retraction."""
        put(store, ADA, everything)

        def take_back(draft: Draft) -> None:
            draft.link("b1", "b2", "dismissed")
            draft.retract("s1")

        put(store, ADA, take_back, at=2)
        history = store.read(ADA, lambda reader: reader.history())
        assert 2 == len(history.links)
        assert ["s1"] == [signal.id for signal, _ in history.signals if signal.retracted_at is not None]
        elsewhere = Scope("other tenant", ADA.user_id)
        store.write(elsewhere, lambda writer: writer.save(history))
        for read in (
            lambda reader: digest(reader.history()),
            lambda reader: reader.neighbourhood(
                Reach(beliefs=[BeliefId("b1")], responses=[ResponseId("r1")]), depth=2
            ),
            lambda reader: reader.words(BeliefId("b1")),
        ):
            assert store.read(ADA, read) == store.read(elsewhere, read)

    def test_a_user_without_records_has_an_empty_history(self, store: Store) -> None:
        """Nothing is nothing: number 0, no record."""
        assert digest(Changes(seq=0, recorded_us=0)) == store.read(
            ADA, lambda reader: digest(reader.history())
        )

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
        put(store, ADA, everything)
        before = self.peek(store, ADA)
        with pytest.raises(IntegrityError):
            put(store, ADA, build, at=2)
        assert before == self.peek(store, ADA)
