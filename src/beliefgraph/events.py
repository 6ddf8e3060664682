"""A self-model written out as the events that made it."""

import json
from collections.abc import Iterator
from typing import Any

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.ledger import SOURCE_PREFIX, sigmoid, to_confidence
from beliefgraph.graph.model import BeliefNode, Response, Revision, Signal, context_of
from beliefgraph.graph.store import Reader
from beliefgraph.ingest.answers import is_answer, said_by


def export_events(reader: Reader, user_id: UserId, as_of_us: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield a user's events (with `as_of_us`: up to then) in the order of application, as the JSON Lines have them.

    Beliefs spawned by signals are among them, with the ids that those signals give them again.
    """
    records: list[tuple[int, int, dict[str, Any]]] = []
    for node in reader.beliefs(as_of_us=as_of_us):
        records += _belief_events(reader, node, as_of_us)
    records += [
        (to_us(found.recorded_at), found.seq, _response_event(found))
        for found in reader.responses(as_of_us=as_of_us)
    ]
    for signal, _ in reader.signals(as_of_us=as_of_us):
        records.append((to_us(signal.recorded_at), signal.seq, _signal_event(reader, signal)))
        if signal.retracted_at is not None:
            records.append(_retract_record(reader, signal, to_us(signal.retracted_at)))
    for _, _, event in sorted(records, key=lambda record: record[:2]):
        yield {
            "type": event.pop("type"),
            "user": user_id,
            **{n: v for n, v in event.items() if v is not None},
        }


def _retract_record(reader: Reader, signal: Signal, at_us: int) -> tuple[int, int, dict[str, Any]]:
    """Return a retraction in its place: where it moved something, or else where its signal no longer counted."""
    event = {"type": "retract", "signal": signal.id, "reason": signal.retraction_note}
    moved = [found.seq for found in reader.revisions(cause_id=signal.id) if found.cause_kind == "retraction"]
    if moved:
        return at_us, moved[0], event
    about = [] if signal.response_id is None else reader.signals(about=[signal.response_id])
    later = [other.seq for other, _ in about if other.kind == signal.kind and other.seq > signal.seq]
    return at_us, min(later, default=signal.seq), event


def _belief_events(
    reader: Reader, node: BeliefNode, as_of_us: int | None
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield how a belief was made, and every time it was said again without a signal."""
    for revision in reader.revisions(node.id, as_of_us=as_of_us):
        item = revision.item
        said = item is not None and not revision.removed and item.slot.startswith(SOURCE_PREFIX)
        if item is None or not said or (revision.cause_kind != "belief" and revision.ordinal > 1):
            continue
        first = revision.ordinal == 1
        event = {
            "type": "belief",
            **({"id": node.id} if first else {}),
            "statement": node.statement,
            "confidence": sigmoid(item.nats + revision.state.base),
            "source": item.slot.removeprefix(SOURCE_PREFIX),
            "kind": node.kind,
            "context": context_of(node) if not first else _context(revision),
            "at": from_us(item.observed_us).isoformat(),
        }
        yield to_us(revision.recorded_at), node.seq if first else revision.seq, event


def _context(revision: Revision) -> dict[str, str]:
    return dict(json.loads(revision.state.context))


def _response_event(response: Response) -> dict[str, Any]:
    return {
        "type": "response",
        "id": response.id,
        "text": response.text,
        "beliefs": [
            {"id": edge.belief_id, "weight": edge.weight, "adherence": edge.adherence}
            for edge in response.generated_by
        ],
        "attributes": dict(response.attributes),
        "at": response.observed_at.isoformat(),
    }


def _signal_event(reader: Reader, signal: Signal) -> dict[str, Any]:
    given = {
        "type": "signal",
        "id": signal.id,
        "kind": signal.kind,
        "value": signal.value,
        "response": signal.response_id,
        "belief": signal.belief_id,
        "text": signal.text,
        "tags": list(signal.tags),
        "context": dict(signal.context),
        "note": signal.note,
        "speaks": _spoken(reader, signal),
        "at": signal.observed_at.isoformat(),
    }
    return {name: value for name, value in given.items() if value not in (None, [], {})}


def _spoken(reader: Reader, signal: Signal) -> list[dict[str, Any]]:
    """Return the beliefs that an answer to a question speaks for, as the ledger has them."""
    if not is_answer(signal):
        return []
    said = said_by(reader.revisions(cause_id=signal.id))
    nodes = {node.id: node for node in reader.beliefs([item.belief_id for item in said])}
    return [
        {
            "statement": nodes[item.belief_id].statement,
            "kind": nodes[item.belief_id].kind,
            "strength": to_confidence(item.nats),
        }
        for item in said
    ]
