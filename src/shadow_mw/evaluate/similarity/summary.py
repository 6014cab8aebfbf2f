"""From cosines to the figures of a report."""

from __future__ import annotations

from shadow_mw.comparisons import ALIKE, Similarity
from shadow_mw.evaluate.checks.check import ERROR, NOT_RUN
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store

OF = f"FROM similarities WHERE series = {SERIES} AND model = ?"
FACTS = f"""SELECT check_labels.label, count(*) FROM similarities
    JOIN check_results ON check_results.pair = similarities.pair
    JOIN check_labels ON check_labels.id = check_results.label AND name = 'facts_differ'
        AND check_labels.label NOT IN ('{ERROR}', '{NOT_RUN}')
    WHERE similarities.series = {SERIES} AND model = ? AND cosine >= ?
    GROUP BY 1 ORDER BY 2 DESC, 1"""
SAME = "same"


def similarities(store: Store, key: tuple[str, str]) -> dict[str, Similarity]:
    """Every embedding model that compared pairs of a series, by name."""
    rows = store.query(
        f"SELECT DISTINCT model FROM similarities WHERE series = {SERIES} ORDER BY 1", key
    )
    return {model: _similarity(store, (*key, model)) for (model,) in rows}


def _similarity(store: Store, of: tuple[str, str, str]) -> Similarity:
    n, mean, alike = store.one(
        f"SELECT count(*), avg(cosine), count(*) FILTER (WHERE cosine >= {ALIKE}) {OF}", of
    )
    labels = dict(store.query(FACTS, (*of, ALIKE)))
    return Similarity(
        n=n,
        mean=mean,
        p5=_percentile(store, of, n, 5),
        p50=_percentile(store, of, n, 50),
        alike=alike,
        facts_checked=sum(labels.values()),
        facts_differ={label: n for label, n in labels.items() if label != SAME},
    )


def _percentile(store: Store, of: tuple[str, str, str], n: int, percent: int) -> float:
    """The nearest rank, as for latencies."""
    rank = -(-percent * n // 100)
    (value,) = store.one(f"SELECT cosine {OF} ORDER BY cosine LIMIT 1 OFFSET ?", (*of, rank - 1))
    return float(value)
