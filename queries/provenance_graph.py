"""Provenance as a graph: networkx, and its node-link JSON."""

from typing import TYPE_CHECKING, Any

import networkx as nx

from beliefgraph.graph.model import Belief, Interpretation, Response, Revision, Signal

if TYPE_CHECKING:
    from beliefgraph.queries.provenance import Provenance

_OBSERVED = "OBSERVED_IN"


def to_graph(found: "Provenance") -> "nx.MultiDiGraph[str]":
    """Return a graph with nodes `belief:…`, `revision:…` (by number), `signal:…`, `response:…`.

    Edges carry `type`: REVISES, CAUSED_BY, ABOUT, GENERATED_BY, OBSERVED_IN, SPAWNED_FROM, CONTRADICTS, DUPLICATES.
    The graph itself says what was asked (`root`), when (`at`) and how much is `left_out` (`cursor` asks for it).
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        root=f"{found.root_kind}:{found.root_id}",
        at=found.at.isoformat(),
        left_out=found.left_out,
        cursor=found.cursor,
    )
    for belief in found.beliefs.values():
        graph.add_node(f"belief:{belief.id}", type="belief", **_belief(belief))
    for response in found.responses.values():
        graph.add_node(f"response:{response.id}", type="response", **_response(response))
    for signal, read in found.signals.values():
        graph.add_node(f"signal:{signal.id}", type="signal", **_signal(signal, read))
    if found.prior is not None:
        base = {"base_log_odds": found.prior.log_odds, "base_rate_users": found.prior.users}
        graph.add_node(graph.graph["root"], **base)
    _add_edges(graph, found)
    for revision in found.revisions:
        _add_revision(graph, found, revision)
    return graph


def node_link(graph: "nx.MultiDiGraph[str]") -> dict[str, Any]:
    """Return a graph as node-link JSON."""
    found: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    return found


def _belief(belief: Belief) -> dict[str, Any]:
    return {
        "statement": belief.statement,
        "confidence": belief.confidence,
        "standing": belief.standing,
        "source": belief.source,
        "kind": belief.kind,
        "context": dict(belief.context),
        "created_at": belief.created_at.isoformat(),
    }


def _response(response: Response) -> dict[str, Any]:
    return {
        "text": response.text,
        "observed_at": response.observed_at.isoformat(),
        "recorded_at": response.recorded_at.isoformat(),
    }


def _signal(signal: Signal, read: Interpretation) -> dict[str, Any]:
    return {
        "kind": signal.kind,
        "value": signal.value,
        "text": signal.text,
        "tags": list(signal.tags),
        "context": dict(signal.context),
        "note": signal.note,
        "action": read.action,
        "reason": read.reason,
        "causes": dict(read.causes),
        "observed_at": signal.observed_at.isoformat(),
        "recorded_at": signal.recorded_at.isoformat(),
        "retracted": signal.retracted_at is not None,
        "retraction_note": signal.retraction_note,
    }


def _add_edges(graph: "nx.MultiDiGraph[str]", found: "Provenance") -> None:
    """Add the edges that are not about revisions; what leads out of what was found is left out."""
    for response in found.responses.values():
        for edge in response.generated_by:
            graph.add_edge(
                f"response:{response.id}",
                f"belief:{edge.belief_id}",
                type="GENERATED_BY",
                weight=edge.weight,
                adherence=edge.adherence,
                confidence_then=edge.confidence_then,
            )
    for signal, _ in found.signals.values():
        if signal.response_id is not None:
            graph.add_edge(f"signal:{signal.id}", f"response:{signal.response_id}", type="ABOUT")
        if signal.belief_id is not None:
            graph.add_edge(f"signal:{signal.id}", f"belief:{signal.belief_id}", type="ABOUT")
    for belief_id, origins in found.origins.items():
        for origin in origins:
            graph.add_edge(f"belief:{belief_id}", origin, type="SPAWNED_FROM")
    for link in found.links:
        graph.add_edge(
            f"belief:{link.low}",
            f"belief:{link.high}",
            type=link.kind.upper(),
            id=link.id,
            strength=link.strength,
            status=link.status,
            detector=link.detector,
            reason=link.reason,
        )


def _add_revision(graph: "nx.MultiDiGraph[str]", found: "Provenance", revision: Revision) -> None:
    name, belief, signal = (
        f"revision:{revision.seq}",
        f"belief:{revision.belief_id}",
        f"signal:{revision.cause_id}",
    )
    graph.add_node(
        name,
        type="revision",
        action=revision.action,
        reason=revision.reason,
        before=revision.before,
        after=revision.after,
        nats=revision.nats,
        cause_kind=revision.cause_kind,
        cause_id=revision.cause_id,
        parameters_version=revision.parameters_version,
        recorded_at=revision.recorded_at.isoformat(),
    )
    graph.add_edge(name, belief, type="REVISES")
    if revision.cause_kind in ("signal", "retraction"):
        graph.add_edge(name, signal, type="CAUSED_BY")
    evidence = revision.cause_kind == "signal" and revision.seq in found.evidence
    if evidence and not graph.nodes[signal]["retracted"] and not graph.has_edge(belief, signal, _OBSERVED):
        graph.add_edge(belief, signal, key=_OBSERVED, type=_OBSERVED)
