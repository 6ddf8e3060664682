"""The heaviest set without a contradiction, against every subset there is."""

import itertools
import random

import networkx as nx
import pytest

from beliefgraph.graph.consistent import EXACT_UP_TO, heaviest_consistent
from beliefgraph.graph.ids import BeliefId


def _random_graph(chance: random.Random, size: int, density: float) -> "nx.Graph[BeliefId]":
    graph: nx.Graph[BeliefId] = nx.Graph()
    graph.add_nodes_from(BeliefId(f"b{number:02}") for number in range(size))
    graph.add_edges_from(pair for pair in itertools.combinations(graph, 2) if chance.random() < density)
    return graph


def _heaviest_of_all(graph: "nx.Graph[BeliefId]", weights: dict[BeliefId, float]) -> float:
    nodes = list(graph)
    return max(
        sum(weights[node] for node in chosen)
        for size in range(len(nodes) + 1)
        for chosen in itertools.combinations(nodes, size)
        if not any(graph.has_edge(*pair) for pair in itertools.combinations(chosen, 2))
    )


@pytest.mark.parametrize("density", [0.1, 0.4, 0.8])
def test_the_heaviest_subset_is_exact(density: float) -> None:
    """On random graphs of up to 10 beliefs no subset without a contradiction is heavier."""
    chance = random.Random(7)
    for _ in range(20):
        graph = _random_graph(chance, chance.randrange(1, 11), density)
        weights = {node: chance.random() for node in graph}
        found = heaviest_consistent(graph, weights)
        assert found.exact
        assert not any(graph.has_edge(*pair) for pair in itertools.combinations(found.beliefs, 2))
        assert pytest.approx(_heaviest_of_all(graph, weights), abs=1e-5) == found.weight


def test_two_that_agree_beat_a_heavier_one() -> None:
    """The best down would keep the one in the middle; together the outer two weigh more."""
    graph: nx.Graph[BeliefId] = nx.path_graph([BeliefId("left"), BeliefId("middle"), BeliefId("right")])
    weights = {BeliefId("left"): 0.7, BeliefId("middle"): 0.9, BeliefId("right"): 0.6}
    assert {"left", "right"} == heaviest_consistent(graph, weights).beliefs


def test_equal_weights_are_decided_by_id() -> None:
    """The same beliefs are chosen every time."""
    graph: nx.Graph[BeliefId] = nx.complete_graph([BeliefId(name) for name in "cab"])
    assert {"a"} == heaviest_consistent(graph, dict.fromkeys(graph, 0.5)).beliefs


def test_a_large_component_is_not_claimed_to_be_exact() -> None:
    """Beyond the bound the answer is consistent, weighs what is promised, and says that it may not be the heaviest."""
    chance = random.Random(1)
    graph = _random_graph(chance, EXACT_UP_TO + 20, 0.2)
    weights = {node: chance.random() for node in graph}
    found = heaviest_consistent(graph, weights)
    assert not found.exact
    assert not any(graph.has_edge(*pair) for pair in itertools.combinations(found.beliefs, 2))
    assert found.weight >= sum(weights[node] / (graph.degree[node] + 1) for node in graph)


def test_many_beat_the_heaviest_one_also_in_a_large_component() -> None:
    """One belief against sixty that agree goes, though each of them is lighter than it."""
    graph: nx.Graph[BeliefId] = nx.star_graph(
        [BeliefId(f"b{number:02}") for number in range(EXACT_UP_TO + 21)]
    )
    weights = {node: 0.9 if node == "b00" else 0.8 for node in graph}
    found = heaviest_consistent(graph, weights)
    assert graph.nodes - {"b00"} == found.beliefs
    assert not found.exact
