"""Contract tests of `neighbourhood`, the traversal that an update starts from."""

import itertools
from collections.abc import Sequence

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import WORD
from beliefgraph.graph.model import ConflictStatus
from beliefgraph.graph.store import Head, Neighbourhood, Reach, Store
from beliefgraph.graph.testing.builders import ADA, Draft, put, put_beliefs, second, vector
from beliefgraph.graph.testing.hooks import StoreHooks


def _beliefs(draft: Draft, names: str) -> None:
    for name in names:
        draft.belief(name)


def _chain(draft: Draft, names: str, status: ConflictStatus) -> None:
    for low, high in itertools.pairwise(names):
        draft.link(low, high, status)


def _walk(store: Store, reach: Reach, depth: int = 1) -> Neighbourhood:
    return store.read(ADA, lambda reader: reader.neighbourhood(reach, depth=depth))


def _reached(store: Store, *beliefs: str, responses: Sequence[str] = (), depth: int = 1) -> str:
    reach = Reach(beliefs=[BeliefId(b) for b in beliefs], responses=[ResponseId(r) for r in responses])
    return "".join(sorted(_walk(store, reach, depth).beliefs))


class NeighbourhoodContract(StoreHooks):
    """What `neighbourhood` promises."""

    def test_nothing_asked_is_nothing_found(self, store: Store) -> None:
        """An empty reach finds nothing but the head."""
        put_beliefs(store, ADA, "a", at=1)
        found = _walk(store, Reach())
        assert Head(seq=2, recorded_us=second(1)) == found.head
        assert [0] * 7 == [
            len(part)
            for part in (
                found.beliefs,
                found.responses,
                found.signals,
                found.interpretations,
                found.items,
                found.links,
                found.nearest,
            )
        ]

    def test_unknown_ids_are_left_out(self, store: Store) -> None:
        """Ids that do not exist are left out, known ones beside them are found."""

        def build(draft: Draft) -> None:
            draft.belief("a")
            draft.response("r", "a")
            draft.signal("s", response="r")

        put(store, ADA, build)
        found = _walk(
            store,
            Reach(
                responses=[ResponseId("x"), ResponseId("r")],
                beliefs=[BeliefId("y")],
                signals=[SignalId("z")],
                statement_keys=["nothing of the kind"],
            ),
            depth=2,
        )
        assert (["a"], ["r"], ["s"]) == (list(found.beliefs), list(found.responses), list(found.signals))
        assert ["s"] == list(found.interpretations)

    def test_for_a_new_user_nothing_exists(self, store: Store) -> None:
        """A user without records has an empty neighbourhood with head 0."""
        found = _walk(
            store,
            Reach(responses=[ResponseId("r")], beliefs=[BeliefId("b")], vectors={"v": vector(1, 0)}),
            depth=2,
        )
        assert (0, {}, {}, {"v": []}) == (found.head.seq, found.beliefs, found.responses, found.nearest)

    def test_what_is_found_is_what_is_stored(self, store: Store) -> None:
        """Beliefs, responses, signals, interpretations and links are the stored records."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abc")
            draft.response("r", "a", "b")
            draft.signal("s", response="r", text="why?")
            draft.revise("a", item_id="r")
            draft.link("a", "b")
            draft.link("a", "b", "suspected", kind="duplicates")
            draft.link("b", "c", "suspected")

        saved = put(store, ADA, build)
        found = _walk(store, Reach(responses=[ResponseId("r")]))
        assert {node.id: node for node in saved.beliefs if node.id != "c"} == found.beliefs
        assert {"r": saved.responses[0]} == found.responses
        assert {"s": saved.signals[0][0]} == found.signals
        assert {"s": saved.signals[0][1]} == found.interpretations
        assert list(saved.links[:2]) == sorted(found.links, key=lambda link: link.seq)

    def test_a_response_reaches_what_generated_it(self, store: Store) -> None:
        """GENERATED_BY is followed from the responses asked for, from no other."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcd")
            draft.response("r1", "a", "b")
            draft.response("r2", "b", "c")

        put(store, ADA, build)
        assert "ab" == _reached(store, responses=["r1"])
        assert "abc" == _reached(store, responses=["r1", "r2"])
        assert "abd" == _reached(store, "d", responses=["r1"])

    def test_a_statement_reaches_its_beliefs(self, store: Store) -> None:
        """All beliefs with a normal form are reached, others not."""

        def build(draft: Draft) -> None:
            draft.belief("a", "Likes tea.")
            draft.belief("b", "likes  TEA")
            draft.belief("c", "Likes coffee")

        put(store, ADA, build)
        assert {"a", "b"} == set(_walk(store, Reach(statement_keys=["likes tea"])).beliefs)

    def test_confirmed_contradictions_are_followed_to_the_end(self, store: Store) -> None:
        """At depth 1 the whole component of confirmed edges is reached, along cycles and in both directions."""

        def build(draft: Draft) -> None:
            _beliefs(draft, names)
            _chain(draft, names[-2::-1], "confirmed")
            draft.link("a", "d", "confirmed")

        names = "abcdefghijklmnopqrstuvwxyz"
        put(store, ADA, build)
        assert [names[:-1]] * 4 == [_reached(store, name) for name in "adly"]
        assert "z" == _reached(store, "z")

    def test_only_the_current_version_of_an_edge_counts(self, store: Store) -> None:
        """An edge dismissed or resolved since is not followed; one confirmed since is."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcd")
            draft.link("a", "b", "confirmed")
            draft.link("b", "c", "suspected")
            draft.link("c", "d", "confirmed")
            draft.link("a", "b", "dismissed")
            draft.link("b", "c", "confirmed")
            draft.link("c", "d", "resolved")

        put(store, ADA, build)
        assert ["a", "bc", "bc", "d"] == [_reached(store, name) for name in "abcd"]

    def test_near_duplicates_are_not_followed(self, store: Store) -> None:
        """Only CONTRADICTS edges are walked, at any depth."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "ab")
            draft.link("a", "b", "confirmed", kind="duplicates")

        put(store, ADA, build)
        assert ["a", "a"] == [_reached(store, "a", depth=depth) for depth in (1, 2)]

    def test_from_depth_two_any_contradiction_is_followed_as_far(self, store: Store) -> None:
        """At depth 2 edges of any status are followed up to two steps; at depth 1 unconfirmed ones are not."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcdefg")
            _chain(draft, "dcbaefg", "suspected")
            draft.link("a", "b", "dismissed")
            draft.link("e", "f", "resolved")

        put(store, ADA, build)
        assert ["a", "abcef", "abcdefg"] == [_reached(store, "a", depth=depth) for depth in (1, 2, 3)]

    def test_depth_two_still_follows_the_confirmed_to_the_end(self, store: Store) -> None:
        """The depth limits unconfirmed edges only."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcdefg")
            _chain(draft, "abcde", "confirmed")
            _chain(draft, "fg", "suspected")

        put(store, ADA, build)
        assert "abcde" == _reached(store, "a", depth=2)

    def test_from_depth_two_beliefs_generated_together_are_reached(self, store: Store) -> None:
        """Beliefs behind the same responses are reached at depth 2, through one response and no further."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcde")
            draft.response("r1", "a", "b")
            draft.response("r2", "b", "c")
            draft.response("r3", "a", "d")

        put(store, ADA, build)
        assert ["a", "abd"] == [_reached(store, "a", depth=depth) for depth in (1, 2)]
        assert "abcd" == _reached(store, responses=["r1"], depth=2)

    def test_only_the_fifty_latest_responses_are_looked_at(self, store: Store) -> None:
        """A belief generated together 51 responses ago is not reached, 50 responses ago it is."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abc")
            draft.response("z first", "a", "b")
            draft.response("y second", "a", "c")
            for number in range(49):
                draft.response(f"r{number}", "a")

        put(store, ADA, build)
        assert "ac" == _reached(store, "a", depth=2)

    def test_the_latest_signal_of_each_kind_comes_with_a_response(self, store: Store) -> None:
        """Of each kind on each response the latest unretracted signal comes: by time of observation, then number."""

        def build(draft: Draft) -> None:
            draft.response("r1")
            draft.response("r2")
            draft.signal("late", response="r1", observed_us=second(30))
            draft.signal("early", response="r1", observed_us=second(10))
            draft.signal("taken back", response="r1", observed_us=second(40))
            draft.signal("first stars", kind="stars", response="r1", observed_us=second(20))
            draft.signal("same time stars", kind="stars", response="r1", observed_us=second(20))
            draft.signal("other response", response="r2", observed_us=second(5))
            draft.signal("no response", observed_us=second(50))

        put(store, ADA, build, at=60)
        put(store, ADA, lambda draft: draft.retract("taken back"), at=61)
        found = _walk(store, Reach(responses=[ResponseId("r1")]))
        assert {"late", "same time stars"} == set(found.signals) == set(found.interpretations)
        found = _walk(
            store, Reach(responses=[ResponseId("r1"), ResponseId("r2")], signals=[SignalId("taken back")])
        )
        assert {"late", "same time stars", "other response", "taken back"} == set(found.signals)

    def test_wanted_signals_reach_nothing_else(self, store: Store) -> None:
        """A signal asked for comes with its interpretation, retracted or not, and reaches no belief."""

        def build(draft: Draft) -> None:
            draft.belief("a")
            draft.response("r", "a")
            draft.signal("s", response="r")

        put(store, ADA, build)
        found = _walk(store, Reach(signals=[SignalId("s")]), depth=2)
        assert (["s"], ["s"], {}, {}) == (
            list(found.signals),
            list(found.interpretations),
            found.beliefs,
            found.responses,
        )

    def test_items_are_those_of_the_responses(self, store: Store) -> None:
        """The current inferred item of each belief behind each response comes, by belief and response."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abc")
            draft.response("r1", "a", "b", "c")
            draft.response("r2", "a")
            draft.revise("a", 0.5, item_id="r1")
            draft.revise("a", 0.75, item_id="r1")
            draft.revise("a", 1.0, item_id="r2")
            draft.revise("b", 2.0, item_id="r1")
            draft.revise("b", 0.0, item_id="r1", removed=True)
            draft.revise("c", 3.0, item_id="r1", slot=WORD)

        put(store, ADA, build)

        def items(*responses: str) -> dict[tuple[str, str], float]:
            found = _walk(store, Reach(responses=[ResponseId(id) for id in responses]))
            assert all((item.belief_id, item.id) == key for key, item in found.items.items())
            return {key: item.nats for key, item in found.items.items()}

        assert {("a", "r1"): 0.75} == items("r1")
        assert {("a", "r1"): 0.75, ("a", "r2"): 1.0} == items("r1", "r2")

    def test_what_is_nearest_is_reached(self, store: Store) -> None:
        """Each vector gets its nearest beliefs under its name; they are reached, with their confirmed component."""

        def build(draft: Draft) -> None:
            draft.belief("a", near=vector(1, 0))
            draft.belief("b", near=vector(0.8, 0.6))
            draft.belief("c", near=vector(-1, 0))
            draft.belief("d")
            draft.link("c", "d", "confirmed")

        put(store, ADA, build)
        found = _walk(store, Reach(vectors={"east": vector(1, 0), "west": vector(-1, 0)}, nearest=1))
        assert {"east": ["a"], "west": ["c"]} == {
            name: [near.belief_id for near in nearest] for name, nearest in found.nearest.items()
        }
        assert {"a", "c", "d"} == set(found.beliefs)
        found = _walk(store, Reach(vectors={"east": vector(1, 0)}, nearest=2))
        assert ["a", "b"] == [near.belief_id for near in found.nearest["east"]]

    def test_of_the_live_the_nearest_are_found_behind_the_dead(self, store: Store) -> None:
        """Superseded and retired beliefs take no place where only live ones are asked for."""

        def build(draft: Draft) -> None:
            for name, lifecycle in (("a", "superseded"), ("b", "retired"), ("c", "tentative"), ("d", "open")):
                draft.belief(name, near=vector(1, 0), lifecycle=lifecycle)  # type: ignore[arg-type]
            draft.belief("e", near=vector(0.8, 0.6))

        put(store, ADA, build)
        for live, expected in ((True, ["c", "d", "e"]), (False, ["a", "b", "c"])):
            found = _walk(store, Reach(vectors={"east": vector(1, 0)}, nearest=3, live=live))
            assert expected == [near.belief_id for near in found.nearest["east"]] == sorted(found.beliefs)

    def test_links_are_all_current_ones_among_the_beliefs(self, store: Store) -> None:
        """Links of both kinds and every status come, in their current version, when both ends are reached."""

        def build(draft: Draft) -> None:
            _beliefs(draft, "abcd")
            draft.link("a", "b", "suspected")
            draft.link("b", "a", "dismissed")
            draft.link("b", "c", "suspected", kind="duplicates")
            draft.link("c", "d", "suspected")

        saved = put(store, ADA, build).links
        found = _walk(store, Reach(beliefs=[BeliefId(name) for name in "abc"]))
        assert [saved[1], saved[2]] == sorted(found.links, key=lambda link: link.seq)

    def test_a_writer_walks_like_a_reader(self, store: Store) -> None:
        """Inside a write the traversal gives the same, what was just saved included."""
        put(store, ADA, lambda draft: (draft.belief("a"), draft.belief("b"), draft.link("a", "b")))
        reach = Reach(beliefs=[BeliefId("a")])
        assert _walk(store, reach) == store.write(ADA, lambda writer: writer.neighbourhood(reach))
