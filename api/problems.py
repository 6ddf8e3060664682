"""Every error of the service: one table from what went wrong to a status and a problem document (RFC 9457).

The `type` of a problem is stable; titles and details may be worded better any time. A detail never holds a statement,
a comment, a key, or where the store is.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

from fastapi.responses import JSONResponse

from beliefgraph.graph import errors

TYPE_PREFIX = "urn:beliefgraph:problem:"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem. `detail` None: the error's own message is meant for the caller."""

    name: str
    status: int
    title: str
    detail: str | None = None
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The URI that names this kind for good."""
        return TYPE_PREFIX + self.name


INVALID_INPUT = Kind("invalid-input", 422, "A field cannot be accepted")
UNKNOWN_SIGNAL_KIND = Kind("unknown-signal-kind", 422, "No signal kind of this name")
DUPLICATE_ID = Kind("duplicate-id", 409, "The id or key was used for something else")
NOT_FOUND = Kind("not-found", 404, "There is no such thing")
CHANGED = Kind("changed-meanwhile", 412, "The self-model changed since it was read")
STORE_UNAVAILABLE = Kind(
    "store-unavailable",
    503,
    "The store cannot be used now",
    "Nothing is lost: what was acknowledged is recorded. Send the same request again, with the same Idempotency-Key.",
    retry_after_s=5,
)
STORE_VERSION = Kind(
    "store-version", 503, "The store does not fit this service", "The operator's log says what does not fit."
)
STORE_DAMAGED = Kind(
    "store-damaged",
    500,
    "What is stored contradicts itself",
    "The operator should run `beliefgraph verify`.",
)
MODEL_UNAVAILABLE = Kind(
    "model-unavailable",
    503,
    "No text can be understood now",
    "The embedding model cannot be loaded; requests without a text work.",
    retry_after_s=30,
)
UNKNOWN_ROUTE = Kind("unknown-route", 404, "There is no such route", "See /docs for the routes.")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "This route has no such method", "The header Allow names those that it has."
)
MALFORMED_BODY = Kind("malformed-body", 400, "The body is not JSON", "It must be one JSON value in UTF-8.")
UNSUPPORTED_MEDIA_TYPE = Kind("unsupported-media-type", 415, "The body is of another type")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
UNAUTHORIZED = Kind(
    "unauthorized",
    401,
    "A key is needed",
    "Send `Authorization: Bearer KEY` with a key that was not revoked.",
)
FORBIDDEN = Kind("forbidden", 403, "The key may not do this")
FOREIGN_HOST = Kind(
    "foreign-host",
    403,
    "Without keys only this machine is served",
    "The headers Host and Origin must name this machine; make a key with `beliefgraph keys create`.",
)
MALFORMED_REQUEST = Kind(
    "malformed-request",
    400,
    "That is no HTTP request",
    "Its head or its framing breaks the rules of HTTP/1.1.",
)
REQUEST_TIMEOUT = Kind(
    "request-timeout", 408, "The request did not come in time", "Nothing was done. Send it again, at once."
)
TOO_MANY_REQUESTS = Kind("too-many-requests", 429, "Too many requests with this key")
STARTING = Kind("starting", 503, "The models are being loaded", "Ask again.", retry_after_s=1)
OVERLOADED = Kind(
    "overloaded", 503, "Too many requests at once", "Send the same request again.", retry_after_s=1
)
KEYS_UNAVAILABLE = Kind(
    "keys-unavailable",
    503,
    "The keys cannot be read",
    "The operator's log says why.",
    retry_after_s=5,
)
INTERNAL = Kind(
    "internal-error",
    500,
    "Our mistake",
    "The log has the request id. If it was a write, send it again with the same Idempotency-Key.",
)

OF_ERROR: tuple[tuple[type[Exception], Kind], ...] = (
    (errors.DuplicateIdError, DUPLICATE_ID),
    (errors.UnknownSignalKindError, UNKNOWN_SIGNAL_KIND),
    (errors.InvalidInputError, INVALID_INPUT),
    (errors.NotFoundError, NOT_FOUND),
    (errors.ChangedMeanwhileError, CHANGED),
    (errors.StoreUnavailableError, STORE_UNAVAILABLE),
    (errors.StoreVersionError, STORE_VERSION),
    (errors.IntegrityError, STORE_DAMAGED),
    (errors.ModelUnavailableError, MODEL_UNAVAILABLE),
    (
        errors.AccessDeniedError,
        INTERNAL,
    ),  # of the client: a service that stands before another is our mistake
    (errors.NotServedError, INTERNAL),
    (errors.ServiceError, INTERNAL),
    (Exception, INTERNAL),
)
"""What the library raises, the narrower class first."""

KINDS = tuple(one for one in list(globals().values()) if isinstance(one, Kind))


_HEADERS = {"idempotency_key": "Idempotency-Key"}
"""What a caller over HTTP knows a field of the library by."""


class ProblemError(Exception):
    """A problem that the service itself finds; `members` are added to its document, `headers` to the answer."""

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.kind, self.detail, self.members = kind, detail or kind.detail, members
        self.headers = dict(headers or {})
        super().__init__(kind.name)


def problem_of(error: Exception) -> ProblemError:
    """Return the problem that an error of the library is."""
    if isinstance(error, ProblemError):
        return error
    kind = next(kind for known, kind in OF_ERROR if isinstance(error, known))
    told = _for_caller(error)
    return ProblemError(kind, str(told) if kind.detail is None else None, **dict(_members(error, told)))


def unreadable(error: BaseException | None) -> ProblemError:
    """Return the problem that a body could not be read as JSON: what is none, and what is more than anybody reads."""
    if isinstance(error, RecursionError):
        return problem_of(errors.InvalidInputError("body", "must not be nested so deeply"))
    if isinstance(error, ValueError) and not isinstance(error, JSONDecodeError | UnicodeDecodeError):
        most = sys.get_int_max_str_digits()
        return problem_of(
            errors.InvalidInputError("body", f"must hold no number of more than {most:,} digits")
        )
    return ProblemError(MALFORMED_BODY)


def _for_caller(error: Exception) -> Exception:
    """Return an error in the words of HTTP."""
    if isinstance(error, errors.InvalidInputError):
        return error.renamed(_HEADERS.get(error.field, error.field)).in_json()
    return error


def _members(error: Exception, told: Exception) -> Iterator[tuple[str, Any]]:
    """Yield what a program can use of an error: the field at fault and what would be right, or what is missing."""
    if isinstance(told, errors.InvalidInputError):
        yield "field", told.field
        yield "expected", told.expected
        if told.got is not None:
            yield "got", told.got
    if isinstance(error, errors.ChangedMeanwhileError):
        yield "expected_seq", error.expected_seq
        yield "seq", error.seq
    if isinstance(error, errors.NotFoundError | errors.DuplicateIdError):
        yield "what", error.what
        yield "id", error.id


def answer(problem: ProblemError, request_id: str) -> JSONResponse:
    """Return a problem as the service answers it."""
    kind, headers = problem.kind, dict(problem.headers)
    if kind.retry_after_s is not None:
        headers.setdefault("Retry-After", str(kind.retry_after_s))
    found = {**document(kind, request_id, problem.detail), **problem.members}
    return JSONResponse(found, kind.status, headers=headers, media_type=MEDIA_TYPE)


def document(kind: Kind, request_id: str, detail: str | None = None) -> dict[str, Any]:
    """Return a problem as JSON has it, without the members of this one."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.detail,
        "request_id": request_id,
    }
