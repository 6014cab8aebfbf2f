"""What stops a ramp, as `shadow-mw verdict --evidence` writes it, asked in a real Prometheus: one
candidate is worse in everything, the other one only unlucky."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from dashboards.conftest import TOKEN, targets
from evaluate.spans import add_labels, messages
from support.lab import until
from support.otelcol import CONFIGS, running_collector
from support.otlp_sink import sink
from support.otlp_traffic import MARK, OURS, Made, post, send
from support.prometheus import Prometheus, binary, running_prometheus
from support.serve import running_serve
from support.servers import clean_environ

from shadow_mw.commands.verdict import verdict
from shadow_mw.decide.plan_file import written
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.promql import canary_query, matchers, shadow_query
from shadow_mw.runner.figures import Figures
from shadow_mw.runner.otlp_metrics import metrics_requests

PAIRS = 200
WRONG = {
    "big": {"failed": 0, "broken": 0, "wrong": 1, "made_up": 1},
    "unlucky": {"failed": 2, "broken": 2, "wrong": 3, "made_up": 3},
    "worse": {"failed": 30, "broken": 40, "wrong": 40, "made_up": 40},
}
"""How many of the pairs go wrong, by model. The unlucky one is beyond each margin too."""
SHADOW = {"hallucination", "invalid_output", "accuracy", "errors", "latency", "cost", "budget"}
CANARY = {"errors", "latency"}
PRICES = (
    '{"big": {"input": 1, "output": 2}, "unlucky": {"input": 0.9, "output": 1.8},'
    ' "worse": {"input": 2, "output": 4}}'
)
PLAN = ARTICLES.model_copy(update={"budget_usd": Decimal(5)})


@dataclass(frozen=True)
class Ramp:
    """A Prometheus with both candidates in it, and what stops each of them."""

    prometheus: Prometheus
    kills: Mapping[str, list[dict[str, Any]]]
    alone: float
    """When the unlucky one was the only one on real traffic."""

    def queries(self, candidate: str, name: str) -> dict[str, str]:
        return {kill["gate"]: kill[name] for kill in self.kills[candidate] if kill[name]}


def seconds(model: str, number: int) -> float:
    """About 0.9 at the 95th percentile; of the unlucky one six of a hundred calls take longer."""
    usual = 0.5 + 0.4 * (number % 100) / 100
    if model == "unlucky":
        return 3.0 if number % 17 == 0 else usual
    return 2 * usual if model == "worse" else usual


def spans(number: int) -> Iterator[Made]:
    """One pair of each candidate, with the primary that they share."""
    primary = leg("primary", "big", number)
    yield primary
    for model in ("unlucky", "worse"):
        yield leg("candidate", model, number).under(primary)


def leg(role: str, model: str, number: int) -> Made:
    ways = [way for way, n in WRONG[model].items() for _ in range(n)]
    way = ways[number] if number < len(ways) else "right"
    answer = {
        "total": "8.00" if way == "wrong" else "9.00",
        "tax": "1" if way == "made_up" else None,
    }
    text = "no JSON" if way == "broken" else json.dumps(answer)
    attributes = {
        "shadow.role": role,
        "shadow.mark": MARK,
        "shadow.pair.id": f"pair-{number}",
        "shadow.experiment.id": "ramp",
        "shadow.outcome": "error" if way == "failed" else "ok",
        "shadow.key": "document",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    }
    if role == "candidate":
        attributes["shadow.candidate.id"] = model
    if way != "failed":
        attributes["gen_ai.output.messages"] = messages(text)
    ours = {"service.name": "shadow-mw"}
    took = seconds(model, number)
    return Made(role, kind=3, scope=OURS, seconds=took, attributes=attributes, resource=ours)


def production(model: str) -> list[Made]:
    """The same calls as the app's own spans."""
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    failed = WRONG[model]["failed"]
    return [
        Made("chat", kind=3, error=n < failed, seconds=seconds(model, n), attributes=asked)
        for n in range(PAIRS)
    ]


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ramp]:
    binary("prometheus")
    path = tmp_path_factory.mktemp("ramp")
    with (
        sink() as app,
        running_serve(path, SHADOW_OTLP_TOKEN=TOKEN, SHADOW_PRICES=PRICES) as serve,
        running_collector(
            path / "collector",
            [CONFIGS / "shadow.yaml"],
            PRIMARY_OTLP_ENDPOINT=app.otlp_grpc,
            EVAL_OTLP_ENDPOINT=serve.url,
            SPAN_METRICS_INTERVAL="500ms",
            SHADOW_MARK=MARK,
            SHADOW_OTLP_TOKEN=TOKEN,
        ) as collector,
        running_prometheus(
            path / "prometheus", targets(serve, collector), TOKEN, "250ms"
        ) as prometheus,
    ):

        def seen(query: str, n: int) -> float:
            until(lambda: sum(s.value for s in prometheus.query(query)) == n, f"{query} is {n}")
            return time.time()

        made = [span for number in range(PAIRS) for span in spans(number)]
        assert send(collector.otlp_http, made) == 200
        spent = [
            Figures(name, "runner:host:1", gauges={"spend_usd": 10.0 if name == "worse" else 4.9})
            for name in ("unlucky", "worse")
        ]
        for request in metrics_requests(
            spent, {"shadow.mark": MARK, "shadow.experiment.id": "ramp"}
        ):
            assert post(f"{collector.otlp_http}/v1/metrics", request) == 200
        seen('sum(shadow_calls_total{stage="paired"})', 2 * PAIRS)
        add_labels(serve.store, ("document", {"total": "9.00", "tax": None}))
        seen("sum(shadow_null_fields)", 2 * PAIRS)
        seen("sum(shadow_spend_usd) > 14", 14.9)
        calls = "sum(traces_span_metrics_duration_milliseconds_count)"
        sent, times = 0, []
        # Twice: the first calls of a series are not seen to be new.
        for models in (("big", "unlucky"),) * 2 + (("big", "worse"),) * 2:
            some = [span for model in models for span in production(model)]
            assert send(collector.otlp_http, some) == 200
            sent += len(some)
            times.append(seen(calls, sent))
        yield Ramp(prometheus, {name: kills(path, name) for name in ("unlucky", "worse")}, times[1])


def kills(path: Path, candidate: str) -> list[dict[str, Any]]:
    """As the command writes them."""
    (path / "plan.toml").write_text(written(PLAN, "plan.toml"))
    bundle = path / f"evidence-{candidate}"
    series = ("--experiment", "ramp", "--candidate", candidate, "--plan", str(path / "plan.toml"))
    where = ("--store", str(path / "shadow.db"), "--evidence", str(bundle))
    done = CliRunner(env=clean_environ()).invoke(verdict, [*series, *where])
    assert done.exit_code in (1, 2), done.output
    return json.loads((bundle / "ramp.json").read_text())["kill"]


def test_whatever_has_metrics_has_a_query(ramp: Ramp) -> None:
    for candidate in ramp.kills:
        assert set(ramp.queries(candidate, "promql")) == SHADOW
        assert set(ramp.queries(candidate, "canary_promql")) == CANARY


@pytest.mark.parametrize("gate", sorted(SHADOW))
def test_on_shadow_traffic_it_stops_the_worse_one_only(ramp: Ramp, gate: str) -> None:
    worse, unlucky = (ramp.queries(name, "promql")[gate] for name in ("worse", "unlucky"))

    assert len(ramp.prometheus.query(worse)) == 1
    assert ramp.prometheus.query(unlucky) == []
    assert len(ramp.prometheus.query(within(unlucky))) == 1


@pytest.mark.parametrize("gate", sorted(CANARY))
def test_on_real_traffic_it_stops_the_worse_one_only(ramp: Ramp, gate: str) -> None:
    worse, unlucky = (ramp.queries(name, "canary_promql")[gate] for name in ("worse", "unlucky"))

    assert len(ramp.prometheus.query(worse)) == 1
    assert ramp.prometheus.query(unlucky, ramp.alone) == []
    assert len(ramp.prometheus.query(within(unlucky), ramp.alone)) == 1


def within(query: str) -> str:
    """Silence says something only where there are figures to be silent about."""
    turned, n = re.subn(r"(^|\s)> ", r"\1<= ", query)
    assert n == 1
    return turned


def test_hostile_names_are_strings(ramp: Ramp) -> None:
    name = 'x"} or vector(1) #\n\\'
    for gate in (*SHADOW, *CANARY):
        for query in (
            shadow_query(gate, matchers(name, name), 0.1, 95),
            canary_query(gate, name, 0.1, 95),
        ):
            assert not query or ramp.prometheus.query(query) == []
