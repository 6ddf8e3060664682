"""Records to the parameters of the query `save`; no query and no connection here. The way back lies in rows.py.

What comes in numbers is given as columns: one list for each property (None where nobody has it), `count` rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.encoding import habits_json, interpretation_json, items_json, tallies_json, to_json
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, read_state
from beliefgraph.graph.model import BeliefNode, GeneratedBy, Interpretation, Link, Response, Revision, Signal
from beliefgraph.graph.neo4j.keys import join, statement_digest
from beliefgraph.graph.neo4j.rows import SUMS
from beliefgraph.graph.store import Changes, Vector

Properties = dict[str, Any]

_EDGE = {"contradicts": "contradictions", "duplicates": "duplicates"}
_NUMBERS = attrgetter(*SUMS)


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
    return {"count": len(rows), **{name: _column(row[name] for row in rows) for name in names}}


def _column(values: Iterable[Any]) -> list[Any] | None:
    """Return values as a list, or None where all are."""
    listed = list(values)
    return None if listed.count(None) == len(listed) else listed


def wanted(given: Properties) -> dict[str, int]:
    """Return how many references of each part of `save` must lead somewhere."""
    listed = ("touched", "parents", "origins", "retracted", "links")
    about = [key for name in ("response", "belief") for key in given["signals"].get(name) or ()]
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
    """Return the revisions, what caused runs of them, and the state that they leave each belief in."""
    latest = {revision.belief_id: revision for revision in changes.revisions}
    slots: dict[BeliefId, set[str]] = {belief_id: set() for belief_id in latest}
    for revision in changes.revisions:
        slots[revision.belief_id].update(item.slot for item, _ in revision.items())
    return {
        "causes": _causes(user, changes.revisions),
        "revisions": {
            **_told(user, changes.revisions, places),
            **_weighed(changes.revisions),
            "observed": _observed(changes),
        },
        "revised": [
            {
                "place": places[belief_id],
                "state": _standing(revision),
                "word_slots": sorted(slots[belief_id] - {RESPONSE}),
            }
            for belief_id, revision in latest.items()
        ],
    }


def _causes(user: str, revisions: Sequence[Revision]) -> list[Properties]:
    """Return what runs of revisions have in common, and from which to which they reach."""
    causes: list[Properties] = []
    run = None
    for index, revision in enumerate(revisions):
        common = (revision.cause_kind, revision.cause_id, revision.parameters_version, revision.recorded_at)
        if common != run:
            run = common
            key = join(user, revision.cause_id)
            causes.append(
                {
                    "first": index,
                    "key": key,
                    "signal": key if revision.cause_kind in ("signal", "retraction") else None,
                    "kind": revision.cause_kind,
                    "id": revision.cause_id,
                    "parameters_version": revision.parameters_version,
                    "recorded_us": to_us(revision.recorded_at),
                }
            )
        causes[-1]["last"] = index
    return causes


def _told(user: str, revisions: Sequence[Revision], places: Mapping[BeliefId, int]) -> Properties:
    """Return the columns that say what happened. Built by column: they come in thousands."""
    keys = {belief_id: join(user, belief_id) for belief_id in places}
    return {
        "count": len(revisions),
        "seq": [revision.seq for revision in revisions],
        "place": [places[revision.belief_id] for revision in revisions],
        "belief": [keys[revision.belief_id] for revision in revisions],
        "ordinal": [revision.ordinal for revision in revisions],
        "before": [revision.before for revision in revisions],
        "after": [revision.after for revision in revisions],
        "nats": [revision.nats for revision in revisions],
        "action": [revision.action for revision in revisions],
        "reason": [revision.reason for revision in revisions],
    }


def _weighed(revisions: Sequence[Revision]) -> Properties:
    """Return the columns of items and states."""
    items = [revision.item for revision in revisions]
    states = [revision.state for revision in revisions]
    return {
        "item_slot": _column(None if item is None else item.slot for item in items),
        "item_id": _column(None if item is None else item.id for item in items),
        "item_nats": _column(None if item is None else item.nats for item in items),
        "item_observed_us": _column(None if item is None else item.observed_us for item in items),
        "removed": _column(revision.removed or None for revision in revisions),
        "reread": _column(items_json(revision.reread) if revision.reread else None for revision in revisions),
        "sums": [_sums(state) for state in states],
        "newest_id": _column(state.newest_id or None for state in states),
        "lifecycle": _column(_unless(state.lifecycle, "open") for state in states),
        "context": _column(_unless(state.context, "{}") for state in states),
    }


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


def _observed(changes: Changes) -> list[bool]:
    """Return of each revision whether it is the first by which evidence of its belief comes from its signal."""
    gone = {signal.id for signal, _ in changes.signals if signal.retracted_at is not None}
    seen: set[tuple[BeliefId, str]] = set()
    observed = []
    for revision in changes.revisions:
        pair = (revision.belief_id, revision.cause_id)
        first = revision.cause_kind == "signal" and revision.item is not None and pair not in seen
        if first:
            seen.add(pair)
        observed.append(first and revision.cause_id not in gone)
    return observed


def _unless(value: str, usual: str) -> str | None:
    return None if value == usual else value


def _sums(state: BeliefState) -> list[float]:
    return list(map(float, _NUMBERS(state)))


def _state(state: BeliefState) -> Properties:
    return {
        "sums": _sums(state),
        "newest_id": state.newest_id or None,
        "lifecycle": _unless(state.lifecycle, "open"),
        "context": _unless(state.context, "{}"),
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
