"""Records to the properties of nodes and edges, and back; no query and no connection here.

A key is the tenant, the user and the ids, joined by a character that ids cannot hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import numpy as np

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.encoding import (
    from_json,
    habits_json,
    interpretation_json,
    items_json,
    tallies_json,
    to_habits,
    to_interpretation,
    to_items,
    to_json,
)
from beliefgraph.graph.ids import BeliefId, SignalId, UserId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, read_state
from beliefgraph.graph.model import BeliefNode, GeneratedBy, Interpretation, Link, Response, Revision, Signal
from beliefgraph.graph.store import Changes, Neighbour, Scope, Vector

Properties = dict[str, Any]
Row = Mapping[str, Any]

_STATE = tuple(field.name for field in fields(BeliefState))
_EDGE = {"contradicts": "contradictions", "duplicates": "duplicates"}


def join(*parts: str) -> str:
    """Join ids to a key.

    >>> join("acme", "ada", "b1")
    'acme/ada/b1'
    """
    return "/".join(parts)


def user_key(scope: Scope) -> str:
    """Return the key of a user."""
    return join(scope.tenant, scope.user_id)


def statement_digest(user: str, statement_key: str) -> str:
    """Return what finds a user's beliefs by their normal form: an index does not take long texts."""
    return join(user, blake2b(statement_key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())


# From records to what the query `save` takes


def save_parameters(user: str, changes: Changes) -> Properties:
    """Return the parameters of `save`."""
    return {
        "user": user,
        "seq": changes.seq,
        "recorded_us": changes.recorded_us,
        "tallies": tallies_json(changes.tallies),
        **_nodes(user, changes),
        **_edges(user, changes),
        **_links(user, changes.links),
        **_revisions(user, changes),
    }


def _columns(rows: Iterable[Properties]) -> Properties:
    """Return rows with the same properties as one list for each property, and their number as `count`."""
    rows = list(rows)
    names = rows[0] if rows else ()
    return {"count": len(rows), **{name: [row[name] for row in rows] for name in names}}


def count(given: list[Properties] | Properties) -> int:
    """Return how many rows a part of `save` was given, as a list or as columns."""
    number: int = given["count"] if isinstance(given, dict) else len(given)
    return number


def _nodes(user: str, changes: Changes) -> Properties:
    return {
        "beliefs": _columns(_belief(user, node, changes.vectors) for node in changes.beliefs),
        "responses": _columns(_response(user, response) for response in changes.responses),
        "signals": _columns(_signal(user, signal, read) for signal, read in changes.signals),
        "retracted": [
            {"signal": join(user, signal_id), "note": note} for signal_id, note in changes.retracted.items()
        ],
    }


def _edges(user: str, changes: Changes) -> Properties:
    signals = [signal for signal, _ in changes.signals]
    return {
        "parents": [
            {"belief": join(user, node.id), "parent": join(user, node.parent_id)}
            for node in changes.beliefs
            if node.parent_id is not None
        ],
        "origins": [
            {"belief": join(user, node.id), "origin": join(user, node.origin_id)}
            for node in changes.beliefs
            if node.origin_id is not None
        ],
        "premises": _columns(
            _premise(user, response, position, edge)
            for response in changes.responses
            for position, edge in enumerate(response.generated_by)
        ),
        "about_responses": [
            {
                "signal": join(user, signal.id),
                "response": join(user, signal.response_id),
                "kind": signal.kind,
            }
            for signal in signals
            if signal.response_id is not None
        ],
        "about_beliefs": [
            {"signal": join(user, signal.id), "belief": join(user, signal.belief_id)}
            for signal in signals
            if signal.belief_id is not None
        ],
    }


def _links(user: str, links: Iterable[Link]) -> Properties:
    versions, current = [], {}
    for link in links:
        ends = {"low": join(user, link.low), "high": join(user, link.high)}
        versions.append({**ends, "version": {"user": user, **_link(link)}})
        current[link.kind, link.low, link.high] = {**ends, "edge": _link(link)}
    edges: Properties = {name: [] for name in _EDGE.values()}
    for (kind, _, _), edge in current.items():
        edges[_EDGE[kind]].append(edge)
    return {"links": versions, **edges}


def _revisions(user: str, changes: Changes) -> Properties:
    """Return the revisions, and what they leave: the latest state of each belief and of each item."""
    latest = {revision.belief_id: revision for revision in changes.revisions}
    items = {
        (item.belief_id, item.slot, item.id): (item, removed)
        for revision in changes.revisions
        for item, removed in revision.items()
    }
    observed = _observed(changes)
    words: dict[str, set[str]] = {belief_id: set() for belief_id in latest}
    for belief_id, slot, _ in items:
        if slot != RESPONSE:
            words[belief_id].add(slot)
    return {
        "revisions": _columns(
            _revision(
                user, revision, observed=observed.get((revision.belief_id, revision.cause_id)) == revision.seq
            )
            for revision in changes.revisions
        ),
        "revised": [
            {
                "belief": join(user, belief_id),
                "state": _standing(revision),
                "word_slots": sorted(words[belief_id]),
            }
            for belief_id, revision in latest.items()
        ],
        "items": _columns(_item(user, item) for item, removed in items.values() if not removed),
        "removed": [join(user, *key) for key, (_, removed) in items.items() if removed],
    }


def _observed(changes: Changes) -> dict[tuple[BeliefId, str], int]:
    """Return each belief with each signal that its evidence came from, and the revision that says so first."""
    gone = {signal.id for signal, _ in changes.signals if signal.retracted_at is not None}
    first: dict[tuple[BeliefId, str], int] = {}
    for revision in changes.revisions:
        if revision.cause_kind == "signal" and revision.item is not None and revision.cause_id not in gone:
            first.setdefault((revision.belief_id, revision.cause_id), revision.seq)
    return first


def _state(state: BeliefState) -> Properties:
    return {name: getattr(state, name) for name in _STATE}


def _standing(revision: Revision) -> Properties:
    """Return how a revision leaves its belief. `confidence` and `standing` are for people who look at the graph."""
    recorded_us = to_us(revision.recorded_at)
    return {
        "ordinal": revision.ordinal,
        "revised_us": recorded_us,
        "confidence": revision.after,
        "standing": read_state(revision.state, recorded_us).standing,
        **_state(revision.state),
    }


def _belief(user: str, node: BeliefNode, vectors: Mapping[str, Vector]) -> Properties:
    vector = None if node.vector_key is None else vectors.get(node.vector_key)
    return {
        "key": join(user, node.id),
        "id": node.id,
        "seq": node.seq,
        "statement": node.statement,
        "statement_key": node.statement_key,
        "statement_digest": statement_digest(user, node.statement_key),
        "source": node.source,
        "kind": node.kind,
        "created_us": to_us(node.created_at),
        "recorded_us": to_us(node.recorded_at),
        "parent_id": node.parent_id,
        "origin_id": node.origin_id,
        "vector_key": None if vector is None else node.vector_key,
        "vector": None if vector is None else vector.tolist(),
        "ordinal": node.ordinal,
        "revised_us": to_us(node.revised_at),
        "word_slots": [],
        **_state(node.state),
    }


def _response(user: str, response: Response) -> Properties:
    return {
        "key": join(user, response.id),
        "id": response.id,
        "seq": response.seq,
        "text": response.text,
        "attributes": to_json(dict(response.attributes)),
        "habits": habits_json(response.habits),
        "observed_us": to_us(response.observed_at),
        "recorded_us": to_us(response.recorded_at),
    }


def _premise(user: str, response: Response, position: int, edge: GeneratedBy) -> Properties:
    return {
        "response": join(user, response.id),
        "belief": join(user, edge.belief_id),
        "position": position,
        "weight": edge.weight,
        "adherence": edge.adherence,
        "confidence_then": edge.confidence_then,
    }


def _signal(user: str, signal: Signal, interpretation: Interpretation) -> Properties:
    return {
        "key": join(user, signal.id),
        "id": signal.id,
        "seq": signal.seq,
        "kind": signal.kind,
        "value": signal.value,
        "text": signal.text,
        "tags": list(signal.tags),
        "response_id": signal.response_id,
        "response": None if signal.response_id is None else join(user, signal.response_id),
        "belief_id": signal.belief_id,
        "context": to_json(dict(signal.context)),
        "observed_us": to_us(signal.observed_at),
        "recorded_us": to_us(signal.recorded_at),
        "retracted_us": None if signal.retracted_at is None else to_us(signal.retracted_at),
        "note": signal.note,
        "retraction_note": signal.retraction_note,
        "interpretation": interpretation_json(interpretation),
    }


def _item(user: str, item: Item) -> Properties:
    return {
        "key": join(user, item.belief_id, item.slot, item.id),
        "belief": join(user, item.belief_id),
        "belief_id": item.belief_id,
        "slot": item.slot,
        "id": item.id,
        "nats": item.nats,
        "observed_us": item.observed_us,
    }


def _revision(user: str, revision: Revision, *, observed: bool) -> Properties:
    item = revision.item
    by_signal = revision.cause_kind in ("signal", "retraction")
    return {
        "seq": revision.seq,
        "belief": join(user, revision.belief_id),
        "belief_id": revision.belief_id,
        "ordinal": revision.ordinal,
        "before": revision.before,
        "after": revision.after,
        "nats": revision.nats,
        "action": revision.action,
        "reason": revision.reason,
        "cause": join(user, revision.cause_id),
        "signal": join(user, revision.cause_id) if by_signal else None,
        "observed": observed,
        "cause_kind": revision.cause_kind,
        "cause_id": revision.cause_id,
        "parameters_version": revision.parameters_version,
        "recorded_us": to_us(revision.recorded_at),
        "item_slot": None if item is None else item.slot,
        "item_id": None if item is None else item.id,
        "item_nats": None if item is None else item.nats,
        "item_observed_us": None if item is None else item.observed_us,
        "removed": revision.removed,
        "reread": items_json(revision.reread) if revision.reread else None,
        **_state(revision.state),
    }


def _link(link: Link) -> Properties:
    return {
        "kind": link.kind,
        "low": link.low,
        "high": link.high,
        "seq": link.seq,
        "strength": link.strength,
        "detector": link.detector,
        "status": link.status,
        "reason": link.reason,
        "recorded_us": to_us(link.recorded_at),
    }


# From what a query returns to records; a property that was None is not there


def to_state(row: Row) -> BeliefState:
    """Return the state on a belief or revision; one from before sessions were told apart lacks their fields."""
    return BeliefState(**{name: row[name] for name in _STATE if row.get(name) is not None})


def to_belief(user_id: UserId, row: Row) -> BeliefNode:
    """Return the belief of a row."""
    return BeliefNode(
        id=row["id"],
        user_id=user_id,
        seq=row["seq"],
        statement=row["statement"],
        statement_key=row["statement_key"],
        source=row["source"],
        kind=row["kind"],
        created_at=from_us(row["created_us"]),
        recorded_at=from_us(row["recorded_us"]),
        parent_id=row["parent_id"],
        origin_id=row["origin_id"],
        vector_key=row["vector_key"],
        ordinal=row["ordinal"],
        revised_at=from_us(row["revised_us"]),
        state=to_state(row),
    )


def with_premises(responses: Iterable[Row], premises: Iterable[Sequence[Any]]) -> Iterator[Row]:
    """Yield responses with their premises (the response's id and the place in it come first), in order."""
    of: dict[str, list[Sequence[Any]]] = {}
    for response_id, *premise in premises:
        of.setdefault(response_id, []).append(premise)
    for row in responses:
        yield {**row, "premises": [edge for _, *edge in sorted(of.get(row["id"], ()), key=itemgetter(0))]}


def to_response(user_id: UserId, row: Row) -> Response:
    """Return the response of a row with its premises, in order."""
    return Response(
        id=row["id"],
        user_id=user_id,
        text=row["text"],
        generated_by=tuple(
            GeneratedBy(belief_id=belief, weight=weight, adherence=adherence, confidence_then=confidence_then)
            for belief, weight, adherence, confidence_then in row["premises"]
        ),
        attributes=from_json(row["attributes"]),
        habits=to_habits(row.get("habits")),
        observed_at=from_us(row["observed_us"]),
        recorded_at=from_us(row["recorded_us"]),
        seq=row["seq"],
    )


def to_signal(user_id: UserId, row: Row, as_of_us: int) -> tuple[Signal, Interpretation]:
    """Return the signal of a row with its interpretation; retracted only if it was by then."""
    retracted_us = row.get("retracted_us")
    if retracted_us is not None and retracted_us > as_of_us:
        retracted_us = None
    signal = Signal(
        id=SignalId(row["id"]),
        user_id=user_id,
        kind=row["kind"],
        value=row.get("value"),
        text=row.get("text"),
        tags=tuple(row["tags"]),
        response_id=row.get("response_id"),
        belief_id=row.get("belief_id"),
        context=from_json(row["context"]),
        observed_at=from_us(row["observed_us"]),
        recorded_at=from_us(row["recorded_us"]),
        retracted_at=None if retracted_us is None else from_us(retracted_us),
        note=row.get("note"),
        retraction_note=None if retracted_us is None else row.get("retraction_note"),
        seq=row["seq"],
    )
    return signal, to_interpretation(signal.id, row["interpretation"])


def to_item(row: Row) -> Item:
    """Return the evidence item of a row."""
    return Item(
        belief_id=row["belief_id"],
        slot=row["slot"],
        id=row["id"],
        nats=row["nats"],
        observed_us=row["observed_us"],
    )


def to_revision(row: Row) -> Revision:
    """Return the revision of a row."""
    item = None
    if "item_slot" in row:
        item = Item(
            belief_id=row["belief_id"],
            slot=row["item_slot"],
            id=row["item_id"],
            nats=row["item_nats"],
            observed_us=row["item_observed_us"],
        )
    return Revision(
        id=f"rev_{row['seq']}",
        seq=row["seq"],
        belief_id=row["belief_id"],
        ordinal=row["ordinal"],
        before=row["before"],
        after=row["after"],
        nats=row["nats"],
        action=row["action"],
        reason=row["reason"],
        cause_kind=row["cause_kind"],
        cause_id=row["cause_id"],
        parameters_version=row["parameters_version"],
        recorded_at=from_us(row["recorded_us"]),
        item=item,
        removed=row["removed"],
        reread=to_items(row["belief_id"], row.get("reread", "[]")),
        state=to_state(row),
    )


def to_link(row: Row) -> Link:
    """Return the link of a row."""
    return Link(
        kind=row["kind"],
        low=row["low"],
        high=row["high"],
        seq=row["seq"],
        strength=row["strength"],
        detector=row["detector"],
        status=row["status"],
        reason=row["reason"],
        recorded_at=from_us(row["recorded_us"]),
    )


def to_neighbour(row: Row) -> Neighbour:
    """Return the neighbour of a row."""
    return Neighbour(row["id"], min(1.0, max(-1.0, row["cosine"])))


def to_vector(row: Row) -> Vector:
    """Return the vector of a belief."""
    return np.array(row["vector"], dtype=np.float32)
