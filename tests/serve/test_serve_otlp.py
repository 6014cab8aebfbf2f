"""Reading OTLP: protobuf and JSON say the same, and nothing that is sent can do harm."""

import contextlib
import gzip
import json
import math

import pytest
from evaluate.spans import both
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from serve.bodies import as_json, metrics, traces

from shadow_mw import semconv
from shadow_mw.evaluate.pipeline import Evaluator
from shadow_mw.prices import PriceTable
from shadow_mw.records import Reading
from shadow_mw.serve.intake import gunzip
from shadow_mw.serve.otlp import JSON, PROTOBUF, read_readings, read_spans
from shadow_mw.serve.refusals import MalformedError
from shadow_mw.serve.screen import screen
from shadow_mw.types import Role

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.one_of(
    texts.map(lambda v: AnyValue(string_value=v)),
    st.booleans().map(lambda v: AnyValue(bool_value=v)),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: AnyValue(int_value=v)),
    st.floats().map(lambda v: AnyValue(double_value=v)),
    st.binary(max_size=6).map(lambda v: AnyValue(bytes_value=v)),
    st.just(AnyValue()),
)


def lists_of(inner):
    return st.lists(inner, max_size=3).map(lambda v: AnyValue(array_value={"values": v}))


def tables_of(inner):
    return st.dictionaries(texts, inner, max_size=3).map(
        lambda v: AnyValue(kvlist_value={"values": pairs(v)})
    )


def pairs(table):
    return [KeyValue(key=key, value=value) for key, value in table.items()]


WORDS = sorted(v for k, v in vars(semconv).items() if k.isupper() and isinstance(v, str))


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory):
    one = Evaluator.open(tmp_path_factory.mktemp("store") / "shadow.db", PriceTable())
    yield one
    one.shutdown()


values = st.recursive(scalars, lambda inner: lists_of(inner) | tables_of(inner), max_leaves=6)
times = st.integers(0, 2**64 - 1)
spans = st.builds(
    Span,
    trace_id=st.binary(min_size=16, max_size=16) | st.binary(max_size=20),
    span_id=st.binary(min_size=8, max_size=8) | st.just(b""),
    parent_span_id=st.binary(min_size=8, max_size=8),
    name=texts,
    kind=st.sampled_from(Span.SpanKind.values()),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=st.dictionaries(texts, values, max_size=4).map(pairs),
    status=st.sampled_from(Status.StatusCode.values()).map(lambda v: Status(code=v)),
    events=st.lists(texts.map(lambda v: Span.Event(name=v)), max_size=1),
    links=st.lists(st.binary(max_size=16).map(lambda v: Span.Link(trace_id=v)), max_size=1),
)
requests = st.lists(st.tuples(texts, st.lists(spans, max_size=3)), max_size=2).map(
    lambda scopes: ExportTraceServiceRequest(
        resource_spans=[
            {"scope_spans": [{"scope": {"name": name}, "spans": some} for name, some in scopes]}
        ]
    )
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(requests, st.booleans())
def test_both_encodings_of_a_message_are_read_alike(request, numbers):
    binary = read_spans(request.SerializeToString(), PROTOBUF)
    text = read_spans(as_json(request, numbers=numbers), JSON)
    # A NaN equals nothing, itself least of all.
    assert repr(text) == repr(binary)
    assert len(binary) == sum(len(s.spans) for s in request.resource_spans[0].scope_spans)


@quick
@given(st.binary(max_size=300), st.sampled_from([PROTOBUF, JSON]))
def test_any_bytes_are_read_or_malformed(body, kind):
    for read in (read_spans, read_readings):
        with contextlib.suppress(MalformedError):
            assert isinstance(read(body, kind), list)


NAMES = (
    *("resourceSpans", "scopeSpans", "spans", "scope", "name", "traceId", "spanId", "status"),
    *("attributes", "key", "value", "code", "intValue", "arrayValue", "values", "kind"),
    *("startTimeUnixNano", "resourceMetrics", "scopeMetrics", "metrics", "sum", "gauge"),
    *("dataPoints", "asInt", "asDouble"),
)
ours = st.dictionaries(
    st.sampled_from([*WORDS, *WORDS, "another"]),
    st.sampled_from(list(Role)).map(lambda v: AnyValue(string_value=v)) | values,
    min_size=2,
    max_size=12,
)


@quick
@given(
    st.lists(st.tuples(spans, ours), max_size=4),
    st.sampled_from(["shadow_mw", ""]),
    st.lists(st.sampled_from(list(Role)), max_size=4),
)
def test_the_evaluator_stores_whatever_is_let_through(evaluator, found, scope, roles):
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add(scope={"name": scope}).spans
    for span, attributes in found:
        role = {semconv.ROLE: AnyValue(string_value=roles[0])} if roles else {}
        made.add().CopyFrom(span)
        made[-1].attributes.extend(pairs(attributes | role))
    screened = screen(read_spans(request.SerializeToString(), PROTOBUF))
    assert len(screened.legs) + screened.rejected.total() <= len(found)
    assert evaluator.ingest(screened.legs)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=25,
)


@quick
@given(documents, requests, st.data())
def test_json_of_any_shape_is_read_or_malformed(document, request, data):
    """A good message too, of which one value is something else."""
    good = json.loads(as_json(request))
    where = good
    while isinstance(where, dict | list) and where:
        keys = list(where) if isinstance(where, dict) else list(range(len(where)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(where[key], dict | list):
            where[key] = document
            break
        where = where[key]
    for body in (document, good):
        for read in (read_spans, read_readings):
            with contextlib.suppress(MalformedError):
                assert isinstance(read(json.dumps(body).encode(), JSON), list)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"resourceSpans": ' * 50_000,
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [null]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": -1}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}',
    ],
)
def test_what_is_no_export_in_json_is_malformed(body):
    with pytest.raises(MalformedError, match="not an OTLP Export") as caught:
        read_spans(body, JSON)
    assert "\n" not in str(caught.value)


def test_an_id_that_is_no_hex_is_none_and_leaves_the_others_alone():
    request = json.loads(as_json(traces(*both())))
    first, second = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    first["traceId"] = "not hex"
    second["traceId"] = second["traceId"].upper()
    read = read_spans(json.dumps(request).encode(), JSON)
    assert read[0].trace_id == ""
    assert read[1].trace_id == second["traceId"].lower()


def test_a_value_may_have_a_name_of_ours():
    body = {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {"spans": [{"attributes": [{"key": "a", "value": {"stringValue": "events"}}]}]}
                ]
            }
        ]
    }
    assert read_spans(json.dumps(body).encode(), JSON)[0].attributes == {"a": "events"}


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_the_numbers_of_a_process_are_read(kind):
    request = metrics({"mirrored": 7, "timeout": 2}, spend=1.5, window_end=1.8e9)
    body = request.SerializeToString() if kind == PROTOBUF else as_json(request)
    assert read_readings(body, kind) == [
        Reading(
            "e",
            "c",
            "runner:h",
            {"mirrored": 7, "timeout": 2},
            {"spend_usd": 1.5, "window_end": 1.8e9},
        )
    ]


def test_other_metrics_and_points_without_names_are_nothing_to_us():
    request = metrics({"mirrored": 1}, experiment="")
    scope = request.resource_metrics[0].scope_metrics[0]
    scope.metrics.add(name="http.server.duration").histogram.data_points.add(count=3)
    scope.metrics.add(name="shadow.spend").sum.data_points.add(as_double=1)
    assert read_readings(request.SerializeToString(), PROTOBUF) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -3.0, 1e300])
def test_odd_numbers_stay_numbers_that_a_store_holds(value):
    request = metrics(spend=value)
    [reading] = read_readings(request.SerializeToString(), PROTOBUF)
    assert 0 <= reading.values["spend_usd"] <= 2**53


def test_an_empty_message_is_an_export_of_nothing():
    assert read_spans(b"", PROTOBUF) == read_spans(b"{}", JSON) == []
    assert read_readings(ExportMetricsServiceRequest().SerializeToString(), PROTOBUF) == []


def test_empty_gzip_members_do_not_hold_up_the_writer() -> None:
    with pytest.raises(MalformedError, match="members"):
        gunzip(gzip.compress(b"") * 100_000)
