"""Production keeps exactly the spans and metrics that it has without shadow, whoever makes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from support.lab import Lab, until
from support.otelcol import CONFIGS, Jaeger, JaegerSpan, Otelcol, running_collector, running_jaeger
from support.otelcol import series as exposed
from support.serve import Serve, running_serve
from support.servers import free_port
from support.waiting import WAIT

from shadow_mw.evaluate.pipeline import Store, summarise

MARK = "mark-of-this-test-0123456789"
PATHS = ("openai", "openai-stream", "anthropic", "anthropic-stream")
LINKS = {"shadow.pair.id", "shadow.experiment.id"}
GOLDEN = 0x9E3779B97F4A7C15F39CC0605CEDC835
TRACES = [f"{n * GOLDEN % 2**128:032x}" for n in range(1, 41)]
"""Spread over the whole range, so that a ratio sampler takes its share of them."""
OWN = r"^id$|\bport$|^(url\.full|http\.url)$|response\.id$|first_chunk$"
"""Attributes that differ between two runs of the same app: ids, ports and durations."""


@dataclass
class Chain:
    """What stands behind the app: collector, production's backend, evaluator."""

    collector: Otelcol
    backend: Jaeger
    evaluator: Serve

    def pairs(self, experiment: str) -> dict[str, str]:
        """The trace of every pair that the evaluator holds."""
        with Store.open(self.evaluator.store) as store:
            sql = "SELECT pair_id, trace_id FROM pairs JOIN observations o ON primary_row = o.id"
            return dict(store.query(f"{sql} WHERE experiment = ?", (experiment,)))


@pytest.fixture(scope="module")
def start_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Chain]]:
    with ExitStack() as stack:

        def start(*overlays: str, **env: str) -> Chain:
            path = tmp_path_factory.mktemp("chain")
            (path / "serve").mkdir()
            backend = stack.enter_context(running_jaeger(path / "jaeger"))
            evaluator = stack.enter_context(running_serve(path / "serve"))
            configs = [CONFIGS / name for name in ("shadow.yaml", *overlays)]
            collector = stack.enter_context(
                running_collector(
                    path / "collector",
                    configs,
                    SHADOW_MARK=MARK,
                    PRIMARY_OTLP_ENDPOINT=backend.otlp_grpc,
                    EVAL_OTLP_ENDPOINT=evaluator.url,
                    SPAN_METRICS_INTERVAL="200ms",
                    **env,
                )
            )
            return Chain(collector, backend, evaluator)

        yield start


@pytest.fixture(scope="module")
def chain(start_chain: Callable[..., Chain]) -> Chain:
    return start_chain()


def run_app(lab: Lab, chain: Chain, service: str, port: int, **env: str) -> None:
    """One life of the app: every kind of call, each in a trace of its caller, and a plain one."""
    command = ("-m", "uvicorn", "--port", str(port), "support.app_production:app")
    telemetry = {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": chain.collector.otlp_http,
        "SHADOW_OTLP_ENDPOINT": chain.collector.otlp_http,
        "SHADOW_EXPERIMENT": service,
        "SHADOW_MARK": MARK,
    }
    with (
        lab.web(*command, port=port, **telemetry, **env) as server,
        httpx2.Client(base_url=server.url, timeout=WAIT, trust_env=False) as http,
    ):
        for number, trace in enumerate(TRACES):
            headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
            path = PATHS[number % len(PATHS)]
            assert http.post(f"/{path}/{number}", headers=headers).status_code == 200
            http.get("/health", headers=headers)


def run_twice(
    new_lab: Callable[..., Lab], chain: Chain, tracing: str, sample: str
) -> tuple[list[JaegerSpan], list[JaegerSpan], str]:
    """The spans that production has without and with shadow, and the experiment's name."""
    lab, port = new_lab(), free_port()
    name = f"{tracing or 'none'}-{sample}".replace(".", "")
    more = {"TRACING": tracing, "SAMPLE": sample}
    run_app(lab, chain, f"{name}-off", port, SHADOW_ENABLED="false", **more)
    run_app(lab, chain, f"{name}-on", port, **more)
    lab.drained(len(TRACES))
    until(lambda: len(chain.pairs(f"{name}-on")) == len(TRACES), "every pair in the evaluator", 60)
    return settled(chain, f"{name}-off"), settled(chain, f"{name}-on"), f"{name}-on"


def settled(chain: Chain, service: str) -> list[JaegerSpan]:
    """The service's own spans in the backend, once it gets no more."""
    counts: list[int] = []

    def spans() -> list[JaegerSpan]:
        return [span for span in chain.backend.spans(service) if span.service == service]

    def same() -> bool:
        counts.append(len(spans()))
        return counts[-3:] == [counts[-1]] * 3

    until(same, "no more spans")
    return spans()


def shape(span: JaegerSpan) -> tuple[Any, ...]:
    """A span without what differs between two runs, and without our two links."""
    attributes = {
        name: "..." if re.search(OWN, name) else str(value)
        for name, value in span.attributes.items()
        if name not in LINKS
    }
    events = [tuple(sorted(event)) for event in span.events]
    return (
        span.name,
        span.trace_id,
        bool(span.parent_id),
        tuple(sorted(attributes.items())),
        *events,
    )


@pytest.mark.parametrize("tracing", ["built-in", "genai"])
def test_production_has_every_span_of_its_own_once_and_none_of_ours(
    new_lab: Callable[..., Lab], chain: Chain, tracing: str
) -> None:
    off, on, experiment = run_twice(new_lab, chain, tracing, "1")
    assert len(off) >= 2 * len(TRACES)
    assert Counter(map(shape, off)) == Counter(map(shape, on))
    assert len({(span.trace_id, span.span_id) for span in on}) == len(on)
    assert not [span for span in on if "shadow.role" in span.attributes]
    assert "shadow-mw" not in chain.backend.services()

    stamped = [span for span in on if "shadow.pair.id" in span.attributes]
    assert {s.attributes["shadow.pair.id"]: s.trace_id for s in stamped} == chain.pairs(experiment)
    assert {s.attributes["shadow.experiment.id"] for s in stamped} == {experiment}
    assert len(stamped) == len(TRACES)


def test_metrics_made_of_productions_spans_do_not_move(chain: Chain) -> None:
    """After the runs above: each service's series are the same, with shadow on and off."""
    for tracing in ("built-in", "genai"):
        off, on = (span_counts(chain, f"{tracing}-1-{state}") for state in ("off", "on"))
        assert sum(off.values()) > len(TRACES)
        assert off == on
    assert not span_counts(chain, "shadow-mw")


def span_counts(chain: Chain, service: str) -> dict[str, float]:
    """Calls and durations' counts of a service, without what names the service or its process."""
    return {
        re.sub(r'\b(service_name|job|instance|service_instance_id)="[^"]*",?', "", sample): value
        for sample, value in exposed(chain.collector.span_metrics).items()
        if re.match(r"\w*calls_total|\w*duration\w*_count", sample)
        and f'service_name="{service}"' in sample
    }


def test_without_any_tracing_production_stays_empty(
    new_lab: Callable[..., Lab], chain: Chain
) -> None:
    off, on, experiment = run_twice(new_lab, chain, "", "1")
    assert (off, on) == ([], [])
    with Store.open(chain.evaluator.store) as store:
        funnel = summarise(store, experiment).funnel
    assert (funnel.captured, funnel.mirrored, funnel.paired) == (len(TRACES),) * 3


def test_sampling_at_the_head_and_at_the_tail_changes_nothing_for_the_evaluation(
    new_lab: Callable[..., Lab], start_chain: Callable[..., Chain]
) -> None:
    chain = start_chain("tail-sampling.yaml", SAMPLING_DECISION_WAIT="1s", SAMPLING_PERCENTAGE="50")
    off, on, experiment = run_twice(new_lab, chain, "built-in", "0.1")
    sampled = {span.trace_id for span in off}
    assert 0 < len(sampled) < len(TRACES) / 4
    assert Counter(map(shape, off)) == Counter(map(shape, on))
    assert set(chain.pairs(experiment).values()) == set(TRACES)
