"""The exporter against the real collector: what it takes, what it refuses for good."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from support.lab import until
from support.otelcol import CONFIGS, running_collector
from support.otlp_sink import sink

from shadow_mw.runner.otlp import Otlp, OtlpSpans
from shadow_mw.settings import Settings

MARK = "mark-0123456789abcdef"
SMALL = "receivers: {otlp: {protocols: {http: {max_request_body_size: 65536}}}}"


def leg(role: str, content: str) -> ReadableSpan:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shadow_mw")
    span = tracer.start_span(role)
    span.set_attributes(
        {
            "shadow.role": role,
            "shadow.pair.id": "p",
            "shadow.mark": MARK,
            "shadow.request": content,
        }
    )
    span.end()
    return span


def test_a_pair_that_is_too_large_for_this_collector_arrives_without_content(tmp_path: Path):
    (tmp_path / "small.yaml").write_text(SMALL)
    with (
        sink() as production,
        sink() as evaluator,
        running_collector(
            tmp_path / "collector",
            [CONFIGS / "shadow.yaml", tmp_path / "small.yaml"],
            PRIMARY_OTLP_ENDPOINT=production.otlp_grpc,
            PRIMARY_OTLP_INSECURE="true",
            EVAL_OTLP_ENDPOINT=evaluator.otlp_http,
            SHADOW_MARK=MARK,
        ) as collector,
    ):
        settings = Settings(otlp_endpoint=collector.otlp_http, mark=MARK)
        exporter = OtlpSpans(Otlp(settings))
        assert exporter.export([leg("primary", "x" * 100_000)]) is SpanExportResult.SUCCESS
        assert exporter.export([leg("candidate", "small")]) is SpanExportResult.SUCCESS
        exporter.shutdown()

        until(lambda: evaluator.names() == ["candidate", "primary"], "both legs")
        assert production.names() == []
    legs = {span.name: span.attributes for span in evaluator.spans}
    assert legs["primary"]["shadow.content.truncated"] is True
    assert "shadow.request" not in legs["primary"]
    assert legs["candidate"]["shadow.request"] == "small"
    assert all("shadow.mark" not in attributes for attributes in legs.values())
