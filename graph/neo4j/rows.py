"""What queries return to records; a property that was None is not there. The way there lies in saving.py."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.encoding import from_json, to_habits, to_interpretation, to_items
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item
from beliefgraph.graph.model import BeliefNode, GeneratedBy, Interpretation, Link, Response, Revision, Signal
from beliefgraph.graph.neo4j.keys import last
from beliefgraph.graph.store import Neighbour, Vector

Row = Mapping[str, Any]

SUMS = (
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


def to_state(row: Row) -> BeliefState:
    """Return the state on a belief or revision."""
    numbers = dict(zip(SUMS, row["sums"], strict=True))
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


def as_left(node: BeliefNode, row: Row) -> BeliefNode:
    """Return a belief as the revision of a row left it."""
    return replace(node, ordinal=row["ordinal"], revised_at=from_us(row["recorded_us"]), state=to_state(row))


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
        response_id=None if row.get("response") is None else ResponseId(last(row["response"])),
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


def to_item(row: Row) -> Item:
    """Return the item of an Evidence node."""
    return Item(
        belief_id=BeliefId(last(row["belief"])),
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
    belief_id = BeliefId(last(row["belief"]))
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
