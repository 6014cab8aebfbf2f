"""How often a signal that needs no truth is right, counted where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Counts of a signal against the fault that it stands for."""

    true_positives: int = 0
    false_negatives: int = 0
    false_positives: int = 0
    true_negatives: int = 0

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


def error_rates(cases: Iterable[tuple[bool, bool]]) -> ErrorRates:
    """Count cases, each the signal and whether there was the fault."""
    counts = {(True, True): 0, (False, True): 0, (True, False): 0, (False, False): 0}
    for signal, fault in cases:
        counts[signal, fault] += 1
    return ErrorRates(*counts.values())
