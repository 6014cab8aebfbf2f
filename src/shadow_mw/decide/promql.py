"""Gates as PromQL, on the metrics that we and the collector have: rates as they are, no tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Query = Callable[[str, float], str]


def shadow_query(gate: str, series: str, margin: float, percent: int) -> str | None:
    """True where a gate's margin is exceeded on shadow traffic; None without such a metric.

    Args:
        gate: its name.
        series: label matchers, from `matchers`.
        margin: of the gate, without its sign.
        percent: of the latency gate.
    """
    if gate == "latency":
        return _latency(series, margin, percent)
    return _SHADOW[gate](series, margin) if gate in _SHADOW else None


def canary_query(gate: str, model: str, margin: float, percent: int) -> str | None:
    """The same on production's own span metrics, the model against all others."""
    if gate == "latency":
        return _canary_latency(quoted(model), margin, percent)
    return _canary_errors(quoted(model), margin) if gate == "errors" else None


def matchers(experiment: str, candidate: str) -> str:
    """The labels of a series."""
    return f"experiment={quoted(experiment)}, candidate={quoted(candidate)}"


def quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _hallucination(series: str, margin: float) -> str:
    one = "sum(shadow_hallucinated_fields{{{0}, role={1}}})"
    ours, theirs = one.format(series, '"primary"'), one.format(series, '"candidate"')
    return f"({theirs} - {ours}) / sum(shadow_null_fields{{{series}}}) > {margin:g}"


def _outcomes(outcome: str, *, good: bool = False) -> Query:
    def query(series: str, margin: float) -> str:
        one = "sum(shadow_field_outcomes{{{0}, role={1}, outcome=~{2}}})"
        ours, theirs = (
            one.format(series, quoted(role), quoted(outcome)) for role in ("primary", "candidate")
        )
        worse = f"{ours} - {theirs}" if good else f"{theirs} - {ours}"
        total = f'sum(shadow_field_outcomes{{{series}, role="candidate"}})'
        return f"({worse}) / {total} > {margin:g}"

    return query


def _errors(series: str, margin: float) -> str:
    failed = 'sum(increase(shadow_legs_total{{{0}, role={1}, outcome=~"error|timeout"}}[1d]))'
    ours, theirs = failed.format(series, '"primary"'), failed.format(series, '"candidate"')
    total = f'sum(increase(shadow_legs_total{{{series}, role="candidate"}}[1d]))'
    return f"(({theirs} or vector(0)) - ({ours} or vector(0))) / {total} > {margin:g}"


def _cost(series: str, margin: float) -> str:
    one = "sum(shadow_cost_usd{{{0}, role={1}}})"
    ours, theirs = one.format(series, '"primary"'), one.format(series, '"candidate"')
    return f"{theirs} / {ours} > {margin:g}"


def _latency(series: str, margin: float, percent: int) -> str:
    one = (
        f"histogram_quantile({percent / 100:g}, sum by (le)"
        " (increase(shadow_leg_duration_seconds_bucket{{{0}, role={1}}}[1d])))"
    )
    ours, theirs = one.format(series, '"primary"'), one.format(series, '"candidate"')
    return f"{theirs} / {ours} > {margin:g}"


def _canary_errors(model: str, margin: float) -> str:
    def rate(matcher: str) -> str:
        total = f'traces_span_metrics_calls_total{{gen_ai_operation_name!="", {matcher}'
        failed = f'(sum(increase({total}, status_code="STATUS_CODE_ERROR"}}[1h])) or vector(0))'
        return f"{failed} / sum(increase({total}}}[1h]))"

    theirs, ours = rate(f"gen_ai_request_model={model}"), rate(f"gen_ai_request_model!={model}")
    return f"{theirs} - {ours} > {margin:g}"


def _canary_latency(model: str, margin: float, percent: int) -> str:
    def percentile(matcher: str) -> str:
        labels = f'gen_ai_operation_name!="", {matcher}'
        buckets = f"traces_span_metrics_duration_milliseconds_bucket{{{labels}}}"
        return f"histogram_quantile({percent / 100:g}, sum by (le) (increase({buckets}[1h])))"

    theirs = percentile(f"gen_ai_request_model={model}")
    return f"{theirs} / {percentile(f'gen_ai_request_model!={model}')} > {margin:g}"


_SHADOW: Final[dict[str, Query]] = {
    "hallucination": _hallucination,
    "invalid_output": _outcomes("invalid_output"),
    "accuracy": _outcomes("correct|correct_null", good=True),
    "errors": _errors,
    "cost": _cost,
}
"""Gate to the query that says that its margin is exceeded."""
