"""Contract tests of reading: order, paging, words and inferred items, revisions, links, nearest."""

import itertools
import random
import threading
from functools import partial

import numpy as np
import pytest

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import PIN, WORD, source_slot
from beliefgraph.graph.model import BeliefNode, Interpretation, Response, Revision, Signal
from beliefgraph.graph.store import Neighbour, Reader, Store, Vector
from beliefgraph.graph.testing.builders import ADA, Draft, put, put_beliefs, second, vector
from beliefgraph.graph.testing.hooks import StoreHooks


def _b(*ids: str) -> list[BeliefId]:
    return [BeliefId(id) for id in ids]


def _story(draft: Draft) -> None:
    """Draft five beliefs, five responses and five signals, interleaved."""
    for number in range(1, 6):
        _more(draft, number)


def _more(draft: Draft, number: int) -> None:
    draft.belief(f"b{number}")
    draft.response(f"r{number}", f"b{number}")
    draft.signal(f"s{number}", response=f"r{number}")


def _beliefs(reader: Reader, before: int | None, limit: int) -> list[BeliefNode]:
    return reader.beliefs(before=before, limit=limit)


def _responses(reader: Reader, before: int | None, limit: int) -> list[Response]:
    return reader.responses(before=before, limit=limit)


def _signals(reader: Reader, before: int | None, limit: int) -> list[tuple[Signal, Interpretation]]:
    return reader.signals(before=before, limit=limit)


def _nearest(reader: Reader, near: Vector, as_of_us: int | None = None) -> list[Neighbour]:
    return reader.nearest(near, limit=200, as_of_us=as_of_us)


class ReadingContract(StoreHooks):
    """What the lists of a `Reader` promise."""

    def test_lists_come_newest_first(self, store: Store) -> None:
        """Beliefs, responses and signals come by descending sequence number, whatever their ids."""

        def build(draft: Draft) -> None:
            for name in ("m", "z", "a"):
                draft.belief(f"b{name}")
                draft.response(f"r{name}")
                draft.signal(f"s{name}")

        put(store, ADA, build)
        assert ["ba", "bz", "bm"] == [node.id for node in store.read(ADA, lambda reader: reader.beliefs())]
        assert ["ra", "rz", "rm"] == [
            response.id for response in store.read(ADA, lambda reader: reader.responses())
        ]
        assert ["sa", "sz", "sm"] == [
            signal.id for signal, _ in store.read(ADA, lambda reader: reader.signals())
        ]

    def test_ids_select_and_unknown_ones_are_left_out(self, store: Store) -> None:
        """Asked by id, each known one comes once, newest first, and unknown ones not at all."""
        put(store, ADA, _story)

        def work(reader: Reader) -> list[list[str]]:
            return [
                [node.id for node in reader.beliefs(_b("b2", "nobody", "b4", "b2"))],
                [node.id for node in reader.beliefs([])],
                [
                    response.id
                    for response in reader.responses([ResponseId(id) for id in ("r2", "x", "r4", "r2")])
                ],
                [response.id for response in reader.responses([])],
                [signal.id for signal, _ in reader.signals([SignalId(id) for id in ("s2", "x", "s4", "s2")])],
                [signal.id for signal, _ in reader.signals([])],
                [
                    signal.id
                    for signal, _ in reader.signals(about=[ResponseId(id) for id in ("r1", "x", "r5", "r1")])
                ],
                [signal.id for signal, _ in reader.signals(about=[])],
            ]

        expected = [["b4", "b2"], [], ["r4", "r2"], [], ["s4", "s2"], [], ["s5", "s1"], []]
        assert expected == store.read(ADA, work)

    def test_kinds_narrow_every_list_of_signals(self, store: Store) -> None:
        """By id, about responses, or all: only those of the kinds, before any limit; of no kinds none."""

        def build(draft: Draft) -> None:
            draft.response("r1")
            for number, kind in enumerate(("rating", "stars", "rating", "consent"), start=1):
                draft.signal(f"s{number}", kind=kind, response="r1")

        put(store, ADA, build)
        all_ids = [SignalId(f"s{number}") for number in range(1, 5)]

        def work(reader: Reader) -> list[list[str]]:
            lists = [
                reader.signals(kinds=["rating"]),
                reader.signals(kinds=(kind for kind in ("stars", "consent", "nothing"))),
                reader.signals(kinds=["rating"], limit=1),
                reader.signals(all_ids, kinds=["stars", "stars"]),
                reader.signals(about=[ResponseId("r1")], kinds=["consent"]),
                reader.signals(kinds=[]),
            ]
            return [[signal.id for signal, _ in found] for found in lists]

        assert [["s3", "s1"], ["s4", "s2"], ["s3"], ["s2"], ["s4"], []] == store.read(ADA, work)

    def test_ids_may_come_from_any_iterable(self, store: Store) -> None:
        """A generator of ids is as good as a list."""
        put(store, ADA, _story)
        wanted = (BeliefId(f"b{number}") for number in (1, 3))
        assert ["b3", "b1"] == [node.id for node in store.read(ADA, lambda reader: reader.beliefs(wanted))]

    def test_before_is_exclusive_and_limit_counts(self, store: Store) -> None:
        """`before` excludes its own number; `limit` 0 gives nothing, None everything."""
        put(store, ADA, _story)
        nodes = store.read(ADA, lambda reader: reader.beliefs())

        def ids(before: int | None, limit: int | None) -> list[str]:
            return [
                node.id for node in store.read(ADA, lambda reader: reader.beliefs(before=before, limit=limit))
            ]

        assert ["b2", "b1"] == ids(nodes[2].seq, None)
        assert ["b3"] == ids(nodes[2].seq + 1, 1)
        assert [] == ids(None, 0)
        assert [] == ids(1, None)
        assert ["b5", "b4"] == ids(None, 2)
        selected = store.read(
            ADA, lambda reader: reader.beliefs(_b("b1", "b3", "b5"), before=nodes[0].seq, limit=1)
        )
        assert ["b3"] == [node.id for node in selected]

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_pages_are_stable_under_writes(self, store: Store, size: int) -> None:
        """Paging by the last number of each page meets every record once, though others are written meanwhile."""
        put(store, ADA, _story)
        beliefs: list[BeliefNode] = []
        responses: list[Response] = []
        signals: list[Signal] = []
        for number in range(6, 12):
            at = [records[-1].seq if records else None for records in (beliefs, responses, signals)]
            beliefs += store.read(ADA, partial(_beliefs, before=at[0], limit=size))
            responses += store.read(ADA, partial(_responses, before=at[1], limit=size))
            signals += [signal for signal, _ in store.read(ADA, partial(_signals, before=at[2], limit=size))]
            put(store, ADA, partial(_more, number=number), at=number)
        assert ["b5", "b4", "b3", "b2", "b1"] == [node.id for node in beliefs]
        assert ["r5", "r4", "r3", "r2", "r1"] == [response.id for response in responses]
        assert ["s5", "s4", "s3", "s2", "s1"] == [signal.id for signal in signals]

    def test_signals_about_are_paged_too(self, store: Store) -> None:
        """`about` combines with `before` and `limit`."""

        def build(draft: Draft) -> None:
            draft.response("r1")
            draft.response("r2")
            for number in range(6):
                draft.signal(f"s{number}", response=f"r{1 + number % 2}")

        put(store, ADA, build)
        about = [ResponseId("r1")]
        first = store.read(ADA, lambda reader: reader.signals(about=about, limit=2))
        rest = store.read(ADA, lambda reader: reader.signals(about=about, before=first[-1][0].seq))
        assert ["s4", "s2"] == [signal.id for signal, _ in first]
        assert ["s0"] == [signal.id for signal, _ in rest]

    def test_words_are_the_latest_of_each_slot(self, store: Store) -> None:
        """One item per slot comes: the latest by time, then by id; inferred items are no words."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            for slot in (source_slot("stated"), source_slot("corrected"), WORD, PIN):
                draft.revise("b1", 1.0, slot=slot, item_id="y", observed_us=second(10))
                draft.revise("b1", 2.0, slot=slot, item_id="x", observed_us=second(20))
                draft.revise("b1", 3.0, slot=slot, item_id="w", observed_us=second(20))
                draft.revise("b1", 4.0, slot=slot, item_id="z", observed_us=second(5))
            draft.revise("b1", 9.0, item_id="r1", observed_us=second(30))
            draft.revise("b2", 9.0, slot=WORD, item_id="v", observed_us=second(40))

        put(store, ADA, build)

        def words(*excluding: str) -> list[tuple[str, str]]:
            found = store.read(ADA, lambda reader: reader.words(BeliefId("b1"), excluding=excluding))
            return sorted((item.slot, item.id) for item in found)

        slots = sorted([source_slot("stated"), source_slot("corrected"), WORD, PIN])
        assert [(slot, "x") for slot in slots] == words()
        assert [(slot, "w") for slot in slots] == words("x")
        assert [(slot, "y") for slot in slots] == words("x", "w", "z")
        assert [(source_slot("stated"), "b1")] == words("w", "x", "y", "z")
        assert [] == words("w", "x", "y", "z", "b1")
        assert [] == store.read(ADA, lambda reader: reader.words(BeliefId("nobody")))

    def test_inferred_items_come_newest_first(self, store: Store) -> None:
        """Inferred items come by descending time, then id; direct items are not among them."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            for id, at in (("r2", 20), ("r9", 5), ("r1", 20), ("r3", 30)):
                draft.revise("b1", 0.5, item_id=id, observed_us=second(at))
            draft.revise("b1", 1.0, slot=WORD, item_id="w", observed_us=second(40))
            draft.revise("b2", 1.0, item_id="r8", observed_us=second(25))

        put(store, ADA, build)
        items = store.read(ADA, lambda reader: list(reader.inferred(BeliefId("b1"))))
        assert ["r3", "r2", "r1", "r9"] == [item.id for item in items]
        assert [] == store.read(ADA, lambda reader: list(reader.inferred(BeliefId("nobody"))))

    def test_inferred_items_may_be_left_unread(self, store: Store) -> None:
        """A reader may stop after the first items, read others in between, and write afterwards."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            for number in range(50):
                draft.revise("b1", 0.5, item_id=f"r{number:02}", observed_us=second(number))

        put(store, ADA, build)

        def two(reader: Reader) -> list[str]:
            first, again = reader.inferred(BeliefId("b1")), reader.inferred(BeliefId("b1"))
            return [next(first).id, next(again).id, next(first).id]

        assert ["r49", "r49", "r48"] == store.read(ADA, two)
        put_beliefs(store, ADA, "b2", at=2)
        assert ["r49"] == [
            next(store.read(ADA, lambda reader: [*reader.inferred(BeliefId("b1"))].__iter__())).id
        ]

    def test_revisions_come_oldest_first(self, store: Store) -> None:
        """Revisions of a belief, of a cause and of all come by ascending number, above `after`, up to `limit`."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            for number in range(3):
                draft.revise("b1", cause_id="s1", item_id=f"r{number}")
                draft.revise("b2", cause_id=f"s{number}", item_id=f"r{number}")

        saved = put(store, ADA, build).revisions

        def read(
            belief: str | None = None, cause: str | None = None, after: int = 0, limit: int | None = None
        ) -> list[int]:
            wanted = None if belief is None else BeliefId(belief)
            found = store.read(
                ADA, lambda reader: reader.revisions(wanted, cause_id=cause, after=after, limit=limit)
            )
            return [revision.seq for revision in found]

        everything = [revision.seq for revision in saved]
        of_b1 = [revision.seq for revision in saved if revision.belief_id == "b1"]
        of_s1 = [revision.seq for revision in saved if revision.cause_id == "s1"]
        assert everything == read()
        assert of_b1 == read("b1")
        assert of_s1 == read(cause="s1")
        assert everything[3:5] == read(after=everything[2], limit=2)
        assert of_b1[2:] == read("b1", after=of_b1[1])
        assert of_b1[:1] == read("b1", limit=1)
        assert of_s1[1:2] == read(cause="s1", after=of_s1[0], limit=1)
        assert [[], [], [], []] == [
            read("nobody"),
            read(cause="nothing"),
            read(after=everything[-1]),
            read(limit=0),
        ]

    def test_the_latest_revisions_come_for_each_belief(self, store: Store) -> None:
        """Of each belief asked for come its latest few below `before`, newest first, asked for once or twice."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            draft.belief("b3")
            for _ in range(3):
                draft.revise("b1")
                draft.revise("b2")

        saved = put(store, ADA, build).revisions

        def read(*beliefs: str, limit: int, before: int | None = None) -> list[Revision]:
            return store.read(
                ADA, lambda reader: reader.latest_revisions(_b(*beliefs), limit=limit, before=before)
            )

        def wanted(limit: int, *beliefs: str, before: int = 99) -> list[Revision]:
            of_each = [[r for r in saved if r.belief_id == id and r.seq < before] for id in beliefs]
            latest = [revision for each in of_each for revision in each[-limit:]]
            return sorted(latest, key=lambda revision: -revision.seq)

        assert wanted(1, "b1", "b2", "b3") == read("b3", "b1", "b2", limit=1)
        assert wanted(2, "b1", "b3") == read("b1", "b3", "b1", "nobody", limit=2)
        assert wanted(9, "b2") == read("b2", limit=9)
        middle = saved[5].seq
        assert wanted(2, "b1", "b2", before=middle) == read("b1", "b2", limit=2, before=middle)
        assert [[], [], []] == [read(limit=3), read("b1", limit=0), read("b1", limit=3, before=1)]

    def test_the_revision_before_is_the_one_of_the_same_belief(self, store: Store) -> None:
        """Walking back reaches each earlier revision of this belief and then None."""

        def build(draft: Draft) -> None:
            draft.belief("b1")
            draft.belief("b2")
            for _ in range(2):
                draft.revise("b1")
                draft.revise("b2")

        put(store, ADA, build)

        def walk(reader: Reader) -> list[list[int]]:
            found = []
            for belief_id in _b("b1", "b2"):
                *_, revision = reader.revisions(belief_id)
                found.append([revision.seq])
                while (earlier := reader.revision_before(revision)) is not None:
                    assert reader.revisions(belief_id, after=earlier.seq - 1, limit=1) == [earlier]
                    revision = earlier
                    found[-1].append(earlier.seq)
            return found

        assert [[7, 5, 2], [8, 6, 4]] == store.read(ADA, walk)

    def test_links_come_in_their_current_version(self, store: Store) -> None:
        """Of each edge only the latest version comes, by its number; kinds and pairs are kept apart."""

        def build(draft: Draft) -> None:
            for id in ("a", "b", "c", "d"):
                draft.belief(id)
            draft.link("a", "b", "suspected")
            draft.link("c", "b", "confirmed")
            draft.link("a", "b", "suspected", kind="duplicates")
            draft.link("b", "a", "dismissed", strength=0.25)
            draft.link("c", "d", "resolved")

        saved = put(store, ADA, build).links

        def read(*beliefs: str) -> list[int]:
            wanted = None if not beliefs else _b(*beliefs)
            return [
                link.seq
                for link in store.read(ADA, lambda reader: reader.links("contradicts", beliefs=wanted))
            ]

        numbers = [link.seq for link in saved]
        assert [numbers[1], numbers[3], numbers[4]] == read()
        assert [numbers[3]] == read("a")
        assert [numbers[1], numbers[3]] == read("b")
        assert [numbers[1], numbers[3], numbers[4]] == read("b", "d", "nobody")
        assert [] == read("nobody")
        assert [] == store.read(ADA, lambda reader: reader.links("contradicts", beliefs=[]))
        assert [saved[2]] == store.read(ADA, lambda reader: reader.links("duplicates"))

    def test_the_nearest_come_by_descending_cosine(self, store: Store) -> None:
        """Beliefs with vectors come by cosine, ties by id, no more than asked for, whatever their lifecycle."""

        def build(draft: Draft) -> None:
            draft.belief("far", near=vector(-1, 0))
            draft.belief("tie z", near=vector(0, 1))
            draft.belief("tie a", near=vector(0, -1), lifecycle="retired")
            draft.belief("close", near=vector(1, 0), lifecycle="superseded")
            draft.belief("mute")

        put(store, ADA, build)
        found = store.read(ADA, lambda reader: reader.nearest(vector(1, 0), limit=10))
        assert [("close", 1.0), ("tie a", 0.0), ("tie z", 0.0), ("far", -1.0)] == [
            tuple(near) for near in found
        ]
        assert found[:2] == store.read(ADA, lambda reader: reader.nearest(vector(1, 0), limit=2))
        assert [] == store.read(ADA, lambda reader: reader.nearest(vector(1, 0), limit=0))

    @pytest.mark.parametrize("dimension", [5, 383, 384])
    def test_beliefs_with_one_vector_tie_exactly(self, store: Store, dimension: int) -> None:
        """Equal vectors have equal cosines to the last bit, so that ties go by id, and never leave [−1, 1]."""
        rng = np.random.default_rng(7)
        shared = [vector(*rng.normal(size=dimension)) for _ in range(3)]
        ids = [f"b{number:03}" for number in range(101)]

        def build(draft: Draft) -> None:
            for id in random.Random(7).sample(ids, len(ids)):
                which = int(id[1:]) % 3
                draft.belief(id, f"Statement {which}", near=shared[which])

        put(store, ADA, build)
        for asked in (*shared, *(vector(*rng.normal(size=dimension)) for _ in range(3))):
            found = store.read(ADA, partial(_nearest, near=asked))
            assert sorted(found, key=lambda near: (-near.cosine, near.belief_id)) == found
            assert 3 == len({near.cosine for near in found})
            assert all(-1.0 <= near.cosine <= 1.0 for near in found)

    def test_a_cosine_does_not_hang_on_other_beliefs(self, store: Store) -> None:
        """A belief is as near as before, to the last bit, when others are added: as-of gives what was served."""
        rng = np.random.default_rng(8)
        asked, vectors = vector(*rng.normal(size=384)), [vector(*rng.normal(size=384)) for _ in range(12)]
        served = []
        for number, near in enumerate(vectors):
            put(
                store,
                ADA,
                partial(Draft.belief, belief_id=f"b{number}", near=near),
                at=number,
            )
            served.append(store.read(ADA, partial(_nearest, near=asked)))
        for number, then in enumerate(served):
            at_us = second(number)
            assert then == store.read(ADA, partial(_nearest, near=asked, as_of_us=at_us))
        for before, after in itertools.pairwise(served):
            assert set(before) < set(after)

    def test_a_user_without_vectors_has_nothing_near(self, store: Store) -> None:
        """No belief, or none with a vector, means nothing is near."""
        assert [] == store.read(ADA, lambda reader: reader.nearest(vector(1, 0), limit=5))
        put_beliefs(store, ADA, "b1")
        assert [] == store.read(ADA, lambda reader: reader.nearest(vector(1, 0), limit=5))

    def test_reads_run_in_several_threads(self, store: Store) -> None:
        """Threads may read the same store at once and all see the same."""
        put(store, ADA, _story)
        seen: list[list[str]] = []

        def look() -> None:
            for _ in range(10):
                nodes = store.read(ADA, lambda reader: reader.beliefs())
                seen.append([node.id for node in nodes])

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [["b5", "b4", "b3", "b2", "b1"]] * 40 == seen
