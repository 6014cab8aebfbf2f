"""Parts of a summary: where outputs differ, and both legs by segment, day and document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Counts of a signal against the fault that it stands for."""

    true_positives: int = 0
    false_negatives: int = 0
    false_positives: int = 0
    true_negatives: int = 0

    @classmethod
    def of(cls, cases: Iterable[tuple[bool, bool, int]]) -> ErrorRates:
        """Add up cases: the signal, whether there was the fault, and how many are alike."""
        counts = {(True, True): 0, (False, True): 0, (True, False): 0, (False, False): 0}
        for signal, fault, n in cases:
            counts[signal, fault] += n
        return cls(*counts.values())

    @property
    def positives(self) -> int:
        """Faults that were labelled: the denominator of `tpr`."""
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        """Labelled as no fault: the denominator of `fpr`."""
        return self.false_positives + self.true_negatives

    @property
    def tpr(self) -> float | None:
        """The share of faults that the signal shows; None without faults."""
        return self.true_positives / self.positives if self.positives else None

    @property
    def fpr(self) -> float | None:
        """The share of what is no fault that it shows all the same; None without any."""
        return self.false_positives / self.negatives if self.negatives else None

    def __add__(self, other: ErrorRates) -> ErrorRates:
        return ErrorRates(
            self.true_positives + other.true_positives,
            self.false_negatives + other.false_negatives,
            self.false_positives + other.false_positives,
            self.true_negatives + other.true_negatives,
        )


@dataclass(frozen=True, slots=True)
class Differences:
    """Leaves that differ in one way; of the rest nobody can say whether they are in the request."""

    n: int = 0
    grounded: int = 0
    """Whose value is in the request's text."""
    ungrounded: int = 0
    """Whose value is not."""


@dataclass(frozen=True, slots=True)
class FieldDivergence:
    """One field path, both outputs held against each other."""

    leaves: int
    """That were compared: present in either output."""
    candidate_only: Differences = Differences()
    """The primary is null there: maybe an invention of the candidate."""
    primary_only: Differences = Differences()
    """The candidate is null there. Grounded is the primary's value."""
    different: Differences = Differences()
    """Grounded is the candidate's value."""


@dataclass(frozen=True, slots=True)
class DivergenceSummary:
    """What can be said of fields without a truth, and how far to trust it where there is one."""

    pairs: int = 0
    """Both of whose outputs are a JSON object."""
    divergent: int = 0
    """Of them, those that differ at any leaf."""
    fields: dict[str, FieldDivergence] = field(default_factory=dict)
    """What looks most like hallucinations comes first."""
    hallucinated: ErrorRates = ErrorRates()
    """`candidate_only` as a sign of a hallucination, on all labelled leaves."""
    missed: ErrorRates = ErrorRates()
    """`primary_only` as a sign of a value that the candidate missed, likewise."""
    wrong: ErrorRates = ErrorRates()
    """"Not in the request" as a sign of a wrong or invented value: the candidate's at labelled
    leaves that differ, outside of lists."""


@dataclass(frozen=True, slots=True)
class SliceLeg:
    """One leg's counts in a part of the pairs."""

    correct: int
    """Labelled leaves, correct nulls too."""
    hallucinated: int
    errors: int
    """Failed calls."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the pairs: a segment, or a day."""

    pairs: int
    scored: int
    """Pairs with a truth."""
    leaves: int
    """Labelled ones."""
    nulls: int
    """Those of them whose truth is null."""
    matchable: int
    """Pairs whose primary answered: the denominator of the exact matches."""
    matches: int
    primary: SliceLeg
    candidate: SliceLeg


@dataclass(frozen=True, slots=True)
class Documents:
    """Pairs with labelled leaves, each as a whole: `n`, and for both legs how many fared how."""

    n: int = 0
    primary_perfect: int = 0
    """Every labelled leaf right."""
    candidate_perfect: int = 0
    primary_hallucinated: int = 0
    """At least one hallucination."""
    candidate_hallucinated: int = 0
