"""What real OTLP exporters send arrives, pairs, and counts once."""

import json
import subprocess
import threading

import pytest
from evaluate.spans import both, leg
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.sdk.trace.export import SpanExportResult
from serve.bodies import JSON, PROTOBUF, as_json, exporter, send, traces
from support.serve import COMMAND, running_serve
from support.servers import clean_environ

TOKEN = "a-token-of-this-deployment"


@pytest.fixture
def serve(tmp_path):
    with running_serve(tmp_path) as one:
        yield one


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
def test_the_sdk_exporter_is_understood(serve, compression):
    spans = both("p1", '{"a": 1}', '{"a": 2}', ms=250)
    assert send(serve, *spans, compression=compression) is SpanExportResult.SUCCESS
    found = serve.summary()
    assert found.funnel.paired == 1
    assert found.metrics["latency_p50_ms"].primary == 250
    assert found.metrics["exact_match"].candidate == 0
    assert found.metrics["json_valid"].candidate == 1


def test_legs_in_any_order_and_requests_pair_and_a_resent_batch_changes_nothing(serve):
    one, two = both("p1"), both("p2", "x", "y")
    for spans in ([one[1]], [two[0]], [two[1], one[0]], one, two + one, [one[1]]):
        assert send(serve, *spans) is SpanExportResult.SUCCESS
    found = serve.summary()
    assert (found.funnel.captured, found.funnel.mirrored, found.funnel.paired) == (2, 2, 2)
    assert found.funnel.reasons == {}
    assert found.metrics["exact_match"].n == 2


def test_a_leg_that_is_alone_is_awaited(serve):
    send(serve, leg("candidate", "p1"))
    assert serve.summary().funnel.reasons == {"leg_awaited": 1}
    assert serve.metrics()['shadow_legs_awaited{candidate="c",experiment="e"}'] == 1


def test_many_senders_at_once(serve):
    batches = [both(f"p{number}") for number in range(40)]

    def work(some):
        one = exporter(serve)
        for spans in some:
            assert one.export(spans) is SpanExportResult.SUCCESS
        one.shutdown()

    threads = [threading.Thread(target=work, args=(batches[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert serve.summary().funnel.paired == 40


def test_a_token_is_required_everywhere_but_for_health(tmp_path):
    with running_serve(tmp_path, SHADOW_OTLP_TOKEN=TOKEN) as serve:
        assert send(serve, *both("p1"), token=TOKEN) is SpanExportResult.SUCCESS
        body = traces(*both("p2"))
        encoded = [(PROTOBUF, body.SerializeToString()), (JSON, as_json(body))]
        for given in (
            "",
            "Bearer",
            "Bearer no",
            f"Basic {TOKEN}",
            f"Bearer {TOKEN}x",
            "Bearer \xff",
        ):
            headers = {"authorization": given.encode("latin-1")}
            for kind, data in encoded:
                refused = serve.client.post("/v1/traces", content=data, headers=kind | headers)
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == 'Bearer realm="shadow-mw"'
                assert refused.headers["content-type"] == kind["content-type"]
            for path in ("/metrics", "/v1/pairs/p1"):
                assert serve.client.get(path, headers=headers).status_code == 401
            assert serve.client.post("/v1/metrics", headers=headers).status_code == 401
            assert serve.client.get("/healthz", headers=headers).status_code == 200
        scheme = {"authorization": f"bEARER {TOKEN}"}
        assert serve.client.get("/metrics", headers=scheme).status_code == 200
        assert serve.pair("p1")["paired"]
        assert serve.pair("p2") is None
        assert TOKEN not in serve.log()


def test_two_services_and_a_command_line_share_a_store(tmp_path):
    with running_serve(tmp_path) as first, running_serve(tmp_path) as second:
        for number in range(10):
            primary, candidate = both(f"p{number}", '{"a": 1}', '{"a": 1}', shadow__key="k")
            assert send(first, primary) is SpanExportResult.SUCCESS
            assert send(second, candidate) is SpanExportResult.SUCCESS
        labels = tmp_path / "labels.jsonl"
        labels.write_text('{"key": "k", "truth": {"a": 1}}\n')
        environ = clean_environ(SHADOW_STORE=str(first.store))
        for command in (["label", str(labels)], ["report", "--json"]):
            done = subprocess.run(
                [COMMAND[0], *command], env=environ, capture_output=True, text=True, check=True
            )
        funnel = json.loads(done.stdout)["funnel"]
        assert (funnel["paired"], funnel["scored"]) == (10, 10)
        for one in (first, second):
            name = 'shadow_calls_total{candidate="c",experiment="e",stage="scored"}'
            assert one.metrics()[name] == 10
            assert one.stop() == 0
