"""Whether an answer cites only sources that the request supplied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult, legs

UNCITED: Final = "uncited"
VALID: Final = "valid"
INVALID: Final = "invalid"

_MARKER = re.compile(r"\[\^?(\d{1,3}(?:\s*[,;]\s*\^?\d{1,3})*)\](?!\()")
"""`[3]`, `[^3]`, `[1, 3]`; the text of a link is none."""
_DEFINITION = re.compile(r"^[ \t]*\[\^?\d{1,3}\]:", re.MULTILINE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_URL = re.compile(r"https?://[^\s<>\"'\]\[\\`|{}]+", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}")
_BRACKETED = re.compile(r"\[\^?(\d{1,3})\]")
_NAMED = re.compile(
    r"<(?:document|doc|source|passage|context|result)\s[^>]{0,40}?=\\?[\"'](\d{1,3})\\?[\"']"
    r"|\b(?:document|doc|source|passage|context|result|quelle|dokument)[ #_-]{1,2}(\d{1,3})[):\]]",
    re.IGNORECASE,
)
_NAMES = ("ocument", "<doc", "doc ", "ource", "assage", "ontext", "esult", "uelle", "okument")
_TRACKING = re.compile(r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id", re.IGNORECASE)
_MEDIA = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_PORTS = {"http": 80, "https": 443}
_TRAILING = ".,;:!?*_)'\""


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources by number and by address."""

    numbers: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.numbers or self.urls)

    def supplies(self, cited: Sources) -> bool:
        """Whether every citation is of a source that is here.

        Addresses are held against the request only where it supplies some: a model may link to
        what it knows where nobody gave it links.
        """
        return cited.numbers <= self.numbers and (not self.urls or cited.urls <= self.urls)

    def all(self) -> frozenset[str]:
        """Numbers and addresses together."""
        return self.numbers | self.urls


class Citations:
    """1.0 where a leg cites a source that the request did not supply."""

    name = "invalid_citation"

    def run(self, case: Case) -> CheckResult | None:
        """Where the request supplies sources, and both answered in prose."""
        read = _read(case)
        if read is None:
            return None
        known, ours, theirs = read
        return legs(self.name, _class(ours, known), _class(theirs, known), {INVALID})


class CitationOverlap:
    """Sources cited by both over sources cited by either: agreement, not correctness."""

    name = "citation_overlap"

    def run(self, case: Case) -> CheckResult | None:
        """Where at least one of the two cites."""
        read = _read(case)
        if read is None or not (read[1] or read[2]):
            return None
        ours, theirs = read[1].all(), read[2].all()
        both = ours & theirs
        value = len(both) / len(ours | theirs)
        label = "same" if ours == theirs else "overlap" if both else "disjoint"
        detail = f"{len(both)} of the primary's {len(ours)} sources" if ours else ""
        return CheckResult(self.name, None, value, label, detail)


@lru_cache(maxsize=8)
def supplied(request: str) -> Sources:
    """Numbers and addresses of sources in the text of a request."""
    numbers = _BRACKETED.findall(request)
    # Looking for names takes far longer, and few requests number their sources both ways.
    if not numbers and any(name in request for name in _NAMES):
        numbers = [one or other for one, other in _NAMED.findall(request)]
    return Sources(frozenset(str(int(n)) for n in numbers), _urls(request))


@lru_cache(maxsize=8)
def cited(text: str) -> Sources:
    """What an answer cites; code has brackets of its own."""
    if "[" not in text and "://" not in text:
        return Sources()
    prose = _CODE.sub(" ", text) if "`" in text else text
    markers = _MARKER.findall(_DEFINITION.sub(" ", prose))
    numbers = frozenset(str(int(n)) for marker in markers for n in _NUMBER.findall(marker))
    return Sources(numbers, _urls(prose))


def canonical_url(url: str) -> str:
    """One spelling for an address: no fragment, no tracking, no default port, host in lower case.

    Scheme and a slash at the end make no other source either.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return url
    shown = f":{port}" if port and port != _PORTS.get(parts.scheme.lower()) else ""
    query = parts.query
    if query:
        kept = [
            (name, value)
            for name, value in parse_qsl(query, keep_blank_values=True)
            if not _TRACKING.fullmatch(name)
        ]
        query = urlencode(sorted(kept))
    return f"{host}{shown}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def _read(case: Case) -> tuple[Sources, Sources, Sources] | None:
    primary, candidate = case.primary, case.candidate
    if not _is_prose(primary) or not _is_prose(candidate):
        return None
    known = supplied(case.request_text)
    return (known, cited(primary.text), cited(candidate.text)) if known else None


def _is_prose(side: Side) -> bool:
    return bool(side.text) and not side.is_document


def _class(found: Sources, known: Sources) -> str:
    if not found:
        return UNCITED
    return VALID if known.supplies(found) else INVALID


def _urls(text: str) -> frozenset[str]:
    if "://" not in text:
        return frozenset()
    found = (canonical_url(_whole(match)) for match in _URL.findall(text))
    return frozenset(url for url in found if not url.lower().endswith(_MEDIA))


def _whole(url: str) -> str:
    """Without the punctuation of the sentence around it; a bracket that it opened stays."""
    trimmed = url.rstrip(_TRAILING)
    return f"{trimmed})" if trimmed.count("(") > trimmed.count(")") and ")" in url else trimmed
