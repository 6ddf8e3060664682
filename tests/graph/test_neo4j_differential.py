"""What differs between the stores is a bug in one of them: one random history, applied to both, gives the same."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.model import Conflict
from beliefgraph.graph.store import Scope
from bench.neo4j_server import Address
from tests.answers import check_same, plain, stored, told
from tests.chances import ACTS, SCRIPT, USERS, Chances
from tests.neo4j_server import wipe
from tests.worlds import World, open_world

_LENGTH = 100


def _compare(worlds: Sequence[World], then: datetime, where: str) -> None:
    """Assert that two stores hold the same, answer the same, and agree with their own records."""
    graphs = [world.graph for world in worlds]
    for user in USERS:
        answers = [told(graph, graph.user(user), then) for graph in graphs]
        for (name, first), (_, second) in zip(*answers, strict=True):
            check_same(plain(first), plain(second), f"{where}, {user}: {name}")
        scope = Scope("default", UserId(user))
        held = [graph._pipeline.store.read(scope, stored) for graph in graphs]
        for part in held[0]:
            check_same(held[0][part], held[1][part], f"{where}, {user}: {part}")
    reports = [graph.verify() for graph in graphs]
    assert reports[0] == reports[1] and reports[0].ok, where
    assert graphs[0].tenants() == graphs[1].tenants()
    assert list(graphs[0].users()) == list(graphs[1].users())


@given(seed=st.integers(0, 2**32 - 1))
@settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.neo4j
def test_both_stores_give_thecheck_same(neo4j_address: Address, seed: int) -> None:
    """Results, errors, confidences (1e-9), revisions, lists and answers agree at every step, and both verify."""
    wipe(neo4j_address)
    with open_world(script=SCRIPT) as embedded, open_world(neo4j_address.uri, script=SCRIPT) as served:
        worlds, times = (embedded, served), []
        for (name, first), (_, second) in zip(*(Chances(w, seed).play(_LENGTH) for w in worlds), strict=True):
            check_same(plain(first), plain(second), f"seed {seed}, {name}")
            times.append(embedded.clock.now)
        for world in worlds:
            world.clock.pass_time(days=1)
        _compare(worlds, times[len(times) // 2], f"seed {seed}")
        for user in USERS:
            assert embedded.graph.user(user).erase() == served.graph.user(user).erase()


def test_a_history_has_everything() -> None:
    """In a few histories every act succeeds, what can be refused is, and edges are decided in every way."""
    seen: set[str] = set()
    for seed in range(6):
        with open_world(script=SCRIPT) as world:
            for name, came in Chances(world, seed).play(_LENGTH):
                seen.add(type(came).__name__ if isinstance(came, BeliefGraphError) else name.split()[0])
                if isinstance(came, Conflict):
                    seen |= {came.status, came.reason.partition(":")[0]}
                if name.startswith("resolve") and isinstance(came, list):
                    seen |= {decision.verdict for decision in came}
    expected = {act.__name__ for act in ACTS} | {"NotFoundError", "DuplicateIdError", "merge", "keep", "ask"}
    expected |= {"resolved", "dismissed", "confirmed", "scoped", "undone"}
    assert set() == expected - seen
