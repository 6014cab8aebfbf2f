"""A runner that exports to an OTLP endpoint: nothing it knows is lost while that is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support import calls
from support.lab import CANDIDATE, Lab, Model, until
from support.otlp_sink import Sink, sink
from support.waiting import WAIT

MARK = "mark-0123456789abcdef"


def counts(collector: Sink) -> dict[str, float]:
    """The highest value of every counter, summed over sources."""
    highest: dict[tuple[str, str], float] = {}
    for point in collector.points:
        if point.metric == "shadow.funnel":
            key = point.attributes["shadow.source"], point.attributes["shadow.count"]
            highest[key] = max(highest.get(key, 0), point.value)
    total: dict[str, float] = {}
    for (_, name), n in highest.items():
        total[name] = total.get(name, 0) + n
    return total


def gauges(collector: Sink) -> dict[tuple[str, str], float]:
    """The last value of every gauge, by metric and candidate."""
    return {
        (p.metric, p.attributes["shadow.candidate.id"]): p.value
        for p in collector.points
        if p.metric != "shadow.funnel"
    }


def settings(collector: Sink, **more: str) -> dict[str, str]:
    return {
        "SHADOW_OTLP_ENDPOINT": collector.otlp_http,
        "SHADOW_MARK": MARK,
        "SHADOW_OTLP_TOKEN": "token-1",
        "SHADOW_BUDGET_USD": "5",
        "SHADOW_PRICES": f'{{"{CANDIDATE}": {{"request": 0.001}}}}',
    } | more


def test_spans_counters_and_gauges_reach_the_collector(new_lab: Callable[..., Lab]) -> None:
    with sink() as collector:
        lab = new_lab(**settings(collector))
        lab.agent().run(calls.openai_sync, key="a")
        lab.drained(1)
        until(lambda: counts(collector) == {"captured": 1, "mirrored": 1}, "the counters")

        roles = [s.attributes["shadow.role"] for s in collector.spans]
        assert sorted(roles) == ["candidate", "primary"]
        assert {s.attributes["shadow.mark"] for s in collector.spans} == {MARK}
        assert {h["authorization"] for h in collector.headers} == {"Bearer token-1"}
        until(lambda: ("shadow.window.end", "") in gauges(collector), "the gauges")
        values = until(
            lambda: (g := gauges(collector)).get(("shadow.spend", CANDIDATE)) and g, "the spend"
        )
        assert values["shadow.spend", CANDIDATE] == 0.001
        assert values["shadow.budget", CANDIDATE] == 5
        assert not lab.store.exists()


def test_a_collector_that_comes_back_gets_all(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    with sink() as collector:
        lab = new_lab(**settings(collector))
        agent = lab.agent()
        collector.stop()
        for key in ("a", "b"):
            agent.run(calls.openai_sync, key=key)
        until(lambda: len(candidate.seen()) == 2, "both calls at the candidate")
        (runner,) = lab.runners()
        runner.terminate()  # the next one makes them again: nobody took them
        runner.wait(WAIT)
        collector.start()

        lab.drained(2)
        until(lambda: counts(collector) == {"captured": 2, "mirrored": 2}, "the counters")
        pairs = {
            (s.attributes["shadow.pair.id"], s.attributes["shadow.role"]) for s in collector.spans
        }
        assert len(pairs) == 4


def test_metrics_that_are_not_taken_hold_up_no_span_and_are_told_later(
    new_lab: Callable[..., Lab],
) -> None:
    class TracesOnly(Sink):
        metrics = False

        def take(self, request: Any) -> int:
            if not self.metrics and "Metrics" in type(request).__name__:
                return 404
            return super().take(request)

    collector = TracesOnly()
    collector.start()
    lab = new_lab(**settings(collector))
    agent = lab.agent()
    agent.run(calls.openai_sync, key="a")
    until(lambda: len(collector.spans) == 2, "the pair")
    until(lambda: "/v1/metrics answered 404" in lab.runner_log, "a line in the log")
    agent.run(calls.openai_sync, key="b")
    until(lambda: len(collector.spans) == 4, "the next pair")
    assert not collector.points

    collector.metrics = True
    lab.drained(2)
    assert counts(collector) == {"captured": 2, "mirrored": 2}
    collector.stop()
