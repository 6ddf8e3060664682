"""Traces: a span of every request, within the caller's trace, without anything that a caller wrote."""

import logging
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from beliefgraph import BeliefGraph
from beliefgraph.api.tracing import Tracing, tracing_of
from tests.api.served import EXAMPLES, serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BELIEFS = "/v1/users/{user_id}/beliefs"


def test_a_span_of_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names method, route and status, is an error where we failed, and holds no id and no text."""
    kept = InMemorySpanExporter()
    with serving(tmp_path, tracing=Tracing("1.0", SimpleSpanProcessor(kept))) as api:
        at = "/v1/users/lovelace/beliefs"
        api.post(at, {"id": "b1", "statement": EXAMPLES}, traceparent=f"00-{TRACE}-{PARENT}-01")
        api.problem("GET", f"{at}/lovelaces-own", status=404)
        api.send("LOVELACE", at, status=405)
        monkeypatch.setattr(BeliefGraph, "for_tenant", lambda *_: 1 / 0)
        api.problem("GET", at, status=500)
    spans = kept.get_finished_spans()
    assert [
        (f"POST {BELIEFS}", 201, StatusCode.UNSET),
        (f"GET {BELIEFS}/{{belief_id}}", 404, StatusCode.UNSET),
        (f"_OTHER {BELIEFS}", 405, StatusCode.UNSET),
        (f"GET {BELIEFS}", 500, StatusCode.ERROR),
    ] == [(s.name, (s.attributes or {})["http.response.status_code"], s.status.status_code) for s in spans]
    first = spans[0]
    assert first.context is not None
    assert first.parent is not None
    assert (TRACE, PARENT) == (f"{first.context.trace_id:032x}", f"{first.parent.span_id:016x}")
    assert {SpanKind.SERVER} == {span.kind for span in spans}
    told = "".join(span.to_json() for span in spans).lower()
    assert "lovelace" not in told
    assert "runnable" not in told


def test_no_traces_unless_configured(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is made that nobody asked for; without the extra the log says what to install, and serving goes on."""
    assert tracing_of(wanted=False, version="1.0") is None
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with caplog.at_level(logging.WARNING, logger="beliefgraph.api"):
        assert tracing_of(wanted=True, version="1.0") is None
    (said,) = caplog.records
    assert "beliefgraph[otel]" in said.__dict__["fields"]["why"]
