"""Days and hours of pairs in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from shadow_mw.decide.stats.clusters import blocks

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Floats

QUARTER: Final = 900
"""Seconds: no time zone is off by a part of it."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local day and hour of every pair."""

    day: npt.NDArray[np.int32]
    """Ordinal (1 is 0001-01-01), ascending but for what clocks do."""
    hour: npt.NDArray[np.int8]
    """0 to 23."""

    @property
    def weekday(self) -> npt.NDArray[np.int32]:
        """0 is Monday."""
        return (self.day - 1) % 7


def calendar(time_s: Floats, zone: str) -> Calendar:
    """Local days and hours of unix times (s, ascending)."""
    begins = _begins(time_s)
    counts = np.diff(begins, append=len(time_s))
    place = ZoneInfo(zone)
    quarters = np.floor_divide(time_s[begins], QUARTER)
    local = [datetime.fromtimestamp(int(q) * QUARTER, place) for q in quarters]
    days = np.array([moment.toordinal() for moment in local], np.int32)
    hours = np.array([moment.hour for moment in local], np.int8)
    return Calendar(np.repeat(days, counts), np.repeat(hours, counts))


def _begins(time_s: Floats) -> npt.NDArray[np.int64]:
    """The first pair of each quarter: ascending, those of one stand together."""
    found, before = [np.zeros(0, np.int64)], np.nan
    for some in blocks(len(time_s)):
        quarters = np.floor_divide(time_s[some], QUARTER)
        found.append(some.start + np.flatnonzero(np.diff(quarters, prepend=before) != 0))
        before = quarters[-1]
    return np.concatenate(found)


def iso(day: int) -> str:
    """The date of an ordinal."""
    return date.fromordinal(day).isoformat()
