"""Records to the properties of nodes and edges, and back; no query and no connection here.

A key is the tenant, the user and the ids, joined by a character that ids cannot hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_SUMS = (
    "base",
    "half_life_days",
    "memory_nats",
    "reference_us",
    "direct_for",
    "direct_against",
    "inferred_for",
    "inferred_against",
    "spoken",
    "newest_us",
    "conflict",
    "session_nats",
    "heard_for",
    "heard_against",
    "change_nats",
    "up_for",
    "up_against",
    "down_for",
    "down_against",
    "practice_nats",
)
"""The numbers of a state in the order of the property `sums`: one list costs a tenth of as many properties."""
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
    places = _touched(changes)
    return {
        "user": user,
        "seq": changes.seq,
        "recorded_us": changes.recorded_us,
        "tallies": tallies_json(changes.tallies),
        "touched": [join(user, belief_id) for belief_id in places],
        **_nodes(user, changes, places),
        **_edges(user, changes),
        **_links(user, changes.links),
        **_revisions(user, changes, places),
        **_items(user, changes),
    }


def _touched(changes: Changes) -> dict[BeliefId, int]:
    """Return the beliefs that responses and revisions refer to, each with its place among them."""
    behind = (edge.belief_id for response in changes.responses for edge in response.generated_by)
    revised = (revision.belief_id for revision in changes.revisions)
    return {belief_id: place for place, belief_id in enumerate(dict.fromkeys((*behind, *revised)))}


def _columns(rows: Iterable[Properties]) -> Properties:
    """Return rows with the same properties as one list for each property, and their number as `count`."""
    rows = list(rows)
    names = rows[0] if rows else ()
    return {"count": len(rows), **{name: [row[name] for row in rows] for name in names}}


def wanted(given: Properties) -> dict[str, int]:
    """Return how many references of each part of `save` must lead somewhere."""
    listed = ("touched", "parents", "origins", "retracted", "links")
    about = [key for name in ("response", "belief") for key in given["signals"].get(name, ())]
    return {
        **{part: len(given[part]) for part in listed},
        "about": len(about) - about.count(None),
        "revisions": given["revisions"]["count"],
    }


def _nodes(user: str, changes: Changes, places: Mapping[BeliefId, int]) -> Properties:
    return {
        "beliefs": _columns(_belief(user, node, changes.vectors) for node in changes.beliefs),
        "responses": _columns(_response(user, response, places) for response in changes.responses),
        "signals": _columns(_signal(user, signal, read) for signal, read in changes.signals),
        "retracted": [
            {"signal": join(user, signal_id), "note": note} for signal_id, note in changes.retracted.items()
        ],
    }


def _edges(user: str, changes: Changes) -> Properties:
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


def _revisions(user: str, changes: Changes, places: Mapping[BeliefId, int]) -> Properties:
    """Return the revisions, runs of those with the same signal, and the state that they leave each belief in."""
    causes: list[Properties] = []
    for index, revision in enumerate(changes.revisions):
        signal = join(user, revision.cause_id) if _by_signal(revision) else None
        if not causes or causes[-1]["signal"] != signal:
            causes.append({"signal": signal, "first": index})
        causes[-1]["last"] = index
    observed = _observed(changes)
    latest = {revision.belief_id: revision for revision in changes.revisions}
    slots: dict[BeliefId, set[str]] = {belief_id: set() for belief_id in latest}
    for revision in changes.revisions:
        slots[revision.belief_id].update(item.slot for item, _ in revision.items())
    return {
        "causes": causes,
        "revisions": _columns(
            _revision(
                user,
                revision,
                place=places[revision.belief_id],
                observed=observed.get((revision.belief_id, revision.cause_id)) == revision.seq,
            )
            for revision in changes.revisions
        ),
        "revised": [
            {
                "place": places[belief_id],
                "state": _standing(revision),
                "word_slots": sorted(slots[belief_id] - {RESPONSE}),
            }
            for belief_id, revision in latest.items()
        ],
    }


def _by_signal(revision: Revision) -> bool:
    return revision.cause_kind in ("signal", "retraction")


def _items(user: str, changes: Changes) -> Properties:
    """Return what the revisions leave of each item: what was heard of responses, what was said, what is gone."""
    latest = {
        (item.belief_id, item.slot, item.id): (item, removed)
        for revision in changes.revisions
        for item, removed in revision.items()
    }
    heard: dict[str, Properties] = {}
    said, gone = [], []
    for item, removed in latest.values():
        belief = join(user, item.belief_id)
        if removed:
            response = join(user, item.id) if item.slot == RESPONSE else None
            gone.append({"key": join(belief, item.slot, item.id), "belief": belief, "response": response})
        elif item.slot == RESPONSE:
            row = heard.setdefault(item.id, {"id": item.id, "response": join(user, item.id), "items": {}})
            row["items"][belief] = [item.nats, item.observed_us]
        else:
            said.append(_item(belief, item))
    return {"heard": list(heard.values()), "said": said, "removed": gone}


def _observed(changes: Changes) -> dict[tuple[BeliefId, str], int]:
    """Return each belief with each signal that its evidence came from, and the revision that says so first."""
    gone = {signal.id for signal, _ in changes.signals if signal.retracted_at is not None}
    first: dict[tuple[BeliefId, str], int] = {}
    for revision in changes.revisions:
        if revision.cause_kind == "signal" and revision.item is not None and revision.cause_id not in gone:
            first.setdefault((revision.belief_id, revision.cause_id), revision.seq)
    return first


def _state(state: BeliefState) -> Properties:
    return {
        "sums": [float(getattr(state, name)) for name in _SUMS],
        "newest_id": state.newest_id or None,
        "lifecycle": None if state.lifecycle == "open" else state.lifecycle,
        "context": None if state.context == "{}" else state.context,
    }


def _standing(revision: Revision) -> Properties:
    """Return how a revision leaves its belief, with what is there for people who look at the graph."""
    recorded_us = to_us(revision.recorded_at)
    reading = read_state(revision.state, recorded_us)
    return {
        "ordinal": revision.ordinal,
        "revised_us": recorded_us,
        "confidence": revision.after,
        "standing": reading.standing,
        "support": reading.support,
        "opposition": reading.opposition,
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
        **_state(node.state),
    }


def _response(user: str, response: Response, places: Mapping[BeliefId, int]) -> Properties:
    return {
        "key": join(user, response.id),
        "id": response.id,
        "seq": response.seq,
        "text": response.text,
        "attributes": to_json(dict(response.attributes)) if response.attributes else None,
        "habits": habits_json(response.habits) if response.habits else None,
        "observed_us": to_us(response.observed_at),
        "recorded_us": to_us(response.recorded_at),
        "premises": [
            _premise(user, places[edge.belief_id], position, edge)
            for position, edge in enumerate(response.generated_by)
        ],
    }


def _premise(user: str, place: int, position: int, edge: GeneratedBy) -> Properties:
    return {
        "place": place,
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
        "tags": list(signal.tags) or None,
        "response": None if signal.response_id is None else join(user, signal.response_id),
        "belief": None if signal.belief_id is None else join(user, signal.belief_id),
        "belief_id": signal.belief_id,
        "context": to_json(dict(signal.context)) if signal.context else None,
        "observed_us": to_us(signal.observed_at),
        "recorded_us": to_us(signal.recorded_at),
        "retracted_us": None if signal.retracted_at is None else to_us(signal.retracted_at),
        "note": signal.note,
        "retraction_note": signal.retraction_note,
        "interpretation": interpretation_json(interpretation),
    }


def _item(belief: str, item: Item) -> Properties:
    return {
        "key": join(belief, item.slot, item.id),
        "belief": belief,
        "slot": item.slot,
        "id": item.id,
        "nats": item.nats,
        "observed_us": item.observed_us,
    }


def _revision(user: str, revision: Revision, *, place: int, observed: bool) -> Properties:
    item = revision.item
    return {
        "seq": revision.seq,
        "place": place,
        "belief": join(user, revision.belief_id),
        "ordinal": revision.ordinal,
        "before": revision.before,
        "after": revision.after,
        "nats": revision.nats,
        "action": revision.action,
        "reason": revision.reason,
        "cause": join(user, revision.cause_id),
        "observed": observed,
        "cause_kind": revision.cause_kind,
        "cause_id": revision.cause_id,
        "parameters_version": revision.parameters_version,
        "recorded_us": to_us(revision.recorded_at),
        "item_slot": None if item is None else item.slot,
        "item_id": None if item is None else item.id,
        "item_nats": None if item is None else item.nats,
        "item_observed_us": None if item is None else item.observed_us,
        "removed": revision.removed or None,
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
    """Return the state on a belief or revision."""
    numbers = dict(zip(_SUMS, row["sums"], strict=True))
    reference_us, newest_us = int(numbers.pop("reference_us")), int(numbers.pop("newest_us"))
    return BeliefState(
        **numbers,
        reference_us=reference_us,
        newest_us=newest_us,
        newest_id=row.get("newest_id") or "",
        lifecycle=row.get("lifecycle") or "open",
        context=row.get("context") or "{}",
    )


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
        ordered = sorted(of.get(row["id"], ()), key=itemgetter(0))
        yield {**row, "premises": [edge[:4] for _, *edge in ordered]}


def heard(premises: Iterable[Sequence[Any]]) -> Iterator[Item]:
    """Yield the items on the edges from responses to the beliefs behind them."""
    for response_id, _, belief_id, *_, nats, observed_us in premises:
        if observed_us is not None:
            yield to_inferred(belief_id, (response_id, nats, observed_us))


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
        attributes=from_json(row.get("attributes") or "{}"),
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
        tags=tuple(row.get("tags") or ()),
        response_id=_last(row.get("response")),
        belief_id=row.get("belief_id"),
        context=from_json(row.get("context") or "{}"),
        observed_at=from_us(row["observed_us"]),
        recorded_at=from_us(row["recorded_us"]),
        retracted_at=None if retracted_us is None else from_us(retracted_us),
        note=row.get("note"),
        retraction_note=None if retracted_us is None else row.get("retraction_note"),
        seq=row["seq"],
    )
    return signal, to_interpretation(signal.id, row["interpretation"])


def _last(key: str | None) -> Any:
    """Return the id of a node from its key."""
    return None if key is None else key.rpartition("/")[2]


def to_item(row: Row) -> Item:
    """Return the item of an Evidence node."""
    return Item(
        belief_id=_last(row["belief"]),
        slot=row["slot"],
        id=row["id"],
        nats=row["nats"],
        observed_us=row["observed_us"],
    )


def to_inferred(belief_id: BeliefId, row: Sequence[Any]) -> Item:
    """Return the item of a response: its id, the nats and the time."""
    id, nats, observed_us = row
    return Item(belief_id=belief_id, slot=RESPONSE, id=id, nats=nats, observed_us=observed_us)


def to_revision(row: Row) -> Revision:
    """Return the revision of a row."""
    belief_id = _last(row["belief"])
    item = None
    if "item_slot" in row:
        item = Item(
            belief_id=belief_id,
            slot=row["item_slot"],
            id=row["item_id"],
            nats=row["item_nats"],
            observed_us=row["item_observed_us"],
        )
    return Revision(
        id=f"rev_{row['seq']}",
        seq=row["seq"],
        belief_id=belief_id,
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
        removed=row.get("removed", False),
        reread=to_items(belief_id, row.get("reread", "[]")),
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
