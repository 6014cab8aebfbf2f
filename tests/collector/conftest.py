"""A collector between production's backend and the evaluator, both of them sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from support.lab import until
from support.otelcol import CONFIGS, Otelcol, running_collector
from support.otlp_sink import Sink, Span, sink
from support.otlp_traffic import MARK, Made, send, trace_id

SHADOW = [CONFIGS / "shadow.yaml"]
ROUTING = [CONFIGS / "shadow.yaml", CONFIGS / "routing.yaml"]
FAST = Path(__file__).with_name("fast.yaml")
TOKEN = "evaluators-token"


def queued(collector: Otelcol) -> float:
    """Spans that the evaluation side has put into its queue."""
    name = "otelcol_processor_outgoing_items"
    return collector.metric(name, otel_signal="traces", processor="filter/legs")


@dataclass
class Chain:
    collector: Otelcol
    primary: Sink
    evaluator: Sink
    _barriers = count()

    def send(self, *spans: Made) -> None:
        assert send(self.collector.otlp_http, spans) == 200

    def barrier(self) -> None:
        """All that was sent before is where it goes to, on both sides."""
        name = f"barrier {next(self._barriers)}"
        ours = {"shadow.mark": MARK, "shadow.role": "candidate"}
        if self.collector.env.get("SHADOW_MARK") == MARK:
            self.send(Made(name, scope="shadow_mw", attributes=ours))
            until(lambda: self.evaluator.named(name), "the evaluator has the barrier")
        self.send(Made(name, attributes={"http.route": "/barrier"}))
        until(lambda: self.primary.named(name), "the primary has the barrier")

    def at_primary(self, trace: str) -> list[Span]:
        return [span for span in self.primary.spans if span.trace_id == trace]

    def at_evaluator(self, trace: str) -> list[Span]:
        return [span for span in self.evaluator.spans if span.trace_id == trace]


@contextmanager
def running_chain(
    path: Path, configs: Sequence[Path] = SHADOW, over: Sequence[Path] = (), **env: str | None
) -> Iterator[Chain]:
    """Both sinks and a collector; None is for a variable that is not set at all."""
    with sink() as primary, sink() as evaluator:
        variables: dict[str, str | None] = {
            "PRIMARY_OTLP_ENDPOINT": primary.otlp_grpc,
            "EVAL_OTLP_ENDPOINT": evaluator.otlp_http,
            "SHADOW_MARK": MARK,
            "SHADOW_OTLP_TOKEN": TOKEN,
            "SPAN_METRICS_INTERVAL": "100ms",
        }
        given = {k: v for k, v in (variables | env).items() if v is not None}
        with running_collector(path, [*configs, FAST, *over], **given) as collector:
            yield Chain(collector, primary, evaluator)


@pytest.fixture(scope="module", params=[SHADOW, ROUTING], ids=["shadow", "routing"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    """One for all tests of a module: each looks at a trace of its own."""
    with running_chain(tmp_path_factory.mktemp("collector"), request.param) as one:
        yield one


@pytest.fixture
def trace() -> str:
    return trace_id()
