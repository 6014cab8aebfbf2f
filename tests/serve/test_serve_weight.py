"""Bodies that are small on the wire and would be gigabytes in memory."""

import gzip
from pathlib import Path

import pytest
from evaluate.spans import both
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from serve.bodies import GZIP, JSON, PROTOBUF, metrics, traces
from support.serve import running_serve

from shadow_mw.serve import weight
from shadow_mw.serve.refusals import TooLargeError

MANY = 4_000_000
TRACES, METRICS = ExportTraceServiceRequest.DESCRIPTOR, ExportMetricsServiceRequest.DESCRIPTOR


def varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def inside(inner, *numbers):
    """A field of that number within the one before."""
    for number in reversed(numbers):
        inner = varint(number << 3 | 2) + varint(len(inner)) + inner
    return inner


HOSTILE = {
    "resources": b"\x0a\x00" * MANY,
    "tags that are longer than they need": b"\x8a\x80\x00\x00" * MANY,
    "attributes": inside(b"\x4a\x00" * MANY, 1, 2, 2),
    "spans with a kind": inside(b"\x12\x02\x30\x01" * (MANY // 2), 1, 2),
    "values in a list": inside(b"\x0a\x00" * MANY, 1, 2, 2, 9, 2, 5),
    "keys of an entity": inside(b"\x1a\x00" * (5 * MANY), 1, 1, 3),
}


def peak(serve):
    """MB of memory at most, so far."""
    status = Path(f"/proc/{serve.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_none_of_them_costs_the_service_its_memory(tmp_path):
    with running_serve(tmp_path) as serve:
        before = peak(serve)
        for name, body in HOSTILE.items():
            data = gzip.compress(body, 1)
            response = serve.client.post("/v1/traces", content=data, headers=PROTOBUF | GZIP)
            assert response.status_code == 413, name
            assert b"too many elements" in response.content
        data = gzip.compress(b'{"resourceSpans":[' + b"{}," * 5_000_000 + b"{}]}", 1)
        response = serve.client.post("/v1/traces", content=data, headers=JSON | GZIP)
        assert response.status_code == 413
        # The body itself, once as it came and once joined, and no more.
        assert peak(serve) - before < 200
        good = traces(*both("p1")).SerializeToString()
        assert serve.client.post("/v1/traces", content=good, headers=PROTOBUF).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x00" * MANY,
        # Counts of a histogram's buckets, one byte each: packed, and one by one.
        inside(b"\x01" * 40_000_000, 1, 2, 2, 10, 1, 8, 2),
        inside(b"\x10\x01" * 40_000_000, 1, 2, 2, 10, 1, 8),
    ],
)
def test_metrics_are_weighed_too(body):
    with pytest.raises(TooLargeError):
        weight.check_protobuf(body, METRICS)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_weighed_without_a_fault_and_below_the_quick_bound(body):
    for kind in (TRACES, METRICS):
        assert weight._walked(body, weight.shape(kind)) <= weight.at_most(body, kind)


def test_what_is_sent_in_earnest_is_far_below():
    spans = [one for n in range(300) for one in both(f"p{n}", "word " * 400, {"a": [1, 2]})]
    body = traces(*spans).SerializeToString()
    weighed = weight._walked(body, weight.shape(TRACES))
    assert 0 < weighed < 3 * len(body)
    weight.check_protobuf(body * 10, TRACES)
    weight.check_protobuf(metrics({"captured": 1}).SerializeToString(), METRICS)


def test_every_element_counts_at_every_depth():
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    lists = span.attributes.add(key="a").value.kvlist_value.values.add(key="b").value.array_value
    lists.values.extend(AnyValue(int_value=n) for n in range(10_000))
    body = request.SerializeToString()
    assert weight._walked(body, weight.shape(TRACES)) > 10_000 * weight.OBJECT
