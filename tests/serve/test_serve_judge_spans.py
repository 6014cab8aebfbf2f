"""Scores all the way: app and runner, collector, evaluator, and back on the trace in Jaeger."""

import json
from contextlib import ExitStack

import pytest
from evaluate.spans import add_labels, messages
from support.lab import until
from support.otelcol import CONFIGS, running_collector, running_jaeger
from support.otlp_sink import sink
from support.otlp_traffic import MARK, OURS, Made, send
from support.serve import running_serve
from support.servers import free_port

from shadow_mw.version import __version__


def leg(role, parent, answer):
    attributes = {
        "shadow.role": role,
        "shadow.mark": MARK,
        "shadow.pair.id": "pair-1",
        "shadow.experiment.id": "exp",
        "shadow.outcome": "ok",
        "shadow.key": "invoice-17",
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": messages(json.dumps(answer)),
    }
    if role == "candidate":
        attributes["shadow.candidate.id"] = "small"
    ours = {"service.name": "shadow-mw"}
    made = Made(f"chat {role}", kind=3, scope=OURS, attributes=attributes, resource=ours)
    return made.under(parent)


@pytest.fixture
def chain(tmp_path):
    """Production's backend is a sink; shadow spans go to the evaluator and to Jaeger."""
    with ExitStack() as stack:
        production = stack.enter_context(sink())
        jaeger = stack.enter_context(running_jaeger(tmp_path / "jaeger"))
        # Once it was asked something it takes 10 s to end by itself; it has nothing to save.
        stack.callback(jaeger.kill)
        otlp = f"127.0.0.1:{free_port()}"
        (tmp_path / "serve").mkdir()
        serve = stack.enter_context(
            running_serve(
                tmp_path / "serve", SHADOW_MARK=MARK, SHADOW_SCORES_ENDPOINT=f"http://{otlp}"
            )
        )
        collector = stack.enter_context(
            running_collector(
                tmp_path / "collector",
                [CONFIGS / "shadow.yaml", CONFIGS / "tracing.yaml"],
                OTLP_HTTP_LISTEN=otlp,
                PRIMARY_OTLP_ENDPOINT=production.otlp_grpc,
                EVAL_OTLP_ENDPOINT=serve.url,
                SHADOW_TRACES_ENDPOINT=jaeger.otlp_grpc,
                SHADOW_MARK=MARK,
            )
        )
        yield collector, serve, jaeger, production


def judge_spans(jaeger, trace):
    spans = jaeger.trace(trace)
    return [span for span in spans if span.attributes.get("shadow.role") == "judge"]


def test_scores_come_back_on_the_pairs_trace_and_not_to_production(chain):
    collector, serve, jaeger, production = chain
    server = Made("POST /ask")
    primary = leg("primary", server, {"total": "9.00", "tax": None})
    candidate = leg("candidate", primary, {"total": "9.00", "tax": "DE1"})
    assert send(collector.otlp_http, [server, primary, candidate]) == 200

    (first,) = until(lambda: judge_spans(jaeger, server.trace), "a judge span is in Jaeger")
    add_labels(serve.store, ("invoice-17", {"total": "9.00", "tax": None}))
    second = until(
        lambda: [s for s in judge_spans(jaeger, server.trace) if s.span_id != first.span_id],
        "the truth changes the opinion",
    )[0]

    before = {event["gen_ai.evaluation.name"] for event in first.events}
    assert "shadow.exact_match" in before
    assert "shadow.null_hallucination" not in before
    assert second.name == "evaluate small"
    assert (second.trace_id, second.parent_id) == (server.trace, candidate.id)
    assert second.attributes["shadow.pair.id"] == "pair-1"
    assert second.attributes["shadow.evaluator.version"] == __version__
    assert "shadow.mark" not in second.attributes
    scores = {event["gen_ai.evaluation.name"]: event for event in second.events}
    assert {event["event"] for event in second.events} == {"gen_ai.evaluation.result"}
    hallucinated = scores["shadow.null_hallucination"]
    assert hallucinated["gen_ai.evaluation.score.value"] == 1.0
    assert hallucinated["gen_ai.evaluation.score.label"] == "fail"
    assert "tax" in hallucinated["gen_ai.evaluation.explanation"]
    assert scores["shadow.field_accuracy"]["gen_ai.evaluation.score.value"] == 0.5

    assert send(collector.otlp_http, [Made("last")]) == 200
    until(lambda: production.named("last"), "production has what was sent last")
    assert production.names() == ["POST /ask", "last"]
    assert production.logs == []


def test_jaeger_itself_takes_scores_as_spans_only(tmp_path):
    """Without a collector: its endpoint has no logs."""
    with (
        running_jaeger(tmp_path / "jaeger") as jaeger,
        running_serve(tmp_path, SHADOW_SCORES_ENDPOINT=jaeger.otlp_http) as serve,
    ):
        primary = leg("primary", Made("POST /ask"), {"total": "9.00"})
        candidate = leg("candidate", primary, {"total": "9.00"})
        assert send(serve.url, [primary, candidate]) == 200

        (span,) = until(lambda: judge_spans(jaeger, primary.trace), "a judge span is in Jaeger")

        assert span.parent_id == candidate.id
        until(lambda: "takes no logs (404)" in serve.log(), "serve says so")
        jaeger.kill()
