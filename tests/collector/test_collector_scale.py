"""Agents on every host, gateways behind them: both legs of a pair meet at one evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle

import grpc
import pytest
from collector.conftest import queued
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from support.lab import until
from support.otelcol import CONFIGS, Otelcol, running_collector
from support.otlp_sink import Sink, sink
from support.otlp_traffic import MARK, Made, pair, send, send_metric, trace_request
from support.serve import Serve, running_serve
from support.servers import free_port

AGENT = [CONFIGS / "shadow.yaml", CONFIGS / "agent-gateway" / "agent.yaml"]
GATEWAY = [CONFIGS / "agent-gateway" / "gateway.yaml"]
FAST = """
exporters:
  otlp_grpc/primary: {sending_queue: {batch: {flush_timeout: 10ms}}}
  load_balancing/eval: &fast
    retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}
    sending_queue: {batch: {flush_timeout: 10ms}}
  load_balancing/eval_metrics: *fast
"""
PAIRS = 30


@dataclass
class Tier:
    primary: Sink
    agents: list[Otelcol]
    gateways: list[Otelcol]
    evaluators: list[Serve]

    def pairs(self, number: int) -> list[bool]:
        """At each evaluator, whether this pair is whole there."""
        found = [evaluator.pair(f"pair-{number}") for evaluator in self.evaluators]
        return [bool(pair and pair["paired"]) for pair in found]


@pytest.fixture(scope="module")
def tier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tier]:
    path = tmp_path_factory.mktemp("tier")
    fast = path / "fast.yaml"
    fast.write_text(FAST)
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        primary = stack.enter_context(sink())
        stores = [{"SHADOW_STORE": str(path / f"{number}.db")} for number in (1, 2)]
        evaluators = [stack.enter_context(running_serve(path, **store)) for store in stores]
        gateways = [
            stack.enter_context(
                running_collector(
                    path / f"gateway-{port}",
                    GATEWAY,
                    SHADOW_MARK=MARK,
                    OTLP_GRPC_LISTEN=f"127.0.0.1:{port}",
                    EVAL_OTLP_ENDPOINT=evaluator.url,
                )
            )
            for port, evaluator in zip(ports, evaluators, strict=True)
        ]
        endpoints = [f"127.0.0.1:{port}" for port in ports]
        agents = [
            stack.enter_context(
                running_collector(
                    path / f"agent-{number}",
                    [*AGENT, fast],
                    SHADOW_MARK=MARK,
                    PRIMARY_OTLP_ENDPOINT=primary.otlp_grpc,
                    GATEWAY_ENDPOINTS=f"[{', '.join(some)}]",
                )
            )
            # The order of the list may differ from host to host.
            for number, some in enumerate((endpoints, endpoints[::-1]))
        ]
        yield Tier(primary, agents, gateways, evaluators)


def test_legs_that_come_through_different_agents_meet(tier: Tier) -> None:
    for number, agent in zip(range(PAIRS), cycle((0, 1)), strict=False):
        app = Made(f"app {number}")
        primary, candidate = pair(f"pair-{number}", app)
        assert send(tier.agents[agent].otlp_http, [app, primary]) == 200
        assert send(tier.agents[1 - agent].otlp_http, [candidate]) == 200
    for number in range(PAIRS):
        until(lambda number=number: any(tier.pairs(number)), f"pair {number} is whole")
    whole = [tier.pairs(number) for number in range(PAIRS)]
    assert {tuple(where) for where in whole} == {(True, False), (False, True)}, "both have some"
    for number in range(PAIRS):
        for found in (one.pair(f"pair-{number}") for one in tier.evaluators):
            assert found is None or len(found["legs"]) == 2, "no leg is anywhere else"
    until(lambda: len(tier.primary.spans) == PAIRS, "production arrives")
    assert tier.primary.names() == sorted(f"app {number}" for number in range(PAIRS))


def test_a_gateway_believes_the_mark_only(tier: Tier) -> None:
    app = Made("app of a forger")
    for gateway in tier.gateways:
        # It has no HTTP receiver: what an agent sends comes over gRPC.
        _send_grpc(gateway, pair("forged-1", app, mark=None))
        _send_grpc(gateway, pair("forged-2", app, mark="0123456789.wrong-mark"))
        _send_grpc(gateway, pair("genuine", app))
    for evaluator in tier.evaluators:
        until(lambda one=evaluator: one.pair("genuine"), "what has the mark arrives")
        assert evaluator.pair("forged-1") is None
        assert evaluator.pair("forged-2") is None


def test_counters_of_a_runner_are_at_one_evaluator(tier: Tier) -> None:
    for number, agent in zip(range(6), cycle(tier.agents), strict=False):
        point = {
            "shadow.mark": MARK,
            "shadow.experiment.id": f"experiment-{number}",
            "shadow.candidate.id": "",
            "shadow.source": "app:host:1:1",
        }
        assert send_metric(agent.otlp_http, "shadow.pending", [point]) == 200

    def having() -> list[int]:
        return [
            sum(name.startswith("shadow_pending_bytes") for name in one.metrics())
            for one in tier.evaluators
        ]

    until(lambda: sum(having()) == 6, "all arrive")
    assert sorted(having()) == [0, 6]


def test_what_a_dead_gateway_should_have_waits_for_it(tier: Tier) -> None:
    gateway, agent = tier.gateways[0], tier.agents[0]
    gateway.kill()
    before = queued(agent)
    numbers = range(1000, 1000 + PAIRS)
    for number in numbers:
        assert send(agent.otlp_http, pair(f"pair-{number}", Made("app"))) == 200
    until(lambda: queued(agent) == before + 2 * PAIRS, "all is on disk")
    until(lambda: "Exporting failed" in agent.log(), "the agent notices")
    agent.kill()
    agent.restart()
    gateway.restart()
    for number in numbers:
        until(lambda number=number: any(tier.pairs(number)), f"pair {number} is whole")


def _send_grpc(gateway: Otelcol, spans: list[Made]) -> None:
    with grpc.insecure_channel(gateway.env["OTLP_GRPC_LISTEN"]) as channel:
        TraceServiceStub(channel).Export(trace_request(spans), timeout=10)
