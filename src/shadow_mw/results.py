"""What the evaluator hands to a report: plain values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shadow_mw.alarms import Change, Told
from shadow_mw.breakdown import DivergenceSummary, Documents, Slice
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
class Spread:
    """Percentiles by nearest rank, to three decimals."""

    p5: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """What one check says of all pairs that it applied to."""

    n: int
    """Pairs with a result."""
    primary: float | None
    """The mean; None where the check compares the two legs."""
    candidate: float | None
    higher: int
    """Pairs whose candidate has the higher value: for a yes or no, those where it is alone."""
    lower: int
    """Pairs whose primary has the higher value."""
    spread: Spread | None
    """Of a value that compares the two legs."""
    labels: dict[str, int]
    """The most frequent first."""
    errors: int = 0
    """Pairs on which the check raised."""
    not_run: int = 0
    """Pairs that it would have applied to, had it what it needs."""
    reasons: tuple[str, ...] = ()
    """Why it has errors or was not run."""


ALIKE = 0.95
"""The cosine from which on numbers, dates and negations are looked at: a habit, and no verdict."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """Cosines by one embedding model; percentiles by nearest rank."""

    n: int
    mean: float
    p5: float
    p50: float
    alike: int
    """Pairs with a cosine of `ALIKE` or more."""
    facts_checked: int
    """Those of them whose numbers, dates and negations were compared."""
    facts_differ: dict[str, int]
    """Pairs by which of them differ all the same."""

    @property
    def hidden(self) -> float | None:
        """The share of alike pairs whose facts differ."""
        return sum(self.facts_differ.values()) / self.facts_checked if self.facts_checked else None


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
class NoiseRow:
    """One similarity: of candidate and primary, and of two answers of the primary itself."""

    candidate: float | None
    """The mean."""
    candidate_n: int
    primary: float | None
    primary_n: int
    paired_difference: float | None
    """The mean of candidate minus primary over the calls that both were asked."""
    paired_n: int

    @property
    def difference(self) -> float | None:
        """Candidate minus primary, each over all that it was asked."""
        if self.candidate is None or self.primary is None:
            return None
        return self.candidate - self.primary


@dataclass(frozen=True, slots=True)
class LengthBand:
    """Between which ratios the lengths of two answers of the primary itself lie."""

    low: float
    """The quantile 0.005, by nearest rank."""
    high: float
    """The quantile 0.995."""
    n: int
    """The primary's pairs."""
    inside: int
    """Candidate's pairs within the band."""
    of: int
    """Candidate's pairs."""


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Every similarity beside what the primary has to itself."""

    pairs: int
    """Calls that the primary was asked again."""
    rows: dict[str, NoiseRow]
    length: LengthBand | None


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


@dataclass(frozen=True, slots=True)
class Score:
    """One result about the candidate's leg of a pair, as it goes back on the trace."""

    name: str
    """`shadow.exact_match`, `shadow.json_valid`, `shadow.field_accuracy`,
    `shadow.null_hallucination`, or `shadow.` and the name of a check that found something."""
    value: float | None
    """A share from 0 to 1."""
    label: str | None
    """`pass` where nothing is wrong, else `fail`; of a check its own label."""
    explanation: str | None
    """Counts and field paths, never content."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """The scores of one pair, and the span that they are about."""

    experiment: str
    candidate_id: str
    pair_id: str
    trace_id: str
    span_id: str
    """The candidate leg's."""
    time_ns: int
    """Unix time at which the candidate's call ended."""
    scores: tuple[Score, ...]


LATENCY_BUCKETS = (
    *(0.05, 0.063, 0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4, 0.5, 0.63, 0.8),
    *(1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0),
    *(10.0, 12.5, 16.0, 20.0, 25.0, 31.5, 40.0, 50.0, 60.0),
)
"""Upper bounds in seconds; one more holds what is slower, and what failed.

A quarter apart (ISO 3, R10), so that a percentile that is read from them is right within 8 %.
"""


@dataclass(frozen=True, slots=True)
class LegFigures:
    """One role's legs over all pairs of a series."""

    outcomes: dict[str, int]
    durations: tuple[int, ...]
    """Calls in each of `LATENCY_BUCKETS`, not added up."""
    seconds: float
    """Of all calls that were answered."""
    cost_usd: float
    """Over the pairs of which both legs have a price."""
    fields: dict[str, int]
    """Outcomes of labelled fields."""


@dataclass(frozen=True, slots=True)
class NullDay:
    """The labelled nulls of one day's pairs, and how many of them each leg filled in."""

    day: str
    """ISO date, UTC."""
    fields: int
    primary: int
    candidate: int


OTHER_LABELS = "other labels"
"""Of a check whose labels are more than a dashboard takes."""


@dataclass(frozen=True, slots=True)
class SeriesFigures:
    """Everything a dashboard shows about one series."""

    series: Series
    funnel: Funnel
    primary: LegFigures
    candidate: LegFigures
    nulls: tuple[NullDay, ...]
    """The last 31 days that have any."""
    gauges: dict[str, float]
    """What the processes report, added up over them: `spend_usd`, `budget_usd`."""
    checks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Pairs by check, then by label: the most frequent ones, the rest under `OTHER_LABELS`."""
    divergences: dict[tuple[str, str], int] = field(default_factory=dict)
    """Leaves at which the outputs differ, by kind and by `true`, `false` or `unknown`: whether
    the value is in the request."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is measured about a store."""

    series: tuple[SeriesFigures, ...]
    experiments: dict[str, dict[str, float]]
    """`window_end` (the latest) and `pending_bytes` (added up) by experiment."""
    alarms: tuple[Change, ...] = ()
    """As they were worked out last."""
    told: Told = field(default_factory=Told)
    """Messages about alarms."""


@dataclass(frozen=True, slots=True)
class PairState:
    """What has come of one exchange."""

    pair_id: str
    experiment: str
    trace_id: str
    legs: tuple[str, ...]
    """Roles that are stored."""
    paired: bool
