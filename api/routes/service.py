"""The service about itself: is it alive, is it ready, what does it count, which version."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from beliefgraph import __version__
from beliefgraph.api.pages import Pages, base_of
from beliefgraph.api.problems import ProblemError
from beliefgraph.api.running import Service
from beliefgraph.wire import records as wire

router = APIRouter(tags=["service"])


@router.get(
    "/health/live", operation_id="is_live", response_model=wire.Health, summary="Is the process alive?"
)
async def is_live() -> dict[str, str]:
    """Answers without touching the store."""
    return {"status": "live"}


@router.get("/health/ready", operation_id="is_ready", response_model=wire.Health, summary="Can it answer?")
def is_ready(request: Request) -> dict[str, str]:
    """Asks the store something, once the models are loaded."""
    service: Service = request.app.state.service
    if service.wanting is not None:
        raise ProblemError(service.wanting)
    next(service.graph.users(), None)
    return {"status": "ready"}


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    summary="Read the metrics of this process, for Prometheus",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The metrics."}
    },
)
def get_metrics(request: Request) -> Response:
    """Counts only: no tenant, no user, no text."""
    exposed = request.app.state.service.metrics.exposed()
    return Response(exposed, media_type="text/plain; version=1.0.0; charset=utf-8")


@router.get("/version", operation_id="get_version", response_model=wire.Version, summary="Read the version")
async def get_version() -> dict[str, str]:
    """The version of the package."""
    return {"version": __version__}


@router.get("/", include_in_schema=False)
def index(request: Request) -> HTMLResponse:
    """Say where to go."""
    pages: Pages = request.app.state.pages
    return HTMLResponse(pages.index(_base(request)), headers=pages.headers)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Show the whole interface."""
    pages: Pages = request.app.state.pages
    parameters = request.app.state.service.graph.parameters
    page = pages.docs(_base(request), request.app.openapi(), parameters)
    return HTMLResponse(page, headers=pages.headers)


@router.get("/openapi.json", include_in_schema=False)
def described(request: Request) -> JSONResponse:
    """Show the whole interface to programs."""
    return JSONResponse(request.app.openapi())


def _base(request: Request) -> str:
    return base_of(request.url.scheme, request.headers.get("host", ""))
