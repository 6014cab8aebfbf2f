"""How a gate's interval becomes its state, and its row."""

from __future__ import annotations

import math
from collections.abc import Callable

from shadow_mw.decide import words
from shadow_mw.decide.stats import Interval
from shadow_mw.verdicts import GateResult, State

LOWER = "lower"
HIGHER = "higher"
PLANNED_ONLY = "decided at planned looks only"


def state_of(found: Interval, margin: float, better: str) -> State:
    """Proven good, proven bad, or neither: the end of the interval on the bad side decides."""
    good, bad = (found.low, found.high) if better == LOWER else (-found.high, -found.low)
    limit = margin if better == LOWER else -margin
    if bad <= limit:
        return State.PASS
    return State.FAIL if good > limit else State.UNPROVEN


def why(state: State, shown: str, needed: str) -> str:
    """One line: what was measured, and what follows."""
    if state is State.PASS:
        return f"{shown}: proven within the limit, {needed}"
    if state is State.FAIL:
        return f"{shown}: proven beyond the limit, {needed}"
    return f"{shown}: not proven to be within the limit, {needed}"


def measured(
    name: str,
    title: str,
    *,
    primary: float | None,
    candidate: float | None,
    interval: Interval,
    margin: float,
    better: str,
    unit: str,
    needed: str,
    n: int,
    method: str,
    shown: Callable[[Interval], str] = words.in_points,
    absolute: bool = False,
) -> GateResult:
    """A gate decided by an interval of its delta, or of the candidate's own figure."""
    state = state_of(interval, margin, better)
    return GateResult(
        name=name,
        title=title,
        primary=finite(primary),
        candidate=finite(candidate),
        delta=None if absolute else finite(interval.estimate),
        interval=(finite(interval.low), finite(interval.high)),
        margin=margin,
        better=better,
        unit=unit,
        needed=needed,
        state=state,
        n=n,
        reason=why(state, shown(interval), needed),
        method=method,
    )


def lacking(
    name: str,
    title: str,
    reason: str,
    *,
    needed: str,
    margin: float | None = None,
    better: str = LOWER,
    unit: str = "points",
    primary: float | None = None,
    candidate: float | None = None,
    n: int = 0,
    method: str = "",
) -> GateResult:
    """A gate without the data that it needs: never a pass.

    A method says that data are there, and that their time has not come.
    """
    return GateResult(
        name=name,
        title=title,
        primary=finite(primary),
        candidate=finite(candidate),
        delta=None,
        interval=None,
        margin=margin,
        better=better,
        unit=unit,
        needed=needed,
        state=State.UNPROVEN,
        n=n,
        reason=reason,
        method=method,
    )


def finite(value: float | None) -> float | None:
    """Infinite and undefined are unknown."""
    return float(value) if value is not None and math.isfinite(value) else None
