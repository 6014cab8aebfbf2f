"""The rules of OTLP/HTTP, by raw requests to a running service."""

import gzip
import json
import socket

import pytest
from evaluate.spans import both, leg
from google.protobuf.json_format import Parse
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from serve.bodies import GZIP, JSON, PROTOBUF, as_json, metrics, noise, traces, zipped
from support.serve import Serve, running_serve

from shadow_mw.serve import intake, otlp

PATHS = ("/v1/traces", "/v1/metrics")


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    with running_serve(tmp_path_factory.mktemp("serve")) as one:
        yield one


def post(serve: Serve, body: bytes, *headers, path="/v1/traces"):
    merged = {name: value for table in headers for name, value in table.items()}
    return serve.client.post(path, content=body, headers=merged)


def status_of(response):
    """The `google.rpc.Status` of a refusal, in the content type of the request."""
    if response.headers["content-type"] == JSON["content-type"]:
        return Parse(response.text, Status())
    assert response.headers["content-type"] == PROTOBUF["content-type"]
    return Status.FromString(response.content)


@pytest.mark.parametrize(
    ("encode", "headers"),
    [
        (lambda message: message.SerializeToString(), [PROTOBUF]),
        (zipped, [PROTOBUF, GZIP]),
        (as_json, [JSON]),
        (lambda message: gzip.compress(as_json(message, numbers=True)), [JSON, GZIP]),
        (lambda m: m.SerializeToString(), [{"content-type": "application/x-protobuf; a=b"}]),
        (as_json, [{"content-type": "Application/JSON; charset=utf-8"}]),
        (lambda m: m.SerializeToString(), [PROTOBUF, {"content-encoding": "identity"}]),
    ],
)
def test_every_encoding_is_taken_and_answered_in_kind(serve, encode, headers, request):
    name = f"pair-{request.node.callspec.id}"
    response = post(serve, encode(traces(*both(name))), *headers)
    assert response.status_code == 200
    kind = headers[0]["content-type"].partition(";")[0].lower()
    assert response.headers["content-type"] == kind
    if kind == "application/json":
        assert Parse(response.text, ExportTraceServiceResponse()) == ExportTraceServiceResponse()
    else:
        assert response.content == b""
    assert serve.pair(name)["paired"]


def test_metrics_are_taken_too(serve):
    for body, headers in (
        (metrics({"mirrored": 4}, source="runner:1"), [PROTOBUF]),
        (metrics({"mirrored": 2}, source="runner:1"), [PROTOBUF]),
    ):
        response = post(serve, body.SerializeToString(), *headers, path="/v1/metrics")
        assert response.status_code == 200
        assert response.content == ExportMetricsServiceResponse().SerializeToString()
    assert serve.summary(experiment="e").funnel.mirrored == 4


def test_spans_that_cannot_be_used_are_rejected_by_number_and_the_others_kept(serve):
    nobody = leg("primary", "rejected", shadow__role=None)
    other_role = leg("primary", "rejected", shadow__role="control")
    judge = leg("primary", "rejected", shadow__role="judge")
    server = leg("candidate", None)  # of a candidate's server: the role, and no pair
    no_pair = leg("candidate", None)
    no_ids = leg("primary", "rejected")
    export = traces(*both("kept"), nobody, other_role, judge, server, no_pair, no_ids)
    spans = export.resource_spans[0].scope_spans[0].spans
    ours = export.resource_spans[0].scope_spans.add(scope={"name": "shadow_mw"})
    ours.spans.append(spans[6])
    spans[7].trace_id = bytes(16)
    del spans[6]

    response = post(serve, export.SerializeToString(), PROTOBUF)
    assert response.status_code == 200
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert partial.rejected_spans == 4
    for fault in (
        "1: no shadow.role",
        "1: shadow.role is none of primary, candidate, judge",
        "1: a leg without shadow.pair.id",
        "1: a leg without valid trace and span ids",
    ):
        assert fault in partial.error_message
    in_json = post(serve, as_json(export), JSON).json()["partialSuccess"]
    assert in_json == {"rejectedSpans": "4", "errorMessage": partial.error_message}
    assert serve.pair("kept")["paired"]
    assert serve.pair("rejected") is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff\xff", [PROTOBUF]),
        (b"{", [JSON]),
        (b"[]", [JSON]),
        (b"no gzip", [PROTOBUF, GZIP]),
        (gzip.compress(b"\xff" * 9), [PROTOBUF, GZIP]),
        (gzip.compress(b"{}")[:-3], [JSON, GZIP]),
        (b"", [PROTOBUF, GZIP]),
        (b"", [JSON]),
    ],
)
def test_a_malformed_body_is_a_400_that_says_why(serve, path, body, headers):
    response = post(serve, body, *headers, path=path)
    assert response.status_code == 400
    status = status_of(response)
    assert status.code == 3
    assert "not" in status.message
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {},
        {"content-type": "application/grpc"},
        PROTOBUF | {"content-encoding": "zstd"},
        PROTOBUF | {"content-encoding": "gzip, gzip"},
    ],
)
def test_what_is_not_read_here_is_a_415(serve, headers):
    response = post(serve, b"{}", headers)
    assert response.status_code == 415
    assert "accepted" in status_of(response).message


def test_a_body_too_large_as_sent_is_a_413_before_it_is_read(serve):
    with socket.create_connection(("127.0.0.1", serve.client.base_url.port)) as client:
        client.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n"
            b"content-length: %d\r\n\r\n" % (intake.MAX_BODY + 1)
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_cut_off_at_the_limit(serve):
    def chunks():
        for _ in range(intake.MAX_BODY // 2**20 + 1):
            yield bytes(2**20)

    response = serve.client.post("/v1/traces", content=chunks(), headers=PROTOBUF)
    assert response.status_code == 413
    assert "smaller batches" in status_of(response).message


def test_a_body_too_large_once_decompressed_is_a_413(serve):
    bomb = gzip.compress(bytes(intake.MAX_DECODED + 1), 9)
    assert len(bomb) < 2**20
    assert post(serve, bomb, PROTOBUF, GZIP).status_code == 413
    members = gzip.compress(bytes(8 * 2**20)) * 9
    assert post(serve, members, PROTOBUF, GZIP).status_code == 413
    assert post(serve, gzip.compress(b"") * 17, PROTOBUF, GZIP).status_code == 400
    assert serve.process.poll() is None


def test_more_json_or_more_spans_than_one_request_may_have_are_a_413(serve):
    text = gzip.compress(b'{"a": "' + bytes(b" " * intake.MAX_JSON) + b'"}', 1)
    assert post(serve, text, JSON, GZIP).status_code == 413
    empty = ExportTraceServiceRequest()
    empty.resource_spans.add().scope_spans.add().spans.extend([Span()] * (otlp.MAX_SPANS + 1))
    response = post(serve, empty.SerializeToString(), PROTOBUF)
    assert response.status_code == 413
    assert "spans" in status_of(response).message


def test_several_gzip_members_are_one_body(serve):
    body = traces(*both("members")).SerializeToString()
    parts = gzip.compress(body[:100]) + gzip.compress(body[100:])
    assert post(serve, parts, PROTOBUF, GZIP).status_code == 200
    assert serve.pair("members")["paired"]


def test_other_methods_and_paths_are_none(serve):
    assert serve.client.get("/v1/traces").status_code == 405
    assert serve.client.post("/v1/logs", content=b"").status_code == 404
    assert serve.client.get("/index.html").status_code == 404


def test_a_sender_that_goes_away_half_way_leaves_nothing_behind(serve):
    with socket.create_connection(("127.0.0.1", serve.client.base_url.port)) as client:
        client.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n"
            b"content-length: 100000\r\n\r\n" + noise(50_000)
        )
    assert post(serve, b"", PROTOBUF).status_code == 200
    assert serve.metrics()["shadow_ingest_waiting_bytes"] == 0
    assert "Traceback" not in serve.log()


def test_a_pair_is_found_by_its_id(serve):
    name = "pair/with a ?"
    primary, candidate = both(name)
    assert serve.client.get("/v1/pairs/pair%2Fwith%20a%20%3F").status_code == 404
    post(serve, traces(candidate).SerializeToString(), PROTOBUF)
    state = serve.client.get("/v1/pairs/pair%2Fwith%20a%20%3F").json()
    assert state == {
        "pair_id": name,
        "experiment": "e",
        "trace_id": f"{candidate.context.trace_id:032x}",
        "legs": ["candidate"],
        "paired": False,
    }
    post(serve, traces(primary).SerializeToString(), PROTOBUF)
    state = serve.client.get("/v1/pairs/pair%2Fwith%20a%20%3F").json()
    assert state["legs"] == ["primary", "candidate"]
    assert state["paired"]


def test_what_is_refused_is_counted(serve):
    before = serve.metrics()
    post(serve, b"{", JSON)
    post(serve, b"", {"content-type": "text/plain"})
    post(serve, json.dumps({}).encode(), JSON)
    after = serve.metrics()
    for status in (400, 415):
        name = f'shadow_ingest_refused_requests_total{{status="{status}"}}'
        assert after[name] == before.get(name, 0) + 1
