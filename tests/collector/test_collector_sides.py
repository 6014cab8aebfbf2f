"""What goes where, and that it goes there once, unchanged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from collector.conftest import TOKEN, Chain
from support.lab import until
from support.otelcol import series
from support.otlp_traffic import MARK, OURS, Made, pair, send_log, send_metric

SERVER = {"http.route": "/checkout", "shadow.pair.id": "p1", "shadow.experiment.id": "exp"}


def mixed(trace: str) -> tuple[list[Made], list[Made]]:
    """One request as an instrumented app and the runner send it: the app's spans, and ours."""
    server = Made("POST /checkout", trace, state="vendor=1", attributes=SERVER)
    app = [
        server,
        Made("chat gpt", kind=3, scope="openai", attributes={"gen_ai.request.model": "g"}),
        Made("POST", kind=3, scope="httpx", error=True, attributes={"http.status_code": 503}),
        Made("SELECT", kind=3, scope="db", attributes={"db.rows": 7, "secret": b"\x00\x01"}),
    ]
    app[1:] = [span.under(server) for span in app[1:]]
    return app, pair("p1", server)


def test_each_span_is_on_its_side_once(chain: Chain, trace: str) -> None:
    app, ours = mixed(trace)
    chain.send(app[0], ours[0], app[1], app[2], ours[1], app[3])
    chain.barrier()
    names = sorted(span.name for span in chain.at_primary(trace))
    assert names == sorted(span.name for span in app)
    names = sorted(span.name for span in chain.at_evaluator(trace))
    assert names == ["p1 candidate", "p1 primary"]


def test_production_is_unchanged(chain: Chain, trace: str) -> None:
    app, ours = mixed(trace)
    chain.send(*app, *ours)
    chain.barrier()
    came = {span.name: span for span in chain.at_primary(trace)}
    for sent in app:
        span = came[sent.name]
        assert span.attributes == sent.attributes
        assert (span.span_id, span.parent_id, span.kind) == (sent.id, sent.parent, sent.kind)
        assert (span.trace_state, span.scope, span.error) == (sent.state, sent.scope, sent.error)
        assert span.resource == sent.resource


def test_legs_arrive_whole_and_without_the_mark(chain: Chain, trace: str) -> None:
    app, (primary, candidate) = mixed(trace)
    chain.send(*app, replace(primary, state=f"a=1,shadow={MARK}"), candidate)
    chain.barrier()
    came = {span.name: span for span in chain.at_evaluator(trace)}
    for sent in (primary, candidate):
        span = came[sent.name]
        expected = {k: v for k, v in sent.attributes.items() if k != "shadow.mark"}
        assert span.attributes == expected
        assert (span.span_id, span.trace_state, span.scope) == (sent.id, "", OURS)
        assert span.resource == sent.resource
    assert came[primary.name].parent_id == "", "its parent is not on this side"
    assert came[candidate.name].parent_id == primary.id


def test_evaluator_gets_the_token_and_production_never_the_mark(chain: Chain, trace: str) -> None:
    app, ours = mixed(trace)
    chain.send(*app, *ours)
    chain.barrier()
    assert chain.evaluator.headers[-1]["authorization"] == f"Bearer {TOKEN}"
    for one in (*chain.primary.spans, *chain.evaluator.spans):
        assert MARK not in str(one)


def test_credentials_are_masked_and_nothing_else(chain: Chain, trace: str) -> None:
    content = (
        '{"text": "mail ann@example.com, risk-management-framework,'
        ' key sk-proj-abcdefghijklmnop0123",'
        ' "auth": "Bearer abcdefghijklmnop.qrst", "n": 12345678901234567890}'
    )
    (primary, candidate) = pair("p2", Made("root", trace), content=content)
    secret = {**candidate.attributes, "http.request.header.authorization": ["hunter2-hunter2"]}
    chain.send(primary, replace(candidate, attributes=secret))
    chain.barrier()
    came = {span.name: span.attributes for span in chain.at_evaluator(trace)}
    masked = content.replace("sk-proj-abcdefghijklmnop0123", "****")
    masked = masked.replace("Bearer abcdefghijklmnop.qrst", "****")
    assert came["p2 primary"]["shadow.request"] == masked
    assert came["p2 candidate"]["gen_ai.output.messages"] == masked
    assert "hunter2" not in str(came["p2 candidate"])
    assert came["p2 primary"]["gen_ai.usage.input_tokens"] == 12
    assert not [key for values in came.values() for key in values if key.startswith("redaction")]


def test_span_metrics_are_productions(chain: Chain, trace: str) -> None:
    def calls() -> dict[str, float]:
        found = series(chain.collector.span_metrics)
        return {name: n for name, n in found.items() if "_calls" in name and "barrier" not in name}

    app, ours = mixed(trace)
    candidates_own = Made("llm_request", trace, state=f"shadow={MARK}", scope="vllm")
    before = calls()
    chain.send(*app, *ours, candidates_own)
    chain.barrier()
    for _ in range(2):  # what a barrier's own flush brings is complete
        chain.barrier()
    after = {name: n - before.get(name, 0) for name, n in calls().items()}
    grown = [name for name, n in after.items() if n]
    assert len(grown) == len(app), grown
    assert not [name for name in calls() if "p1 " in name or "llm_request" in name or OURS in name]


def test_scores_are_not_sent_back_to_whom_they_come_from(chain: Chain, trace: str) -> None:
    judge = {"shadow.mark": MARK, "shadow.role": "judge"}
    chain.send(Made("evaluate cand", trace, scope=OURS, attributes=judge))
    chain.barrier()
    assert chain.at_primary(trace) == chain.at_evaluator(trace) == []


def test_metrics(chain: Chain, trace: str) -> None:
    base = chain.collector.otlp_http
    right, wrong = {"shadow.mark": MARK, "t": trace}, {"shadow.mark": "no", "t": trace}
    assert send_metric(base, "shadow.funnel", [right, wrong, {"t": trace}]) == 200
    assert send_metric(base, "shadow.forged", [{"t": trace}]) == 200
    forged = {"t": trace, "shadow.role": "candidate", "shadow.mark": ""}
    assert send_metric(base, "http.server.duration", [{"t": trace}, forged]) == 200
    # Another signal waits in a queue of its own.
    assert send_metric(base, "last", [{"t": trace}]) == 200
    assert send_metric(base, "last", [right]) == 200

    def points(at: str) -> list[tuple[str, dict[str, str]]]:
        sink = chain.primary if at == "primary" else chain.evaluator
        return [(p.metric, p.attributes) for p in sink.points if p.attributes.get("t") == trace]

    for at in ("primary", "evaluator"):
        until(lambda at=at: "last" in [name for name, _ in points(at)], f"{at} has the last point")
    assert points("evaluator") == [("shadow.funnel", {"t": trace}), ("last", {"t": trace})]
    assert [p for p in points("primary") if p[0] != "last"] == [
        ("http.server.duration", {"t": trace}),
        ("http.server.duration", forged),
    ]


@pytest.mark.parametrize("leaves", [True, False])
def test_logs(chain: Chain, trace: str, leaves: bool) -> None:
    base = chain.collector.otlp_http
    if leaves:
        attributes = {"shadow.role": "judge", "shadow.mark": MARK, "t": trace}
        assert send_log(base, "a score", OURS, attributes) == 200
        assert send_log(base, "another", "any", attributes) == 200
        assert send_log(base, "no mark", OURS, {"gen_ai.evaluation.name": "x", "t": trace}) == 200
    forged = {"shadow.role": "judge", "shadow.mark": "no", "t": trace}
    assert send_log(base, "the app's", "app", forged) == 200
    until(lambda: [r for r in chain.primary.logs if r.attributes["t"] == trace], "a log arrives")
    came = [(r.body, r.attributes) for r in chain.primary.logs if r.attributes["t"] == trace]
    assert came == [("the app's", forged)]
