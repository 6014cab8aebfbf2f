"""The background article's figures, and what its window leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shadow_mw.demo.documents import INVOICE_SCHEMA
from shadow_mw.demo.invoices import STATED

PAIRS = 218_400
DAYS = 14
START = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday: two weeks have every hour of the week twice."""
JUDGED = 5_000
"""A judge reads a sample: all of it would cost more than the candidate."""


@dataclass(frozen=True, slots=True)
class Model:
    """What the article's table says of a model, then what it leaves open."""

    name: str
    accuracy: float
    hallucination_rate: float
    """Of fields that the document does not state."""
    p50_ms: float
    p99_ms: float
    cost_per_1k_usd: float

    error_rate: float
    """Calls that fail."""
    invalid_rate: float
    """Answers that are no JSON: fenced, or cut."""
    missed: float
    """Share of a model's wrong values that are null."""

    @property
    def lost(self) -> float:
        """Calls without any field."""
        return self.error_rate + self.invalid_rate

    def wrong_values(self, accuracy: float) -> float:
        """The share of values to get wrong, so that all leaves together have this accuracy."""
        wrong = FIELDS * (1 - accuracy - self.lost) - NULLS * self.hallucination_rate
        return wrong / ((FIELDS - NULLS) * (1 - self.lost))


PRIMARY = Model("gpt-4o-mini", 0.941, 0.003, 480, 1800, 0.42, 0.004, 0.002, 0.5)
CANDIDATE = Model("llama-3.1-8b-extract-v4", 0.973, 0.011, 190, 410, 0.12, 0.002, 0.001, 0.2)
"""Nothing beyond the table is worse than the primary's: hallucination is the only fault."""

FIELDS = len(INVOICE_SCHEMA["properties"])
NULLS = sum(1 - share for share in STATED.values())
"""Fields of a document that it does not state, on average."""

HARD, HARDER = 0.15, 4.0
"""Documents that both models find hard, and how many times as many values are wrong in them."""
REGRESSED = 0.91
"""The candidate's accuracy in a segment where it is worse than the primary."""

HOURS = (2, 1, 1, 1, 2, 4, 10, 25, 60, 90, 100, 95, 70, 80, 95, 90, 75, 50, 30, 18, 12, 8, 5, 3)
WEEKDAYS = {
    "monday": 1.5,
    "tuesday": 1.15,
    "wednesday": 1.05,
    "thursday": 1.05,
    "friday": 0.95,
    "saturday": 0.25,
    "sunday": 0.15,
}
"""Invoices by hour of the day, UTC, and by day: Mondays have what the weekend left."""
BATCH = 3
"""Invoices that one session sends, on average."""
