"""Alerts that really fire, in a Prometheus with the shipped rules over a real installation."""

import time
from pathlib import Path

from dashboards.conftest import CANDIDATE, TOKEN, Installation
from support.lab import until
from support.prometheus import running_prometheus
from support.serve import running_serve

from shadow_mw.runner.figures import Figures


def labels(alerts, *names):
    return {tuple(alert["labels"].get(name, "") for name in names) for alert in alerts}


def test_alerts_fire_for_what_happened_and_say_it(installation: Installation) -> None:
    future = time.time() + 86_400
    for calls in (100, 200):
        installation.tell(
            Figures("", "app:host:2:2", {"captured": calls}),
            Figures(
                CANDIDATE,
                "runner:host:2",
                {"mirrored": 0, "queue_expired": calls},
                {"spend_usd": 8.0, "budget_usd": 10.0, "window_end": future},
            ),
            experiment="next",
        )
        until(
            lambda n=calls: installation.value('shadow_calls_total{experiment="next"}') == n,
            "Prometheus has the counters",
        )
    expected = {
        "ShadowWindowOver": {("default", "")},
        "ShadowBudget80": {("next", CANDIDATE)},
        "ShadowMirrorsNothing": {("next", CANDIDATE)},
        "ShadowCallsDropped": {("next", CANDIDATE)},
    }

    others = {"ShadowRefused", "ShadowRejectedSpans", "ShadowEvidenceLost", "ShadowWrongMark"}

    firing = {}

    def fired(name):
        # A scrape that comes too late takes alerts back for a moment.
        firing.update(installation.prometheus.firing())
        return name in firing

    for name in (*expected, *others):
        until(lambda n=name: fired(n), f"{name} fires")

    found = {name: labels(firing[name], "experiment", "candidate") for name in expected}
    assert found == expected
    assert labels(firing["ShadowCallsDropped"], "reason") == {("queue_expired",)}
    assert labels(firing["ShadowRefused"], "status") == {("400",), ("401",)}
    assert labels(firing["ShadowEvidenceLost"], "exporter") == {("otlp_http/eval",)}
    assert {*firing} - {*expected} == others
    for name, alerts in firing.items():
        for alert in alerts:
            for text in alert["annotations"].values():
                assert "error" not in text.lower() or name == "ShadowCandidateErrors"
                assert "<no value>" not in text


def test_an_evaluator_that_goes_is_noticed(tmp_path: Path) -> None:
    with running_serve(tmp_path, SHADOW_OTLP_TOKEN=TOKEN) as serve:
        address = serve.url.removeprefix("http://")
        nobody = ["127.0.0.1:9"]
        targets = {"shadow-mw": [address], "otelcol": nobody, "span-metrics": nobody}
        with running_prometheus(tmp_path / "prometheus", targets, TOKEN) as prometheus:
            until(lambda: prometheus.targets().get("shadow-mw") == "up", "it is scraped")
            until(lambda: "ShadowNothingReported" in prometheus.firing(), "no experiment is known")
            assert "ShadowEvaluatorDown" not in prometheus.firing()

            serve.stop()

            until(lambda: "ShadowEvaluatorDown" in prometheus.firing(), "its end is noticed")
