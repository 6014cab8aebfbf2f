"""Null fields one by one: none may be proven worse, whatever all of them together say."""

from __future__ import annotations

from collections.abc import Sequence

from shadow_mw.decide import stats, words
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import TANGO, design_effect, score_p
from shadow_mw.decide.gates.counts import RATES, paired_interval
from shadow_mw.decide.gates.rates import MEASURES, NO_TRUTH, counted
from shadow_mw.decide.gates.result import LOWER, lacking
from shadow_mw.decide.plan import Hallucination
from shadow_mw.evidence import PairedCount
from shadow_mw.verdicts import GateResult, State

TITLE = "hallucination, field by field"


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
        return [lacking(name, TITLE, NO_TRUTH, needed=needed, margin=plan.margin)]
    size = _design_effect(case)
    bad = _proven_worse(case, fields, plan.margin, size)
    level = case.look.alpha if case.look.planned else case.look.alpha / len(fields)
    intervals = {field.name: paired_interval(case, field, level, size) for field in fields}
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
            title=TITLE,
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
            paired_interval(case, field, alpha / len(fields), size).low > margin for field in fields
        ]
    return [field for field, out in zip(fields, rejected, strict=True) if out]


def _design_effect(case: Case) -> float:
    """That of all null fields together: single fields come without their clusters."""
    found = counted(MEASURES["hallucination"], case.pairs, case.units, case.weight)
    return 1.0 if found is None else design_effect(found)
