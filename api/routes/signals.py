"""Signals: recorded, read, retracted."""

from typing import Annotated

from fastapi import APIRouter, Body

from beliefgraph.api import bodies
from beliefgraph.api.calls import (
    AsOf,
    Cursor,
    DryRun,
    IdempotencyKey,
    Limit,
    OfUser,
    SignalId,
    given,
    needs,
)
from beliefgraph.graph.model import Outcome, Signal
from beliefgraph.queries.pages import Page
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users/{user_id}/signals", tags=["signals"])


@router.post(
    "",
    operation_id="signal",
    response_model=wire.Outcome,
    status_code=201,
    dependencies=needs("write"),
    summary="Record what the user did",
    responses={200: {"model": wire.Outcome, "description": "Worked out, and nothing written (`dry_run`)"}},
)
def signal(
    of: OfUser,
    body: bodies.NewSignal,
    dry_run: DryRun = False,
    idempotency_key: IdempotencyKey = None,
) -> Outcome:
    """Traces it, interprets it and revises beliefs, in one transaction; answers what it moved, and why.

    Edits of a person are made by `PATCH` of the belief, answers to questions by `/onboarding`.
    """
    said = given(body)
    of.check_kind(said["kind"])
    outcome = of.user.signal(**said, dry_run=dry_run, idempotency_key=idempotency_key)
    if dry_run:
        of.call.response.status_code = 200
    else:
        of.call.service.metrics.count_signal(outcome)
        of.created("signals", outcome.signal.id)
    return outcome


@router.get(
    "",
    operation_id="list_signals",
    response_model=wire.SignalPage,
    dependencies=needs("read"),
    summary="List signals, newest first",
)
def list_signals(of: OfUser, as_of: AsOf = None, limit: Limit = 100, cursor: Cursor = None) -> Page[Signal]:
    """Pages stay right while others write."""
    return of.read(lambda user: user.signals(as_of=as_of, limit=limit, cursor=cursor))


@router.get(
    "/{signal_id}",
    operation_id="get_signal",
    response_model=wire.Outcome,
    dependencies=needs("read"),
    summary="Read a signal with what it moved",
)
def get_signal(of: OfUser, signal_id: SignalId, as_of: AsOf = None) -> Outcome:
    """What it was taken for and what it moved; of a retracted one, what its retraction moved."""
    return of.read(lambda user: user.signal_record(signal_id, as_of=as_of))


@router.post(
    "/{signal_id}/retraction",
    operation_id="retract_signal",
    response_model=wire.Outcome,
    dependencies=needs("write"),
    summary="Take a signal's influence back",
)
def retract_signal(
    of: OfUser,
    signal_id: SignalId,
    body: Annotated[bodies.Retraction | None, Body()] = None,
    dry_run: DryRun = False,
) -> Outcome:
    """As if it had never come; the record stays. Doing it again changes nothing."""
    return of.user.retract(signal_id, **({} if body is None else given(body)), dry_run=dry_run)
