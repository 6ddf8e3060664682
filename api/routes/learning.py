"""How well the loop works: which signals reach the model, and how much better they are foreseen for it."""

from typing import Annotated

from fastapi import APIRouter, Query

from beliefgraph.api.calls import AsOf, Count, OfTenant, OfUser, needs
from beliefgraph.curve import Curve
from beliefgraph.ingest.events import Moment, Text
from beliefgraph.queries.audit import Audit
from beliefgraph.queries.funnels import Per as Length
from beliefgraph.wire import learning

router = APIRouter(prefix="/v1", tags=["learning"])
Since = Annotated[
    Moment | None,
    Query(
        description="Only what users did since (ISO 8601 with a timezone).", examples=["2026-03-01T00:00:00Z"]
    ),
]
Per = Annotated[Length, Query(description="The length of the periods.", examples=["week"])]
Source = Annotated[
    Text,
    Query(
        description="What names a signal's source, in its context or in its response's attributes.",
        max_length=200,
        examples=["source"],
    ),
]


@router.get(
    "/audit",
    operation_id="audit",
    response_model=learning.Audit,
    dependencies=needs("read"),
    summary="Audit the loop: how far the signals of all users came",
)
def audit(
    of: OfTenant, since: Since = None, as_of: AsOf = None, per: Per = "week", source: Source = "source"
) -> Audit:
    """Of those that moved no belief it says why, with examples. Reads every user: ask now and then, not often."""
    return of.graph.audit(since=since, as_of=as_of, per=per, source=source)


@router.get(
    "/users/{user_id}/audit",
    operation_id="audit_user",
    response_model=learning.Audit,
    dependencies=needs("read"),
    summary="Audit the loop of one user",
)
def audit_user(
    of: OfUser, since: Since = None, as_of: AsOf = None, per: Per = "week", source: Source = "source"
) -> Audit:
    """How far her signals came, and why those stopped that moved no belief."""
    wanted = of.user.user_id
    return of.read(
        lambda _: of.call.graph.audit(user=wanted, since=since, as_of=as_of, per=per, source=source)
    )


@router.get(
    "/curve",
    operation_id="get_curve",
    response_model=learning.Curve,
    dependencies=needs("read"),
    summary="Read how well signals are foreseen, by number of interactions",
)
def get_curve(of: OfTenant, at_least: Count = 1, as_of: AsOf = None) -> Curve:
    """Of all users, beside seven other ways to learn from the same. Reads every user, and takes its time."""
    return of.graph.curve(at_least=at_least, as_of=as_of)


@router.get(
    "/users/{user_id}/curve",
    operation_id="get_user_curve",
    response_model=learning.Curve,
    dependencies=needs("read"),
    summary="Read how well one user's signals are foreseen",
)
def get_user_curve(of: OfUser, as_of: AsOf = None) -> Curve:
    """From her records alone."""
    return of.read(lambda user: user.curve(as_of=as_of))
