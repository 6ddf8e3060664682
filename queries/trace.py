"""From a response to the beliefs that generated it, then and now; and a self-model's provenance as a graph."""

from dataclasses import dataclass, replace

import networkx as nx

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.model import Belief, BeliefNode, GeneratedBy, Interpretation, Response, Signal, view
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.queries.explain import find_belief


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedBelief:
    """A belief behind a response: the edge, the belief when the response was recorded, and the belief now."""

    edge: GeneratedBy
    then: Belief
    now: Belief


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A response with the beliefs that generated it and the signals about it, oldest first."""

    response: Response
    beliefs: tuple[TracedBelief, ...]
    signals: tuple[tuple[Signal, Interpretation], ...]


def trace(
    reader: Reader, scope: Scope, response_id: ResponseId, *, now_us: int, as_of_us: int | None = None
) -> Trace:
    """Trace a response to its beliefs; with `as_of_us`, that time is now. Raises `NotFoundError`."""
    at_us = now_us if as_of_us is None else as_of_us
    response = find_response(reader, scope, response_id)
    ids = [edge.belief_id for edge in response.generated_by]
    then_us = to_us(response.recorded_at)
    if then_us > at_us:
        raise NotFoundError("response", response_id, user_id=scope.user_id)
    then = {node.id: view(node, then_us) for node in _found(reader, response)}
    now = {node.id: view(node, at_us) for node in reader.beliefs(ids, as_of_us=as_of_us)}
    return Trace(
        response=response,
        beliefs=tuple(
            TracedBelief(edge=edge, then=then[edge.belief_id], now=now[edge.belief_id])
            for edge in response.generated_by
        ),
        signals=tuple(reversed(reader.signals(about=[response_id], as_of_us=as_of_us))),
    )


def _found(reader: Reader, response: Response) -> list[BeliefNode]:
    """Return the beliefs behind a response as it found them, without what was recorded after it at the same time."""
    then_us = to_us(response.recorded_at)
    ids = [edge.belief_id for edge in response.generated_by]
    nodes = {node.id: node for node in reader.beliefs(ids, as_of_us=then_us)}
    for revision in reversed(reader.revisions(after=response.seq, as_of_us=then_us)):
        before = reader.revision_before(revision)
        if revision.belief_id in nodes and before is not None:
            nodes[revision.belief_id] = replace(
                nodes[revision.belief_id],
                ordinal=before.ordinal,
                revised_at=before.recorded_at,
                state=before.state,
            )
    return list(nodes.values())


def find_response(reader: Reader, scope: Scope, response_id: ResponseId) -> Response:
    """Return a response. Raises `NotFoundError`."""
    found = reader.responses([response_id])
    if not found:
        raise NotFoundError("response", response_id, user_id=scope.user_id)
    return found[0]


def provenance(reader: Reader, scope: Scope, belief_id: BeliefId, *, now_us: int) -> "nx.MultiDiGraph[str]":
    """Return where a belief comes from as a graph: nodes `belief:…`, `revision:…`, `signal:…`, `response:…`.

    Edges carry `type`: REVISES, CAUSED_BY, ABOUT, GENERATED_BY, OBSERVED_IN, SPAWNED_FROM, CONTRADICTS. Raises
    `NotFoundError`.
    """
    node = find_belief(reader, scope, belief_id, None)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    root = f"belief:{belief_id}"
    belief = view(node, now_us)
    graph.add_node(
        root,
        type="belief",
        statement=belief.statement,
        confidence=belief.confidence,
        standing=belief.standing,
    )
    causes: dict[SignalId, None] = {} if node.origin_id is None else {node.origin_id: None}
    for revision in reader.revisions(belief_id):
        name = f"revision:{revision.seq}"
        graph.add_node(
            name,
            type="revision",
            action=revision.action,
            reason=revision.reason,
            before=revision.before,
            after=revision.after,
            nats=revision.nats,
            recorded_at=revision.recorded_at.isoformat(),
        )
        graph.add_edge(name, root, type="REVISES")
        if revision.cause_kind in ("signal", "retraction"):
            causes[SignalId(revision.cause_id)] = None
            graph.add_edge(name, f"signal:{revision.cause_id}", type="CAUSED_BY")
    _add_signals(graph, reader, root, list(causes))
    _add_relatives(graph, reader, node.id, node.parent_id, node.origin_id)
    return graph


def _add_signals(graph: "nx.MultiDiGraph[str]", reader: Reader, root: str, ids: list[SignalId]) -> None:
    responses: dict[ResponseId, None] = {}
    for signal, read in reader.signals(ids):
        name = f"signal:{signal.id}"
        graph.add_node(
            name, type="signal", kind=signal.kind, value=signal.value, action=read.action, reason=read.reason,
            observed_at=signal.observed_at.isoformat(), retracted=signal.retracted_at is not None,
        )  # fmt: skip
        graph.add_edge(root, name, type="OBSERVED_IN")
        if signal.response_id is not None:
            responses[signal.response_id] = None
            graph.add_edge(name, f"response:{signal.response_id}", type="ABOUT")
        if signal.belief_id is not None:
            graph.add_edge(name, f"belief:{signal.belief_id}", type="ABOUT")
    for response in reader.responses(responses):
        graph.add_node(
            f"response:{response.id}", type="response", observed_at=response.observed_at.isoformat()
        )
        for edge in response.generated_by:
            graph.add_edge(
                f"response:{response.id}",
                f"belief:{edge.belief_id}",
                type="GENERATED_BY",
                weight=edge.weight,
                adherence=edge.adherence,
                confidence_then=edge.confidence_then,
            )


def _add_relatives(
    graph: "nx.MultiDiGraph[str]",
    reader: Reader,
    belief_id: BeliefId,
    parent_id: BeliefId | None,
    origin_id: SignalId | None,
) -> None:
    root = f"belief:{belief_id}"
    if parent_id is not None:
        graph.add_edge(root, f"belief:{parent_id}", type="SPAWNED_FROM")
    if origin_id is not None:
        graph.add_edge(root, f"signal:{origin_id}", type="SPAWNED_FROM")
    for link in reader.links("contradicts", beliefs=[belief_id]):
        graph.add_edge(
            f"belief:{link.low}",
            f"belief:{link.high}",
            type="CONTRADICTS",
            strength=link.strength,
            status=link.status,
        )
    others = [
        BeliefId(name.removeprefix("belief:")) for name, kind in graph.nodes(data="type") if kind is None
    ]
    for other in reader.beliefs(others):
        graph.add_node(f"belief:{other.id}", type="belief", statement=other.statement)
