"""Users: listed, exported, erased."""

import json
from itertools import islice

from fastapi import APIRouter, Request, Response

from beliefgraph.api import bodies
from beliefgraph.api.calls import AsOf, Cursor, Limit, OfTenant, OfUser, needs
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.store import Erasure
from beliefgraph.ingest.events import check_identifier
from beliefgraph.queries.pages import Page
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users", tags=["users"])
LINES = "application/x-ndjson"


@router.get(
    "",
    operation_id="list_users",
    response_model=wire.UserPage,
    dependencies=needs("read"),
    summary="List the users of the tenant, sorted",
)
def list_users(of: OfTenant, limit: Limit = 100, cursor: Cursor = None) -> Page[str]:
    """Their ids, as you gave them."""
    if cursor is not None:
        check_identifier("cursor", cursor)
    found = list(islice(of.graph.users(after=cursor), limit + 1))
    return Page(tuple(found[:limit]), found[limit - 1] if len(found) > limit else None)


@router.get(
    "/{user_id}/export",
    operation_id="export_user",
    response_class=Response,
    dependencies=needs("read"),
    summary="Export everything held on a user",
    responses={
        200: {
            "description": "Events in the order in which they were applied; `/v1/events` takes them back.",
            "content": {LINES: {"schema": {"type": "string"}}, "application/json": {"schema": bodies.EVENTS}},
        }
    },
)
def export_user(of: OfUser, request: Request, as_of: AsOf = None) -> Response:
    """JSON Lines; an array if you accept `application/json` alone."""
    events = of.read(lambda user: user.export(as_of=as_of))
    headers = {"ETag": of.call.response.headers["ETag"]}
    if request.headers.get("accept", "").partition(";")[0].strip() == "application/json":
        return Response(
            json.dumps(events, ensure_ascii=False), media_type="application/json", headers=headers
        )
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    return Response(lines, media_type=LINES, headers=headers)


@router.delete(
    "/{user_id}",
    operation_id="erase_user",
    response_model=wire.Erasure,
    dependencies=needs("admin"),
    summary="Erase everything held on a user",
)
def erase_user(of: OfUser) -> Erasure:
    """Cannot be undone. Answers counts only; 404 when nothing was held (any more)."""
    erased = of.user.erase()
    if not any((erased.beliefs, erased.responses, erased.signals, erased.revisions, erased.links)):
        raise NotFoundError("user", of.user.user_id)
    return erased
