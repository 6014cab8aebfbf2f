"""Numbers of gates in words."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from shadow_mw.decide.stats import Interval


def stamp(time_s: float) -> str:
    """A unix time, s, to the second."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def share(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.4g} %"


def plain_points(value: float) -> str:
    """A margin in percentage points, without a sign."""
    return f"{100 * value:.4g} points"


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    return f"{100 * value:+.2f}" if abs(value) >= 0.0005 or not value else f"{100 * value:+.3f}"


def number(value: float) -> str:
    """A ratio or a mean."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.3f}"


def in_points(found: Interval) -> str:
    """`+0.80 points (+0.71 to +0.89)`."""
    return f"{points(found.estimate)} points ({points(found.low)} to {points(found.high)})"


def in_ratios(found: Interval) -> str:
    """`0.230x (0.221x to 0.239x)`."""
    return f"{number(found.estimate)}x ({number(found.low)}x to {number(found.high)}x)"


def in_shares(found: Interval) -> str:
    """`1.1 % (0.9 % to 1.3 %)`."""
    return f"{share(found.estimate)} ({share(found.low)} to {share(found.high)})"


def calls(n: int, what: str) -> str:
    """`1 pair`, `2,000 pairs`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
