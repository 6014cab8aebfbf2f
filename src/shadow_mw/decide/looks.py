"""Which test the data are due: the final one, a planned look, or one that is always valid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from shadow_mw.decide.plan import Plan
from shadow_mw.decide.stats import obrien_fleming
from shadow_mw.decide.stats.clusters import blocks

if TYPE_CHECKING:
    from shadow_mw.evidence import Floats

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LONGEST_SILENCE: Final = 3 * DAY
"""A weekend; what is silent for longer has stopped."""
PAIRS_A_DAY: Final = 10
"""The fewest by which silences are known."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is tested, at which level, on the data until when."""

    name: str
    """`final`, `interim 1 of 2`, or `between looks (anytime-valid)`."""
    planned: bool
    """Whether fixed-n intervals hold; else only confidence sequences do."""
    alpha: float
    """Two-sided level of every interval."""
    start: float
    """Unix time, s: the hour of the first pair."""
    end: float
    """Of the window."""
    until: float
    """Data from here on are left out."""
    newest: float
    """Time of the newest pair."""
    complete: bool
    """Whether the window is over."""


def look_at(plan: Plan, time_s: Floats) -> Look | None:
    """The look that data of these times are due; None without any.

    The window begins with the hour of the first pair and ends `window.days` calendar days later
    in the plan's time zone. It is complete once a pair lies in its last hour or after it, or once
    the silence before its end is no longer than another one in it: an app that sleeps at weekends
    has no call to send then. A planned look is taken where the newest pair is less than a day after
    the look's time.

    Args:
        plan: its window and alpha.
        time_s: unix times, ascending; those after the window may be among them.
    """
    if not len(time_s):
        return None
    start, newest = float(time_s[0]) // HOUR * HOUR, float(time_s[-1])
    end = _days_later(start, plan.window.days, plan.window.timezone)
    shares = plan.window.looks
    levels = obrien_fleming(shares, plan.alpha)
    if newest >= end - max(HOUR, _longest_silence(time_s, end, plan.window.days)):
        return Look("final", True, levels[-1], start, end, end, newest, True)
    for number, (share, level) in enumerate(zip(shares[:-1], levels, strict=False), 1):
        due = start + share * (end - start)
        if due <= newest < due + DAY:
            name = f"interim {number} of {len(shares)}"
            return Look(name, True, level, start, end, due, newest, False)
    name = "between looks (anytime-valid)"
    return Look(name, False, plan.alpha, start, end, end, newest, False)


def _longest_silence(time_s: Floats, end: float, days: int) -> float:
    """Seconds between two pairs of the window that follow one another, three days at most.

    0 where pairs are so few that every silence is long.
    """
    inside = time_s[: np.searchsorted(time_s, end, side="left")]
    if len(inside) < PAIRS_A_DAY * days:
        return 0.0
    # Each block begins with the last pair of the one before.
    pauses = (inside[max(0, some.start - 1) : some.stop] for some in blocks(len(inside)))
    longest = max((float(np.diff(pause).max(initial=0.0)) for pause in pauses), default=0.0)
    return min(longest, LONGEST_SILENCE)


def _days_later(start: float, days: int, zone: str) -> float:
    """The same time of the day, whatever the clocks do in between."""
    began = datetime.fromtimestamp(start, ZoneInfo(zone))
    return (began + timedelta(days=days)).timestamp()
