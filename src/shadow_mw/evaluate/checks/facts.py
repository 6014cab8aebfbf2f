"""Numbers, dates and negations that differ: what a similarity of 0.99 may hide."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.fields import dates

_REST = r"(?:an|eb|ar|pr|ay|u[nlg]|ep|ct|ov|ec|AN|EB|AR|PR|AY|U[NLG]|EP|CT|OV|EC)[A-Za-z]{0,6}\.?"
"""A month's name after its first letter."""
# Starts with one set of characters, which is what makes it quick to look for.
_DATE = re.compile(
    r"[\dJFMASOND](?:"
    r"(?<=\d)(?<![\d.].)\d{0,3}(?:([-/.])\d{1,2}\1\d{1,4}(?!\d)"
    rf"|(?:st|nd|rd|th)? (?:of )?[JFMASONDjfmasond]{_REST},? \d{{4}}\b)"
    rf"|(?<=[A-Z])(?<!\w.){_REST} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b)"
)
_MAY_HAVE_DATE = re.compile(r"\d[-/.]\d{1,2}[-/.]\d|[A-Za-z]\.?,? \d{4}|\d,? \d{4}")
_NUMBER = re.compile(r"[-+\d](?<![\w.].)(?:(?<=\d)|(?=\d))\d*(?:[.,' ]\d+)*")
_MARKER = re.compile(r"^[ \t]*(?:#{1,6} )?\(?\d{1,3}[.):](?=\s)|\[\^?\d{1,3}\]", re.MULTILINE)
"""Numbers of list items and of sources are none of the text's."""

_GROUPS = re.compile(r"[-+]?\d{1,3}(?:([,.' ])\d{3})+(?:[.,]\d+)?")
_NEGATIONS = frozenset(
    {
        *("not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot"),
        *("nicht", "kein", "keine", "keinen", "keinem", "keiner", "nie", "niemals", "ohne"),
        *("pas", "jamais", "aucun", "aucune", "nunca", "ningún", "ninguna"),
    }
)
"""Whole words; `n't` is counted wherever it stands."""

_SPACED = str.maketrans(dict.fromkeys(".,;:!?()[]{}\"'*_\u201c\u201d\u2014/", " "))
_STRAIGHT = str.maketrans({"\u2019": "'", "\u2212": "-", "\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that is either equal or not."""

    numbers: set[Decimal | str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    negations: int = 0


class FactsDiffer:
    """1.0 where numbers, dates or negations differ between the two texts."""

    name = "facts_differ"

    def run(self, case: Case) -> CheckResult | None:
        """Where both have text that is no JSON document: a document has fields."""
        ours, theirs = case.primary.text, case.candidate.text
        if not ours or not theirs or case.both_documents:
            return None
        if ours == theirs:
            return CheckResult(self.name, None, 0.0, "same")
        kinds = different(facts(ours), facts(theirs))
        return CheckResult(self.name, None, float(bool(kinds)), "+".join(kinds) or "same")


def different(ours: Facts, theirs: Facts) -> list[str]:
    """The kinds of facts that differ: a number more, another date, one negation less."""
    pairs = (
        ("numbers", ours.numbers != theirs.numbers),
        ("dates", ours.dates != theirs.dates),
        ("negations", ours.negations != theirs.negations),
    )
    return [kind for kind, differs in pairs if differs]


def facts(text: str) -> Facts:
    """Everything of these kinds that a text has."""
    plain = text.translate(_STRAIGHT)
    found = Facts(negations=_negations(plain.lower()))
    if not any(map(str.isdigit, plain)):
        return found
    plain = _MARKER.sub(" ", plain)
    if _MAY_HAVE_DATE.search(plain):
        plain = _DATE.sub(lambda match: _dated(found, match[0]), plain)
    found.numbers.update(map(_value, _NUMBER.findall(plain)))
    return found


def _negations(text: str) -> int:
    words = text.translate(_SPACED).split()
    return text.count("n't") + sum(word in _NEGATIONS for word in words)


def _dated(found: Facts, text: str) -> str:
    """Take a date out of the text; one with two readings is only equal to itself."""
    day = _day(text)
    if day is not None:
        found.dates.add(day)
    elif re.search(r"\d{4}", text):
        found.dates.add(text.lower())
    else:
        # A version, or part of an address.
        found.numbers.add(text)
    return " "


@lru_cache(maxsize=4096)
def _day(text: str) -> str | None:
    day = dates.parse(text.replace(" of ", " "), None)
    return None if day is None else day.isoformat()


@lru_cache(maxsize=4096)
def _value(text: str) -> Decimal | str:
    """Digits in groups are one number: `1,234.50`, `1.234,50` and `1234.5`."""
    plain = text.replace("\u2212", "-")
    grouped = _GROUPS.fullmatch(plain)
    if grouped:
        sign = grouped[1]
        # A single dot is a fraction; of a dot and a comma the last one is.
        if not (sign == "." and plain.count(".") == 1 and "," not in plain):
            plain = plain.replace(sign, "")
    plain = plain.replace(",", ".")
    try:
        return Decimal(plain).normalize()
    except ArithmeticError:
        return text
