"""From the results of checks to the numbers of a report, in one scan of the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from shadow_mw.evaluate.checks.check import ERROR, NOT_RUN
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import CheckCounts, Spread

MOST_REASONS = 3


@dataclass(slots=True)
class _Sums:
    """One check while it is being counted."""

    n: int = 0
    primaries: int = 0
    primary: float = 0.0
    candidates: int = 0
    candidate: float = 0.0
    higher: int = 0
    lower: int = 0
    compared: Counter[float] = field(default_factory=Counter)
    """Values that compare the two legs."""
    labels: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)


def check_counts(store: Store, key: tuple[str, str]) -> dict[str, CheckCounts]:
    """Every check that has a result in a series, by name."""
    found: dict[str, _Sums] = {}
    rows = store.query(
        f"""SELECT check_labels.name, check_labels.label, counts.* FROM (
            SELECT label AS number, round("primary", 3), round(candidate, 3),
                total("primary"), total(candidate), count(*)
            FROM check_results WHERE series = {SERIES} GROUP BY 1, 2, 3
        ) AS counts JOIN check_labels ON check_labels.id = number""",
        key,
    )
    for name, label, _, *values in rows:
        _add(found.setdefault(name, _Sums()), label, *values)
    for name, reason in _reasons(store, key):
        found[name].reasons.append(reason)
    return {name: _counts(found[name]) for name in sorted(found)}


def _add(
    sums: _Sums,
    label: str,
    primary: float | None,
    candidate: float | None,
    primary_total: float,
    candidate_total: float,
    n: int,
) -> None:
    if label in (ERROR, NOT_RUN):
        sums.faults[label] += n
        return
    sums.n += n
    sums.labels[label] += n
    if candidate is not None:
        sums.candidates += n
        sums.candidate += candidate_total
        if primary is None:
            sums.compared[candidate] += n
    if primary is not None:
        sums.primaries += n
        sums.primary += primary_total
    if primary is not None and candidate is not None:
        sums.higher += n * (candidate > primary)
        sums.lower += n * (candidate < primary)


def _reasons(store: Store, key: tuple[str, str]) -> list[tuple[str, str]]:
    rows = store.query(
        f"""SELECT name, detail FROM check_labels JOIN check_results
            ON check_results.label = check_labels.id AND series = {SERIES}
            WHERE check_labels.label IN (?, ?) AND detail IS NOT NULL
            GROUP BY 1, 2 ORDER BY 1, count(*) DESC""",
        (*key, ERROR, NOT_RUN),
    )
    return [(name, reason) for name, reason in rows]


def _counts(sums: _Sums) -> CheckCounts:
    return CheckCounts(
        n=sums.n,
        primary=sums.primary / sums.primaries if sums.primaries else None,
        candidate=sums.candidate / sums.candidates if sums.candidates else None,
        higher=sums.higher,
        lower=sums.lower,
        spread=_spread(sums.compared) if sums.compared else None,
        labels=dict(sums.labels.most_common()),
        errors=sums.faults[ERROR],
        not_run=sums.faults[NOT_RUN],
        reasons=tuple(sums.reasons[:MOST_REASONS]),
    )


def _spread(values: Counter[float]) -> Spread:
    return Spread(*(_percentile(values, percent) for percent in (5, 50, 95)))


def _percentile(values: Counter[float], percent: int) -> float:
    """The nearest rank, as for latencies."""
    rank = -(-percent * values.total() // 100)
    for value in sorted(values):
        rank -= values[value]
        if rank <= 0:
            return value
    raise AssertionError("no values")
