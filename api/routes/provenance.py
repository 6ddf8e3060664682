"""Where a record comes from, what came of it, what changed between two times, and what would be otherwise."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from beliefgraph.api import bodies
from beliefgraph.api.calls import (
    AsOf,
    BeliefId,
    Cursor,
    Limit,
    OfUser,
    ResponseId,
    SignalId,
    given,
    needs,
)
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.events import Moment
from beliefgraph.queries.diff import Diff
from beliefgraph.queries.provenance_graph import node_link
from beliefgraph.queries.what_if import WhatIf
from beliefgraph.wire import provenance as wire

router = APIRouter(prefix="/v1/users/{user_id}", tags=["provenance"])
_ANSWER = "The provenance in the form that was asked for"
_SPAN = {"start": "from", "end": "to"}
"""What a caller knows the times of a difference by."""
Form = Annotated[
    wire.Format,
    Query(
        alias="format",
        description="`node-link`: a graph; `prov`: a W3C PROV document; `timeline`: what happened, line by line; "
        "`prose`: a story; `records`: every record whole.",
        examples=["node-link"],
    ),
]


@router.get(
    "/beliefs/{belief_id}/provenance",
    operation_id="get_provenance",
    response_model=wire.AnyForm,
    response_model_exclude_unset=True,
    response_description=_ANSWER,
    dependencies=needs("read"),
    summary="Read where a belief comes from",
)
def get_provenance(
    of: OfUser,
    belief_id: BeliefId,
    *,
    form: Form = "node-link",
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any] | BaseModel:
    """Base rate, origin, each change with its signal, the response and its premises, conflicts; the latest `limit`."""
    return of.read(
        lambda user: wire.shown(
            user.provenance_of(belief=belief_id, as_of=as_of, limit=limit, cursor=cursor), form
        )
    )


@router.get(
    "/signals/{signal_id}/influence",
    operation_id="get_influence",
    response_model=wire.AnyForm,
    response_model_exclude_unset=True,
    response_description=_ANSWER,
    dependencies=needs("read"),
    summary="Read everything that a signal changed",
)
def get_influence(
    of: OfUser, signal_id: SignalId, form: Form = "node-link", as_of: AsOf = None
) -> dict[str, Any] | BaseModel:
    """What it was about, what it moved and spawned, and what its retraction took back."""
    return of.read(lambda user: wire.shown(user.provenance_of(signal=signal_id, as_of=as_of), form))


@router.get(
    "/responses/{response_id}/provenance",
    operation_id="get_response_provenance",
    response_model=wire.AnyForm,
    response_model_exclude_unset=True,
    response_description=_ANSWER,
    dependencies=needs("read"),
    summary="Read what generated a response, and what its signals moved",
)
def get_response_provenance(
    of: OfUser,
    response_id: ResponseId,
    *,
    form: Form = "node-link",
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any] | BaseModel:
    """The beliefs behind it, then and now, and its latest `limit` signals with what they moved."""
    return of.read(
        lambda user: wire.shown(
            user.provenance_of(response=response_id, as_of=as_of, limit=limit, cursor=cursor), form
        )
    )


@router.get(
    "/diff",
    operation_id="get_diff",
    response_model=wire.Diff,
    dependencies=needs("read"),
    summary="Read what changed between two times",
)
def get_diff(
    of: OfUser,
    start: Annotated[
        Moment,
        Query(
            alias="from",
            description="The start (ISO 8601 with a timezone).",
            examples=["2026-03-01T12:00:00Z"],
        ),
    ],
    end: Annotated[
        Moment | None,
        Query(alias="to", description="The end; now unless given.", examples=["2026-03-08T12:00:00Z"]),
    ] = None,
    limit: Limit = 100,
) -> Diff:
    """Beliefs that came, went, came back or moved, each with its causes."""

    def work(user: Any) -> Diff:
        try:
            found: Diff = user.diff(start, end, limit=limit)
        except InvalidInputError as error:
            raise error.renamed(_SPAN.get(error.field, error.field)) from None
        return found

    return of.read(work)


@router.get(
    "/graph",
    operation_id="get_graph",
    response_model=wire.Graph,
    dependencies=needs("read"),
    summary="Read all beliefs with the edges between them",
)
def get_graph(of: OfUser, as_of: AsOf = None) -> dict[str, Any]:
    """Node-link JSON of networkx: a node is a belief, an edge CONTRADICTS, DUPLICATES or SPAWNED_FROM."""
    return of.read(lambda user: node_link(user.belief_graph(as_of=as_of)))


@router.post(
    "/what-if",
    operation_id="what_if",
    response_model=wire.WhatIf,
    dependencies=needs("read"),
    summary="Ask what would be otherwise had a signal not come, or if one came now",
)
def what_if(of: OfUser, body: bodies.Supposition) -> WhatIf:
    """Nothing is written. What is not named in the answer would be as it is."""
    of.check_kind(body.kind)
    return of.user.what_if(**given(body))
