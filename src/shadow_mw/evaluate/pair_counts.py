"""Counts over all pairs of a series that a decision needs beside their columns, in one scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate.funnel import Counted
from shadow_mw.evaluate.pair_columns import COMPARED
from shadow_mw.evaluate.pair_sums import INFINITE
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.types import Reason

EXCLUDED: Final = (Reason.PRIMARY_PARTIAL, Reason.CONTENT_TRUNCATED)
# Calls that failed have no usage, and no cost that compares.
_UNPRICED: Final = f"""{COMPARED} AND (primary_cost_usd IS NULL OR candidate_cost_usd IS NULL)
    AND primary_latency_ms IS NOT {INFINITE} AND candidate_latency_ms IS NOT {INFINITE}"""
_COUNTED: Final = (
    *("excluded IS NULL", "excluded IS NULL AND scored"),
    *(f"excluded = '{reason}'" for reason in EXCLUDED),
    f"excluded = '{Reason.CONTENT_TRUNCATED}' AND NOT timed",
    _UNPRICED,
    "primary_json IS NOT NULL",
    "NOT primary_json AND NOT candidate_json",
    "NOT primary_json AND candidate_json",
    "primary_json AND NOT candidate_json",
)
SQL: Final = f"""SELECT {", ".join(f"count(*) FILTER (WHERE {what})" for what in _COUNTED)}
FROM pairs NOT INDEXED WHERE series = {SERIES}"""


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Of one series."""

    counted: Counted
    """Pairs, and scored ones, by why they are not compared."""
    cut: int
    """Pairs that compare in nothing since their content was cut."""
    unpriced: int
    """Pairs that would compare in cost, but for an unknown price or usage."""
    json: tuple[int, int, int, int]
    """Pairs of which JSON was wanted; of these: both legs, only the primary's, only the
    candidate's is no JSON."""


def pair_counts(store: Store, key: tuple[str, str]) -> PairCounts:
    """Count the pairs of one experiment and candidate."""
    compared, scored, partial, truncated, cut, unpriced, *json = map(int, store.one(SQL, key))
    counted: dict[str | None, tuple[int, int]] = {
        None: (compared, scored),
        **dict(zip(EXCLUDED, ((partial, 0), (truncated, 0)), strict=True)),
    }
    n, both, primary_only, candidate_only = json
    return PairCounts(counted, cut, unpriced, (n, both, primary_only, candidate_only))
