"""Gates as PromQL, on the metrics that we and the collector have: for an alert, no tests.

An alert is looked at every few seconds, and a day or an hour has few calls. So a figure is beyond
its margin only where chance would hardly bring it there: `NOISE` standard deviations, as if the two
legs had nothing in common. The variance of a count is taken for the count (Poisson), that of a
percentile's rank for binomial.
"""

from __future__ import annotations

import math
from typing import Final

NOISE: Final = 3
"""Standard deviations of a difference that are left to chance."""
DAY, HOUR = "1d", "1h"
"""What queries on shadow traffic and on production look back."""
PRIMARY, CANDIDATE = 'role="primary"', 'role="candidate"'


def shadow_query(gate: str, series: str, margin: float, percent: int) -> str | None:
    """True where a gate's margin is exceeded on shadow traffic; None without such a metric.

    Args:
        gate: its name.
        series: label matchers, from `matchers`.
        margin: of the gate, without its sign.
        percent: of the latency gate.
    """
    match gate:
        case "hallucination":
            return _hallucination(series, margin)
        case "invalid_output":
            return _fields(series, 'outcome="invalid_output"', margin)
        case "accuracy":
            # What is wrong, of which less is better.
            return _fields(series, 'outcome!~"correct|correct_null"', margin)
        case "errors":
            return _errors(series, margin)
        case "cost":
            ours, theirs = (f"sum(shadow_cost_usd{{{series}, {r}}})" for r in (PRIMARY, CANDIDATE))
            return f"{theirs}\n/ {ours}\n> {margin:g}"
        case "latency":
            return _latency(series, margin, percent)
        case _:
            return None


def canary_query(gate: str, model: str, margin: float, percent: int) -> str | None:
    """The same on production's own span metrics, the model against all others."""
    theirs, ours = (
        f'gen_ai_operation_name!="", gen_ai_request_model{sign}{quoted(model)}'
        for sign in ("=", "!=")
    )
    if gate == "latency":
        return _canary_latency(theirs, ours, margin, percent)
    return _canary_errors(theirs, ours, margin) if gate == "errors" else None


def matchers(experiment: str, candidate: str) -> str:
    """The labels of a series."""
    return f"experiment={quoted(experiment)}, candidate={quoted(candidate)}"


def quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _counted(selector: str) -> str:
    """What has not happened yet has no series: that is 0."""
    return f"(sum({selector}) or vector(0))"


def _hallucination(series: str, margin: float) -> str:
    filled = f"shadow_hallucinated_fields{{{series}"
    nulls = f"sum(shadow_null_fields{{{series}}})"
    return (
        f"sum({filled}, {CANDIDATE}}}) - sum({filled}, {PRIMARY}}})\n"
        f"> {margin:g} * {nulls}\n{_noise_of_fields(f'{filled}}}', nulls, series)}"
    )


def _fields(series: str, outcome: str, margin: float) -> str:
    fields = f"shadow_field_outcomes{{{series}"
    total = f"sum({fields}, {CANDIDATE}}})"
    return (
        f"{_counted(f'{fields}, {CANDIDATE}, {outcome}}}')}\n"
        f"- {_counted(f'{fields}, {PRIMARY}, {outcome}}}')}\n"
        f"> {margin:g} * {total}\n{_noise_of_fields(f'{fields}, {outcome}}}', total, series)}"
    )


def _noise_of_fields(counted: str, total: str, series: str) -> str:
    """As if all fields of a pair went wrong together."""
    pairs = f'sum(shadow_calls_total{{{series}, stage="scored"}})'
    return f"  + {NOISE} * sqrt(sum({counted})\n    * {total} / {pairs})"


def _errors(series: str, margin: float) -> str:
    legs, failed = f"shadow_legs_total{{{series}", 'outcome=~"error|timeout"'
    return (
        f"{_lately(f'{legs}, {CANDIDATE}, {failed}}}')}\n"
        f"- {_lately(f'{legs}, {PRIMARY}, {failed}}}')}\n"
        f"> {margin:g} * {_lately(f'{legs}, {CANDIDATE}}}')}\n"
        f"  + {NOISE} * sqrt{_lately(f'{legs}, {failed}}}')}"
    )


def _lately(selector: str) -> str:
    """Not increase(): an outcome has no count before its first call."""
    return f"({_counted(selector)} - {_counted(f'{selector} offset {DAY}')})"


def _latency(series: str, margin: float, percent: int) -> str:
    def buckets(role: str) -> str:
        selector = f"shadow_leg_duration_seconds_bucket{{{series}, {role}}}"
        now, then = (f"sum by (le) ({selector}{when})" for when in ("", f" offset {DAY}"))
        return f"{now}\n    - ({then}\n      or 0 * {now})"

    calls = _lately(f"shadow_leg_duration_seconds_count{{{series}, {CANDIDATE}}}")
    return _slower((buckets(CANDIDATE), calls), (buckets(PRIMARY), calls), margin, percent)


def _slower(theirs: tuple[str, str], ours: tuple[str, str], margin: float, percent: int) -> str:
    """The candidate's percentile at its lower end against the primary's at its upper end.

    Args:
        theirs: the candidate's buckets, and calls in parentheses.
        ours: the primary's.
        margin: of the ratio.
        percent: which percentile.
    """
    share = percent / 100
    # Both ends together leave as much to chance as one difference does.
    reach = f"{NOISE * math.sqrt(share * (1 - share) / 2):.3g}"

    def percentile(sign: str, buckets: str, calls: str) -> str:
        level = f"scalar({share:g} {sign} {reach} / sqrt{calls})"
        return f"histogram_quantile(\n    {level},\n    {buckets}\n  )"

    return f"  {percentile('-', *theirs)}\n/ {percentile('+', *ours)}\n> {margin:g}"


def _canary_errors(theirs: str, ours: str, margin: float) -> str:
    def calls(matcher: str, failed: str = "") -> str:
        return f"sum(increase(traces_span_metrics_calls_total{{{matcher}{failed}}}[{HOUR}]))"

    def rate(matcher: str) -> str:
        failed = calls(matcher, ', status_code="STATUS_CODE_ERROR"')
        return f"({failed} or vector(0)) / {calls(matcher)}"

    return (
        f"{rate(theirs)}\n- {rate(ours)}\n> {margin:g} + {NOISE} * sqrt(\n"
        f"    {rate(theirs)} / {calls(theirs)}\n    + {rate(ours)} / {calls(ours)})"
    )


def _canary_latency(theirs: str, ours: str, margin: float, percent: int) -> str:
    def leg(matcher: str) -> tuple[str, str]:
        name, labels = "traces_span_metrics_duration_milliseconds", f"{{{matcher}}}[{HOUR}]"
        buckets = f"sum by (le) (increase({name}_bucket{labels}))"
        return buckets, f"(sum(increase({name}_count{labels})))"

    return _slower(leg(theirs), leg(ours), margin, percent)
