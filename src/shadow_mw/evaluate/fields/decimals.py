"""Amounts as people write them: read by a declared locale, never by a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Literal

Locale = Literal["en", "de", "fr", "ch", "in"]
"""How thousands and fractions are written: `1,234.56`, `1.234,56`, `1 234,56`, `1'234.56`,
`1,00,234.56`."""

_PLAIN = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_COMMA = r"[0-9]+(?:,[0-9]+)?"
_AMOUNTS: dict[Locale | None, str] = {
    None: _PLAIN,
    "en": rf"[0-9]{{1,3}}(?:,[0-9]{{3}})+(?:\.[0-9]+)?|{_PLAIN}",
    "de": rf"[0-9]{{1,3}}(?:\.[0-9]{{3}})+(?:,[0-9]+)?|{_COMMA}",
    "fr": rf"[0-9]{{1,3}}(?: [0-9]{{3}})+(?:,[0-9]+)?|{_COMMA}",
    "ch": rf"[0-9]{{1,3}}(?:['\u2019][0-9]{{3}})+(?:\.[0-9]+)?|{_PLAIN}",
    "in": rf"[0-9]{{1,2}}(?:,[0-9]{{2}})*,[0-9]{{3}}(?:\.[0-9]+)?|{_PLAIN}",
}
_FRACTION: dict[Locale | None, str] = {"de": ",", "fr": ","}

_CODES = (
    "AED|AFN|ALL|AMD|ANG|AOA|ARS|AUD|AWG|AZN|BAM|BBD|BDT|BGN|BHD|BIF|BMD|BND|BOB|BRL|BSD|BTN|BWP|"
    "BYN|BZD|CAD|CDF|CHF|CLP|CNY|COP|CRC|CUP|CVE|CZK|DJF|DKK|DOP|DZD|EGP|ERN|ETB|EUR|FJD|FKP|GBP|"
    "GEL|GHS|GIP|GMD|GNF|GTQ|GYD|HKD|HNL|HTG|HUF|IDR|ILS|INR|IQD|IRR|ISK|JMD|JOD|JPY|KES|KGS|KHR|"
    "KMF|KPW|KRW|KWD|KYD|KZT|LAK|LBP|LKR|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MOP|MRU|MUR|MVR|MWK|"
    "MXN|MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|PAB|PEN|PGK|PHP|PKR|PLN|PYG|QAR|RON|RSD|RUB|RWF|SAR|"
    "SBD|SCR|SDG|SEK|SGD|SHP|SLE|SOS|SRD|SSP|STN|SYP|SZL|THB|TJS|TMT|TND|TOP|TRY|TTD|TWD|TZS|UAH|"
    "UGX|USD|UYU|UZS|VES|VND|VUV|WST|XAF|XCD|XOF|XPF|YER|ZAR|ZMW|ZWG|"
    # What is printed in their place.
    "RM|RS|KR|FT|FR|LEI|K\u010c|Z\u0141"
)


def _by_letter(codes: str) -> str:
    """Alternatives of one first letter together: tried one by one they took most of the time."""
    rests: dict[str, list[str]] = {}
    for code in codes.split("|"):
        rests.setdefault(code[0], []).append(code[1:])
    return "|".join(f"{letter}(?:{'|'.join(ends)})" for letter, ends in rests.items())


_SIGN = "[$\u00a2-\u00a5\u0e3f\u20a0-\u20c0]"
_CURRENCY = rf"(?:[A-Z]{{0,3}}{_SIGN}|(?=[A-Z])(?:{_by_letter(_CODES)})\.?)"
_MINUS = "[+\\-\u2212]?"


@cache
def _whole(locale: Locale | None) -> re.Pattern[str]:
    """Not at import: it takes 15 ms to compile, and most programs read no amount."""
    return re.compile(
        rf"({_MINUS}) ?(?:{_CURRENCY} ?({_MINUS}) ?)?({_AMOUNTS[locale]})(?: ?{_CURRENCY})?",
        re.IGNORECASE,
    )


@cache
def _within(locale: Locale | None) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9.,])(?:{_AMOUNTS[locale]})(?![0-9]|[.,][0-9])")


def parse(text: str, locale: Locale | None) -> Decimal | None:
    """The amount that the whole text is, its currency aside; None where it is none.

    Args:
        text: in NFKC, trimmed.
        locale: None reads what JSON would, without thousands.
    """
    found = _whole(locale).fullmatch(text)
    if found is None or (found[1] and found[2]):
        return None
    amount = _value(found[3], locale)
    # By sign alone: arithmetic would round it to 28 digits.
    return amount.copy_negate() if (found[1] or found[2]) in ("-", "\N{MINUS SIGN}") else amount


def within(text: str, locale: Locale | None) -> Iterator[Decimal]:
    """Every amount in a text, without its sign."""
    return (_value(found, locale) for found in set(_within(locale).findall(text)))


def _value(digits: str, locale: Locale | None) -> Decimal:
    whole, _, fraction = digits.partition(_FRACTION.get(locale, "."))
    kept = whole if whole.isdigit() else "".join(filter(str.isdigit, whole))
    return Decimal(f"{kept or '0'}.{fraction or '0'}")
