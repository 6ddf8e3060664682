"""Traces of requests (OpenTelemetry), when the standard OTEL_* settings name an exporter and the extra `otel` is there.

A span names the method, the template of the route and the status; no address, no id of a user, no text.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

_LOG = logging.getLogger("beliefgraph.api")


class Span(Protocol):
    """One request in a trace."""

    def end(self, *, method: str, route: str, status: int, request_id: str, error: str | None) -> None:
        """Say how the request ended."""
        ...


class Tracing:
    """Makes spans of requests and hands them to an exporter. `processor` None: OTLP, as OTEL_* say."""

    def __init__(self, version: str, processor: Any = None) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        if processor is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processor = BatchSpanProcessor(OTLPSpanExporter())
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "beliefgraph"}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("beliefgraph", version)

    def start(self, headers: Mapping[str, str]) -> Span:
        """Begin the span of a request, within the caller's trace if the headers name one."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract(dict(headers))
        return _Request(self._tracer.start_span("request", context=context, kind=SpanKind.SERVER))

    def close(self) -> None:
        """Hand over what is left."""
        self._provider.shutdown()


class _Request:
    def __init__(self, span: Any) -> None:
        self._span = span

    def end(self, *, method: str, route: str, status: int, request_id: str, error: str | None) -> None:
        """Say how the request ended."""
        from opentelemetry.trace import StatusCode

        self._span.update_name(f"{method} {route}")
        self._span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "beliefgraph.request_id": request_id,
            }
        )
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
            self._span.set_attribute("error.type", error or str(status))
        self._span.end()


def tracing_of(*, wanted: bool, version: str) -> Tracing | None:
    """Return what traces requests if that is wanted; says so in the log when the extra is missing."""
    if not wanted:
        return None
    with suppress(ImportError):
        return Tracing(version)
    _LOG.warning(
        "no traces", extra={"fields": {"why": "OTEL_* name an exporter; pip install 'beliefgraph[otel]'"}}
    )
    return None
