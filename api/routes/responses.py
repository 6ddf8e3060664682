"""Responses: recorded, read, traced."""

from fastapi import APIRouter

from beliefgraph.api import bodies
from beliefgraph.api.calls import AsOf, Cursor, IdempotencyKey, Limit, OfUser, ResponseId, given, needs
from beliefgraph.graph.model import Response
from beliefgraph.queries.pages import Page
from beliefgraph.queries.trace import Trace
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users/{user_id}/responses", tags=["responses"])


@router.post(
    "",
    operation_id="respond",
    response_model=wire.Response,
    status_code=201,
    dependencies=needs("write"),
    summary="Record a response and what generated it",
)
def respond(of: OfUser, body: bodies.NewResponse, idempotency_key: IdempotencyKey = None) -> Response:
    """Signals about it are traced to these beliefs. Without weights they share it equally."""
    said = {**given(body), "beliefs": bodies.edges(body.beliefs)}
    response = of.user.respond(**said, idempotency_key=idempotency_key)
    of.created("responses", response.id)
    return response


@router.get(
    "",
    operation_id="list_responses",
    response_model=wire.ResponsePage,
    dependencies=needs("read"),
    summary="List responses, newest first",
)
def list_responses(
    of: OfUser, as_of: AsOf = None, limit: Limit = 100, cursor: Cursor = None
) -> Page[Response]:
    """Pages stay right while others write."""
    return of.read(lambda user: user.responses(as_of=as_of, limit=limit, cursor=cursor))


@router.get(
    "/{response_id}",
    operation_id="get_response",
    response_model=wire.Response,
    dependencies=needs("read"),
    summary="Read a response",
)
def get_response(of: OfUser, response_id: ResponseId, as_of: AsOf = None) -> Response:
    """With the beliefs behind it."""
    return of.read(lambda user: user.response(response_id, as_of=as_of))


@router.get(
    "/{response_id}/trace",
    operation_id="trace_response",
    response_model=wire.Trace,
    dependencies=needs("read"),
    summary="Trace a response to its beliefs, then and now",
)
def trace_response(of: OfUser, response_id: ResponseId, as_of: AsOf = None) -> Trace:
    """As they stood when it was recorded and as they stand now, with the signals about it."""
    return of.read(lambda user: user.trace(response_id, as_of=as_of))
