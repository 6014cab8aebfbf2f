"""Counts over all pairs of a series that a decision needs beside their columns, in one scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate.funnel import Counted
from shadow_mw.evaluate.pair_columns import COMPARED
from shadow_mw.evaluate.pair_sums import INFINITE
from shadow_mw.evaluate.series import DATED, SERIES, dated, within
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Bounds
from shadow_mw.types import Reason

EXCLUDED: Final = (Reason.PRIMARY_PARTIAL, Reason.CONTENT_TRUNCATED)
# Calls that failed have no usage, and no cost that compares.
_UNPRICED: Final = f"""{COMPARED} AND (primary_cost_usd IS NULL OR candidate_cost_usd IS NULL)
    AND primary_latency_ms IS NOT {INFINITE} AND candidate_latency_ms IS NOT {INFINITE}"""
_WHOLE: Final = (
    *("excluded IS NULL", "excluded IS NULL AND scored"),
    *(f"excluded = '{reason}'" for reason in EXCLUDED),
    f"{COMPARED} AND NOT {DATED}",
)
_CUT: Final = f"excluded = '{Reason.CONTENT_TRUNCATED}' AND NOT timed"
_BEFORE: Final = (
    _UNPRICED,
    "primary_json IS NOT NULL",
    "NOT primary_json AND NOT candidate_json",
    "NOT primary_json AND candidate_json",
    "primary_json AND NOT candidate_json",
)


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Of one series."""

    counted: Counted
    """Pairs, and scored ones, by why they are not compared."""
    undated: int
    """Pairs that compare, and lie nowhere in time."""
    cut: int
    """Pairs of the window, or without a time, that compare in nothing: their content was cut."""
    unpriced: int
    """Pairs that would compare in cost, but for an unknown price or usage."""
    json: tuple[int, int, int, int]
    """Pairs of which JSON was wanted; of these: both legs, only the primary's, only the
    candidate's is no JSON."""


def pair_counts(
    store: Store, key: tuple[str, str], until: float | None = None, window: Bounds | None = None
) -> PairCounts:
    """Count the pairs of one experiment and candidate.

    Args:
        store: where they are.
        key: experiment and candidate.
        until: a unix time, s; `unpriced` and `json` are of pairs before it.
        window: of the decision; None is all time.
    """
    found = map(int, store.one(_sql(until, window), key))
    compared, scored, partial, truncated, undated, cut, unpriced, *json = found
    counted: dict[str | None, tuple[int, int]] = {
        None: (compared, scored),
        **dict(zip(EXCLUDED, ((partial, 0), (truncated, 0)), strict=True)),
    }
    n, both, primary_only, candidate_only = json
    return PairCounts(counted, undated, cut, unpriced, (n, both, primary_only, candidate_only))


def _sql(until: float | None, window: Bounds | None) -> str:
    conditions = (
        *_WHOLE,
        f"{_CUT}{within(window)}",
        *(f"({what}) AND {dated(until)}" for what in _BEFORE),
    )
    counts = ", ".join(f"count(*) FILTER (WHERE {what})" for what in conditions)
    return f"SELECT {counts} FROM pairs NOT INDEXED WHERE series = {SERIES}"
