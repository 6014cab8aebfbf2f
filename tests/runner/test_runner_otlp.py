"""What goes to a collector, and what becomes of what it refuses: against a real HTTP endpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Status, StatusCode
from support.otlp_sink import Sink, sink
from support.servers import free_port

from shadow_mw.exceptions import ExportRefused
from shadow_mw.runner.figures import Figures
from shadow_mw.runner.otlp import MOST_BYTES, Otlp, OtlpFigures, OtlpSpans
from shadow_mw.runner.span_content import size_of, without_content
from shadow_mw.settings import Settings

MARK = "mark-0123456789abcdef"
MEGABYTE = 2**20
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def configured(url: str, **values: Any) -> Settings:
    return Settings(
        candidate_url="http://127.0.0.1:9/v1",
        candidate_model="cand",
        experiment="exp",
        otlp_endpoint=url,
        mark=MARK,
        **values,
    )


class Picky(Sink):
    """Refuses by rule: what the rule gives is the status."""

    def __init__(self) -> None:
        super().__init__()
        self.rule: Callable[[Any], int] = lambda _: 200

    def take(self, request: Any) -> int:
        status = self.rule(request)
        return super().take(request) if status == 200 else status


@pytest.fixture
def collector() -> Iterator[Picky]:
    one = Picky()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def otlp(collector: Picky) -> Iterator[Otlp]:
    one = Otlp(configured(collector.otlp_http))
    yield one
    one.close()


def span(name: str, pair: str = "p", content: str = "hello") -> ReadableSpan:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shadow_mw")
    made = tracer.start_span(name)
    made.set_attributes(
        {
            "shadow.role": "primary",
            "shadow.pair.id": pair,
            "shadow.mark": MARK,
            "shadow.request": content,
            "gen_ai.input.messages": content,
            "gen_ai.output.messages": "said",
            "gen_ai.system_instructions": "be",
            "gen_ai.usage.input_tokens": 3,
        }
    )
    made.set_status(Status(StatusCode.ERROR, "failed"))
    made.end()
    return made


def test_spans_arrive_with_the_token(collector: Picky):
    otlp = Otlp(configured(collector.otlp_http, otlp_token="t-1"))
    assert OtlpSpans(otlp).export([span("a"), span("b")]) is SUCCESS
    otlp.close()

    assert collector.names() == ["a", "b"]
    assert collector.headers[0]["authorization"] == "Bearer t-1"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"


def test_figures_arrive_as_absolute_metrics_with_their_mark(collector: Picky, otlp: Otlp):
    figures = [
        Figures("", "app:h:1:2", counts={"captured": 7, "not_sampled": 2}),
        Figures("cand", "runner:x", counts={"mirrored": 5}),
        Figures("cand", "runner:y", gauges={"spend_usd": 0.25, "budget_usd": 10.0}),
        Figures("", "runner:x", gauges={"window_end": 1.7e9, "pending_bytes": 4096.0}),
    ]
    assert OtlpFigures(otlp, configured(collector.otlp_http)).tell(figures)

    common = {"shadow.mark": MARK, "shadow.experiment.id": "exp"}
    assert all(common.items() <= point.attributes.items() for point in collector.points)
    assert {p.resource["service.name"] for p in collector.points} == {"shadow-mw"}
    assert {p.scope for p in collector.points} == {"shadow_mw"}
    assert {
        (
            p.metric,
            p.attributes["shadow.candidate.id"],
            p.attributes["shadow.source"],
            p.attributes.get("shadow.count"),
            p.value,
        )
        for p in collector.points
    } == {
        ("shadow.funnel", "", "app:h:1:2", "captured", 7),
        ("shadow.funnel", "", "app:h:1:2", "not_sampled", 2),
        ("shadow.funnel", "cand", "runner:x", "mirrored", 5),
        ("shadow.spend", "cand", "runner:y", None, 0.25),
        ("shadow.budget", "cand", "runner:y", None, 10.0),
        ("shadow.window.end", "", "runner:x", None, 1.7e9),
        ("shadow.pending", "", "runner:x", None, 4096.0),
    }


@pytest.mark.parametrize(
    ("status", "variable"),
    [
        (401, "SHADOW_OTLP_TOKEN"),
        (403, "SHADOW_OTLP_TOKEN"),
        (404, "SHADOW_OTLP_ENDPOINT"),
        (405, "SHADOW_OTLP_ENDPOINT"),
        (302, "SHADOW_OTLP_ENDPOINT"),
        (429, "it is behind"),
        (500, "it is behind"),
        (503, "it is behind"),
        # Said to an empty request too: the endpoint is wrong, not what was sent.
        (400, "SHADOW_OTLP_ENDPOINT"),
        (413, "SHADOW_OTLP_ENDPOINT"),
    ],
)
def test_what_an_operator_can_mend_is_sent_again_and_said_once(
    collector: Picky, otlp: Otlp, caplog: pytest.LogCaptureFixture, status: int, variable: str
):
    exporter = OtlpSpans(otlp)
    figures = OtlpFigures(otlp, configured(collector.otlp_http))
    collector.fail(status)

    for _ in range(3):
        assert exporter.export([span("a")]) is FAILURE
        assert not figures.tell([Figures("", "s", counts={"captured": 1})])

    lines = [r.message for r in caplog.records if r.name == "shadow_mw.runner"]
    assert len(lines) == 2, "one for spans, one for figures"
    assert all(str(status) in line and variable in line for line in lines)

    collector.work()
    assert exporter.export([span("a")]) is SUCCESS
    assert "takes our requests again" in caplog.records[-1].message


def test_a_collector_that_is_not_there_is_waited_for(
    otlp: Otlp, collector: Picky, caplog: pytest.LogCaptureFixture
):
    collector.stop()
    assert OtlpSpans(otlp).export([span("a")]) is FAILURE
    assert "cannot be reached" in caplog.text
    assert "SHADOW_OTLP_ENDPOINT" in caplog.text

    collector.start()
    assert OtlpSpans(otlp).export([span("a")]) is SUCCESS


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_pair_that_is_refused_for_what_it_is_goes_out_without_content(
    collector: Picky, otlp: Otlp, status: int
):
    collector.rule = lambda request: status if b"forbidden" in request.SerializeToString() else 200

    assert OtlpSpans(otlp).export([span("a", content="forbidden"), span("b")]) is SUCCESS

    assert collector.names() == ["a", "b"]
    for kept in collector.spans:
        assert kept.attributes["shadow.content.truncated"] is True
        assert "shadow.request" not in kept.attributes


def test_a_pair_that_is_refused_even_so_is_given_up(collector: Picky, otlp: Otlp):
    def spans_of(request: Any) -> int:
        return 400 if request.ByteSize() else 200

    collector.rule = spans_of

    with pytest.raises(ExportRefused, match="with 400"):
        OtlpSpans(otlp).export([span("a")])


def test_a_batch_that_is_refused_is_left_to_be_sent_pair_by_pair(collector: Picky, otlp: Otlp):
    collector.rule = lambda request: 413 if request.ByteSize() else 200

    with pytest.raises(ExportRefused):
        OtlpSpans(otlp).export([span("a", "p1"), span("b", "p2")])


def test_figures_that_are_refused_for_good_keep_nothing_waiting(collector: Picky, otlp: Otlp):
    collector.rule = lambda request: 400 if request.ByteSize() else 200

    figures = OtlpFigures(otlp, configured(collector.otlp_http))
    assert figures.tell([Figures("", "s", counts={"captured": 1})])


def test_requests_stay_below_what_a_collector_takes(collector: Picky, otlp: Otlp):
    large = "x" * (5 * MEGABYTE)
    legs = [span("primary", content=large), span("candidate", content=large)]

    assert OtlpSpans(otlp).export(legs) is SUCCESS

    assert collector.names() == ["candidate", "primary"]
    assert all(s.attributes["shadow.request"] == large for s in collector.spans), "nothing is lost"
    assert len(collector.sizes) == 2
    assert max(collector.sizes) < MOST_BYTES


def test_a_pair_that_no_request_holds_goes_out_marked_and_without_content(
    collector: Picky, otlp: Otlp
):
    # Content stands in a span twice; half of this would fit.
    legs = [span("primary", content="é" * (5 * MEGABYTE)), span("candidate")]

    assert OtlpSpans(otlp).export([*legs, span("other", pair="q")]) is SUCCESS

    seen = {s.name: s.attributes for s in collector.spans}
    assert seen["primary"]["shadow.content.truncated"] is True
    assert seen["candidate"]["shadow.content.truncated"] is True, "both legs, or none"
    assert "shadow.content.truncated" not in seen["other"]
    assert seen["other"]["shadow.request"] == "hello"


def test_a_record_without_content_is_the_same_otherwise():
    whole = span("a")
    bare = without_content(whole)

    assert bare.get_span_context() == whole.get_span_context()
    assert (bare.start_time, bare.end_time) == (whole.start_time, whole.end_time)
    assert bare.status.description == "failed"
    assert dict(bare.attributes or {}) == {
        "shadow.role": "primary",
        "shadow.pair.id": "p",
        "shadow.mark": MARK,
        "gen_ai.usage.input_tokens": 3,
        "shadow.content.truncated": True,
    }
    assert size_of(bare) < size_of(whole)


def test_nothing_listens_at_all(caplog: pytest.LogCaptureFixture):
    otlp = Otlp(configured(f"http://127.0.0.1:{free_port()}"))

    assert OtlpSpans(otlp).export([span("a")]) is FAILURE
    otlp.close()

    assert caplog.records[-1].levelno == logging.WARNING
    assert MARK not in caplog.text


def test_the_sink_itself_takes_an_empty_request():
    with sink() as one:
        otlp = Otlp(configured(one.otlp_http))
        assert otlp.send("/v1/traces", b"") == b""
        otlp.close()
