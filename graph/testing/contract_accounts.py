"""Contract tests of accounts: what the confidence of a belief is made of, in one read."""

from functools import partial

from beliefgraph.graph.accounts import account_at
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import PIN, WORD
from beliefgraph.graph.store import Account, Reader, Store
from beliefgraph.graph.testing.builders import ADA, OTHER_ADA, Draft, put, second
from beliefgraph.graph.testing.hooks import StoreHooks

_B1 = BeliefId("b1")


def _story(draft: Draft) -> None:
    """Draft a belief with words, responses, a parent and edges, among others that have some of their own."""
    draft.belief("b0")
    draft.belief("b1", parent="b0")
    for name in ("b2", "b3", "b4"):
        draft.belief(name, parent="b1")
    for number in range(1, 6):
        draft.response(f"r{number}", "b1", "b2")
        draft.signal(f"s{number}", response=f"r{number}")
        for belief in ("b1", "b2"):
            draft.revise(belief, item_id=f"r{number}", cause_id=f"s{number}", observed_us=second(number % 3))
    draft.revise("b1", item_id="r4", removed=True, cause_kind="retraction")
    for number, slot in enumerate((WORD, PIN, WORD), start=6):
        draft.signal(f"s{number}", belief="b1")
        draft.revise("b1", slot=slot, item_id=f"s{number}", cause_id=f"s{number}", observed_us=second(number))
    draft.link("b1", "b3", "suspected")
    draft.link("b1", "b2", "confirmed")
    draft.link("b1", "b3", "dismissed")
    draft.link("b2", "b3")
    draft.link("b1", "b4", kind="duplicates")


def _later(draft: Draft) -> None:
    """Draft what happens to the belief later on: evidence comes and goes, an edge is decided."""
    draft.response("r6", "b1")
    draft.revise("b1", item_id="r6")
    draft.revise("b1", slot=WORD, item_id="s8", removed=True, cause_kind="retraction")
    draft.revise("b1", item_id="r4", observed_us=second(1))
    draft.revise("b1", item_id="r3", removed=True, cause_kind="retraction")
    draft.link("b1", "b2", "resolved")


def _accounts_at(at_us: int, reader: Reader) -> list[tuple[Account | None, Account | None]]:
    """Return the account of every belief as it stood: as single reads say, and as the store does."""
    nodes = reversed(reader.beliefs())
    return [(account_at(reader, node.id, at_us), reader.account(node.id, as_of_us=at_us)) for node in nodes]


class AccountsContract(StoreHooks):
    """What `Reader.account` promises."""

    def test_an_account_is_what_single_reads_say(self, store: Store) -> None:
        """Of every belief, its account holds what `account_at` puts together."""
        put(store, ADA, _story)

        def work(reader: Reader) -> list[tuple[Account | None, Account | None]]:
            return [
                (account_at(reader, node.id), reader.account(node.id)) for node in reversed(reader.beliefs())
            ]

        for expected, actual in store.read(ADA, work):
            assert expected == actual

    def test_an_account_as_of_then_is_what_it_was(self, store: Store) -> None:
        """At every earlier time, an account holds what `account_at` puts together for then; before the belief, none."""
        put(store, ADA, _story, at=10)
        put(store, ADA, lambda draft: draft.link("b0", "b1", "suspected"), at=20)
        put(store, ADA, _later, at=30)
        for at, responses in (
            (10, ["r5", "r2", "r1", "r3"]),
            (25, ["r5", "r2", "r1", "r3"]),
            (30, ["r6", "r5", "r2", "r4", "r1"]),
        ):
            pairs = store.read(ADA, partial(_accounts_at, second(at)))
            for expected, actual in pairs:
                assert expected == actual
            account = pairs[1][1]
            assert account is not None
            assert responses == [item.id for item in account.inferred]
        assert store.read(ADA, lambda reader: reader.account(_B1, as_of_us=second(9))) is None

    def test_an_account_holds_items_edges_and_who_lies_beside(self, store: Store) -> None:
        """Words latest first, inferred items newest first, edges as they stand, who lies at their ends, the parent."""
        put(store, ADA, _story)
        account = store.read(ADA, lambda reader: reader.account(_B1))
        assert account is not None
        assert ["s8", "s7", "b1"] == [item.id for item in account.direct]
        assert ["r5", "r2", "r1", "r3"] == [item.id for item in account.inferred]
        assert [("b2", "confirmed"), ("b3", "dismissed")] == [
            (link.high, link.status) for link in account.links
        ]
        assert {"b0", "b2", "b3"} == set(account.others)
        assert "revision 4" == account.opened

    def test_what_is_not_there_has_no_account(self, store: Store) -> None:
        """An unknown id has none, nor has one of somebody else, nor anybody of whom nothing is held."""
        assert store.read(ADA, lambda reader: reader.account(_B1)) is None
        put(store, OTHER_ADA, _story)
        assert store.read(ADA, lambda reader: reader.account(_B1)) is None
        put(store, ADA, lambda draft: draft.belief("b2"))
        assert store.read(ADA, lambda reader: reader.account(_B1)) is None

    def test_an_account_is_as_the_last_revision_left_it(self, store: Store) -> None:
        """One more word: it comes first, and the belief counts one more revision."""
        put(store, ADA, _story)
        before = store.read(ADA, lambda reader: reader.account(_B1))
        put(store, ADA, lambda draft: draft.revise("b1", slot=WORD, item_id="s9", observed_us=second(9)))
        after = store.read(ADA, lambda reader: reader.account(_B1))
        assert before is not None
        assert after is not None
        assert before.node.ordinal + 1 == after.node.ordinal
        assert "s9" == after.direct[0].id
