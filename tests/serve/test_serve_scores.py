"""Scores over real HTTP: what arrives, what is sent again, and what a backend may refuse."""

import json
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from evaluate.spans import PRICES, both, leg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from serve.scores_endpoint import scores_endpoint, values
from support.waiting import until

from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.checks.run import Checks
from shadow_mw.evaluate.judgement import Judgement
from shadow_mw.evaluate.pipeline import Evaluator, Store
from shadow_mw.evaluate.store.unsent_scores import UnsentScores
from shadow_mw.scores import PairScores, Score
from shadow_mw.serve import scores
from shadow_mw.serve.scores import Publisher, publish_until
from shadow_mw.version import __version__

MARK = "mark-of-this-deployment"
PAIR = PairScores(
    experiment="e",
    candidate_id="small",
    pair_id="p1",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="00f067aa0ba902b7",
    time_ns=1_790_000_000_000_000_000,
    scores=(
        Score("shadow.exact_match", 0.0, "fail", None),
        Score("shadow.null_hallucination", 0.5, "fail", "1 of 2 labelled fields hallucinated"),
    ),
)


@pytest.fixture
def endpoint():
    with scores_endpoint() as server:
        yield server


@contextmanager
def publisher_to(url, **more):
    one = Publisher(url, **more)
    try:
        yield one
    finally:
        one.close()


def test_a_pair_becomes_one_judge_span_under_the_candidates(endpoint):
    with publisher_to(endpoint.url, mark=MARK) as publisher:
        assert publisher.publish([PAIR])

    (span,) = endpoint.spans
    assert span.name == "evaluate small"
    assert span.kind == span.SPAN_KIND_INTERNAL
    assert span.trace_id.hex() == PAIR.trace_id
    assert span.parent_span_id.hex() == PAIR.span_id
    assert span.span_id.hex() not in (PAIR.span_id, "0" * 16)
    assert span.end_time_unix_nano == PAIR.time_ns
    said = values(span.attributes)
    assert said.pop("shadow.evaluation.time") == pytest.approx(time.time(), abs=30)
    assert said == {
        "shadow.role": "judge",
        "shadow.pair.id": "p1",
        "shadow.experiment.id": "e",
        "shadow.candidate.id": "small",
        "shadow.mark": MARK,
        "shadow.evaluator.name": "shadow_mw.checks",
        "shadow.evaluator.version": __version__,
    }
    assert [event.name for event in span.events] == ["gen_ai.evaluation.result"] * 2
    assert values(span.events[1].attributes) == {
        "gen_ai.evaluation.name": "shadow.null_hallucination",
        "gen_ai.evaluation.score.value": 0.5,
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": "1 of 2 labelled fields hallucinated",
        "shadow.evaluator.name": "shadow_mw.checks",
        "shadow.evaluator.version": __version__,
    }
    assert "gen_ai.evaluation.explanation" not in values(span.events[0].attributes)


def test_the_same_goes_out_as_log_records_in_the_context_of_the_candidates_span(endpoint):
    with publisher_to(endpoint.url, mark=MARK) as publisher:
        assert publisher.publish([PAIR])

    first, second = endpoint.records
    assert {r.event_name for r in (first, second)} == {"gen_ai.evaluation.result"}
    assert {(r.trace_id.hex(), r.span_id.hex()) for r in (first, second)} == {
        (PAIR.trace_id, PAIR.span_id)
    }
    said = values(second.attributes)
    assert said.pop("log.record.uid") != values(first.attributes)["log.record.uid"]
    assert said == {
        "shadow.role": "judge",
        "shadow.pair.id": "p1",
        "shadow.experiment.id": "e",
        "shadow.candidate.id": "small",
        "shadow.mark": MARK,
        "gen_ai.evaluation.name": "shadow.null_hallucination",
        "gen_ai.evaluation.score.value": 0.5,
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": "1 of 2 labelled fields hallucinated",
        "shadow.evaluator.name": "shadow_mw.checks",
        "shadow.evaluator.version": __version__,
    }


def test_what_is_sent_again_after_a_crash_has_the_same_ids(endpoint):
    for _ in range(2):  # two processes, as far as the endpoint can see
        with publisher_to(endpoint.url) as publisher:
            assert publisher.publish([PAIR])

    assert len(endpoint.spans) == 2
    assert len({span.span_id for span in endpoint.spans}) == 1
    assert len({values(r.attributes)["log.record.uid"] for r in endpoint.records}) == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(PAIR, pair_id="p2"),
        replace(PAIR, candidate_id="other"),
        replace(PAIR, experiment="f"),
        replace(PAIR, scores=PAIR.scores[:1]),
    ],
)
def test_another_pair_candidate_or_opinion_has_another_id(endpoint, other):
    with publisher_to(endpoint.url) as publisher:
        assert publisher.publish([PAIR, other])

    assert len({span.span_id for span in endpoint.spans}) == 2


def test_a_pair_without_scores_is_nothing_to_say(endpoint):
    with publisher_to(endpoint.url) as publisher:
        assert publisher.publish([replace(PAIR, scores=())])

    assert endpoint.headers == []


def test_the_token_goes_along(endpoint):
    with publisher_to(endpoint.url, token="secret") as publisher:
        assert publisher.publish([PAIR])

    assert {headers["authorization"] for headers in endpoint.headers} == {"Bearer secret"}


@pytest.mark.parametrize("status", [404, 405, 415, 501])
def test_a_backend_without_logs_still_gets_the_spans(endpoint, status, caplog):
    endpoint.status["/v1/logs"] = status
    with caplog.at_level(logging.INFO, "shadow_mw"), publisher_to(endpoint.url) as publisher:
        assert publisher.publish([PAIR])
        assert publisher.publish([PAIR])

    assert len(endpoint.spans) == 2
    assert len(endpoint.headers) == 3  # the logs were tried once
    assert [r.getMessage() for r in caplog.records if r.name == "shadow_mw"] == [
        f"{endpoint.url} takes no logs ({status}): scores go there as spans only"
    ]


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("status", [400, 401, 413, 429, 503, 302])
def test_what_is_refused_is_not_published_and_said_once(endpoint, path, status, caplog):
    endpoint.status[path] = status
    with publisher_to(endpoint.url) as publisher:
        assert not publisher.publish([PAIR])
        assert not publisher.publish([PAIR])
        endpoint.status.clear()
        assert publisher.publish([PAIR])

    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        f"scores to {endpoint.url}: {path}: status {status}"
    ]


def test_nobody_there_is_not_published(endpoint, caplog):
    with publisher_to("http://127.0.0.1:9") as publisher:
        assert not publisher.publish([PAIR])

    assert "scores to http://127.0.0.1:9: /v1/traces: ConnectError" in caplog.text


def test_a_partial_success_is_said_and_not_repeated(endpoint, caplog):
    endpoint.answer = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    ).SerializeToString()
    endpoint.status["/v1/logs"] = 404
    with publisher_to(endpoint.url) as publisher:
        assert publisher.publish([PAIR])

    assert "some spans were rejected: too old" in caplog.text


def test_an_answer_that_is_no_protobuf_is_an_answer(endpoint):
    endpoint.answer = b"<html>ok</html>"
    with publisher_to(endpoint.url) as publisher:
        assert publisher.publish([PAIR])


def test_half_a_surrogate_pair_of_a_model_stops_nothing(endpoint):
    odd = Score("shadow.field_accuracy", 0.0, "fail", "1 of 1: \ud83d (missed)")
    with publisher_to(endpoint.url) as publisher:
        assert publisher.publish([replace(PAIR, scores=(odd,))])

    (event,) = endpoint.spans[0].events
    assert values(event.attributes)["gen_ai.evaluation.explanation"] == "1 of 1: ? (missed)"


@contextmanager
def publishing(path, url):
    """The loop of `shadow-mw serve`, over a store of its own."""
    stop, publisher, store = threading.Event(), Publisher(url, MARK), Store.open(path)
    thread = threading.Thread(target=publish_until, args=(stop, UnsentScores(store), publisher))
    thread.start()
    try:
        yield store
    finally:
        stop.set()
        thread.join()
        publisher.close()
        store.close()


def test_the_loop_publishes_the_store_and_every_new_opinion(endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "INTERVAL", 0.01)
    path = tmp_path / "shadow.db"
    evaluator = Evaluator.open(path, PRICES)
    assert evaluator.export(both("p1", primary="yes", candidate="yes")).name == "SUCCESS"
    with publishing(path, endpoint.url):
        until(lambda: len(endpoint.records) == 1, "a score")
        assert evaluator.export(both("p2", primary="yes", candidate="no")).name == "SUCCESS"
        until(lambda: len(endpoint.records) == 3, "the others")
    evaluator.shutdown()

    labels = [values(r.attributes)["gen_ai.evaluation.score.label"] for r in endpoint.records]
    assert labels == ["pass", "fail", "negations"]
    with Store.open(path) as store:
        assert UnsentScores(store).unpublished(10) == []


def test_the_loop_loses_nothing_while_the_endpoint_refuses(endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "BACKOFF", (0.01,))
    monkeypatch.setattr(scores, "INTERVAL", 0.01)
    monkeypatch.setattr(scores, "BATCH", 4)
    endpoint.most = 1  # so small that only single pairs pass
    path = tmp_path / "shadow.db"
    evaluator = Evaluator.open(path, PRICES)
    for number in range(6):
        assert evaluator.export(both(f"p{number}")).name == "SUCCESS"
    evaluator.shutdown()
    with publishing(path, endpoint.url):
        until(lambda: len(endpoint.records) == 6, "the scores of both")

    assert len({span.span_id for span in endpoint.spans}) == 6
    assert max(endpoint.sizes) == 4


def published(endpoint, path, monkeypatch, *spans):
    """The events of the only pair, by name."""
    monkeypatch.setattr(scores, "INTERVAL", 0.01)
    evaluator = Evaluator.open(path, PRICES)
    assert evaluator.export(spans).name == "SUCCESS"
    evaluator.shutdown()
    with publishing(path, endpoint.url) as store:
        until(lambda: not UnsentScores(store).unpublished(1), "all are sent")
    found = [values(event.attributes) for span in endpoint.spans for event in span.events]
    return {
        event.pop("gen_ai.evaluation.name").removeprefix("shadow."): tuple(
            event.get(f"gen_ai.evaluation.{key}")
            for key in ("score.value", "score.label", "explanation")
        )
        for event in found
    }


def test_a_new_refusal_is_on_the_trace(endpoint, tmp_path, monkeypatch):
    legs = both("p1", "The shop opens at nine.", "I'm sorry, but I can't help with that.")
    assert published(endpoint, tmp_path / "shadow.db", monkeypatch, *legs) == {
        "exact_match": (0, "fail", None),
        "refusal": (1, "answered/refused", "new refusal"),
        "facts_differ": (1, "negations", None),
    }


def test_a_pair_that_nothing_is_wrong_with_says_no_more_than_before(
    endpoint, tmp_path, monkeypatch
):
    legs = both("p1", {"a": 1}, {"a": 1})
    assert published(endpoint, tmp_path / "shadow.db", monkeypatch, *legs) == {
        "exact_match": (1, "pass", None),
        "json_valid": (1, "pass", None),
    }


def test_every_verdict_of_a_bad_candidate_and_no_word_of_it(endpoint, tmp_path, monkeypatch):
    schema = {"type": "object", "required": ["total"]}
    request = {
        "messages": [{"role": "user", "content": "See [1] for the secret sum."}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
        "tools": [{"type": "function", "function": {"name": "find", "parameters": schema}}],
    }
    secret = "the secret [7] of 41 is {"
    legs = [
        leg(
            "primary",
            output="One secret, see [1]",
            tools=[("find", {"total": 1})],
            shadow__request=json.dumps(request),
            shadow__expects_json=True,
        ),
        leg(
            "candidate",
            output=secret,
            tools=[("find", {"totals": 1})],
            gen_ai__response__finish_reasons=["length"],
        ),
    ]
    found = published(endpoint, tmp_path / "shadow.db", monkeypatch, *legs)
    assert {name: label for name, (_, label, _) in found.items()} == {
        "exact_match": "fail",
        "json_valid": "pass",
        "truncated": "complete/truncated",
        "tool_calls": "breaks_schema",
        "invalid_tool_call": "valid/breaks_schema",
        "invalid_citation": "valid/invalid",
        "facts_differ": "numbers",
    }
    assert "secret" not in repr(endpoint.spans + endpoint.records)


def test_a_text_where_a_document_is_asked_for(endpoint, tmp_path, monkeypatch):
    schema = {"type": "object", "required": ["total"]}
    request = {
        "messages": [{"role": "user", "content": "The sum?"}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    }
    asked = {"shadow__request": json.dumps(request), "shadow__expects_json": True}
    legs = [leg("primary", output='{"total": 1}', **asked), leg("candidate", output="one {")]
    found = published(endpoint, tmp_path / "shadow.db", monkeypatch, *legs)
    assert {name: found[name][1] for name in ("json_valid", "json", "schema")} == {
        "json_valid": "fail",
        "json": "strict/invalid",
        "schema": "valid/not_json",
    }


def test_results_of_other_packages_stay_here(endpoint, tmp_path, monkeypatch):
    path = tmp_path / "shadow.db"
    Evaluator.open(path, PRICES).export(both())
    with Store.open(path) as store, store.transaction():
        own = [CheckResult("acme.said", 0.0, 1.0, "whatever somebody said")]
        store.save(1, Judgement(Checks(True), results=own))
    assert set(published(endpoint, path, monkeypatch)) == {"exact_match"}
