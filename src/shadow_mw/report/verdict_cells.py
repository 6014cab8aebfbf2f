"""A gate's numbers in the words of its unit, for tables of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from shadow_mw.report.numbers import NOTHING, dollars, milliseconds, rate
from shadow_mw.verdicts import GateResult, SegmentRow, State

WORDS = {State.PASS: "PASS", State.FAIL: "FAIL", State.UNPROVEN: "UNPROVEN"}
ENDLESS = "∞"
COLUMNS = ("gate", "primary", "candidate", "delta", "interval", "needed", "state")


def cells(gate: GateResult) -> tuple[str, ...]:
    """One for each of `COLUMNS`."""
    shown, unknown = _own(gate), ENDLESS if _is_endless(gate) else NOTHING
    return (
        gate.title,
        unknown if gate.primary is None else shown(gate.primary),
        unknown if gate.candidate is None else shown(gate.candidate),
        (NOTHING if gate.primary is None else unknown)
        if gate.delta is None
        else _difference(gate)(gate.delta),
        _interval(gate),
        limit(gate),
        state(gate),
    )


def limit(gate: GateResult) -> str:
    """The margin, short: `≤ +0.2 pp`; `needed` says it in words."""
    if gate.margin is None:
        return gate.needed
    sign = "≤" if gate.better == "lower" else "≥"
    if gate.unit == "points":
        return f"{sign} {100 * gate.margin:+.4g} pp"
    if gate.unit == "count":
        return f"{sign} {gate.margin:,.0f}"
    if gate.unit == "ratio":
        return f"{sign} {gate.margin:g}x"
    if gate.unit == "usd":
        return f"{sign} ${gate.margin:,.2f}"
    if gate.name == "likeness":
        return f"{sign} {gate.margin:+g}"
    return f"{sign} {100 * gate.margin:.4g} %"


def state(gate: GateResult) -> str:
    """In words, with who signed for it."""
    text = WORDS[gate.state]
    return f"{text}, signed" if gate.waived_by else text


def segment_cells(row: SegmentRow) -> tuple[str, ...]:
    """Name, share, pairs, measure, primary, candidate, delta with interval, state."""
    delta = NOTHING
    if row.delta is not None:
        delta = points(row.delta)
        if row.interval:
            delta += f" ({_ends(row.interval, lambda value: points(value).removesuffix(' pp'))})"
    return (
        row.name,
        rate(row.share),
        f"{row.pairs:,}",
        row.measure or NOTHING,
        NOTHING if row.primary is None else rate(row.primary),
        NOTHING if row.candidate is None else rate(row.candidate),
        delta,
        row.state,
    )


def points(value: float) -> str:
    """A difference of rates in percentage points."""
    digits = 2 if abs(value) >= 0.0005 or not value else 3
    return f"{100 * value:+.{digits}f} pp"


def _is_endless(gate: GateResult) -> bool:
    """Whether a latency that is not known is one of a failed call: those have no end."""
    return gate.name.startswith("latency") and gate.n > 0


def _own(gate: GateResult) -> Callable[[float], str]:
    if gate.unit == "count":
        return lambda value: f"{value:,.0f}"
    if gate.unit == "usd":
        return dollars
    if gate.unit == "ratio":
        return milliseconds if gate.name.startswith("latency") else _cost
    return _score if gate.name == "likeness" else rate


def _difference(gate: GateResult, *, bare: bool = False) -> Callable[[float], str]:
    """Of the delta; bare of its unit where that stands beside it."""
    if gate.unit == "ratio":
        return (lambda value: f"{value:.3f}") if bare else (lambda value: f"{value:.3f}x")
    if gate.name == "likeness":
        return lambda value: f"{value:+.4f}"
    if gate.delta is None:
        return rate
    return (lambda value: points(value).removesuffix(" pp")) if bare else points


def _interval(gate: GateResult) -> str:
    if gate.interval is None:
        return NOTHING
    # A ratio is never below 0: where its lower end is infinite, all of it is.
    least = ENDLESS if gate.unit == "ratio" else f"-{ENDLESS}"
    return _ends(gate.interval, _difference(gate, bare=True), least)


def _ends(
    interval: tuple[float | None, float | None], shown: Callable[[float], str], least: str = "-∞"
) -> str:
    low, high = interval
    return f"{least if low is None else shown(low)} to {ENDLESS if high is None else shown(high)}"


def _cost(value: float) -> str:
    """Of one call: three digits, and no power of ten."""
    return dollars(value) if value >= 0.001 or not value else f"${Decimal(f'{value:.3g}'):f}"


def _score(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else NOTHING
