"""Which spans of an export are for the evaluator, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from shadow_mw import semconv
from shadow_mw.records import SpanRecord
from shadow_mw.types import Role


@dataclass(frozen=True, slots=True)
class Screened:
    """The spans of one export, sorted."""

    legs: list[SpanRecord]
    rejected: Counter[str]
    """What is wrong, and how often."""


def screen(spans: Iterable[SpanRecord]) -> Screened:
    """Keep the legs of pairs; what a judge or a candidate's server emits is welcome and unused."""
    legs: list[SpanRecord] = []
    rejected: Counter[str] = Counter()
    for span in spans:
        fault = _fault(span)
        if fault is not None:
            rejected[fault] += 1
        elif _is_leg(span):
            legs.append(span)
    return Screened(legs, rejected)


def _is_leg(span: SpanRecord) -> bool:
    return _text(span, semconv.ROLE) in _LEGS and bool(_text(span, semconv.PAIR_ID))


def _fault(span: SpanRecord) -> str | None:
    role = _text(span, semconv.ROLE)
    if not role:
        return f"no {semconv.ROLE}: no span of an evaluation"
    if role not in _ROLES:
        return f"{semconv.ROLE} is none of {', '.join(Role)}"
    if role == Role.JUDGE:
        return None
    if not _text(span, semconv.PAIR_ID):
        return f"a leg without {semconv.PAIR_ID}" if span.scope == semconv.SCOPE else None
    return None if span.trace_id and span.span_id else "a leg without valid trace and span ids"


def _text(span: SpanRecord, name: str) -> str:
    value = span.attributes.get(name)
    return value if isinstance(value, str) else ""


_ROLES = frozenset(map(str, Role))
_LEGS = _ROLES - {str(Role.JUDGE)}
