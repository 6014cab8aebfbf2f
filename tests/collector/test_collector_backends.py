"""Overlays, with real tracing backends: production clean in one Jaeger, pairs joined in another."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from collector.conftest import FAST, SHADOW, running_chain
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from support.json_server import Raw, json_server
from support.otelcol import CONFIGS, Jaeger, Otelcol, running_collector, running_jaeger, total
from support.otlp_sink import Sink, sink
from support.otlp_traffic import DIRECT, MARK, OURS, Made, pair, send, span_id, trace_id
from support.waiting import WAIT, until

TAIL = [*SHADOW, CONFIGS / "tail-sampling.yaml"]
TRACING = [*SHADOW, CONFIGS / "tracing.yaml", FAST]


def test_tail_sampling_is_productions_only(tmp_path: Path) -> None:
    env = {"SAMPLING_DECISION_WAIT": "300ms", "SAMPLING_PERCENTAGE": "0"}
    with running_chain(tmp_path, TAIL, **env) as chain:
        failed, fine, mirrored = Made("failed", error=True), Made("fine"), Made("mirrored")
        chain.send(failed, Made("below", kind=3).under(failed), fine)
        chain.send(mirrored, *pair("p1", mirrored))
        until(lambda: len(chain.evaluator.spans) == 2, "both legs arrive")
        until(lambda: len(chain.primary.spans) == 2, "the failed trace is kept")
        decided = "otelcol_processor_tail_sampling_global_count_traces_sampled"
        until(lambda: chain.collector.metric(decided) == 3, "all traces are decided")
        assert chain.primary.names() == ["below", "failed"]
        name = "traces_span_metrics_calls_total"
        until(lambda: total(chain.collector.span_metrics, name) == 4, "metrics are of all")


@dataclass
class Chain:
    collector: Otelcol
    evaluator: Sink
    production: Jaeger
    shadow: Jaeger


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    path = tmp_path_factory.mktemp("jaegers")
    with (
        running_jaeger(path / "production") as production,
        running_jaeger(path / "shadow") as shadow,
        sink() as evaluator,
        running_collector(
            path / "collector",
            TRACING,
            SHADOW_MARK=MARK,
            PRIMARY_OTLP_ENDPOINT=production.otlp_grpc,
            EVAL_OTLP_ENDPOINT=evaluator.otlp_http,
            SHADOW_TRACES_ENDPOINT=shadow.otlp_grpc,
        ) as collector,
    ):
        yield Chain(collector, evaluator, production, shadow)


def test_production_leads_to_the_pair(chain: Chain) -> None:
    app = Made("POST /checkout", attributes={"shadow.pair.id": "p7", "shadow.experiment.id": "exp"})
    primary, candidate = pair("p7", app)
    role = {"shadow.mark": MARK, "shadow.role": "judge", "shadow.pair.id": "p7"}
    judge = Made("evaluate cand", scope=OURS, attributes=role, resource=primary.resource)
    assert send(chain.collector.otlp_http, [app, primary, candidate, judge.under(candidate)]) == 200
    until(lambda: len(chain.shadow.trace(app.trace)) == 3, "the pair and its score are shown")
    until(lambda: chain.production.trace(app.trace), "production is shown")

    (seen,) = chain.production.trace(app.trace)
    assert (seen.name, seen.span_id) == (app.name, app.id)
    (found,) = {s.trace_id for s in chain.shadow.spans("shadow-mw", {"shadow.pair.id": "p7"})}
    assert found == app.trace
    spans = {span.name: span for span in chain.shadow.trace(found)}
    assert spans["p7 primary"].parent_id == ""
    assert spans["p7 candidate"].parent_id == primary.id
    assert spans["evaluate cand"].parent_id == candidate.id
    assert "shadow.mark" not in {key for span in spans.values() for key in span.attributes}
    assert "shadow-mw" not in chain.production.services()
    until(lambda: len(chain.evaluator.spans) == 2, "the evaluator has both legs")
    assert chain.evaluator.names() == ["p7 candidate", "p7 primary"], "and no score of its own"


def test_spans_of_a_candidates_own_server_leave_production(chain: Chain) -> None:
    """As vLLM's do, which takes traceparent and tracestate, and knows no baggage."""
    trace = trace_id()
    with model_server(chain.collector.otlp_http) as url:
        _call(url, f"00-{trace}-{span_id()}-01")
        _call(url, f"00-{trace}-{span_id()}-01", f"shadow={MARK}")
    until(lambda: len(chain.shadow.trace(trace)) == 2, "those of the candidate's call")
    until(lambda: len(chain.production.trace(trace)) == 2, "those of the app's call")
    for backend, role in ((chain.production, None), (chain.shadow, "candidate")):
        spans = backend.trace(trace)
        assert sorted(span.name for span in spans) == ["llm_request", "prefill"]
        assert {span.attributes.get("shadow.role") for span in spans} == {role}


@contextmanager
def model_server(endpoint: str) -> Iterator[str]:
    """A server with the OpenTelemetry SDK: a span for each request, under the caller's."""
    provider = TracerProvider(resource=Resource({"service.name": "vllm"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint + "/v1/traces")))
    tracer = provider.get_tracer("vllm.llm_engine")

    def reply(_: str, headers: dict[str, str], __: object) -> Raw:
        context = TraceContextTextMapPropagator().extract(headers)
        with (
            tracer.start_as_current_span("llm_request", context, SpanKind.SERVER),
            tracer.start_as_current_span("prefill"),
        ):
            return Raw(body={})

    with json_server(reply) as url:
        yield url
    provider.shutdown()


def _call(url: str, traceparent: str, tracestate: str | None = None) -> None:
    headers = {"traceparent": traceparent} | ({"tracestate": tracestate} if tracestate else {})
    DIRECT.open(urllib.request.Request(url, b"{}", headers), timeout=WAIT).close()
