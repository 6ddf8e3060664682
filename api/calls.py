"""What every route starts from: the caller's self-model, and the parameters that recur.

Dependencies are `async def` and do no input or output, so that a request costs one thread.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field

from beliefgraph.api.keys import Caller, Scope
from beliefgraph.api.problems import FORBIDDEN, ProblemError
from beliefgraph.api.running import Service
from beliefgraph.bootstrap import BeliefGraph
from beliefgraph.graph.errors import InvalidInputError, NotFoundError, UnknownSignalKindError
from beliefgraph.ingest.events import Identifier, Moment
from beliefgraph.ingest.parameters import MADE_ELSEWHERE
from beliefgraph.queries.pages import MAX_LIMIT
from beliefgraph.selfmodel import SelfModel

T = TypeVar("T")
_HOUR_S = 3600
_SEQUENCE = re.compile(r'(?:W/)?"(\d{1,18})(?:-\d+)?"')


class NotModified(Exception):
    """What the caller has is still right; `tag` names it."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        super().__init__(tag)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, and the store of that tenant."""

    service: Service
    caller: Caller
    request: Request
    response: Response

    @property
    def graph(self) -> BeliefGraph:
        """Return the store for the caller's tenant."""
        return self.service.graph.for_tenant(self.caller.tenant)


@dataclass(frozen=True, slots=True)
class UserCall:
    """One request about one user."""

    call: Call
    user: SelfModel

    def read(self, work: Callable[[SelfModel], T], *, of_nobody: bool = False) -> T:
        """Answer a question about a user of whom something is held, under the ETag of her self-model.

        Raises `NotFoundError` when nothing is (unless `of_nobody`: then the question makes sense all the same), and
        `NotModified` when the caller has the answer already. The tag is taken before the answer: should somebody
        write in between, the next question is answered anew.
        """
        sequence = self.user.sequence() if of_nobody else self.sequence()
        tag = _tag(sequence, self.call.request.app.state.now())
        wanted = self.call.request.headers.get("if-none-match", "")
        if wanted.strip() == "*" or tag in [one.strip() for one in wanted.split(",")]:
            raise NotModified(tag)
        self.call.response.headers["ETag"] = tag
        return work(self.user)

    def check_kind(self, kind: str | None) -> None:
        """Refuse a kind of signal that a route of its own makes. Raises `UnknownSignalKindError`."""
        if kind in MADE_ELSEWHERE:
            raise UnknownSignalKindError(kind, self.call.graph.parameters.sent)

    def created(self, kind: str, id: str) -> None:
        """Say where a record that was made can be read."""
        place = "/".join(quote(part, safe="") for part in (self.user.user_id, kind, id))
        self.call.response.headers["Location"] = f"/v1/users/{place}"

    def sequence(self) -> int:
        """Return the number of the user's last record. Raises `NotFoundError` when nothing is held."""
        sequence = self.user.sequence()
        if sequence == 0:
            raise NotFoundError("user", self.user.user_id)
        return sequence


def _tag(sequence: int, now: float) -> str:
    """Name a self-model: by its last record, and by the hour, because confidences fade while nothing is written."""
    return f'W/"{sequence}-{int(now // _HOUR_S)}"'


async def _call(request: Request, response: Response) -> Call:
    return Call(request.app.state.service, request.state.caller, request, response)


async def _user_call(
    call: Annotated[Call, Depends(_call)],
    user_id: Annotated[
        Identifier, Path(description="Your id of the user.", examples=["ada"], min_length=1, max_length=200)
    ],
) -> UserCall:
    return UserCall(call, call.graph.user(user_id))


OfTenant = Annotated[Call, Depends(_call)]
OfUser = Annotated[UserCall, Depends(_user_call)]


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: the scope that a route needs, and no parameters but its own."""

    scope: Scope

    async def __call__(self, request: Request) -> None:
        """Raise a problem when the key has not the scope, or a parameter is unknown, given twice or no UTF-8."""
        caller: Caller = request.state.caller
        if not caller.may(self.scope):
            raise ProblemError(
                FORBIDDEN,
                f"The key lacks the scope {self.scope}.",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.scope}"'},
                scope=self.scope,
            )
        for name, value in request.path_params.items():
            _check_unicode(name, value)
        if request.scope["query_string"]:
            _check_parameters(request)


def needs(scope: Scope) -> list[Any]:
    """Return the dependencies of a route that needs a scope."""
    return [Depends(Needs(scope))]


def _check_parameters(request: Request) -> None:
    known = [one.alias for one in request.scope["route"].dependant.query_params]  # no dependency adds any
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            wanted = f"there are {', '.join(sorted(known))}" if known else "this route has none"
            raise InvalidInputError(name[:80], f"is not a parameter of this route; {wanted}")
        if given.count(name) > 1:
            raise InvalidInputError(name, "must be given once")
    query = request.scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        _check_unicode(name, value)


def _check_unicode(name: str, value: str) -> None:
    """Refuse what stands in an address as bytes that are no UTF-8: decoded with replacements, several texts are one."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(name, "must be UTF-8, percent-encoded") from None


# Parameters that recur


def _true_or_false(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise ValueError("must be true or false")
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number, at least 1")
    return value


def id_in_path(what: str, example: str) -> Any:
    """Return the parameter that names a record in the path."""
    return Path(description=f"The id of the {what}.", examples=[example], min_length=1, max_length=200)


BeliefId = Annotated[Identifier, id_in_path("belief", "b1")]
ResponseId = Annotated[Identifier, id_in_path("response", "r1")]
SignalId = Annotated[Identifier, id_in_path("signal", "s1")]
ConflictId = Annotated[Identifier, id_in_path("conflict", "c_0f1e2d3c4b5a69788796a5b4")]
AsOf = Annotated[
    Moment | None,
    Query(
        description="Answer as it stood at this time, by what had been recorded (ISO 8601 with a timezone).",
        examples=["2026-03-01T12:00:00Z"],
    ),
]
Limit = Annotated[
    int,
    Field(ge=1, le=MAX_LIMIT),
    BeforeValidator(_whole),
    Query(description="At most so many on a page.", examples=[100]),
]
Count = Annotated[
    int,
    Field(ge=1, le=10**9),
    BeforeValidator(_whole),
    Query(description="Only users with at least so many interactions.", examples=[20]),
]
Cursor = Annotated[
    str | None,
    Query(
        description="The `cursor` that the page before gave.", examples=["41"], min_length=1, max_length=300
    ),
]
Flag = Annotated[bool, BeforeValidator(_true_or_false)]
DryRun = Annotated[Flag, Query(description="Work the outcome out and write nothing.", examples=[False])]
IdempotencyKey = Annotated[
    Identifier | None,
    Header(
        alias="Idempotency-Key",
        description="The same request with the same key is applied once and answered alike, for good; another content "
        "with it is a 409. It counts within one user and one kind of record. A body with an id of its own is "
        "identified by that id, and the key is not looked at.",
        examples=["7f9c1c1e-6f0e-4f62-a9a2-4f3f3a3f7b1d"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag of any read of this user: nothing is changed if anything was written since (412).",
        examples=['W/"41-490896"'],
        max_length=200,
    ),
]


def sequence_of(if_match: str | None) -> int | None:
    """Return the sequence number that an If-Match names. Raises `InvalidInputError`."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _SEQUENCE.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInputError(
            "If-Match", 'must be the ETag of a read of this user, as in W/"41-490896", or *'
        )
    return int(found[1])


def given(body: BaseModel) -> dict[str, Any]:
    """Return what a body says, without what it leaves open."""
    return {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}


def same_time(in_query: datetime | None, in_body: datetime | None) -> datetime | None:
    """Return the `as_of` of a question, which may stand in its body or its address. Raises `InvalidInputError`."""
    if in_query is not None and in_body is not None and in_query != in_body:
        raise InvalidInputError("as_of", "must not be given twice with different times")
    return in_query or in_body
