"""Numbers as people read them: per cent, milliseconds, dollars, and their differences."""

from __future__ import annotations

import math

from shadow_mw.results import Metric

NOTHING = "-"


def rate(value: float) -> str:
    """A share in per cent, with as many digits as keep it apart from none and from all."""
    percent = 100 * value
    for digits in (1, 2, 3):
        text = f"{percent:.{digits}f}"
        if float(text) not in (0, 100) or percent in (0, 100):
            return f"{text} %"
    return "< 0.001 %" if percent < 1 else "> 99.999 %"


def milliseconds(value: float) -> str:
    """A time; infinite where a percentile falls on a failed call."""
    if math.isinf(value):
        return "∞"
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.2f} ms"


def dollars(value: float) -> str:
    """An amount, with cents, and with more digits where cents would hide it."""
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def counted(n: int, noun: str) -> str:
    """`1 pair`, `2,000 pairs`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def points(metric: Metric) -> str:
    """The difference of two rates, in percentage points."""
    if metric.delta is None:
        return NOTHING
    delta = 100 * metric.delta
    digits = 1 if delta == 0 or abs(delta) >= 0.05 else 3
    return f"{delta:+.{digits}f} pp"


def change(metric: Metric) -> str:
    """The difference as a share of the primary's value."""
    if metric.delta is None or not metric.primary:
        return NOTHING
    return f"{100 * metric.delta / metric.primary:+.0f} %"


def shown_plain(text: str | None) -> str:
    """A text that others wrote, without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text or "")
