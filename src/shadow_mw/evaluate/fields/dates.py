"""Dates as people write them: read by a declared order, or where only one reading is possible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Literal, get_args

Order = Literal["dmy", "mdy", "ymd"]
"""Which of day, month and year comes first."""

ORDERS: tuple[Order, ...] = get_args(Order)

EARLIEST, LATEST = 1900, 2099
PIVOT = 69
"""`68` is 2068, `69` is 1969, as POSIX has it."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAME = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})"
_GAP = r"(?:[ ]*[-/.,][ ]*|[ ]+)"
_NAMED = (
    rf"{_DAY}{_GAP}?{_NAME}{_GAP}?{_YEAR}",
    rf"{_NAME}[ ]*{_DAY}{_GAP}{_YEAR}",
    rf"(?P<year>[0-9]{{4}}){_GAP}{_NAME}{_GAP}{_DAY}",
)
_NUMERIC = r"(?P<a>[0-9]{1,4})(?P<gap>[-/.])(?P<b>[0-9]{1,2})(?P=gap)(?P<c>[0-9]{4}|[0-9]{1,2})"
_SOLID = r"(?P<solid>[0-9]{8})"
_SHAPES = [re.compile(shape) for shape in (_NUMERIC, _SOLID, *_NAMED)]
_EDGED = [re.compile(rf"(?<![0-9a-z]){shape.pattern}(?![0-9])") for shape in _SHAPES]
_UNNAMED = len(_SHAPES) - len(_NAMED)


def parse(text: str, order: Order | None) -> date | None:
    """The date that the whole text is; None where it is none, or may be several.

    Args:
        text: in NFKC, trimmed.
        order: decides `03/04/2018` and `12-01-19`; a year of four digits in front, and months by
            name, need none.
    """
    lower = text.lower()
    for shape in _SHAPES:
        if found := shape.fullmatch(lower):
            days = _readings(found, order)
            return days.pop() if len(days) == 1 else None
    return None


def readings(text: str) -> set[date]:
    """Every date that the whole text may be."""
    lower = text.lower()
    found = (shape.fullmatch(lower) for shape in _SHAPES)
    return {day for match in found if match for day in _readings(match, None)}


def within(text: str, order: Order | None) -> Iterator[date]:
    """Every date in a text; without an order all readings of each."""
    lower = text.lower()
    named = any(month in lower for month in _MONTHS)
    for shape in _EDGED if named else _EDGED[:_UNNAMED]:
        for found in shape.finditer(lower):
            yield from _readings(found, order)


def _readings(found: re.Match[str], order: Order | None) -> set[date]:
    parts = found.groupdict()
    if "solid" in parts:
        return _solid(parts["solid"])
    if "month" in parts:
        month = _MONTHS.index(parts["month"][:3]) + 1
        return _dates([(parts["year"], month, parts["day"])])
    return _numeric(parts["a"], parts["b"], parts["c"], order)


def _numeric(a: str, b: str, c: str, order: Order | None) -> set[date]:
    """A year of four digits says which end it is; `ymd` then leaves day and month open."""
    if len(a) > 2:
        return _dates([(a, b, c)] if len(a) == 4 and len(c) <= 2 else [])
    orders = (order,) if order else ORDERS
    if len(c) == 4:
        orders = (order,) if order in ("dmy", "mdy") else ("dmy", "mdy")
    places = {"dmy": (c, b, a), "mdy": (c, a, b), "ymd": (a, b, c)}
    return _dates([places[each] for each in orders])


def _solid(digits: str) -> set[date]:
    """Of `20180304` and `25032018` never both ways are dates between the two limits."""
    return _dates([(digits[:4], digits[4:6], digits[6:]), (digits[4:], digits[2:4], digits[:2])])


def _dates(readings: list[tuple[str, str | int, str]]) -> set[date]:
    found = set()
    for year, month, day in readings:
        full = _year(year)
        if full is not None:
            try:
                found.add(date(full, int(month), int(day)))
            except ValueError:
                continue
    return found


def _year(digits: str) -> int | None:
    if len(digits) == 4:
        return int(digits) if EARLIEST <= int(digits) <= LATEST else None
    if len(digits) != 2:
        return None
    return int(digits) + (2000 if int(digits) < PIVOT else 1900)
