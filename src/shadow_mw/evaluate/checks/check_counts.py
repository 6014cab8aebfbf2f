"""From the results of checks to the numbers of a report, in one scan of their index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

from shadow_mw.comparisons import CheckCounts, Spread
from shadow_mw.evaluate.checks.check import ERROR, NOT_RUN
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store

MOST_REASONS = 3
AT_ONCE = 2_000
DIGITS = 3
"""Of values that are compared and counted."""


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
    names = {
        number: (name, label)
        for number, name, label in store.query("SELECT id, name, label FROM check_labels")
    }
    # As the index has them, nothing to sort; ratios have as many values as pairs.
    rows = store.chunks(
        f"""SELECT label, "primary", candidate, count(*)
        FROM check_results INDEXED BY check_results_values
        WHERE series = {SERIES} GROUP BY 1, 2, 3""",
        key,
        AT_ONCE,
    )
    for number, *values in chain.from_iterable(rows):
        name, label = names[number]
        _add(found.setdefault(name, _Sums()), label, *values)
    for name, reason in _reasons(store, key):
        found[name].reasons.append(reason)
    return {name: _counts(found[name]) for name in sorted(found)}


def _add(sums: _Sums, label: str, primary: float | None, candidate: float | None, n: int) -> None:
    if label in (ERROR, NOT_RUN):
        sums.faults[label] += n
        return
    sums.n += n
    sums.labels[label] += n
    if candidate is not None:
        sums.candidates += n
        sums.candidate += candidate * n
        if primary is None:
            sums.compared[round(candidate, DIGITS)] += n
    if primary is not None:
        sums.primaries += n
        sums.primary += primary * n
    if primary is not None and candidate is not None:
        apart = round(candidate, DIGITS) - round(primary, DIGITS)
        sums.higher += n * (apart > 0)
        sums.lower += n * (apart < 0)


def _reasons(store: Store, key: tuple[str, str]) -> list[tuple[str, str]]:
    rows = store.query(
        f"""SELECT name, detail FROM check_labels CROSS JOIN check_results
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
