"""Faults of deterministic checks: each ties or improves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide import words
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import TANGO, Difference, Sums, difference, sums
from shadow_mw.decide.gates.counts import RATES, paired_interval
from shadow_mw.decide.gates.result import LOWER, lacking, measured
from shadow_mw.decide.plan import Checks
from shadow_mw.evidence import CANDIDATE_FAULT, NOT_CHECKED, PRIMARY_FAULT, PairedCount
from shadow_mw.verdicts import GateResult, State

if TYPE_CHECKING:
    from shadow_mw.decide.units import Units
    from shadow_mw.evidence import Flags, Floats


def checks_gate(case: Case, plan: Checks) -> list[GateResult]:
    """Each check's faults tie or improve, within a margin."""
    found = {check.name: check for check in case.evidence.checks}
    some = {name for name, check in found.items() if check.n}
    names = plan.only or tuple(sorted(some | case.evidence.unchecked.keys()))
    needed = f"at most {words.plain_points(plan.margin)} worse"
    if not names:
        reason = "no check found anything to check"
        return [
            lacking("checks", "deterministic checks", reason, needed=needed, margin=plan.margin)
        ]
    return [_check(case, plan, name, found.get(name), needed) for name in names]


def _check(
    case: Case, plan: Checks, name: str, check: PairedCount | None, needed: str
) -> GateResult:
    title = name.replace("_", " ")
    delta = None if check is None or not check.n else _delta(case, check)
    if delta is None:
        n = case.evidence.unchecked.get(name, 0)
        reason = f"check {name} found nothing to check"
        if n:
            reason = f"check {name} could not be run on any of {words.calls(n, 'pair')}"
        return lacking(f"checks.{name}", title, reason, needed=needed, margin=plan.margin)
    result = measured(
        f"checks.{name}",
        title,
        primary=delta.primary,
        candidate=delta.candidate,
        interval=delta.interval,
        margin=plan.margin,
        better=LOWER,
        unit="points",
        needed=needed,
        n=delta.n,
        method=delta.method,
    )
    return _if_run(case, name, result)


def _if_run(case: Case, name: str, result: GateResult) -> GateResult:
    """No pass where it could not be run on more pairs than a window may lose."""
    n = case.evidence.unchecked.get(name, 0)
    if result.state is not State.PASS or n <= (1 - case.plan.window.completion) * (n + result.n):
        return result
    reason = f"check {name} could not be run on {n:,} of {words.calls(n + result.n, 'pair')}"
    return replace(result, state=State.UNPROVEN, reason=reason)


def _delta(case: Case, check: PairedCount) -> Difference | None:
    """Over clusters and by weight where there are such; else counts say all."""
    if case.units.codes is None and case.weight is None:
        return _counted(case, check, 1.0, "")
    codes = case.evidence.faults.get(check.name)
    if codes is None:
        size = _most_effect(case)
        alone = f"; design effect {size:.2f}: clusters taken to be of one luck" if size > 1 else ""
        return _counted(case, check, size, alone)
    found = faults(codes[: len(case.pairs)], case.units, case.weight)
    if found is None:
        return None
    return difference(found, case.look.alpha, planned=case.look.planned)


def faults(codes: Flags, units: Units, weight: Floats | None) -> Sums | None:
    """What a check counts over pairs; None where it checked none of them."""
    checked = codes != NOT_CHECKED
    ours, theirs = (checked & ((codes & leg) > 0) for leg in (PRIMARY_FAULT, CANDIDATE_FAULT))
    return sums(units, weight, ours, theirs, checked)


def _counted(case: Case, check: PairedCount, size: float, note: str) -> Difference:
    return Difference(
        (check.both + check.primary_only) / check.n,
        (check.both + check.candidate_only) / check.n,
        paired_interval(case, check, case.look.alpha, size),
        check.n,
        (TANGO if case.look.planned else RATES) + note,
    )


def _most_effect(case: Case) -> float:
    """The largest design effect there can be, of checks that come without their clusters.

    Pairs of one cluster are taken for copies of one another: the mean size of the cluster of a
    pair. Kish (1965, section 8.2) with an intraclass correlation of 1.
    """
    sizes = case.units.sums(np.ones(len(case.pairs)))
    return float(sizes @ sizes) / float(sizes.sum()) if len(sizes) else 1.0
