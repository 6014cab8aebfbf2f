"""Rows of the report's table that are over pairs: latency, cost, errors, exact matches, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from shadow_mw.evaluate.funnel import Counted
from shadow_mw.evaluate.pair_sums import BOTH_MS, BOTH_TTFT, LEGS, Cell, Sums, added, added_by
from shadow_mw.evaluate.percentiles import ranked
from shadow_mw.evaluate.store import Store
from shadow_mw.results import LegTotals, Metric

TOTALS: Final = ("used", "input", "output", "cache_read", "cache_write", "unpriced", "unanswered")
"""In the order of `LegTotals`, after the calls."""


def pair_metrics(store: Store, key: tuple[str, str], cells: Sequence[Cell]) -> dict[str, Metric]:
    """Each by its name.

    Args:
        store: where the pairs are.
        key: experiment and candidate.
        cells: from `pair_cells`, of the same.
    """
    sums = added(cells)
    latency = {
        f"latency_p{percent}_ms": metric
        for percent, metric in _percentiles(store, key, sums, "ms", (50, 95, 99)).items()
    }
    ttft = _percentiles(store, key, sums, "ttft", (50,))[50]
    return latency | {"ttft_p50_ms": ttft} | _rates(sums)


def rate(primary: float, candidate: float, n: int) -> Metric:
    """A share of n on both legs."""
    ours, theirs = (primary / n, candidate / n) if n else (None, None)
    return Metric(ours, theirs, n, int(primary), int(candidate))


def counts(cells: Sequence[Cell]) -> Counted:
    """Pairs, and scored ones, by why they are not compared."""
    found = added_by(cells, attrgetter("excluded"))
    return {reason: (int(sums["pairs"]), int(sums["scored"])) for reason, sums in found.items()}


def totals(cells: Sequence[Cell], leg: str) -> LegTotals:
    """Sums over one leg, `primary` or `candidate`, of all pairs."""
    sums = added(cells)
    models = added_by(cells, attrgetter(f"{leg}_model"))
    model = max(models, key=lambda name: models[name]["pairs"], default=None)
    return LegTotals(model, int(sums["pairs"]), *(int(sums[f"{leg}_{name}"]) for name in TOTALS))


COLUMNS: Final = {"ms": ("{}_latency_ms", BOTH_MS), "ttft": ("{}_ttft_ms", BOTH_TTFT)}


def _percentiles(
    store: Store, key: tuple[str, str], sums: Sums, name: str, percents: tuple[int, ...]
) -> dict[int, Metric]:
    n, (column, where) = int(sums[name]), COLUMNS[name]
    primary, candidate = (
        ranked(store, key, column.format(leg), where, n, percents) for leg in LEGS
    )
    return {percent: Metric(primary[percent], candidate[percent], n) for percent in percents}


def _rates(sums: Sums) -> dict[str, Metric]:
    """Cost leaves partial primaries out, whose usage is cut short; errors are over all pairs."""
    costed, matchable, matches = (int(sums[name]) for name in ("costed", "matchable", "matches"))
    primary, candidate = (1000 * sums[f"{leg}_usd"] / costed if costed else None for leg in LEGS)
    exact = matches / matchable if matchable else None
    return {
        "cost_per_1k_usd": Metric(primary, candidate, costed),
        "error_rate": rate(*_both(sums, "failed"), int(sums["pairs"])),
        "exact_match": Metric(None, exact, matchable, None, matches),
        "json_valid": rate(*_both(sums, "json"), int(sums["json"])),
    }


def _both(sums: Sums, name: str) -> tuple[float, float]:
    return sums[f"primary_{name}"], sums[f"candidate_{name}"]
