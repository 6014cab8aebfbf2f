"""What a call costs, against the primary's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shadow_mw.decide import stats, words
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import LOWER, PLANNED_ONLY, lacking, measured
from shadow_mw.decide.plan import Cost
from shadow_mw.verdicts import GateResult, State

NAME, TITLE = "cost", "cost per call"
METHOD = "ratio of means, linearised, over clusters"


def cost_gate(case: Case, plan: Cost) -> list[GateResult]:
    """The ratio of both legs' means over the pairs of which both have a price, as production calls.

    A weight scales both legs of a pair, so that the ratio is that of all calls it stands for.
    """
    needed = f"at most {plan.ratio:g}x, or a sign-off"
    ours, theirs = case.pairs.primary_cost_usd, case.pairs.candidate_cost_usd
    kept = ~(np.isnan(ours) | np.isnan(theirs))
    n, unpriced = int(kept.sum()), case.evidence.unpriced
    if not n:
        reason = f"unpriced: {unpriced:,} of {unpriced:,} calls" if unpriced else "no cost is known"
        return [_lacking(plan, reason, needed)]
    if n < len(kept):
        ours, theirs = ours[kept], theirs[kept]
    weight = None if case.weight is None else case.weight[kept]
    means = (
        float(np.average(ours, weights=weight)),
        float(np.average(theirs, weights=weight)),
    )
    if means[0] <= 0:
        return [_lacking(plan, "the primary costs nothing: no ratio", needed, means, n)]
    if not case.look.planned:
        return [_lacking(plan, PLANNED_ONLY, needed, means, n)]
    clusters = case.units.codes
    if clusters is not None and n < len(kept):
        clusters = clusters[kept]
    if weight is not None:
        ours, theirs = ours * weight, theirs * weight
    interval = stats.cost_ratio(ours, theirs, clusters, case.look.alpha)
    result = measured(
        NAME,
        TITLE,
        primary=means[0],
        candidate=means[1],
        interval=interval,
        margin=plan.ratio,
        better=LOWER,
        unit="ratio",
        needed=needed,
        n=n,
        method=METHOD,
        shown=words.in_ratios,
    )
    if unpriced <= plan.unpriced_share * (unpriced + n):
        return [result]
    reason = f"unpriced: {unpriced:,} of {unpriced + n:,} calls"
    if result.state is State.FAIL:
        return [replace(result, reason=f"{result.reason} ({reason})")]
    return [replace(result, state=State.UNPROVEN, reason=reason)]


def _lacking(
    plan: Cost,
    reason: str,
    needed: str,
    means: tuple[float, float] | tuple[None, None] = (None, None),
    n: int = 0,
) -> GateResult:
    return lacking(
        NAME,
        TITLE,
        reason,
        needed=needed,
        margin=plan.ratio,
        unit="ratio",
        primary=means[0],
        candidate=means[1],
        n=n,
        method=METHOD if reason == PLANNED_ONLY else "",
    )
