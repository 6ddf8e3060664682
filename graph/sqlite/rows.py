"""Rows of the SQLite store to records and back; no query and no connection here."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.encoding import (
    from_json,
    habits_json,
    interpretation_json,
    items_json,
    to_habits,
    to_interpretation,
    to_items,
    to_json,
)
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.ledger import BeliefState, Item
from beliefgraph.graph.model import (
    BeliefNode,
    GeneratedBy,
    Interpretation,
    Link,
    Response,
    Revision,
    Signal,
)

Row = Sequence[Any]


_FIRST = 14
"""How many columns of a state the first version of the schema had; in the table of revisions, `reread` follows them."""


def state_row(state: BeliefState) -> tuple[Any, ...]:
    """Return the 23 columns of a state, in the order of the schema of beliefs."""
    return (
        state.base,
        state.half_life_days,
        state.memory_nats,
        state.reference_us,
        state.direct_for,
        state.direct_against,
        state.inferred_for,
        state.inferred_against,
        state.spoken,
        state.newest_us,
        state.newest_id,
        state.conflict,
        state.lifecycle,
        state.context,
        state.session_nats,
        state.heard_for,
        state.heard_against,
        state.change_nats,
        state.up_for,
        state.up_against,
        state.down_for,
        state.down_against,
        state.practice_nats,
    )


def to_state(row: Row) -> BeliefState:
    """Return the state in 23 columns."""
    return BeliefState(
        base=row[0],
        half_life_days=row[1],
        memory_nats=row[2],
        reference_us=row[3],
        direct_for=row[4],
        direct_against=row[5],
        inferred_for=row[6],
        inferred_against=row[7],
        spoken=row[8],
        newest_us=row[9],
        newest_id=row[10],
        conflict=row[11],
        lifecycle=row[12],
        context=row[13],
        session_nats=row[14],
        heard_for=row[15],
        heard_against=row[16],
        change_nats=row[17],
        up_for=row[18],
        up_against=row[19],
        down_for=row[20],
        down_against=row[21],
        practice_nats=row[22],
    )


def belief_row(user: int, node: BeliefNode, vector: int | None) -> tuple[Any, ...]:
    """Return the row of a belief."""
    return (
        user,
        node.id,
        node.seq,
        node.statement,
        node.statement_key,
        node.source,
        node.kind,
        to_us(node.created_at),
        to_us(node.recorded_at),
        node.parent_id,
        node.origin_id,
        vector,
        node.ordinal,
        to_us(node.revised_at),
        *state_row(node.state),
    )


def to_belief(user_id: UserId, row: Row) -> BeliefNode:
    """Return the belief of a row."""
    return BeliefNode(
        id=row[0],
        user_id=user_id,
        seq=row[1],
        statement=row[2],
        statement_key=row[3],
        source=row[4],
        kind=row[5],
        created_at=from_us(row[6]),
        recorded_at=from_us(row[7]),
        parent_id=row[8],
        origin_id=row[9],
        vector_key=row[10],
        ordinal=row[11],
        revised_at=from_us(row[12]),
        state=to_state(row[13:]),
    )


def to_item(row: Row) -> Item:
    """Return the evidence item of a row."""
    return Item(belief_id=row[0], slot=row[1], id=row[2], nats=row[3], observed_us=row[4])


def to_premise(row: Row) -> GeneratedBy:
    """Return the edge of a row (response first)."""
    return GeneratedBy(belief_id=row[1], weight=row[2], adherence=row[3], confidence_then=row[4])


def to_response(user_id: UserId, row: Row, generated_by: Iterable[GeneratedBy]) -> Response:
    """Return the response of a row."""
    return Response(
        id=row[0],
        user_id=user_id,
        text=row[1],
        generated_by=tuple(generated_by),
        attributes=from_json(row[2]),
        observed_at=from_us(row[3]),
        recorded_at=from_us(row[4]),
        seq=row[5],
        habits=to_habits(row[6]),
    )


def response_row(user: int, response: Response) -> tuple[Any, ...]:
    """Return the row of a response, without its edges."""
    return (
        user,
        response.id,
        response.seq,
        response.text,
        to_json(dict(response.attributes)),
        to_us(response.observed_at),
        to_us(response.recorded_at),
        habits_json(response.habits),
    )


def premise_rows(user: int, response: Response) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a response's edges, in order."""
    for position, edge in enumerate(response.generated_by):
        yield (
            user,
            response.id,
            position,
            edge.belief_id,
            edge.weight,
            edge.adherence,
            edge.confidence_then,
            response.seq,
        )


def signal_row(user: int, signal: Signal, interpretation: Interpretation) -> tuple[Any, ...]:
    """Return the row of a signal."""
    return (
        user,
        signal.id,
        signal.seq,
        signal.kind,
        signal.value,
        signal.text,
        to_json(signal.tags),
        signal.response_id,
        signal.belief_id,
        to_json(dict(signal.context)),
        to_us(signal.observed_at),
        to_us(signal.recorded_at),
        None if signal.retracted_at is None else to_us(signal.retracted_at),
        signal.note,
        signal.retraction_note,
        interpretation_json(interpretation),
    )


def to_signal(user_id: UserId, row: Row, as_of_us: int) -> tuple[Signal, Interpretation]:
    """Return the signal of a row with its interpretation; retracted only if it was by then."""
    retracted_us = row[10] if row[10] is not None and row[10] <= as_of_us else None
    signal = Signal(
        id=row[0],
        user_id=user_id,
        kind=row[1],
        value=row[2],
        text=row[3],
        tags=tuple(from_json(row[4])),
        response_id=row[5],
        belief_id=row[6],
        context=from_json(row[7]),
        observed_at=from_us(row[8]),
        recorded_at=from_us(row[9]),
        retracted_at=None if retracted_us is None else from_us(retracted_us),
        note=row[11],
        retraction_note=None if retracted_us is None else row[12],
        seq=row[13],
    )
    return signal, to_interpretation(signal.id, row[14])


def revision_row(user: int, revision: Revision) -> tuple[Any, ...]:
    """Return the row of a revision."""
    item, state = revision.item, state_row(revision.state)
    return (
        user,
        revision.seq,
        revision.belief_id,
        revision.ordinal,
        revision.before,
        revision.after,
        revision.nats,
        revision.action,
        revision.reason,
        revision.cause_kind,
        revision.cause_id,
        revision.parameters_version,
        to_us(revision.recorded_at),
        None if item is None else item.slot,
        None if item is None else item.id,
        None if item is None else item.nats,
        None if item is None else item.observed_us,
        int(revision.removed),
        *state[:_FIRST],
        items_json(revision.reread),
        *state[_FIRST:],
    )


def to_revision(row: Row) -> Revision:
    """Return the revision of a row."""
    item = None
    if row[12] is not None:
        item = Item(belief_id=row[1], slot=row[12], id=row[13], nats=row[14], observed_us=row[15])
    return Revision(
        id=f"rev_{row[0]}",
        seq=row[0],
        belief_id=row[1],
        ordinal=row[2],
        before=row[3],
        after=row[4],
        nats=row[5],
        action=row[6],
        reason=row[7],
        cause_kind=row[8],
        cause_id=row[9],
        parameters_version=row[10],
        recorded_at=from_us(row[11]),
        item=item,
        removed=bool(row[16]),
        reread=to_items(row[1], row[17]),
        state=to_state(row[18:]),
    )


def link_row(user: int, link: Link) -> tuple[Any, ...]:
    """Return the row of one version of a link."""
    return (
        user,
        link.kind,
        link.low,
        link.high,
        link.seq,
        link.strength,
        link.detector,
        link.status,
        link.reason,
        to_us(link.recorded_at),
    )


def to_link(row: Row) -> Link:
    """Return the link of a row."""
    return Link(
        kind=row[0],
        low=row[1],
        high=row[2],
        seq=row[3],
        strength=row[4],
        detector=row[5],
        status=row[6],
        reason=row[7],
        recorded_at=from_us(row[8]),
    )
