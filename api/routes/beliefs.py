"""Beliefs: held, read, amended, explained."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from beliefgraph.api import bodies
from beliefgraph.api.calls import (
    AsOf,
    BeliefId,
    Cursor,
    IdempotencyKey,
    IfMatch,
    Limit,
    OfUser,
    given,
    needs,
    sequence_of,
)
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.model import Belief, Revision, Standing
from beliefgraph.queries.explain import Explanation
from beliefgraph.queries.pages import Page
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users/{user_id}/beliefs", tags=["beliefs"])


@router.post(
    "",
    operation_id="believe",
    response_model=wire.Belief,
    status_code=201,
    dependencies=needs("write"),
    summary="Hold a belief",
)
def believe(
    of: OfUser,
    body: bodies.NewBelief,
    idempotency_key: IdempotencyKey = None,
) -> Belief:
    """The same text again, without an id, refreshes the belief that is there; near-duplicates are linked.

    Answers the belief as it stands now.
    """
    belief = of.user.believe(**given(body), idempotency_key=idempotency_key)
    of.created("beliefs", belief.id)
    return belief


@router.get(
    "",
    operation_id="list_beliefs",
    response_model=wire.BeliefPage,
    dependencies=needs("read"),
    summary="List beliefs, newest first",
)
def list_beliefs(
    of: OfUser,
    standing: Annotated[Standing | None, Query(description="Only these.", examples=["held"])] = None,
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Belief]:
    """Pages stay right while others write: nothing is skipped or shown twice."""
    return of.read(lambda user: user.beliefs(standing=standing, as_of=as_of, limit=limit, cursor=cursor))


@router.get(
    "/{belief_id}",
    operation_id="get_belief",
    response_model=wire.Belief,
    dependencies=needs("read"),
    summary="Read a belief",
)
def get_belief(of: OfUser, belief_id: BeliefId, as_of: AsOf = None) -> Belief:
    """As it stands now, or as it stood."""
    return of.read(lambda user: user.belief(belief_id, as_of=as_of))


@router.patch(
    "/{belief_id}",
    operation_id="amend_belief",
    response_model=wire.Belief,
    dependencies=needs("write"),
    summary="Change a belief as a person",
)
def amend_belief(
    of: OfUser,
    belief_id: BeliefId,
    body: bodies.Amendment,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Belief:
    """A signal of kind `set`, retractable like any. A new statement makes a successor, which is answered."""
    return of.user.amend(
        belief_id,
        **given(body),
        idempotency_key=idempotency_key,
        if_sequence=sequence_of(if_match),
    )


@router.get(
    "/{belief_id}/revisions",
    operation_id="list_revisions",
    response_model=wire.RevisionPage,
    dependencies=needs("read"),
    summary="List every change of a belief's confidence, oldest first",
)
def list_revisions(
    of: OfUser, belief_id: BeliefId, as_of: AsOf = None, limit: Limit = 100, cursor: Cursor = None
) -> Page[Revision]:
    """Each names its cause: the signal, its retraction, a conflict."""
    after = _number(cursor)

    def work(user: Any) -> Page[Revision]:
        found = user.revisions(belief_id, as_of=as_of, after=after, limit=limit + 1)
        return Page(tuple(found[:limit]), str(found[limit - 1].seq) if len(found) > limit else None)

    return of.read(work)


@router.get(
    "/{belief_id}/explanation",
    operation_id="explain_belief",
    response_model=wire.Explanation,
    dependencies=needs("read"),
    summary="Explain why a belief is held",
)
def explain_belief(of: OfUser, belief_id: BeliefId, as_of: AsOf = None) -> Explanation:
    """Base rate, every contribution in nats down to its signals, conflicts, and what would change it."""
    return of.read(lambda user: user.explain(belief_id, as_of=as_of))


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidInputError("cursor", "must be one that a page of this list gave")
    return int(cursor)
