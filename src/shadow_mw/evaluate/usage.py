"""What stored calls used on average: the base of a forecast."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.types import Role


@dataclass(frozen=True, slots=True)
class MeanUse:
    """One model's mean call."""

    model: str | None
    calls: int
    input_tokens: float | None
    """None where no call said it."""
    output_tokens: float | None
    usd: float | None
    """None where the cost of any call is not known."""


def mean_use(store: Store, series: Series, role: Role) -> MeanUse | None:
    """Of the model that answered most calls of a leg; None where there is no answered call."""
    owner = "" if role == Role.PRIMARY else series.candidate
    rows = store.query(
        "SELECT model, count(*) AS n, avg(input_tokens), avg(output_tokens), avg(cost_usd),"
        " count(cost_usd) FROM observations"
        " WHERE experiment = ? AND role = ? AND candidate_id = ? AND answered"
        " GROUP BY model ORDER BY n DESC, model LIMIT 1",
        (series.experiment, str(role), owner),
    )
    return _use(rows[0]) if rows else None


def mean_judging(store: Store, judge: str) -> MeanUse | None:
    """Of one judge in one order, over all that it has judged."""
    rows = store.query(
        "SELECT max(model), sum(calls), total(input_tokens) / sum(calls),"
        " total(output_tokens) / sum(calls), total(cost_usd) / sum(calls),"
        " CASE WHEN count(cost_usd) = count(*) THEN sum(calls) ELSE 0 END"
        " FROM opinions WHERE judge = ? AND calls > 0 HAVING sum(calls) > 0",
        (judge,),
    )
    return _use(rows[0]) if rows else None


def _use(row: tuple[str | None, int, float | None, float | None, float | None, int]) -> MeanUse:
    model, calls, given, made, usd, priced = row
    return MeanUse(model, calls, given, made, usd if priced == calls else None)
