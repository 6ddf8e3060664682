"""Contract tests of news: what of a self-model has a higher number than one already seen."""

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.store import Store
from beliefgraph.graph.testing.builders import ADA, Draft, put, second, vector
from beliefgraph.graph.testing.hooks import StoreHooks


class NewsContract(StoreHooks):
    """What `Reader.news` promises."""

    def test_news_is_what_has_a_higher_number(self, store: Store) -> None:
        """Beliefs made or revised since, vectors of those made since, the last version of edges changed since."""

        def begin(draft: Draft) -> None:
            draft.belief("b1", near=vector(1, 0))
            draft.belief("b2", near=vector(0, 1))
            draft.belief("b3")
            draft.link("b1", "b2", "suspected")
            draft.link("b1", "b3", "suspected", kind="duplicates")

        def go_on(draft: Draft) -> None:
            draft.response("r1", "b2")
            draft.signal("s1", response="r1")
            draft.revise("b2")
            draft.belief("b4", near=vector(1, 1))
            draft.link("b1", "b2", "suspected")
            draft.link("b1", "b2", "confirmed")
            draft.revise("b2", item_id="r2")

        seen = put(store, ADA, begin, at=1).seq
        put(store, ADA, go_on, at=2)
        news = store.read(ADA, lambda reader: reader.news(seen))
        assert ["b4", "b2"] == [node.id for node in news.beliefs]
        assert store.read(ADA, lambda reader: reader.beliefs([BeliefId("b4"), BeliefId("b2")])) == list(
            news.beliefs
        )
        assert {"b4": vector(1, 1).tolist()} == {id: near.tolist() for id, near in news.vectors.items()}
        assert [("b1", "b2", "confirmed")] == [(link.low, link.high, link.status) for link in news.links]
        assert second(1) == news.first_us

    def test_news_after_nothing_is_everything(self, store: Store) -> None:
        """After 0 come all beliefs, vectors and edges; after the last number, none."""

        def build(draft: Draft) -> None:
            draft.belief("b1", near=vector(1, 0))
            draft.belief("b2", lifecycle="retired")
            draft.link("b1", "b2", kind="duplicates")

        last = put(store, ADA, build).seq
        whole = store.read(ADA, lambda reader: reader.news(0))
        assert store.read(ADA, lambda reader: reader.beliefs()) == list(whole.beliefs)
        assert {"b1": [1.0, 0.0]} == {id: near.tolist() for id, near in whole.vectors.items()}
        assert store.read(ADA, lambda reader: reader.links("duplicates")) == list(whole.links)
        nothing = store.read(ADA, lambda reader: reader.news(last))
        assert ([], {}, [], second(1)) == (
            list(nothing.beliefs),
            dict(nothing.vectors),
            list(nothing.links),
            nothing.first_us,
        )

    def test_a_user_without_records_has_no_news(self, store: Store) -> None:
        """Of nobody there is nothing, whatever number is given."""
        for after in (0, 7):
            news = store.read(ADA, lambda reader, after=after: reader.news(after))  # type: ignore[misc]
            assert ([], {}, [], 0) == (
                list(news.beliefs),
                dict(news.vectors),
                list(news.links),
                news.first_us,
            )
