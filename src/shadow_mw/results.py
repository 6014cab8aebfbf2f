"""What the evaluator hands to a report: plain values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shadow_mw.breakdown import DivergenceSummary, Documents, Slice
from shadow_mw.comparisons import CheckCounts, NoiseFloor, Similarity
from shadow_mw.types import Json


class FieldOutcome(StrEnum):
    """What one leg did with one field of the truth; exactly one of them applies."""

    # That of its value, as equality is; an enum's own is slower.
    __hash__ = str.__hash__

    CORRECT = "correct"
    WRONG_VALUE = "wrong_value"
    MISSED = "missed"
    HALLUCINATED = "hallucinated"
    CORRECT_NULL = "correct_null"
    INVALID_OUTPUT = "invalid_output"
    NULL_LIKE = "null_like"
    NOT_LABELLED = "not_labelled"
    UNEXPECTED_FIELD = "unexpected_field"


UNLABELLED = frozenset({FieldOutcome.NOT_LABELLED, FieldOutcome.UNEXPECTED_FIELD})
"""Outcomes of paths that the truth does not mention; they are in no rate."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table: fractions for rates, ms, or USD; None is unknown, never zero."""

    primary: float | None
    """`math.inf` where a percentile falls on a failed call."""
    candidate: float | None
    n: int
    """The denominator: pairs, or labelled leaves for the two field rates."""
    primary_count: int | None = None
    """The numerator of a rate."""
    candidate_count: int | None = None

    @property
    def delta(self) -> float | None:
        """Candidate minus primary, in the metric's own unit."""
        if self.primary is None or self.candidate is None:
            return None
        if float("inf") in (self.primary, self.candidate):
            return None
        return self.candidate - self.primary


METRICS = (
    "field_accuracy",
    "hallucination_rate",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "ttft_p50_ms",
    "cost_per_1k_usd",
    "error_rate",
    "exact_match",
    "json_valid",
)
"""Every metric of a report, in its order."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many calls reached which step, and why the others did not."""

    captured: int
    mirrored: int
    paired: int
    scored: int
    reasons: dict[str, int] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    """Whose app processes reported: a store holds what its own host saw."""


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Both legs' outcomes for one field path, every outcome present."""

    primary: dict[FieldOutcome, int]
    candidate: dict[FieldOutcome, int]


@dataclass(frozen=True, slots=True)
class LegTotals:
    """Sums over one leg of all pairs; tokens count calls whose server reported them."""

    model: str | None
    """The most frequent one."""
    calls: int
    calls_with_usage: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    unpriced: int
    """Calls without a known price or without usage: left out of the cost, never taken as 0."""
    failed: int
    """Calls in the latency figures that count as infinitely slow."""


@dataclass(frozen=True, slots=True)
class Series:
    """One candidate in one experiment."""

    experiment: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report shows about one series."""

    series: Series | None
    """None where the store holds nothing yet."""
    others: tuple[Series, ...]
    """What could have been chosen instead; empty where the caller named the series."""
    funnel: Funnel
    metrics: dict[str, Metric]
    fields: dict[str, FieldCounts]
    primary: LegTotals
    candidate: LegTotals
    labels: int
    """Truths in the store, matched or not."""
    transitions: dict[FieldOutcome, dict[FieldOutcome, int]] = field(default_factory=dict)
    """Labelled leaves by the primary's outcome, then by the candidate's; every outcome is there."""
    checks: dict[str, CheckCounts] = field(default_factory=dict)
    """By name; those without any result are left out."""
    similarity: dict[str, Similarity] = field(default_factory=dict)
    """By embedding model."""
    backfilled: int = 0
    """Pairs whose candidate was asked later, from the store: their latency is in no figure."""
    noise: NoiseFloor | None = None
    """None where the primary was never asked again."""
    divergence: DivergenceSummary = field(default_factory=DivergenceSummary)
    segments: dict[str, Slice] = field(default_factory=dict)
    """By the segment that the primary's call was given; empty where there was none."""
    days: dict[str, Slice] = field(default_factory=dict)
    """By the primary's day, ISO date in UTC, in order."""
    documents: Documents = field(default_factory=Documents)
    unused_rules: tuple[str, ...] = ()
    """Declared rules of fields for paths that neither a truth nor an output in the store has."""


@dataclass(frozen=True, slots=True)
class Label:
    """Ground truth for every pair with this business key."""

    key: str
    truth: dict[str, Json]


@dataclass(frozen=True, slots=True)
class LabelResult:
    """What became of a file of labels."""

    stored: int
    scored: int
    """Pairs scored with them."""
    unmatched: int
    """Keys that match no pair yet; they apply when it comes."""
    replaced: int = 0
    """Keys that had another truth."""
    narrowed: int = 0
    """Of those, keys of which a field that was labelled no longer is."""
