"""Divergence, segments, days and documents as JSON."""

from __future__ import annotations

from dataclasses import asdict

from shadow_mw.breakdown import ErrorRates, Slice, SliceLeg
from shadow_mw.results import Summary
from shadow_mw.types import Json


def breakdown_json(summary: Summary) -> dict[str, Json]:
    """Keys of the report; shares are fractions, and None where there is nothing to count."""
    divergence, documents = summary.divergence, summary.documents
    return {
        "divergence": {
            "pairs": divergence.pairs,
            "divergent": divergence.divergent,
            "fields": {path: asdict(counts) for path, counts in divergence.fields.items()},
            "known": {
                "hallucinated": _rates(divergence.hallucinated),
                "missed": _rates(divergence.missed),
                "ungrounded_wrong": _rates(divergence.wrong),
            },
        },
        "segments": {name: _slice(part) for name, part in summary.segments.items()},
        "days": {day: _slice(part) for day, part in summary.days.items()},
        "documents": {
            "n": documents.n,
            "perfect": {
                "primary": documents.primary_perfect,
                "candidate": documents.candidate_perfect,
            },
            "hallucinated": {
                "primary": documents.primary_hallucinated,
                "candidate": documents.candidate_hallucinated,
            },
        },
        "unused_rules": list(summary.unused_rules),
    }


def _rates(rates: ErrorRates) -> dict[str, Json]:
    return asdict(rates) | {"tpr": rates.tpr, "fpr": rates.fpr}


def _slice(part: Slice) -> dict[str, Json]:
    return {
        "pairs": part.pairs,
        "scored": part.scored,
        "leaves": part.leaves,
        "nulls": part.nulls,
        "exact_match": {
            "n": part.matchable,
            "matches": part.matches,
            "share": _share(part.matches, part.matchable),
        },
        "primary": _leg(part, part.primary),
        "candidate": _leg(part, part.candidate),
    }


def _leg(part: Slice, leg: SliceLeg) -> dict[str, Json]:
    return {
        "field_accuracy": _share(leg.correct, part.leaves),
        "hallucination_rate": _share(leg.hallucinated, part.nulls),
        "error_rate": _share(leg.errors, part.pairs),
        "correct": leg.correct,
        "hallucinated": leg.hallucinated,
        "errors": leg.errors,
    }


def _share(count: int, n: int) -> float | None:
    return count / n if n else None
