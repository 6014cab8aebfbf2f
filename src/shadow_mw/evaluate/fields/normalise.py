"""When two values of a field are the same: one normal form per declared way of reading."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Hashable
from decimal import Decimal
from functools import lru_cache, partial
from typing import Literal

from shadow_mw.evaluate.fields import dates, decimals
from shadow_mw.evaluate.strict_json import normal
from shadow_mw.types import Json

Normaliser = Literal["exact", "text", "decimal", "date", "identifier", "enum", "free_text"]
LONG = 100
"""Characters from which a text is neither a date nor an amount."""

_BETWEEN = re.compile(r"[\W_]+")
_PSEUDONYM = re.compile(r"<(\w+:[0-9a-f]{12})~(?:([0-9a-f]{4}))?[0-9a-f]{4}>")
"""Of personal data that are not in their plain spelling: four digits for the spelling, before them
four for that without case and space where it is not the plain one's."""

Normal = Callable[[Json], Hashable]


class _Boolean:
    """`True == 1` in Python, not in JSON."""


TRUE, FALSE = _Boolean(), _Boolean()


def exact(value: Json) -> Hashable:
    """NFKC and trimmed; numbers by value, whatever their digits; types never mix."""
    if type(value) is str:
        return value.strip() if value.isascii() else normal(value)
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    if isinstance(value, list):
        return ("list", *map(exact, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, exact(item)) for key, item in value.items()))
    return value  # type: ignore[no-any-return]  # a number or None


def text(value: Json) -> Hashable:
    """Exact, and without case, and with one space where there is space."""
    if not isinstance(value, str):
        return exact(value)
    folded = " ".join(normal(value).casefold().split())
    return _PSEUDONYM.sub(_without_case, folded) if "<" in folded else folded


def _without_case(pseudonym: re.Match[str]) -> str:
    plain, folded = pseudonym.groups()
    return f"<{plain}~{folded}>" if folded else f"<{plain}>"


def identifier(value: Json) -> Hashable:
    """Letters and digits only, without case: `MY 12-34` is `my1234`; whole numbers as digits."""
    if type(value) is int:
        return str(value)
    if isinstance(value, Decimal) and value.adjusted() < LONG and value == int(value):
        return str(int(value))
    if not isinstance(value, str):
        return exact(value)
    return alphanumeric(value) or exact(value)


def alphanumeric(value: str) -> str:
    """Letters and digits of a text, in NFKC, without case."""
    if "<" in value:
        value = _PSEUDONYM.sub(r"<\1>", value)
    return _BETWEEN.sub("", normal(value).casefold())


def decimal(value: Json, locale: decimals.Locale | None = None) -> Hashable:
    """The amount, its currency aside; what is none in this locale stays as it is."""
    found = _amount(value, locale) if isinstance(value, str) and len(value) < LONG else None
    return exact(value) if found is None else found


def date(value: Json, order: dates.Order | None = None) -> Hashable:
    """The day; what is none, or may be several, stays as it is."""
    found = _day(value, order) if isinstance(value, str) and len(value) < LONG else None
    return exact(value) if found is None else found


@lru_cache(maxsize=4096)
def _amount(value: str, locale: decimals.Locale | None) -> Decimal | None:
    return decimals.parse(normal(value), locale)


@lru_cache(maxsize=4096)
def _day(value: str, order: dates.Order | None) -> datetime.date | None:
    return dates.parse(normal(value), order)


def forget() -> None:
    """Empty the memory of amounts and dates that were read."""
    _amount.cache_clear()
    _day.cache_clear()


def enum(value: Json, values: frozenset[str] = frozenset()) -> Hashable:
    """One of the declared values, without case; anything else stays as it is."""
    folded = text(value)
    return folded if folded in values else exact(value)


def normaliser(
    name: Normaliser,
    locale: decimals.Locale | None = None,
    order: dates.Order | None = None,
    values: tuple[str, ...] = (),
) -> Normal:
    """The function behind a name, with what was declared for it."""
    if name == "decimal":
        return partial(decimal, locale=locale)
    if name == "date":
        return partial(date, order=order)
    if name == "enum":
        return partial(enum, values=frozenset(str(text(value)) for value in values))
    return {"exact": exact, "text": text, "identifier": identifier, "free_text": text}[name]
