"""What checks and similarities say of all pairs, and how far the primary is from itself."""

from __future__ import annotations

from dataclasses import dataclass


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
