"""The description of the service (OpenAPI), completed: who may call what, and every problem of every route.

What the routes say of themselves is not repeated here; what follows from their method, address and parameters is.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from beliefgraph.api import bodies, problems
from beliefgraph.api.calls import Needs
from beliefgraph.api.problems import MEDIA_TYPE, Kind
from beliefgraph.wire.describe import Said, envelope, example_of

Operation = dict[str, Any]
_OF_NOBODY = ("believe", "personalize", "send_events", "next_question", "answer_questions", "get_consent")
"""What can be asked of a user of whom nothing is held."""
_ABOUT = """\
Beliefs about the users of your product, the responses that they generated, and the signals that users gave: every
signal is traced to the beliefs behind the response, interpreted, and moves them at once.

Send `Authorization: Bearer KEY`; the key decides the tenant, and an id of another tenant does not exist. A server
without keys answers its own machine alone. Times are ISO 8601 with a timezone.
"""
_TAGS = {
    "users": "The users of the tenant.",
    "beliefs": "What is believed of a user, how sure we are, and why.",
    "responses": "What the product answered, and the beliefs behind it.",
    "signals": "What the user did, what it was taken for, and what it moved.",
    "provenance": "Where records come from, what came of them, what changed and what would be otherwise.",
    "choosing": "Which beliefs the next response should use.",
    "conflicts": "Beliefs that cannot both be true, and beliefs that say the same.",
    "onboarding": "Questions that are worth asking a user, and her answers.",
    "learning": "Which signals reach the model, and how much better it foresees them.",
    "events": "Imports.",
    "service": "The service about itself. No key is needed.",
}

Fault = envelope(
    "Fault",
    "One field that cannot be accepted.",
    field=(str, Said("The field.", "confidence")),
    expected=(str, Said("What would be right.", "must be less than or equal to 0.999")),
)
_EVERY = {
    "type": Said("Names the kind of problem for good.", problems.INVALID_INPUT.type),
    "title": Said("The kind in words.", problems.INVALID_INPUT.title),
    "status": Said("The HTTP status.", 422),
    "detail": Said("What is wrong this time.", "confidence: must be less than or equal to 0.999 (got 2)"),
    "request_id": Said("Find it in the log; the same as the header X-Request-ID.", "7f9c1c1e6f0e4f62"),
}
_SOME = {
    "field": Said("The field, parameter or header at fault.", "confidence"),
    "expected": Said("What would be right there.", "must be less than or equal to 0.999"),
    "got": Said("What was given, where it can be shown.", "2"),
    "what": Said("What there is none of: `user`, `belief`, `response`, `signal`, `conflict`.", "belief"),
    "id": Said("The id that names nothing, or something else.", "b1"),
    "scope": Said("The scope that the key lacks.", "write"),
    "expected_seq": Said("The number of the last record that the caller knew of.", 41),
    "seq": Said("The number of the user's last record.", 42),
}


def complete(app: FastAPI) -> None:
    """Let the application describe itself completely; nothing is made before it is asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's way to replace it


def _completed(app: FastAPI) -> dict[str, Any]:
    tags = [{"name": name, "description": description} for name, description in _TAGS.items()]
    found = get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=app.routes, tags=tags
    )
    schemas = found["components"]["schemas"]
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    schemas["Problem"] = _problem_schema()
    template = "#/components/schemas/{model}"
    _, lines = models_json_schema([(line, "validation") for line in bodies.LINES], ref_template=template)
    schemas.update(lines["$defs"])
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of `beliefgraph keys create`."}
    }
    scopes = {route.operation_id: _scope(route) for route in _routes(app.routes)}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation, scopes[operation["operationId"]])
            _describe_answers(operation, schemas)
    return found


def _routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Yield the routes that are described, those of routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from _routes(router.routes)


def _scope(route: APIRoute) -> str | None:
    needed = [one.dependency.scope for one in route.dependencies if isinstance(one.dependency, Needs)]
    return needed[0] if needed else None


def _complete(path: str, method: str, operation: Operation, scope: str | None) -> None:
    """Add to an operation what its route does not say itself."""
    if scope is not None:
        operation["security"] = [{"key": [scope]}]
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scope}`.".strip()
    responses = operation["responses"]
    responses.pop("422", None)
    if method == "get" and "{user_id}" in path:
        _complete_read(operation)
    if "201" in responses:
        responses["201"]["headers"] = {
            "Location": _header("Where it can be read.", "/v1/users/ada/beliefs/b1")
        }
    by_status: dict[int, list[Kind]] = {}
    for kind in _problems(path, method, operation, guarded=scope is not None):
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(by_status.items()):
        responses[str(status)] = _problem_response(kinds)


def _describe_answers(operation: Operation, schemas: dict[str, Any]) -> None:
    """Say of an answer that no route describes what its model says of itself."""
    for response in operation["responses"].values():
        if response["description"] == "Successful Response":
            schema = response["content"]["application/json"]["schema"]
            name = schema.get("items", schema)["$ref"].rpartition("/")[2]
            response["description"] = schemas[name]["description"].partition("\n")[0]


def _complete_read(operation: Operation) -> None:
    """Say that reads of a user carry the ETag of her self-model."""
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "The ETag of an earlier answer: while it is right, the answer is 304 without a body.",
            "schema": {"type": "string", "examples": ['W/"41-490896"']},
        }
    )
    tag = _header(
        "Changes with every record of this user, and every hour, because confidences fade.", 'W/"41-490896"'
    )
    operation["responses"]["200"]["headers"] = {"ETag": tag}
    operation["responses"]["304"] = {"description": "What you have is still right.", "headers": {"ETag": tag}}


def _header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "examples": [example]}}


def _problems(path: str, method: str, operation: Operation, *, guarded: bool) -> Iterator[Kind]:
    """Yield every kind of problem that an operation can answer."""
    yield from (problems.MALFORMED_REQUEST, problems.INTERNAL, problems.OVERLOADED)
    if path == "/health/ready":
        yield from (problems.STARTING, problems.STORE_UNAVAILABLE, problems.MODEL_UNAVAILABLE)
    if not guarded:
        return
    yield from (problems.UNAUTHORIZED, problems.FORBIDDEN, problems.FOREIGN_HOST)
    yield from (problems.TOO_MANY_REQUESTS, problems.INVALID_INPUT, problems.KEYS_UNAVAILABLE)
    yield from (problems.STORE_UNAVAILABLE, problems.STORE_VERSION, problems.STORE_DAMAGED)
    name = operation["operationId"]
    if "{user_id}" in path and name not in _OF_NOBODY:
        yield problems.NOT_FOUND
    if "requestBody" in operation:
        yield from (problems.MALFORMED_BODY, problems.UNSUPPORTED_MEDIA_TYPE, problems.BODY_TOO_LARGE)
        yield problems.REQUEST_TIMEOUT
        yield problems.MODEL_UNAVAILABLE
    headers = [one["name"] for one in operation.get("parameters", []) if one["in"] == "header"]
    if "Idempotency-Key" in headers or name == "answer_questions":  # two at a time, with different answers
        yield problems.DUPLICATE_ID
    if "If-Match" in headers:
        yield problems.CHANGED
    if name in ("signal", "what_if"):
        yield problems.UNKNOWN_SIGNAL_KIND


def _problem_response(kinds: list[Kind]) -> dict[str, Any]:
    headers = {}
    if any(kind.retry_after_s is not None or kind is problems.TOO_MANY_REQUESTS for kind in kinds):
        headers["Retry-After"] = _header("Seconds to wait before the next try.", "5")
    if any(kind is problems.UNAUTHORIZED for kind in kinds):
        headers["WWW-Authenticate"] = _header("How to authenticate.", 'Bearer realm="beliefgraph"')
    examples = {
        kind.name: {
            "summary": kind.title,
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.detail or "…",
                "request_id": "7f9c1c1e6f0e4f62",
            },
        }
        for kind in kinds
    }
    return {
        "description": "; ".join(f"{kind.title} (`{kind.name}`)" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        **({"headers": headers} if headers else {}),
    }


def _problem_schema() -> dict[str, Any]:
    """Return the schema of a problem document (RFC 9457)."""
    kinds = {"type": "string", "enum": sorted(kind.type for kind in problems.KINDS)}
    properties = {name: _property(said) for name, said in {**_EVERY, **_SOME}.items()}
    properties["type"].update(kinds)
    fault = Fault.model_json_schema()
    properties["errors"] = {
        "type": "array",
        "items": fault,
        "description": "Every field at fault, where there are several.",
        "examples": [[example_of(Fault)]],
    }
    return {
        "title": "Problem",
        "description": "What went wrong (RFC 9457).",
        "type": "object",
        "required": list(_EVERY),
        "properties": properties,
    }


def _property(said: Said) -> dict[str, Any]:
    kind = "integer" if isinstance(said.example, int) else "string"
    return {"type": kind, "description": said.meaning, "examples": [said.example]}
