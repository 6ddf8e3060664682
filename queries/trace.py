"""From a response to the beliefs that generated it, then and now."""

from dataclasses import dataclass, replace

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import ResponseId
from beliefgraph.graph.model import Belief, BeliefNode, GeneratedBy, Interpretation, Response, Signal, view
from beliefgraph.graph.store import Reader, Scope


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
    response = find_response(reader, scope, response_id, as_of_us)
    ids = [edge.belief_id for edge in response.generated_by]
    then_us = to_us(response.recorded_at)
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
    ids = [edge.belief_id for edge in response.generated_by]
    left = {r.belief_id: r for r in reader.latest_revisions(ids, limit=1, before=response.seq)}
    return [
        replace(
            node,
            ordinal=left[node.id].ordinal,
            revised_at=left[node.id].recorded_at,
            state=left[node.id].state,
        )
        for node in reader.beliefs(ids)
    ]


def find_response(
    reader: Reader, scope: Scope, response_id: ResponseId, as_of_us: int | None = None
) -> Response:
    """Return a response. Raises `NotFoundError`."""
    found = reader.responses([response_id], as_of_us=as_of_us)
    if not found:
        raise NotFoundError("response", response_id, user_id=scope.user_id)
    return found[0]
