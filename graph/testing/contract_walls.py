"""Contract tests of the walls between users and tenants, of the lists of users, and of erasure."""

from functools import partial

import pytest

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.store import Erasure, News, Reach, Reader, Scope, Store
from beliefgraph.graph.testing.builders import (
    ADA,
    BOB,
    NOTHING_ERASED,
    OTHER_ADA,
    Draft,
    put,
    put_beliefs,
    second,
    vector,
)
from beliefgraph.graph.testing.hooks import StoreHooks

SCOPES = [ADA, BOB, OTHER_ADA, Scope("globex", UserId("bob"))]


def _story(draft: Draft, mark: str = "") -> None:
    draft.belief("b1", f"Statement{mark} one", near=vector(1, 0), vector_key="shared")
    draft.belief(
        "b2", f"Statement{mark} two", near=vector(0, 1), parent="b1", origin="s1", vector_key=f"own{mark}"
    )
    draft.response("r1", "b1", "b2", text=f"Answer{mark}", attributes={"trace": f"Attribute{mark}"})
    draft.signal("s1", response="r1", text=f"Comment{mark}")
    draft.signal("s2", belief="b2", text=f"Word{mark}")
    draft.revise("b1", cause_id="s1")
    draft.link("b1", "b2", "suspected")
    draft.link("b1", "b2", "confirmed")


def _changed(draft: Draft) -> None:
    draft.revise("b1")
    draft.retract("s1")
    draft.link("b1", "b2", "resolved")


def _comparable(news: News) -> object:
    vectors = {belief_id: near.tolist() for belief_id, near in news.vectors.items()}
    return news.beliefs, vectors, news.links, news.first_us


def _look(reader: Reader) -> list[object]:
    """Read everything of a user, asking by the ids of the story."""
    b1, r1, s1 = BeliefId("b1"), ResponseId("r1"), SignalId("s1")
    reach = Reach(
        responses=[r1],
        beliefs=[b1],
        signals=[s1],
        statement_keys=["statement one"],
        vectors={"v": vector(1, 0)},
    )
    return [
        reader.head(),
        reader.beliefs(),
        reader.beliefs([b1]),
        reader.beliefs(as_of_us=second(100)),
        reader.responses(),
        reader.responses([r1]),
        reader.signals(),
        reader.signals([s1]),
        reader.signals(about=[r1]),
        reader.words(b1),
        list(reader.inferred(b1)),
        reader.revisions(),
        reader.revisions(b1),
        reader.revisions(cause_id="s1"),
        reader.latest_revisions([b1], limit=5),
        reader.links("contradicts"),
        reader.links("contradicts", beliefs=[b1]),
        reader.nearest(vector(1, 0), limit=5),
        _comparable(reader.news(0)),
        _comparable(reader.news(1)),
        reader.neighbourhood(reach),
        reader.neighbourhood(reach, depth=2),
    ]


class WallsContract(StoreHooks):
    """What `Scope`, `tenants`, `users` and `erase` promise."""

    @pytest.mark.parametrize("stranger", [BOB, OTHER_ADA], ids=["other user", "other tenant"])
    def test_ids_of_somebody_else_do_not_exist(self, store: Store, stranger: Scope) -> None:
        """A stranger who asks by the very ids sees what she would see in an empty store."""
        nothing = store.read(stranger, _look)
        saved = put(store, ADA, _story)
        assert nothing == store.read(stranger, _look)
        put_beliefs(store, stranger, "b9")
        assert ["b9"] == [node.id for node in store.read(stranger, lambda reader: reader.beliefs())]
        assert None is store.read(stranger, lambda reader: reader.revision_before(saved.revisions[-1]))

    def test_users_with_the_same_ids_are_kept_apart(self, store: Store) -> None:
        """Four users over two tenants hold the same ids; what one writes changes nothing for the others."""
        seen = {}
        for number, scope in enumerate(SCOPES):
            put(store, scope, partial(_story, mark=f" {number}"), at=1 + number)
            seen[scope] = store.read(scope, _look)
        put(
            store,
            ADA,
            _changed,
            at=9,
        )
        for scope in SCOPES[1:]:
            assert seen[scope] == store.read(scope, _look)
            assert {scope.user_id} == {
                node.user_id for node in store.read(scope, lambda reader: reader.beliefs())
            }

    def test_tenants_come_sorted(self, store: Store) -> None:
        """The tenants that have users come once each, by code point."""
        assert [] == store.tenants()
        tenants = ["b", "a", "B", "é", "\uffee", "😀", "a"]
        for number, tenant in enumerate(tenants):
            put_beliefs(store, Scope(tenant, UserId(f"u{number}")), "b1")
        assert sorted(set(tenants)) == store.tenants()

    def test_users_come_sorted_and_paged(self, store: Store) -> None:
        """The users of a tenant come by code point, after the one named, up to the limit."""
        users = [UserId(name) for name in ("m", "z", "a", "Z", "é", "\uffee", "😀", "10", "9", "a b", "'")]
        for user_id in users:
            put_beliefs(store, Scope("acme", user_id), "b1")
        put_beliefs(store, Scope("globex", UserId("n")), "b1")
        expected = sorted(users)
        assert expected == store.users("acme")
        assert expected[:3] == store.users("acme", limit=3)
        assert expected[3:5] == store.users("acme", after=expected[2], limit=2)
        assert [user for user in expected if user > "b"] == store.users("acme", after=UserId("b"))
        assert [[], [], []] == [
            store.users("acme", after=expected[-1]),
            store.users("acme", limit=0),
            store.users("nobody"),
        ]

    def test_erasing_counts_what_went(self, store: Store) -> None:
        """The answer counts beliefs, responses, signals, revisions and versions of links."""
        put(store, ADA, _story)
        assert Erasure(beliefs=2, responses=1, signals=2, revisions=3, links=2) == store.erase(ADA)

    def test_nothing_is_left_of_an_erased_user(self, store: Store) -> None:
        """Afterwards the user reads as one who never was, and no place in the database holds a word of hers."""
        nothing = store.read(ADA, _look)
        put(store, BOB, lambda draft: _story(draft, " of bob"))
        scope = Scope(ADA.tenant, UserId("user-to-erase"))
        put(store, scope, lambda draft: _story(draft, "Zyzzyva"))
        put(store, scope, lambda draft: draft.revise("b1", cause_id="cause-Zyzzyva"), at=2)
        for word in ("Zyzzyva", "user-to-erase"):
            assert [] != self.search(store, word)
        store.erase(scope)
        for word in ("Zyzzyva", "zyzzyva", "user-to-erase"):
            assert [] == self.search(store, word)
        peeked = self.peek(store, scope)
        assert (None, {}, {}, {}) == (peeked.head, peeked.beliefs, peeked.responses, peeked.signals)
        assert ([], []) == (peeked.revisions, peeked.links)
        assert nothing == store.read(scope, _look)
        assert [BOB.user_id] == store.users("acme")

    def test_others_are_untouched_by_an_erasure(self, store: Store) -> None:
        """Every other user, also one of the same name in another tenant, reads as before."""
        for number, scope in enumerate(SCOPES):
            put(store, scope, partial(_story, mark=f" {number}"))
        before = [store.read(scope, _look) for scope in SCOPES[1:]]
        store.erase(ADA)
        assert before == [store.read(scope, _look) for scope in SCOPES[1:]]
        assert ["acme", "globex"] == store.tenants()

    def test_a_shared_vector_stays_while_somebody_needs_it(self, store: Store) -> None:
        """A vector that two users of a tenant share goes with the last of them; an own one goes at once."""
        put(store, ADA, lambda draft: _story(draft, " of ada"))
        put(store, BOB, lambda draft: _story(draft, " of bob"))
        assert {"shared", "own of ada", "own of bob"} == self.peek(store, ADA).vectors
        store.erase(ADA)
        assert {"shared", "own of bob"} == self.peek(store, BOB).vectors
        (first, _) = store.read(BOB, lambda reader: reader.nearest(vector(1, 0), limit=2))
        assert ("b1", 1.0) == tuple(first)
        store.erase(BOB)
        assert frozenset() == self.peek(store, BOB).vectors

    def test_vectors_of_another_tenant_are_its_own(self, store: Store) -> None:
        """The same key in two tenants is two vectors: erasing in one leaves the other's."""
        put(store, ADA, lambda draft: draft.belief("b1", near=vector(1, 0), vector_key="shared"))
        put(store, OTHER_ADA, lambda draft: draft.belief("b1", near=vector(0, 1), vector_key="shared"))
        assert ("b1", 1.0) == tuple(
            store.read(OTHER_ADA, lambda reader: reader.nearest(vector(0, 1), limit=1))[0]
        )
        store.erase(ADA)
        assert {"shared"} == self.peek(store, OTHER_ADA).vectors
        assert ("b1", 1.0) == tuple(
            store.read(OTHER_ADA, lambda reader: reader.nearest(vector(0, 1), limit=1))[0]
        )

    def test_erasing_nobody_changes_nothing(self, store: Store) -> None:
        """A user without records, or erased before, gives zero counts."""
        assert NOTHING_ERASED == store.erase(ADA)
        put(store, ADA, _story)
        put(store, BOB, _story)
        before = store.read(BOB, _look)
        store.erase(ADA)
        assert NOTHING_ERASED == store.erase(ADA)
        assert NOTHING_ERASED == store.erase(Scope("nobody's", UserId("ada")))
        assert before == store.read(BOB, _look)

    def test_an_erased_user_can_begin_again(self, store: Store) -> None:
        """The same ids written anew start at sequence number one, with nothing of before."""
        put(store, ADA, _story, at=1)
        store.erase(ADA)
        put_beliefs(store, ADA, "b1", at=2)
        assert (2, second(2)) == self.peek(store, ADA).head
        assert [(2, "b1", 1)] == self.peek(store, ADA).revisions
        assert [] == store.read(ADA, lambda reader: reader.links("contradicts"))
