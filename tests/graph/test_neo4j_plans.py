"""What the plans of the queries are, and what they touch: seeks at the start, and nothing of what else there is."""

import itertools
from collections.abc import Sequence

import pytest

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.neo4j.store import Neo4jStore
from beliefgraph.graph.store import Reach, Reader, Scope, Showing, Store
from beliefgraph.graph.testing.builders import ADA, OTHER_ADA, Draft, put, put_beliefs, second, vector
from bench.neo4j_server import Address
from tests.neo4j_plans import BLOCKS, Ran, forget_plans, free, hits, kind, operators, profile, story
from tests.neo4j_server import wipe

pytestmark = pytest.mark.neo4j

APART = {
    "server": {"ProcedureCall"},
    "identity": {"ProcedureCall"},
    "store": {"EmptyRow", "AllNodesScan", "NodeUniqueIndexSeek"},
    "lock store": {"NodeUniqueIndexSeek(Locking)"},
    "set version": {"NodeUniqueIndexSeek(Locking)"},
    "await indexes": {"ProcedureCall"},
}
"""What asks for no user's records, and what it begins with. `store` walks nodes until one is not its own."""
SEEKS = {
    "NodeUniqueIndexSeek",
    "NodeUniqueIndexSeek(Locking)",
    "NodeIndexSeek",
    "DirectedRelationshipIndexSeek",
}


def _read_everything(reader: Reader) -> None:
    b1, r1, s1 = BeliefId("b1"), ResponseId("r1"), SignalId("s1")
    reader.head()
    reader.neighbourhood(
        Reach(
            responses=[r1], beliefs=[b1], signals=[s1], statement_keys=["statement of b2"],
            vectors={"v": vector(1, 0)},
        ),
        depth=2,
    )  # fmt: skip
    reader.nearest(vector(1, 0), limit=2)
    for ids in ([b1], None):
        reader.beliefs(ids, limit=3, as_of_us=second(9))
    reader.responses([r1])
    reader.responses(limit=2)
    reader.signals([s1])
    reader.signals(about=[r1])
    reader.signals(limit=2)
    reader.words(b1, excluding=["x"])
    next(reader.inferred(b1))
    reader.account(b1)
    reader.account(b1, as_of_us=second(9))
    reader.revisions(limit=2)
    revision = reader.revisions(b1)[-1]
    reader.revisions(cause_id="s1")
    reader.revision_before(revision)
    reader.latest_revisions([b1], limit=2)
    reader.links("contradicts", beliefs=[b1])
    reader.history()
    assert isinstance(reader, Showing)
    list(reader.misshown())
    reader.news(0)
    reader.news(1)


def _more(draft: Draft) -> None:
    """Draft something for every part of `save`."""
    draft.belief("b5", parent="b1", origin="s1")
    draft.response("r5", "b1", "b2")
    draft.signal("s5", response="r5")
    draft.signal("s6", belief="b1")
    draft.revise("b1", item_id="r5", cause_id="s5")
    draft.revise("b1", item_id="r1", removed=True, cause_kind="retraction")
    draft.link("b1", "b3")
    draft.link("b1", "b3", kind="duplicates")
    draft.retract("s2")


def _use_everything(store: Store, ran: Ran) -> Ran:
    """Run every query once for one user; return what ran, made so that it can run again, erasure last."""
    put(store, ADA, story)
    ran.clear()
    put(store, ADA, _more)
    store.read(ADA, _read_everything)
    store.embedding_model("a model")
    store.tenants()
    store.users("acme", limit=3)
    return [*((name, free(name, parameters)) for name, parameters in ran), ("erase", {"user": "acme/ada"})]


def test_every_plan_starts_at_an_index(neo4j_address: Address, neo4j_store: Neo4jStore, ran: Ran) -> None:
    """Each query starts from index seeks alone, scans no label, and multiplies nothing but two single nodes."""
    asked = _use_everything(neo4j_store, ran)
    assert set(BLOCKS) == {name for name, _ in asked} | set(APART)
    for (name, _), plan in zip(asked, profile(neo4j_address, asked), strict=True):
        steps = list(operators(plan))
        kinds = {kind(operator) for operator in steps}
        assert kinds & SEEKS, name
        leaves = {kind(operator) for operator in steps if not operator.get("children")}
        assert leaves <= SEEKS | {"Argument", "Projection", "Unwind"}, name  # the last three read no node
        assert [] == [kind for kind in kinds if "Scan" in kind], name
        for operator in steps:
            if kind(operator) == "CartesianProduct":
                multiplied = {kind(child) for child in operator["children"]}
                assert multiplied <= {"NodeUniqueIndexSeek", "NodeUniqueIndexSeek(Locking)"}, name


def test_the_rest_of_the_graph_costs_nothing(
    neo4j_address: Address, neo4j_store: Neo4jStore, ran: Ran
) -> None:
    """With 300 other users, one of them large, each query touches as much as before, planned for an empty database."""
    asked = [one for one in _use_everything(neo4j_store, ran) if one[0] not in ("tenants", "users")]
    wipe(neo4j_address)
    forget_plans(neo4j_address)
    profile(neo4j_address, asked)
    put(neo4j_store, ADA, story)
    put(neo4j_store, ADA, _more)
    alone = hits(neo4j_address, asked)
    for number in range(300):
        put(neo4j_store, Scope("acme", UserId(f"user{number}")), story)
    many = [f"b{number}" for number in range(500)]
    put(neo4j_store, OTHER_ADA, lambda draft: [draft.belief(name, near=vector(1, 1)) for name in many])
    found = zip(asked, alone, hits(neo4j_address, asked), strict=True)
    assert [] == [(name, before, after) for (name, _), before, after in found if after > before * 1.2 + 5]


def _one_more(draft: Draft, number: int) -> None:
    draft.signal(f"s{number}", response=f"r{number}")
    for belief in ("b1", "b2", "b3"):
        draft.revise(belief, item_id=f"r{number}", cause_id=f"s{number}", observed_us=second(number))


def _hits_of_one_more(address: Address, store: Store, ran: Ran, number: int) -> list[int]:
    """Return the database hits of reading around a new response and of writing a signal on it."""
    response, signal = ResponseId(f"r{number}"), SignalId(f"s{number}")

    def read(reader: Reader) -> None:
        reader.neighbourhood(Reach(responses=[response], signals=[signal]), depth=2)
        reader.words(BeliefId("b1"))
        reader.latest_revisions([BeliefId("b1")], limit=10)
        reader.signals(limit=10)

    put(store, ADA, lambda draft: draft.response(response, "b1", "b2", "b3"))
    ran.clear()
    store.read(ADA, read)
    put(store, ADA, lambda draft: _one_more(draft, number))
    return hits(address, [(name, free(name, parameters)) for name, parameters in ran])


def test_opening_costs_the_same_however_much_there_is(
    neo4j_address: Address, neo4j_store: Neo4jStore
) -> None:
    """What asks for no records finds the one `Store` node by its index, looks at a node or two, and no more later."""
    given = {"set version": {"version": 3}, "await indexes": {"timeout_s": 60}}
    asked = [(name, given.get(name, {})) for name in APART]

    def touched() -> list[int]:
        forget_plans(neo4j_address)
        return hits(neo4j_address, asked)

    put(neo4j_store, ADA, story)
    alone = touched()
    for number in range(50):
        put(neo4j_store, Scope("acme", UserId(f"user{number}")), story)
    assert alone == touched()
    for (name, _), plan in zip(asked, profile(neo4j_address, asked), strict=True):
        leaves = {kind(operator) for operator in operators(plan) if not operator.get("children")}
        assert leaves <= APART[name], name


def test_listing_costs_what_is_listed(neo4j_address: Address, neo4j_store: Neo4jStore) -> None:
    """A page of users touches that page alone. Tenants are read off the users: who asks goes on to read every user."""
    asked: Ran = [("users", {"tenant": "acme", "after": "user1", "limit": 10}), ("tenants", {})]
    touched = []
    for first in (0, 50):
        for number in range(first, first + 50):
            put_beliefs(neo4j_store, Scope("acme", UserId(f"user{number}")), "b1")
        touched.append(hits(neo4j_address, asked))
    assert [[11, 51], [11, 101]] == touched


def test_history_costs_nothing(neo4j_address: Address, neo4j_store: Neo4jStore, ran: Ran) -> None:
    """Reading and writing around one more signal touches as much after 600 signals as after 60."""

    def add(numbers: range) -> None:
        def build(draft: Draft) -> None:
            for number in numbers:
                draft.response(f"r{number}", "b1", "b2", "b3")
                _one_more(draft, number)

        put(neo4j_store, ADA, build)

    put_beliefs(neo4j_store, ADA, "b1", "b2", "b3")
    add(range(60))
    early = _hits_of_one_more(neo4j_address, neo4j_store, ran, 1000)
    add(range(60, 600))
    late = _hits_of_one_more(neo4j_address, neo4j_store, ran, 2000)
    assert all(after <= before * 1.2 + 5 for before, after in zip(early, late, strict=True)), (early, late)


def test_edges_of_other_beliefs_cost_nothing(
    neo4j_address: Address, neo4j_store: Neo4jStore, ran: Ran
) -> None:
    """The edges of one belief, now or as of then, are found without reading those of the user's other beliefs."""

    def build(draft: Draft, first: int) -> None:
        for number in range(first, first + 200):
            draft.belief(f"b{number}")
        for number in range(first, first + 199):
            draft.link(f"b{number}", f"b{number + 1}", "confirmed")

    def read(reader: Reader) -> None:
        for as_of_us in (None, second(9)):
            assert 1 == len(reader.links("contradicts", beliefs=[BeliefId("b0")], as_of_us=as_of_us))
            reader.account(BeliefId("b0"), as_of_us=as_of_us)

    put(neo4j_store, ADA, lambda draft: build(draft, 0))
    ran.clear()
    neo4j_store.read(ADA, read)
    asked = [one for one in ran if one[0] != "lock"]
    before = hits(neo4j_address, asked)
    put(neo4j_store, ADA, lambda draft: build(draft, 200))
    assert ["links of", "account", "links of", "account as of"] == [name for name, _ in asked]
    assert before == hits(neo4j_address, asked)


def _web(draft: Draft, names: Sequence[str]) -> None:
    """Draft beliefs that all contradict each other."""
    for name in names:
        draft.belief(name)
    for low, high in itertools.combinations(names, 2):
        draft.link(low, high, "confirmed")


def test_a_web_of_contradictions_is_walked_once(
    neo4j_address: Address, neo4j_store: Neo4jStore, ran: Ran
) -> None:
    """Whatever one begins with, each edge of a dense web is looked at a few times, not once for every way to it."""

    def read(reader: Reader) -> None:
        for reach in (Reach(responses=[ResponseId("r1")]), Reach(beliefs=[BeliefId(name) for name in names])):
            for depth in (1, 2):
                assert set(names) == set(reader.neighbourhood(reach, depth=depth).beliefs)

    for count in (15, 30, 60):
        names, scope = [f"b{number:02}" for number in range(count)], Scope("acme", UserId(f"user{count}"))
        put(neo4j_store, scope, lambda draft, names=names: _web(draft, names))  # type: ignore[misc]
        put(neo4j_store, scope, lambda draft, names=names: draft.response("r1", *names[:3]))  # type: ignore[misc]
        ran.clear()
        neo4j_store.read(scope, read)
        edges = count * (count - 1) // 2
        assert [] == [found for found in hits(neo4j_address, ran) if found > 40 * edges], count
