"""Sets of beliefs no two of which contradict each other, with networkx: the heaviest of them, exact up to a bound."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import Link

EXACT_UP_TO = 40
"""Beliefs in one component up to which the heaviest consistent subset is found exactly."""
_SCALE = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistent:
    """A set of beliefs no two of which contradict each other; `exact`: none is heavier, else none was found."""

    beliefs: frozenset[BeliefId]
    weight: float
    exact: bool


def conflict_graph(beliefs: Iterable[BeliefId], links: Iterable[Link]) -> "nx.Graph[BeliefId]":
    """Return the graph of confirmed contradictions among these beliefs."""
    graph: nx.Graph[BeliefId] = nx.Graph()
    graph.add_nodes_from(beliefs)
    graph.add_edges_from(
        (link.low, link.high, {"strength": link.strength})
        for link in links
        if link.status == "confirmed" and link.low in graph and link.high in graph
    )
    return graph


def heaviest_consistent(graph: "nx.Graph[BeliefId]", weights: Mapping[BeliefId, float]) -> Consistent:
    """Return the heaviest set of beliefs of which no two are joined, weights being ≥ 0.

    Exact for components of up to 40 beliefs (maximum-weight clique of the complement, Warren and Hicks 2006, as
    networkx has it): of equally heavy sets the one that keeps the heavier single beliefs, ties by id. Beyond, it weighs
    at least Σ w / (degree + 1) (the greedy of Sakai, Togasaki and Yamazaki 2003), and `exact` says so.
    """
    kept: set[BeliefId] = set()
    exact = True
    for component in nx.connected_components(graph):
        if len(component) == 1:
            kept |= component
        elif len(component) <= EXACT_UP_TO:
            kept |= _exactly(graph.subgraph(component), weights)
        else:
            kept |= _greedily(graph.subgraph(component), weights)
            exact = False
    return Consistent(beliefs=frozenset(kept), weight=sum(weights[belief] for belief in kept), exact=exact)


def _exactly(graph: "nx.Graph[BeliefId]", weights: Mapping[BeliefId, float]) -> set[BeliefId]:
    ranked = _ranked(graph, weights)
    apart: nx.Graph[BeliefId] = nx.Graph()
    # One more for each place down the ranking: it decides between sets of equal weight and nothing else.
    for place, belief in enumerate(reversed(ranked)):
        apart.add_node(belief, weight=(round(weights[belief] * _SCALE) + 1) * 2 ** len(ranked) + 2**place)
    apart.add_edges_from(nx.complement(graph).edges)
    clique, _ = nx.max_weight_clique(apart, weight="weight")
    return set(clique)


def _greedily(graph: "nx.Graph[BeliefId]", weights: Mapping[BeliefId, float]) -> set[BeliefId]:
    """Take, again and again, the belief that weighs most for each one that goes with it: itself and what it denies."""
    left, taken = nx.Graph(graph), set[BeliefId]()
    while left:
        best = min(left, key=lambda belief: (-weights[belief] / (left.degree[belief] + 1), belief))
        left.remove_nodes_from([best, *left[best]])
        taken.add(best)
    return taken


def _ranked(graph: "nx.Graph[BeliefId]", weights: Mapping[BeliefId, float]) -> Sequence[BeliefId]:
    return sorted(graph, key=lambda belief: (-weights[belief], belief))
