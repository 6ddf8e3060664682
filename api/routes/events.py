"""Batches of events: the JSON Lines of an import, or an array, with a result for each line."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from beliefgraph.api import bodies
from beliefgraph.api.calls import Flag, OfTenant, needs
from beliefgraph.api.limits import BATCH_LINES
from beliefgraph.api.problems import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemError, unreadable
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.model import Outcome
from beliefgraph.ingest.events import Event, RetractEvent
from beliefgraph.ingest.pipeline import Result
from beliefgraph.ingest.reader import Reject
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/events", tags=["events"])
LINES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
Strict = Annotated[
    Flag, Query(description="Stop at the first line that cannot be applied.", examples=[False])
]


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post(
    "",
    operation_id="send_events",
    response_model=wire.BatchReport,
    dependencies=needs("write"),
    summary="Apply a batch of events, with a result for each line",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                LINES[0]: {"schema": {"type": "string", "description": "JSON Lines: one event a line."}},
                "application/json": {"schema": bodies.EVENTS},
            },
        }
    },
)
def send_events(
    of: OfTenant,
    request: Request,
    body: Annotated[bytes, Depends(_body)],
    strict: Strict = False,
) -> dict[str, Any]:
    """The order within a user is the order of application. A line that cannot be applied is reported, the rest goes on.

    Sending a batch twice changes nothing: after an error, send all of it again.
    """
    results: list[dict[str, Any]] = []
    metrics = of.service.metrics

    def applied(number: int, event: Event, result: Result) -> None:
        if isinstance(result, Outcome) and not isinstance(event, RetractEvent):
            metrics.count_signal(result)
        results.append(
            _result(
                number,
                "applied",
                type=event.type,
                user=event.user,
                **(
                    {"id": result.signal.id, "action": result.interpretation.action}
                    if isinstance(result, Outcome)
                    else {"id": result.id}
                ),
            )
        )

    def rejected(reject: Reject) -> None:
        results.append(_result(reject.line, "rejected", field=reject.field, reason=reject.reason))

    lines = _lines(body, request.headers.get("content-type", ""))
    report = of.graph.ingest(lines, strict=strict, on_applied=applied, on_reject=rejected)
    return {
        "applied": dict(report.applied),
        "rejected": report.rejected,
        "stopped": report.stopped,
        "results": sorted(results, key=lambda one: one["line"]),
    }


def _result(line: int, status: str, **told: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("type", "user", "id", "action", "field", "reason"))
    return {"line": line, "status": status, **nothing, **told}


def _lines(body: bytes, content_type: str) -> list[bytes]:
    """Return the lines of a batch. Raises `ProblemError` and `InvalidInputError`."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        lines = list(_entries(body))
    elif kind in LINES:
        lines = body.removeprefix(BOM_UTF8).split(b"\n")
    else:
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE, f"Send JSON Lines as {LINES[0]}, or an array as application/json."
        )
    if len(lines) > BATCH_LINES:
        raise ProblemError(BODY_TOO_LARGE, f"A batch has at most {BATCH_LINES:,} lines.")
    return lines


def _entries(body: bytes) -> Iterator[bytes]:
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from None
    if not isinstance(entries, list):
        raise InvalidInputError("body", f"must be an array of events; send JSON Lines as {LINES[0]}")
    for entry in entries:
        yield json.dumps(entry).encode()
