"""Gates over tables of yes and no: single fields, and faults of deterministic checks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shadow_mw.decide import stats, words
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import TANGO, design_effect, score_p
from shadow_mw.decide.gates.rates import MEASURES, NO_TRUTH, counted
from shadow_mw.decide.gates.result import LOWER, lacking, measured
from shadow_mw.decide.plan import Checks, Hallucination
from shadow_mw.decide.stats import Interval
from shadow_mw.evidence import PairedCount
from shadow_mw.verdicts import GateResult, State

RATES = "beta-binomial confidence sequences of both rates (Robbins 1970)"
FIELDS_TITLE = "hallucination, field by field"


def fields_gate(case: Case, plan: Hallucination) -> list[GateResult]:
    """No single field may be proven worse than the margin."""
    if not plan.fields:
        return []
    name, needed = (
        "hallucination.fields",
        f"no field proven {words.plain_points(plan.margin)} worse",
    )
    fields = [field for field in case.evidence.fields if field.n]
    if not fields:
        return [lacking(name, FIELDS_TITLE, NO_TRUTH, needed=needed, margin=plan.margin)]
    size = _design_effect(case)
    bad = _proven_worse(case, fields, plan.margin, size)
    level = case.look.alpha if case.look.planned else case.look.alpha / len(fields)
    intervals = {field.name: _interval(case, field, level, size) for field in fields}
    worst = max(bad or fields, key=lambda field: (intervals[field.name].low, field.name))
    interval = intervals[worst.name]
    shown = f"{worst.name} {words.in_points(interval)}"
    if bad:
        others = f" (and {words.calls(len(bad) - 1, 'more field')})" if len(bad) > 1 else ""
        reason = f"{shown}{others}: proven more than {words.plain_points(plan.margin)} worse"
    else:
        reason = (
            f"none of {words.calls(len(fields), 'field')} is proven worse; {shown} is the worst"
        )
    return [
        GateResult(
            name=name,
            title=FIELDS_TITLE,
            primary=(worst.both + worst.primary_only) / worst.n,
            candidate=(worst.both + worst.candidate_only) / worst.n,
            delta=interval.estimate,
            interval=(interval.low, interval.high),
            margin=plan.margin,
            better=LOWER,
            unit="points",
            needed=needed,
            state=State.FAIL if bad else State.PASS,
            n=worst.n,
            reason=reason,
            method=_method(case, len(fields)),
        )
    ]


def _method(case: Case, fields: int) -> str:
    if case.look.planned:
        return f"{TANGO}; Holm over {fields} fields"
    return f"{RATES}; each of {fields} fields at its part of alpha"


def _proven_worse(
    case: Case, fields: Sequence[PairedCount], margin: float, size: float
) -> list[PairedCount]:
    alpha = case.look.alpha
    if case.look.planned:
        # Two-sided p-values: the level of every interval.
        found = [score_p(f.n, f.primary_only, f.candidate_only, margin, size) for f in fields]
        rejected = stats.holm([min(1.0, 2 * p) for p in found], alpha)
    else:
        rejected = [
            _interval(case, field, alpha / len(fields), size).low > margin for field in fields
        ]
    return [field for field, out in zip(fields, rejected, strict=True) if out]


def checks_gate(case: Case, plan: Checks) -> list[GateResult]:
    """Each check's faults tie or improve, within a margin."""
    found = {check.name: check for check in case.evidence.checks}
    names = plan.only or tuple(sorted(name for name, check in found.items() if check.n))
    needed = f"at most {words.plain_points(plan.margin)} worse"
    if not names:
        reason = "no check found anything to check"
        return [
            lacking("checks", "deterministic checks", reason, needed=needed, margin=plan.margin)
        ]
    results, size = [], _most_effect(case)
    worst = f"; design effect {size:.2f}: clusters taken to be of one luck" if size > 1 else ""
    for name in names:
        check = found.get(name)
        title = name.replace("_", " ")
        if check is None or not check.n:
            reason = f"check {name} found nothing to check"
            results.append(
                lacking(f"checks.{name}", title, reason, needed=needed, margin=plan.margin)
            )
            continue
        results.append(
            measured(
                f"checks.{name}",
                title,
                primary=(check.both + check.primary_only) / check.n,
                candidate=(check.both + check.candidate_only) / check.n,
                interval=_interval(case, check, case.look.alpha, size),
                margin=plan.margin,
                better=LOWER,
                unit="points",
                needed=needed,
                n=check.n,
                method=(TANGO if case.look.planned else RATES) + worst,
            )
        )
    return results


def _interval(case: Case, count: PairedCount, alpha: float, size: float) -> Interval:
    """Of a difference of two rates that share their units.

    At a planned look Tango's. In between, both one-sided rates have a sequence of their own at half
    the level, and the difference lies between their ends.
    """
    n, lost, won = count.n / size, count.primary_only / size, count.candidate_only / size
    if case.look.planned:
        return stats.tango(n, lost, won, alpha)
    whole = math.ceil(n)
    ours = stats.rate_sequence(round(lost), whole, alpha / 2)
    theirs = stats.rate_sequence(round(won), whole, alpha / 2)
    return Interval((won - lost) / n, theirs.low - ours.high, theirs.high - ours.low)


def _design_effect(case: Case) -> float:
    """That of all null fields together: single fields come without their clusters."""
    found = counted(MEASURES["hallucination"], case.pairs, case.units, case.weight)
    return 1.0 if found is None else design_effect(found)


def _most_effect(case: Case) -> float:
    """The largest design effect there can be: checks come without their clusters.

    Pairs of one cluster are taken for copies of one another: the mean size of the cluster of a
    pair. Kish (1965, section 8.2) with an intraclass correlation of 1.
    """
    sizes = case.units.sums(np.ones(len(case.pairs)))
    return float(sizes @ sizes) / float(sizes.sum()) if len(sizes) else 1.0
