"""Conflicts and duplicates: listed, decided by a person, decided by the job."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Query

from beliefgraph.api import bodies
from beliefgraph.api.calls import AsOf, ConflictId, Cursor, DryRun, Limit, OfUser, given, needs
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.model import Conflict, ConflictStatus
from beliefgraph.ingest.verdicts import Decision
from beliefgraph.queries.pages import Page
from beliefgraph.wire import records as wire

router = APIRouter(prefix="/v1/users/{user_id}", tags=["conflicts"])
Status = Annotated[ConflictStatus | None, Query(description="Only these.", examples=["confirmed"])]


@router.get(
    "/conflicts",
    operation_id="list_conflicts",
    response_model=wire.ConflictPage,
    dependencies=needs("read"),
    summary="List contradictions between beliefs, longest unchanged first",
)
def list_conflicts(
    of: OfUser,
    status: Status = None,
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Conflict]:
    """One that changes while you read on comes again at the end; none is skipped."""
    return of.read(lambda user: _page(user.conflicts(status=status, as_of=as_of), limit, cursor))


@router.get(
    "/duplicates",
    operation_id="list_duplicates",
    response_model=wire.ConflictPage,
    dependencies=needs("read"),
    summary="List pairs of beliefs that say, or may say, the same",
)
def list_duplicates(
    of: OfUser, status: Status = None, as_of: AsOf = None, limit: Limit = 100, cursor: Cursor = None
) -> Page[Conflict]:
    """`suspected` ones are proposed merges. Decided as conflicts are, by id: `keep` merges, `dismiss` keeps apart."""
    return of.read(lambda user: _page(user.duplicates(status=status, as_of=as_of), limit, cursor))


@router.post(
    "/conflicts/{conflict_id}/resolution",
    operation_id="resolve_conflict",
    response_model=wire.Conflict,
    dependencies=needs("write"),
    summary="Decide a conflict or a pair of duplicates as a person",
)
def resolve_conflict(of: OfUser, conflict_id: ConflictId, body: bodies.Resolution) -> Conflict:
    """The conflict keeps the reason; `undo` takes the last decision back; the same again is harmless."""
    return of.user.resolve(conflict_id, **given(body))


@router.post(
    "/conflicts/resolution",
    operation_id="resolve_conflicts",
    response_model=list[wire.Decision],  # type: ignore[valid-type]
    dependencies=needs("write"),
    summary="Merge what surely says the same, and decide what can be decided",
)
def resolve_conflicts(
    of: OfUser, body: Annotated[bodies.Nothing | None, Body()] = None, dry_run: DryRun = False
) -> Sequence[Decision]:
    """The rest is named, to be asked about. Run again, it decides nothing more, and names the same."""
    del body  # it was checked to say nothing
    of.sequence()
    return of.user.resolve_conflicts(dry_run=dry_run)


def _page(found: list[Conflict], limit: int, cursor: str | None) -> Page[Conflict]:
    """Cut a page out of a list by the time of the last change, then by id."""
    ordered = sorted(found, key=_place)
    if cursor is not None:
        at, _, id = cursor.partition("~")
        if not (at.isascii() and at.isdigit() and len(at) <= 18):
            raise InvalidInputError("cursor", "must be one that a page of this list gave")
        ordered = [one for one in ordered if _place(one) > (int(at), id)]
    page = ordered[:limit]
    return Page(tuple(page), "{}~{}".format(*_place(page[-1])) if len(ordered) > limit else None)


def _place(conflict: Conflict) -> tuple[int, str]:
    return to_us(conflict.recorded_at), conflict.id
