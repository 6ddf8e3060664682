"""Questions about the next response: which beliefs it should use, and how it would be received."""

from fastapi import APIRouter

from beliefgraph.api import bodies
from beliefgraph.api.calls import AsOf, OfUser, given, needs, same_time
from beliefgraph.queries.personalize import Personalization
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users/{user_id}", tags=["choosing"])


@router.post(
    "/personalize",
    operation_id="personalize",
    response_model=wire.Personalization,
    dependencies=needs("read"),
    summary="Choose beliefs for the next response",
)
def personalize(of: OfUser, body: bodies.Query, as_of: AsOf = None) -> Personalization:
    """Every belief considered is used or withheld, with its reason and numbers. Of a new user nothing is known yet."""
    asked = {**given(body), "as_of": same_time(as_of, body.as_of)}
    plan = of.user.personalize(**asked)
    for choice in (*plan.used, *plan.withheld):
        of.call.service.metrics.count_choice(choice.reason)
    return plan


@router.post(
    "/predict",
    operation_id="predict",
    response_model=wire.Prediction,
    dependencies=needs("read"),
    summary="Predict how a response would be received",
)
def predict(of: OfUser, body: bodies.Premises, as_of: AsOf = None) -> dict[str, float]:
    """The probability that a response resting on these beliefs satisfies, or that a signal turns out good."""
    at = same_time(as_of, body.as_of)
    return {"probability": of.user.predict(bodies.edges(body.beliefs), kind=body.kind, as_of=at)}
