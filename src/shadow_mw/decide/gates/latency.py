"""A percentile of the candidate's latency against the primary's, on live traffic and under load."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide import stats, words
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.not_taken import TOO_SLOW, not_taken
from shadow_mw.decide.gates.result import (
    LOWER,
    PLANNED_ONLY,
    finite,
    lacking,
    measured,
    state_of,
)
from shadow_mw.decide.plan import Latency
from shadow_mw.verdicts import GateResult, State

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.decide.stats import Interval
    from shadow_mw.evidence import Bools, Floats, LoadRun, Pairs

    Ints = npt.NDArray[np.int64]

FIXED = "order statistics of both legs (David & Nagaraja 2003, section 7.1)"
SEQUENCE = "confidence sequences of quantiles (Howard & Ramdas 2022)"
CLUSTERED = ", of as many calls as the design effect leaves"
FEWEST_CALLS = 100
"""Of a load run: its p95 would else be one of its five slowest calls."""
THINNED = "; calls of small weight thinned to one rate"


def latency_gate(case: Case, plan: Latency) -> list[GateResult]:
    """The ratio of two percentiles; a failed call is infinitely slow."""
    name, title, needed = "latency", f"latency p{plan.percent}", f"at most {plan.ratio:g}x"
    ours, theirs, kept = _comparable(case)
    if not len(ours):
        reason = "no latency that compares: no pair, or all were backfilled"
        return [lacking(name, title, reason, needed=needed, margin=plan.ratio, unit="ratio")]
    if case.weight is not None and not case.look.planned:
        # What is kept hangs on the largest weight so far: no sequence holds for that.
        return [
            lacking(
                name,
                title,
                PLANNED_ONLY,
                needed=needed,
                margin=plan.ratio,
                unit="ratio",
                primary=percentile(ours, plan.percent),
                candidate=percentile(theirs, plan.percent),
                n=len(ours),
                method=FIXED + THINNED,
            )
        ]
    clusters = case.units.codes
    if clusters is not None and kept is not None:
        clusters = clusters[kept]
    interval, method = _interval(case, ours, theirs, clusters, plan.percent)
    result = measured(
        name,
        title,
        primary=percentile(ours, plan.percent),
        candidate=percentile(theirs, plan.percent),
        interval=interval,
        margin=plan.ratio,
        better=LOWER,
        unit="ratio",
        needed=needed,
        n=len(ours),
        method=method,
        shown=words.in_ratios,
    )
    return [_if_seen(case, _if_taken(case, plan, result, ours, theirs, clusters))]


def _if_taken(
    case: Case,
    plan: Latency,
    result: GateResult,
    ours: Floats,
    theirs: Floats,
    clusters: Ints | None,
) -> GateResult:
    """No pass that would not hold were the calls that the candidate did not take endless.

    The primary's of these calls are in no pair, and are taken to be like its others.
    """
    n, share = not_taken(case, TOO_SLOW)
    if not n or result.state is not State.PASS:
        return result
    reason = f"{words.calls(n, 'call')} not made since the candidate was down or fell behind"
    if share < 1 - plan.percent / 100:
        more = math.ceil(share / (1 - share) * len(ours))
        like = np.sort(ours)[np.linspace(0, len(ours) - 1, more).astype(np.int64)]
        alone = None if clusters is None else np.append(clusters, np.full(more, -1))
        endless = np.append(theirs, np.full(more, np.inf))
        interval, _ = _interval(case, np.append(ours, like), endless, alone, plan.percent)
        if state_of(interval, plan.ratio, LOWER) is State.PASS:
            return replace(result, reason=f"{result.reason} (and with {reason} as endless ones)")
    reason = f"{reason}: as endless ones they are beyond the limit, {result.needed}"
    return replace(result, state=State.UNPROVEN, reason=reason)


def _if_seen(case: Case, result: GateResult) -> GateResult:
    """No pass where the calls with a latency are too few of all to speak for them.

    The plan says how much of production's calls a window has to see in `hour_share`; `completion`
    is about pairs, and calls that were backfilled are pairs without a latency.
    """
    timed, needed = _timed(case.pairs), case.plan.window.hour_share
    seen = float(np.average(timed, weights=case.weight))
    if seen >= needed:
        return result
    reason = (
        f"{timed.sum():,} of {words.calls(len(timed), 'pair')} have a latency that compares"
        f" ({words.share(seen)} of calls, {words.share(needed)} is needed; backfilled pairs have"
        " none)"
    )
    if result.state is State.FAIL:
        return replace(result, reason=f"{result.reason} ({reason})")
    return replace(result, state=State.UNPROVEN, reason=reason)


def _interval(
    case: Case, ours: Floats, theirs: Floats, clusters: Ints | None, percent: int
) -> tuple[Interval, str]:
    alpha = case.look.alpha
    if case.look.planned:
        method = FIXED if case.weight is None else FIXED + THINNED
        return stats.quantile_ratio(ours, theirs, percent, alpha, clusters), method
    found = stats.quantile_ratio_sequence(ours, theirs, percent, alpha, [len(ours)], clusters)
    return found[-1], SEQUENCE if clusters is None else SEQUENCE + CLUSTERED


def load_gate(case: Case, plan: Latency) -> list[GateResult]:
    """The newest load run, against the primary's percentile on live traffic."""
    if not plan.load:
        return []
    name, title = "latency.load", "latency p95 at production's peak rate"
    needed = f"at most {plan.ratio:g}x at 1.0x the peak hour's rate"
    run, primary = case.evidence.load, _comparable(case)[0]
    base = percentile(primary, 95) if len(primary) else math.nan
    if run is None or not math.isfinite(base):
        reason = (
            "no load run: shadow-mw load" if run is None else "the primary has no p95 to compare"
        )
        return [lacking(name, title, reason, needed=needed, margin=plan.ratio, unit="ratio")]
    if run.calls < FEWEST_CALLS:
        reason = f"a load run of {words.calls(run.calls, 'call')}: its p95 takes {FEWEST_CALLS:,}"
        return [lacking(name, title, reason, needed=needed, margin=plan.ratio, unit="ratio")]
    ratio, full = run.p95_ms / base, run.factor >= 1
    failing = _failing(case, run)
    held = ratio <= plan.ratio and not failing
    state = State.UNPROVEN
    if held and full:
        state = State.PASS
    elif not held and run.factor <= 1:
        state = State.FAIL
    shown = f"{words.number(ratio)}x at {run.factor:g}x the peak hour's rate, {run.calls:,} calls"
    shown += failing
    if held and not full:
        shown += ": the whole rate was not tried"
    elif not held and run.factor > 1:
        shown += ": try 1.0x"
    return [
        GateResult(
            name=name,
            title=title,
            primary=base,
            candidate=finite(run.p95_ms),
            delta=finite(ratio),
            interval=None,
            margin=plan.ratio,
            better=LOWER,
            unit="ratio",
            needed=needed,
            state=state,
            n=run.calls,
            reason=shown,
            method="as observed in one run, no interval",
        )
    ]


def _failing(case: Case, run: LoadRun) -> str:
    """That a run failed more calls than the gate of errors allows; empty where that is not sure.

    The p95 alone would let nearly 5 % of them pass.
    """
    rate = case.plan.gates.errors
    if rate is None:
        return ""
    failed = stats.clopper_pearson(run.failed, run.calls, case.plan.alpha)
    most = float(np.average(case.pairs.primary_failed, weights=case.weight)) + rate.margin
    if failed.low <= most:
        return ""
    return f", failed {words.in_shares(failed)}, at most {words.share(most)}"


def percentile(values: Floats, percent: int) -> float:
    """By nearest rank, as reports have it."""
    rank = -(-percent * len(values) // 100) - 1
    return float(np.partition(values, rank)[rank])


def _comparable(case: Case) -> tuple[Floats, Floats, Ints | None]:
    """Latencies of both legs, and the indices of their pairs; of one weight, thinned to it.

    None where these are all pairs: millions of them are not copied.
    """
    ours, theirs = case.pairs.primary_latency_ms, case.pairs.candidate_latency_ms
    timed = _timed(case.pairs)
    if case.weight is None and timed.all():
        return ours, theirs, None
    kept = np.flatnonzero(timed)
    if case.weight is not None and len(kept):
        kept = kept[evenly(case.weight[kept])]
    return ours[kept], theirs[kept], kept


def _timed(pairs: Pairs) -> Bools:
    return ~(np.isnan(pairs.primary_latency_ms) | np.isnan(pairs.candidate_latency_ms))


def evenly(weight: Floats) -> Ints:
    """Indices of a systematic sample in which each call has the chance weight / largest weight.

    Cochran, Sampling Techniques (1977), section 9A.10. In it every call stands for as many calls of
    production, so that order statistics hold as they do of a plain sample.
    """
    steps = np.floor(np.cumsum(weight / weight.max()) + 0.5)
    return np.flatnonzero(np.diff(steps, prepend=0.0) > 0)
