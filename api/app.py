"""The HTTP application, put together: `create_app`. Nothing happens at import, and opening waits for the lifespan."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match

from beliefgraph import __version__
from beliefgraph.api import openapi, problems
from beliefgraph.api.calls import NotModified
from beliefgraph.api.edge import Edge, Gate, Keys
from beliefgraph.api.limits import Limits
from beliefgraph.api.metrics import Metrics
from beliefgraph.api.pages import Pages
from beliefgraph.api.problems import ProblemError, answer, problem_of, unreadable
from beliefgraph.api.routes import ROUTERS
from beliefgraph.api.running import Service
from beliefgraph.api.tracing import Tracing
from beliefgraph.bootstrap import BeliefGraph
from beliefgraph.graph.errors import BeliefGraphError, InvalidInputError, NotFoundError
from beliefgraph.ingest.bank import Bank, load_bank
from beliefgraph.ingest.validation import complaint

EXPOSED = ("ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def create_app(
    open_graph: Callable[[], BeliefGraph],
    *,
    keys: Keys | None = None,
    limits: Limits | None = None,
    tenant: str = "default",
    cors_origins: Sequence[str] = (),
    tracing: Tracing | None = None,
    bank: Bank | None = None,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """Make the application. Its lifespan opens the store with `open_graph`, and closes it.

    Without `keys`, and while they are not needed, it answers this machine alone, as `tenant`; who serves it must listen
    on loopback. `now` is the time in seconds that ETags go by. `bank` has the questions to get to know users by; None:
    those that ship.
    """
    limits, metrics = limits or Limits(), Metrics(__version__)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = limits.threads
        graph = await anyio.to_thread.run_sync(open_graph)
        service = app.state.service = Service(graph=graph, limits=limits, metrics=metrics)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(service.load_models)
                tasks.start_soon(service.count_conflicts)
                yield
                tasks.cancel_scope.cancel()
        finally:
            await anyio.to_thread.run_sync(graph.close)
            if tracing is not None:
                await anyio.to_thread.run_sync(tracing.close)

    silent: dict[str, Any] = {"telemetry": {"tracing": False, "metrics": False, "logs": False}}
    app = FastAPI(
        title="beliefgraph",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,  # it has a route as every page has, and so a name in the metrics
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        **silent,  # newer versions of FastAPI would put paths, and with them ids of users, into traces
    )
    app.state.now = now
    app.state.bank = load_bank(bank)
    gate = Gate(keys=keys, tenant=tenant, origins=tuple(cors_origins))
    app.state.pages = Pages(version=__version__, guarded=gate.guarded, limits=limits)
    for router in ROUTERS:
        app.include_router(router)
    openapi.complete(app)
    _handle_errors(app)
    app.add_middleware(Edge, gate=gate, limits=limits, metrics=metrics, tracing=tracing)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "X-Request-ID",
            ],
            expose_headers=list(EXPOSED),
        )
    return app


def _handle_errors(app: FastAPI) -> None:
    """Answer every error with its problem."""

    def respond(request: Request, problem: ProblemError, error: Exception) -> Response:
        request.state.exchange.failed(problem.kind, error)
        return answer(problem, request.state.request_id)

    @app.exception_handler(BeliefGraphError)
    async def of_library(request: Request, error: BeliefGraphError) -> Response:
        problem = problem_of(error)
        if isinstance(error, NotFoundError) and "as_of" in request.query_params:
            problem.detail = f"{problem.detail} at that time"
        return respond(request, problem, error)

    @app.exception_handler(ProblemError)
    async def of_service(request: Request, error: ProblemError) -> Response:
        return respond(request, error, error)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _of_validation(request, error), error)

    @app.exception_handler(HTTPException)
    async def of_framework(request: Request, error: HTTPException) -> Response:
        return respond(request, _of_framework(request, error), error)

    @app.exception_handler(NotModified)
    async def not_modified(_: Request, found: NotModified) -> Response:
        return Response(status_code=304, headers={"ETag": found.tag})


def _of_validation(request: Request, error: RequestValidationError) -> ProblemError:
    """Return the problem that a request does not have the shape of its route."""
    body = request.scope["route"].body_field
    record = None if body is None else body.field_info.annotation
    found = [_named(one, record) for one in error.errors()]
    if any(kind == "json_invalid" for kind, _ in found):
        return ProblemError(problems.MALFORMED_BODY)
    if any(kind == "model_attributes_type" for kind, _ in found) and not _is_json(request):
        return ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, "Send it as application/json.")
    first = problem_of(found[0][1])
    if len(found) > 1:
        first.members["errors"] = [{"field": one.field, "expected": one.expected} for _, one in found]
    return first


def _named(one: dict[str, Any], record: Any) -> tuple[str, InvalidInputError]:
    """Return a complaint of the validation, and it as the library words it; `record` is the type of the body."""
    found = complaint(one, skip=1, record=record)
    if one["type"].startswith("datetime_") and one["loc"][0] == "query" and " " in one["input"]:
        wanted = "must have its + written as %2B: in an address, + is a blank"
        return one["type"], InvalidInputError(found.field, wanted)
    return one["type"], found.renamed("body") if found.field in ("line", "input") else found


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _of_framework(request: Request, error: HTTPException) -> ProblemError:
    """Return the problem that the framework found."""
    carried = getattr(error, "problem", None)
    if isinstance(carried, ProblemError):
        return carried
    if error.status_code == 405:
        return ProblemError(problems.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(_methods(request))})
    if error.status_code == 404:
        return ProblemError(problems.UNKNOWN_ROUTE)
    return unreadable(error.__cause__) if error.status_code == 400 else ProblemError(problems.INTERNAL)


def _methods(request: Request) -> list[str]:
    """Return the methods that the routes of an address have."""
    found: set[str] = set()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found |= {method, "HEAD"} if method == "GET" else {method}
    return sorted(found)
