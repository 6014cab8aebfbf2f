"""Numbers, dates and negations that differ: what a similarity of 0.99 may hide."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from shadow_mw.evaluate import dates
from shadow_mw.evaluate.case import Case
from shadow_mw.evaluate.checking import CheckResult

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    r"(?<![\d.])\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?![\d])"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b",
    re.IGNORECASE,
)
_MAY_HAVE_DATE = re.compile(
    r"\d[-/.]\d{1,2}[-/.]\d|\b[JFMASOND][A-Za-z]{2,8}\.? \d|\d\S{0,2} [A-Z]"
)
_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:[.,' \u00a0\u202f]\d+)*")
_MARKER = re.compile(r"^[ \t]*(?:#{1,6} )?\(?\d{1,3}[.):](?=\s)|\[\^?\d{1,3}\]", re.MULTILINE)
"""Numbers of list items and of sources are none of the text's."""

_GROUPS = re.compile(r"[-+]?\d{1,3}(?:([,.' ])\d{3})+(?:[.,]\d+)?")
_NEGATIONS = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|nicht|keine?[mnrs]?|niemals"
    r"|nie|ohne|jamais|aucune?|nunca|ningún|ninguna)\b|n't\b|\bne [^\s]+ pas\b",
    re.IGNORECASE,
)
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
        primary, candidate = case.primary, case.candidate
        if not primary.text or not candidate.text:
            return None
        if primary.is_document and candidate.is_document:
            return None
        if primary.text == candidate.text:
            return CheckResult(self.name, None, 0.0, "same")
        ours, theirs = facts(primary.text), facts(candidate.text)
        kinds = different(ours, theirs)
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
    found = Facts(negations=sum(1 for _ in _NEGATIONS.finditer(plain)))
    if not any(map(str.isdigit, plain)):
        return found
    plain = _MARKER.sub(" ", plain)
    if _MAY_HAVE_DATE.search(plain):
        plain = _DATE.sub(lambda match: _dated(found, match[0]), plain)
    found.numbers.update(_value(match[0]) for match in _NUMBER.finditer(plain))
    return found


def _dated(found: Facts, text: str) -> str:
    """Take a date out of the text; one with two readings is only equal to itself."""
    day = dates.parse(text.replace(" of ", " "), None)
    if day is not None:
        found.dates.add(day.isoformat())
    elif re.search(r"\d{4}", text):
        found.dates.add(text.lower())
    else:
        # A version, or part of an address.
        found.numbers.add(text)
    return " "


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
