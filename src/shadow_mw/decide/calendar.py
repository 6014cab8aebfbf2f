"""Days and hours of pairs in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Floats

QUARTER: Final = 900
"""Seconds: no time zone is off by a part of it."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local day and hour of every pair."""

    day: npt.NDArray[np.int64]
    """Ordinal (1 is 0001-01-01), ascending but for what clocks do."""
    hour: npt.NDArray[np.int64]
    """0 to 23."""

    @property
    def weekday(self) -> npt.NDArray[np.int64]:
        """0 is Monday."""
        return (self.day - 1) % 7


def calendar(time_s: Floats, zone: str) -> Calendar:
    """Local days and hours of unix times (s, ascending)."""
    quarters = np.floor(time_s / QUARTER).astype(np.int64)
    distinct, which = np.unique(quarters, return_inverse=True)
    place = ZoneInfo(zone)
    local = [datetime.fromtimestamp(int(q) * QUARTER, place) for q in distinct]
    days = np.array([moment.toordinal() for moment in local], dtype=np.int64)
    hours = np.array([moment.hour for moment in local], dtype=np.int64)
    return Calendar(days[which], hours[which])


def iso(day: int) -> str:
    """The date of an ordinal."""
    return date.fromordinal(day).isoformat()
