"""Whether a value stands in the request's text: what does not, nobody can have read there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.fields import dates, decimals
from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.normalise import alphanumeric
from shadow_mw.evaluate.fields.paths import join
from shadow_mw.evaluate.fields.rules import PLAIN, Node
from shadow_mw.evaluate.once import once
from shadow_mw.types import Json
from shadow_mw.wire.lenient import kind, mappings

ENOUGH_WORDS = 0.8
"""Of a text's words in the source: OCR errs, and models put such errors right."""

SHORT = 4
"""Fewer letters and digits than these are somewhere in every source: they have to be words."""

LONG_NUMBER = 8
"""Digits from which a number is more likely an identifier, printed with spaces or dashes."""

_GUESSED: tuple[Literal["en", "de"] | None, ...] = (None, "en", "de")

_WORD = re.compile(r"[^\W_]+")
_RUN = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_POINTS = str.maketrans("", "", ".,")


class Source:
    """A request's text, read once for each way of looking into it."""

    def __init__(self, text: str) -> None:
        self.text = strict_json.normal(text)
        """In NFKC."""
        self._numbers: dict[decimals.Locale | None, set[Decimal]] = {}
        self._dates: dict[dates.Order | None, set[date]] = {}

    @once
    def squeezed(self) -> str:
        """Its letters and digits alone, without case."""
        return alphanumeric(self.text)

    @once
    def words(self) -> frozenset[str]:
        """Its words, without case."""
        return frozenset(_words(self.text))

    def numbers(self, locale: decimals.Locale | None) -> set[Decimal]:
        """Every amount in it, without signs."""
        if locale not in self._numbers:
            self._numbers[locale] = set(decimals.within(self.text, locale))
        return self._numbers[locale]

    def has(self, amount: Decimal, locale: Literal["en", "de"] | None) -> bool:
        """Whether an amount is in it; one whose digits are not there is not looked for."""
        return _significant(amount) in self._digits and amount in self.numbers(locale)

    @once
    def _digits(self) -> frozenset[str]:
        """The significant digits of whatever is an amount in any of `_GUESSED`."""
        return frozenset(run.translate(_POINTS).strip("0") for run in _RUN.findall(self.text))

    def dates(self, order: dates.Order | None) -> set[date]:
        """Every date in it; without an order all readings of each."""
        if order not in self._dates:
            self._dates[order] = set(dates.within(self.text, order))
        return self._dates[order]


def grounded(value: Json, source: Source, node: Node = PLAIN) -> bool | None:
    """Whether a leaf's value is in the source; None where it need not be there word for word.

    Args:
        value: a leaf of an output.
        source: the request's text.
        node: its rules; without one a text is read as the amount or date that it may be.
    """
    rule = node.rule
    if rule.normalise in ("enum", "free_text") or isinstance(value, bool) or is_blank(value):
        return None
    if isinstance(value, int | Decimal):
        return _unsigned(value) in source.numbers(rule.locale) | source.numbers(None)
    if not isinstance(value, str):
        return None
    text = strict_json.normal(value)
    if rule.normalise == "decimal":
        amount = decimals.parse(text, rule.locale)
        if amount is None:
            return _text(text, source)
        return _unsigned(amount) in source.numbers(rule.locale)
    if rule.normalise == "date":
        day = dates.parse(text, rule.order)
        return _text(text, source) if day is None else day in source.dates(rule.order)
    if rule.normalise == "identifier":
        return _within(text, source)
    return _text(text, source) if rule.normalise == "text" else _undeclared(text, source)


def grounding(output: Json, source: Source, rules: Node = PLAIN) -> list[tuple[str, bool]] | None:
    """Each populated leaf that has to be in the source, and whether it is.

    None where the output is no JSON object. Lists are read item by item.
    """
    if not isinstance(output, dict):
        return None
    return [
        (path, found)
        for path, node, value in _leaves(output, rules, "")
        if (found := grounded(value, source, node)) is not None
    ]


def request_text(input_messages: str | None, system: str | None) -> str | None:
    """All text that a request gave, as it is stored; None where it also gave images or files.

    What the assistant said before is no source.
    """
    messages = mappings(recent.loads_or_none(input_messages or ""))
    parts = mappings(strict_json.loads_or_none(system or ""))
    for message in messages:
        if message.get("role") != "assistant":
            parts += mappings(message.get("parts"))
    if any(kind(part) in ("uri", "blob", "file") for part in parts):
        return None
    texts = [part.get("content", part.get("response")) for part in parts]
    return "\n".join(_as_text(text) for text in texts if text is not None)


def _as_text(value: Json) -> str:
    """A tool's answer may be a value; its numbers keep their digits."""
    return value if isinstance(value, str) else strict_json.dumps(value)


def _leaves(value: Json, node: Node, path: str) -> Iterator[tuple[str, Node, Json]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, node.key(key), join(path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, node.item, f"{path}[]")
    else:
        yield path, node, value


def _undeclared(text: str, source: Source) -> bool:
    """Read generously: this is a sign for people to look at, not a verdict."""
    if not any(map(str.isdigit, text)):
        return _text(text, source)
    read = {locale: decimals.parse(text, locale) for locale in _GUESSED}
    amounts = {locale: amount.copy_abs() for locale, amount in read.items() if amount is not None}
    days = dates.readings(text)
    if any(source.has(amount, locale) for locale, amount in amounts.items()):
        return True
    if days and not days.isdisjoint(source.dates(None)):
        return True
    if (amounts or days) and not (text.isdigit() and len(text) >= LONG_NUMBER):
        return False
    return _text(text, source)


def _unsigned(number: int | Decimal) -> int | Decimal:
    """Digit for digit: `abs` rounds to 28, and raises where an exponent is large."""
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def _significant(amount: Decimal) -> str:
    """Equal for equal amounts."""
    return "".join(map(str, amount.as_tuple().digits)).strip("0")


def _text(text: str, source: Source) -> bool:
    words = _words(text)
    if not words or _within(text, source):
        return bool(words)
    return sum(word in source.words for word in words) >= ENOUGH_WORDS * len(words)


def _within(text: str, source: Source) -> bool:
    squeezed = alphanumeric(text)
    if len(squeezed) < SHORT:
        return all(word in source.words for word in _words(text))
    # Most stand there as they are, and then so do their letters and digits.
    return text in source.text or squeezed in source.squeezed


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
