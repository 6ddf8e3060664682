"""Getting to know a user by questions: the next one, answers, skips, and whether she lets others learn from her."""

from fastapi import APIRouter, Request

from beliefgraph.api import bodies
from beliefgraph.api.calls import OfUser, needs
from beliefgraph.onboarding import Onboarding
from beliefgraph.wire import learning

router = APIRouter(prefix="/v1/users/{user_id}", tags=["onboarding"])


@router.get(
    "/onboarding",
    operation_id="next_question",
    response_model=learning.Onboarding,
    dependencies=needs("read"),
    summary="Read the question to ask next, if one is worth asking",
)
def next_question(of: OfUser, request: Request) -> Onboarding:
    """The one whose answer tells most about what is served. A new user is asked too."""
    return of.read(lambda user: user.onboard(bank=request.app.state.bank), of_nobody=True)


@router.post(
    "/onboarding",
    operation_id="answer_questions",
    response_model=learning.Onboarding,
    dependencies=needs("write"),
    summary="Answer questions, or skip them, and read the next one",
)
def answer_questions(of: OfUser, body: bodies.Answers, request: Request) -> Onboarding:
    """Each answer is a signal that moves the beliefs it speaks for; all of them are recorded, or none.

    An answer that is on record already changes nothing, so the same request may be sent again.
    """
    step = of.user.onboard(body.answers, bank=request.app.state.bank)
    for outcome in step.outcomes:
        of.call.service.metrics.count_signal(outcome)
    return step


@router.get(
    "/consent",
    operation_id="get_consent",
    response_model=learning.Consent,
    dependencies=needs("read"),
    summary="Read whether she lets others learn from her",
)
def get_consent(of: OfUser) -> dict[str, bool | None]:
    """Consent is given and ended by a signal of kind `consent`, with the value 1 or 0."""
    return of.read(lambda user: {"consents": user.consents()}, of_nobody=True)
