"""From the problem documents of a service (RFC 9457) back to the errors that the library raises."""

from ast import literal_eval
from collections.abc import Mapping
from typing import Any

from beliefgraph.graph.errors import (
    AccessDeniedError,
    BeliefGraphError,
    ChangedMeanwhileError,
    DuplicateIdError,
    IntegrityError,
    InvalidInputError,
    ModelUnavailableError,
    NotFoundError,
    ServiceError,
    StoreUnavailableError,
    StoreVersionError,
    UnknownSignalKindError,
)

PREFIX = "urn:beliefgraph:problem:"
MEDIA_TYPE = "application/problem+json"
PASSING = (
    *("overloaded", "starting", "store-unavailable", "keys-unavailable", "too-many-requests"),
    "request-timeout",
)
"""Problems that pass by themselves: the same request is worth sending again."""


def error_of(document: Mapping[str, Any], *, target: str, user_id: str | None) -> BeliefGraphError:
    """Return the error that a problem document stands for. `user_id` is whom was asked about."""
    name = str(document.get("type", "")).removeprefix(PREFIX)
    detail = str(document.get("detail", ""))
    match name, document:
        case "not-found", {"what": what, "id": id}:
            of_user = None if what == "user" else user_id
            found: BeliefGraphError = NotFoundError(what, id, user_id=of_user)
        case "duplicate-id", {"what": what, "id": id}:
            found = DuplicateIdError(what, id, by_key=document.get("field") == "Idempotency-Key")
        case "changed-meanwhile", {"expected_seq": expected, "seq": seq}:
            found = ChangedMeanwhileError(user_id or "", expected, seq)
        case "unknown-signal-kind", {"expected": str(expected), "got": str(got)}:
            known = expected.removeprefix("must be one of ").split(", ")
            found = UnknownSignalKindError(str(literal_eval(got)), known)
        case (("invalid-input" | "body-too-large"), _):
            field, right = document.get("field", "body"), document.get("expected", detail)
            found = InvalidInputError(str(field), str(right), got=document.get("got"))
        case (("unauthorized" | "forbidden" | "foreign-host"), _):
            found = AccessDeniedError(target, detail)
        case _:
            found = _of_the_service(name, detail, document, target)
    return found


def _of_the_service(name: str, detail: str, document: Mapping[str, Any], target: str) -> BeliefGraphError:
    if name in PASSING:
        return StoreUnavailableError(target, detail)
    if name == "model-unavailable":
        return ModelUnavailableError(detail)
    if name == "store-version":
        return StoreVersionError(target, detail)
    if name == "store-damaged":
        return IntegrityError(target, detail)
    return ServiceError(target, detail or "it gives no reason", request_id=document.get("request_id"))
