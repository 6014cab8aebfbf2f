"""A whole installation with data in it: collector, evaluator, Prometheus, both dashboards."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from evaluate.spans import add_labels, messages
from support.lab import until
from support.otelcol import CONFIGS, Otelcol, running_collector
from support.otlp_sink import Sink, sink
from support.otlp_traffic import MARK, OURS, Made, post, send
from support.prometheus import COLLECTOR, Prometheus, binary, running_prometheus
from support.serve import COMMAND, Serve, running_serve
from support.servers import clean_environ

from shadow_mw.runner.figures import Figures
from shadow_mw.runner.otlp_metrics import metrics_requests

TOKEN = "evaluators-token"
DASHBOARDS = COLLECTOR / "grafana" / "dashboards"
EXPERIMENT, CANDIDATE = "default", "small"


def dashboard(name: str) -> Any:
    return json.loads((DASHBOARDS / f"{name}.json").read_text())


def panels(name: str) -> list[Any]:
    """Those that ask for something."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def filled(expression: str) -> str:
    """A panel's query as Grafana sends it, for ten minutes of this installation."""
    values = {
        "$__rate_interval": "5m",
        "$__range": "10m",
        "$experiment": EXPERIMENT,
        "$candidate": CANDIDATE,
        "$service": ".*",
    }
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


@dataclass
class Installation:
    """What runs, and what it has been sent."""

    serve: Serve
    collector: Otelcol
    stranger: Otelcol
    """A collector with another token than the evaluator's."""
    prometheus: Prometheus
    requests: int = 0
    sent: dict[str, int] = field(default_factory=lambda: {"captured": 0, "mirrored": 0})
    _numbers = count()

    def round(self, pairs: int = 10) -> None:
        """What an app and its runner send in a while: some of everything."""
        for _ in range(pairs):
            number = next(self._numbers)
            assert send(self.collector.otlp_http, self._spans(number)) == 200
            self.requests += 1
        self.sent["captured"] += pairs + 3
        self.sent["mirrored"] += pairs
        self.tell(
            Figures("", "app:host:1:1", self.sent | {"not_sampled": self.requests // 10}),
            Figures(
                CANDIDATE,
                "runner:host:1",
                {"mirrored": self.sent["mirrored"], "candidate_timeout": self.requests // 10},
                {
                    "spend_usd": 8.5,
                    "budget_usd": 10.0,
                    "window_end": time.time() - 60,
                    "pending_bytes": 1000.0,
                },
            ),
        )

    def tell(self, *figures: Figures, experiment: str = EXPERIMENT) -> None:
        common = {"shadow.mark": MARK, "shadow.experiment.id": experiment}
        for request in metrics_requests(figures, common):
            assert post(f"{self.collector.otlp_http}/v1/metrics", request) == 200

    def value(self, query: str) -> float:
        """The sum over what a query finds; 0 where that is nothing."""
        return sum(sample.value for sample in self.prometheus.query(query))

    def _spans(self, number: int) -> list[Made]:
        server = Made("POST /ask", kind=2, error=number % 10 == 3)
        asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "big"}
        call = Made("chat big", kind=3, scope="openai", attributes=asked).under(server)
        primary = self._leg("primary", number, call)
        return [server, call, primary, self._leg("candidate", number, primary)]

    def _leg(self, role: str, number: int, parent: Made) -> Made:
        candidate = role == "candidate"
        failed = candidate and number % 10 == 5
        # The candidate invents a value for every other null.
        answer = {"total": "9.00", "tax": "x" if candidate and number % 2 else None}
        attributes = {
            "shadow.role": role,
            "shadow.mark": MARK,
            "shadow.pair.id": f"pair-{number}",
            "shadow.experiment.id": EXPERIMENT,
            "shadow.outcome": "timeout" if failed else "ok",
            "shadow.key": f"key-{number % 5}",
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": CANDIDATE if candidate else "big",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.output.messages": messages(json.dumps(answer)),
        }
        if candidate:
            attributes["shadow.candidate.id"] = CANDIDATE
        ours = {"service.name": "shadow-mw"}
        made = Made(f"chat {role}", kind=3, scope=OURS, attributes=attributes, resource=ours)
        return made.under(parent)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two rounds of traffic, and one of each fault that a panel counts.

    Of one file: between two a worker may run others for longer than the ten minutes that alerts and
    panels look back.
    """
    binary("prometheus")
    path: Path = tmp_path_factory.mktemp("installation")
    prices = '{"big": {"input": 1, "output": 2}, "small": {"input": 0.1, "output": 0.2}}'
    with (
        sink() as production,
        running_serve(path, SHADOW_OTLP_TOKEN=TOKEN, SHADOW_PRICES=prices) as serve,
        _collector(path / "collector", production, serve, TOKEN) as collector,
        _collector(path / "stranger", production, serve, "another-token") as stranger,
        running_prometheus(
            path / "prometheus", targets(serve, collector, stranger), TOKEN
        ) as prometheus,
    ):
        one = Installation(serve, collector, stranger, prometheus)
        one.round()
        _wait_stored(one)
        truths = [(f"key-{n}", {"total": "9.00", "tax": None}) for n in range(5)]
        add_labels(serve.store, *truths)
        _faults(one)
        _wait_scraped(one)
        one.round()
        _faults(one)
        _wait_stored(one)
        _look(serve)
        _wait_scraped(one)
        yield one


def _collector(
    path: Path, production: Sink, serve: Serve, token: str
) -> AbstractContextManager[Otelcol]:
    return running_collector(
        path,
        [CONFIGS / "shadow.yaml"],
        PRIMARY_OTLP_ENDPOINT=production.otlp_grpc,
        EVAL_OTLP_ENDPOINT=serve.url,
        SPAN_METRICS_INTERVAL="1s",
        SHADOW_MARK=MARK,
        SHADOW_OTLP_TOKEN=token,
    )


def targets(serve: Serve, collector: Otelcol, *others: Otelcol) -> dict[str, list[str]]:
    """Hosts and ports by job."""
    urls = {
        "shadow-mw": [serve.url],
        "otelcol": [one.telemetry for one in (collector, *others)],
        "span-metrics": [collector.span_metrics],
    }
    return {
        job: [re.sub(r"^http://|/metrics$", "", url) for url in some] for job, some in urls.items()
    }


def _faults(one: Installation) -> None:
    wrong = {"shadow.role": "candidate", "shadow.mark": "0123456789.wrong-mark"}
    stray = Made("stray", scope=OURS, attributes=wrong)
    assert send(one.collector.otlp_http, [stray]) == 200
    right = {"shadow.role": "candidate", "shadow.mark": MARK}
    assert send(one.stranger.otlp_http, [Made("refused", scope=OURS, attributes=right)]) == 200
    assert send(one.serve.url, [Made("no leg")], authorization=f"Bearer {TOKEN}") == 200
    with one.serve.http as http:
        garbage = {"content-type": "application/x-protobuf"}
        assert http.post("/v1/traces", content=b"\xff", headers=garbage).status_code == 400


def _look(serve: Serve) -> None:
    """What serve does by itself within a minute; panels shall not wait for that."""
    environ = clean_environ(SHADOW_STORE=str(serve.store))
    subprocess.run([COMMAND[0], "alerts"], env=environ, timeout=60, check=False)
    until(lambda: any("shadow_verdict" in name for name in serve.metrics()), "there is a verdict")


def _wait_stored(one: Installation) -> None:
    stored = 'shadow_calls_total{candidate="small",experiment="default",stage="paired"}'
    until(
        lambda: one.serve.metrics().get(stored) == one.requests, f"{one.requests} pairs are stored"
    )


def _wait_scraped(one: Installation) -> None:
    """Until Prometheus has all of production's spans, and the evaluator's newest state."""
    # Of the collector's span metrics the first value is 0, and the next comes a second later.
    production = 'sum(traces_span_metrics_calls_total{span_kind="SPAN_KIND_SERVER"})'
    paired = 'sum(shadow_calls_total{stage="paired"})'
    for query in (production, paired):
        until(
            lambda q=query: one.value(q) == one.requests,
            f"{query} is {one.requests}",
        )
