"""Calls that the candidate was due and did not get: no pair tells how it would have done."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from shadow_mw.decide import words
from shadow_mw.decide.case import Case
from shadow_mw.verdicts import GateResult, State

DOWN: Final = ("circuit_open",)
"""It had failed so often that it was left alone: failures that nobody counted."""
TOO_SLOW: Final = (*DOWN, "queue_expired")
"""Or it fell behind for so long that calls were too old to make."""


def not_taken(case: Case, reasons: tuple[str, ...]) -> tuple[int, float]:
    """How many calls, and their share of all at the most: of each the largest weight is taken."""
    n = sum(case.evidence.lost.get(reason, 0) for reason in reasons)
    if not n:
        return 0, 0.0
    if not len(case.pairs):
        return n, 1.0
    weight = case.pairs.weight
    lost = n * float(weight.max())
    return n, lost / (lost + float(weight.sum()))


def as_failures(case: Case, results: list[GateResult]) -> list[GateResult]:
    """Gates of an error rate: no pass that would not hold had all calls not taken failed.

    Of n calls with a rate of at most `high`, and a share s besides in which only the candidate
    fails, the rate is at most (1 - s) high + s.
    """
    n, share = not_taken(case, DOWN)
    if not n:
        return results
    reason = f"{words.calls(n, 'call')} not made since the candidate was down"
    return [_unless(result, reason, share) for result in results]


def _unless(result: GateResult, reason: str, share: float) -> GateResult:
    if result.state is not State.PASS:
        return replace(result, reason=f"{result.reason} ({reason})")
    high = None if result.interval is None else result.interval[1]
    limit = math.inf if high is None else (1 - share) * high + share
    if result.margin is not None and limit <= result.margin:
        return replace(
            result, reason=f"{result.reason} ({reason}: as failures they change nothing)"
        )
    return replace(
        result,
        state=State.UNPROVEN,
        reason=f"{reason}: as failures they are beyond the limit, {result.needed}",
    )
