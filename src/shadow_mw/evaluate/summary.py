"""From the store to the numbers of a report, aggregated in SQL."""

from __future__ import annotations

import json

from shadow_mw.evaluate.checks.check_counts import check_counts
from shadow_mw.evaluate.divergence_counts import divergence_summary
from shadow_mw.evaluate.fields.rules import read_rules, unused
from shadow_mw.evaluate.fields.transitions import Table, transitions
from shadow_mw.evaluate.funnel import funnel
from shadow_mw.evaluate.noise import noise_floor
from shadow_mw.evaluate.pair_metrics import counts, pair_metrics, rate, totals
from shadow_mw.evaluate.pair_sums import added, pair_cells
from shadow_mw.evaluate.series import SERIES, choose
from shadow_mw.evaluate.similarity.summary import similarities
from shadow_mw.evaluate.slices import slices
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.declared import rules
from shadow_mw.results import (
    METRICS,
    UNLABELLED,
    FieldCounts,
    FieldOutcome,
    Metric,
    Summary,
)


def summarise(store: Store, experiment: str | None = None, candidate: str | None = None) -> Summary:
    """Everything a report says about one candidate; without names, the one with the newest data.

    Raises:
        DataError: the store has no such experiment or candidate; the message names those it has.
    """
    with store.transaction(write=False):
        series, others = choose(store, experiment, candidate)
        key = (series.experiment, series.candidate) if series else ("", "")
        cells = pair_cells(store, key)
        fields, rates, became = _fields(store, key)
        metrics = rates | pair_metrics(store, key, cells)
        segments, days, documents = slices(cells)
        labelled = [(ours, t, n) for ours, row in became.items() for t, n in row.items()]
        return Summary(
            series=series,
            others=others,
            funnel=funnel(store, key, counts(cells)),
            metrics={name: metrics[name] for name in METRICS},
            fields=fields,
            transitions=became,
            primary=totals(cells, "primary"),
            candidate=totals(cells, "candidate"),
            labels=store.one("SELECT count(*) FROM truth")[0],
            checks=check_counts(store, key),
            similarity=similarities(store, key),
            noise=noise_floor(store, key),
            divergence=divergence_summary(store, key, labelled),
            segments=segments,
            days=days,
            documents=documents,
            unused_rules=_unused_rules(store),
            backfilled=int(added(cells)["backfilled"]),
        )


def _unused_rules(store: Store) -> tuple[str, ...]:
    """Rules for fields that nothing in the store has; none are known to be where it has none."""
    rows = store.query(
        "SELECT path FROM paths UNION SELECT key FROM shapes, json_each(shapes.leaves)"
    )
    table = rules(store)
    if not rows or table is None:
        return ()
    return tuple(unused(read_rules(json.loads(table)), [path for (path,) in rows]))


def _fields(
    store: Store, key: tuple[str, str]
) -> tuple[dict[str, FieldCounts], dict[str, Metric], Table]:
    rows = store.query(
        f"""SELECT paths.path, counts.* FROM (
            SELECT path, truth, "primary", candidate, sum(n) FROM fields
            WHERE series = {SERIES} GROUP BY path, truth, "primary", candidate
        ) AS counts JOIN paths ON paths.id = counts.path ORDER BY paths.path""",
        key,
    )
    table: dict[str, FieldCounts] = {}
    for path, _, _, primary, candidate, n in rows:
        counts = table.setdefault(path, FieldCounts(_zeros(), _zeros()))
        counts.primary[FieldOutcome(primary)] += n
        counts.candidate[FieldOutcome(candidate)] += n
    nulls = sum(row[-1] for row in rows if row[2] == "null")
    rates = {
        "field_accuracy": _accuracy(table),
        "hallucination_rate": rate(
            *_counted(table, FieldOutcome.HALLUCINATED),
            nulls,
        ),
    }
    labelled = [(FieldOutcome(row[3]), FieldOutcome(row[4]), row[5]) for row in rows if row[2]]
    return table, rates, transitions(labelled)


def _zeros() -> dict[FieldOutcome, int]:
    return dict.fromkeys(FieldOutcome, 0)


def _accuracy(table: dict[str, FieldCounts]) -> Metric:
    labelled = sum(
        n
        for counts in table.values()
        for outcome, n in counts.primary.items()
        if outcome not in UNLABELLED
    )
    return rate(*_counted(table, FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL), labelled)


def _counted(table: dict[str, FieldCounts], *outcomes: FieldOutcome) -> tuple[int, int]:
    return (
        sum(counts.primary[outcome] for counts in table.values() for outcome in outcomes),
        sum(counts.candidate[outcome] for counts in table.values() for outcome in outcomes),
    )
