"""Reasoning over the beliefs of one self-model with networkx: what contradicts, repeats and rests on what.

`clusters`, `consistent` and `resting_on` are asked of the graph that `SelfModel.belief_graph` returns. Reads nodes and
edges; what follows from them is decided elsewhere.
"""

from collections.abc import Callable

import networkx as nx

from beliefgraph.graph.consistent import Consistent, heaviest_consistent
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import OUT_OF_USE
from beliefgraph.graph.model import UNDECIDED, ConflictStatus, view
from beliefgraph.graph.store import Reader, Store, scopes


def belief_graph(reader: Reader, now_us: int, as_of_us: int | None = None) -> "nx.MultiDiGraph[BeliefId]":
    """Return every belief, with its statement, confidence and standing, and the edges between beliefs by their `type`.

    CONTRADICTS and DUPLICATES, from the lower id to the higher, carry `strength` and `status`; SPAWNED_FROM leads from
    a belief to the one it grew out of.
    """
    graph: nx.MultiDiGraph[BeliefId] = nx.MultiDiGraph()
    for node in reader.beliefs(as_of_us=as_of_us):
        seen = view(node, now_us if as_of_us is None else as_of_us)
        graph.add_node(node.id, statement=seen.statement, confidence=seen.confidence, standing=seen.standing)
        if node.parent_id is not None:
            graph.add_edge(node.id, node.parent_id, type="SPAWNED_FROM")
    for link in [
        *reader.links("contradicts", as_of_us=as_of_us),
        *reader.links("duplicates", as_of_us=as_of_us),
    ]:
        graph.add_edge(
            link.low, link.high, type=link.kind.upper(), strength=link.strength, status=link.status
        )
    return graph


def undecided_conflicts(store: Store, on_user: Callable[[], None]) -> dict[ConflictStatus, int]:
    """Count the undecided contradictions of every user of every tenant, by status. Reads every user, one after another.

    What `on_user` raises ends it.
    """
    found = dict.fromkeys(UNDECIDED, 0)
    for scope in scopes(store):
        on_user()
        for link in store.read(scope, lambda reader: reader.links("contradicts")):
            if link.status in found:
                found[link.status] += 1
    return found


def resting_on(graph: "nx.MultiDiGraph[BeliefId]", belief: BeliefId) -> frozenset[BeliefId]:
    """Return the beliefs that grew out of one, directly or through others."""
    grown = [(one, other) for one, other, kind in graph.edges(data="type") if kind == "SPAWNED_FROM"]
    return frozenset(nx.ancestors(nx.DiGraph([*grown, (belief, belief)]), belief))


def clusters(graph: "nx.MultiDiGraph[BeliefId]", kind: str) -> list[frozenset[BeliefId]]:
    """Return the sets of beliefs that undecided edges of a kind (CONTRADICTS, DUPLICATES) join, largest first."""
    joined: nx.Graph[BeliefId] = nx.Graph(
        (one, other)
        for one, other, edge in graph.edges(data=True)
        if edge["type"] == kind and edge["status"] in UNDECIDED
    )
    found = [frozenset(component) for component in nx.connected_components(joined)]
    return sorted(found, key=lambda component: (-len(component), min(component)))


def consistent(graph: "nx.MultiDiGraph[BeliefId]") -> Consistent:
    """Return the heaviest set of the beliefs in use without a confirmed contradiction, each weighing its confidence.

    Of a cluster alone: `consistent(graph.subgraph(cluster))`.
    """
    joined: nx.Graph[BeliefId] = nx.Graph()
    weights = {
        belief: seen["confidence"]
        for belief, seen in graph.nodes(data=True)
        if seen["standing"] not in OUT_OF_USE
    }
    joined.add_nodes_from(weights)
    joined.add_edges_from(
        (one, other)
        for one, other, edge in graph.edges(data=True)
        if edge["type"] == "CONTRADICTS" and edge["status"] == "confirmed" and {one, other} <= weights.keys()
    )
    return heaviest_consistent(joined, weights)
