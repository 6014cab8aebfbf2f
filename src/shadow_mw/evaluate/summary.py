"""From the store to the numbers of a report, aggregated in SQL."""

from __future__ import annotations

import json

from shadow_mw.evaluate.checks.check_counts import check_counts
from shadow_mw.evaluate.divergence_counts import divergence_summary
from shadow_mw.evaluate.fields.rules import read_rules, unused
from shadow_mw.evaluate.fields.transitions import Table, transitions
from shadow_mw.evaluate.funnel import funnel
from shadow_mw.evaluate.noise import noise_floor
from shadow_mw.evaluate.series import BACKFILLED, PRICED, SERIES, choose
from shadow_mw.evaluate.similarity.summary import similarities
from shadow_mw.evaluate.slices import slices
from shadow_mw.evaluate.store import Store
from shadow_mw.results import (
    METRICS,
    UNLABELLED,
    FieldCounts,
    FieldOutcome,
    LegTotals,
    Metric,
    Summary,
)

PAIRS = f"""
    FROM pairs
    JOIN observations p ON p.id = primary_row
    JOIN observations c ON c.id = candidate_row
    WHERE series = {SERIES}
"""
# A failed call is infinitely slow, never left out: leaving it out would flatter who fails.
LATENCY = "CASE WHEN {0}.answered THEN {0}.latency_ms ELSE 9e999 END"
TTFT = "coalesce({0}.ttft_ms, CASE WHEN NOT {0}.answered THEN 9e999 END)"


def summarise(store: Store, experiment: str | None = None, candidate: str | None = None) -> Summary:
    """Everything a report says about one candidate; without names, the one with the newest data.

    Raises:
        DataError: the store has no such experiment or candidate; the message names those it has.
    """
    with store.transaction(write=False):
        series, others = choose(store, experiment, candidate)
        key = (series.experiment, series.candidate) if series else ("", "")
        fields, rates, became = _fields(store, key)
        metrics = rates | _latencies(store, key) | _rates(store, key)
        segments, days, documents = slices(store, key)
        labelled = [(ours, t, n) for ours, row in became.items() for t, n in row.items()]
        return Summary(
            series=series,
            others=others,
            funnel=funnel(store, key),
            metrics={name: metrics[name] for name in METRICS},
            fields=fields,
            transitions=became,
            primary=_totals(store, key, "p"),
            candidate=_totals(store, key, "c"),
            labels=store.one("SELECT count(*) FROM truth")[0],
            checks=check_counts(store, key),
            similarity=similarities(store, key),
            noise=noise_floor(store, key),
            divergence=divergence_summary(store, key, labelled),
            segments=segments,
            days=days,
            documents=documents,
            unused_rules=_unused_rules(store),
            backfilled=store.one(f"SELECT count(*) {PAIRS} AND {BACKFILLED}", key)[0],
        )


def _unused_rules(store: Store) -> tuple[str, ...]:
    """Rules for fields that nothing in the store has; none are known to be where it has none."""
    rows = store.query(
        "SELECT path FROM paths UNION SELECT key FROM shapes, json_each(shapes.leaves)"
    )
    table = store.rules()
    if not rows or table is None:
        return ()
    return tuple(unused(read_rules(json.loads(table)), [path for (path,) in rows]))


def percentile(ordered: list[float], percent: int) -> float | None:
    """The nearest rank (inverted CDF): the smallest value that `percent` of all do not exceed."""
    rank = -(-percent * len(ordered) // 100)
    return ordered[rank - 1] if ordered else None


def _latencies(store: Store, key: tuple[str, str]) -> dict[str, Metric]:
    latency = _columns(store, key, LATENCY, "timed")
    streamed = "coalesce(p.ttft_ms, c.ttft_ms) IS NOT NULL"
    ttft = _columns(store, key, TTFT, f"timed AND {streamed}")
    return {
        "latency_p50_ms": _percentile(latency, 50),
        "latency_p95_ms": _percentile(latency, 95),
        "latency_p99_ms": _percentile(latency, 99),
        "ttft_p50_ms": _percentile(ttft, 50),
    }


def _columns(
    store: Store, key: tuple[str, str], value: str, where: str
) -> tuple[list[float], list[float]]:
    """Both legs' values over the pairs that have both, each in ascending order."""
    primary, candidate = value.format("p"), value.format("c")
    rows = store.query(f"SELECT {primary}, {candidate} {PAIRS} AND {where}", key)
    both = [row for row in rows if row[0] is not None and row[1] is not None]
    return sorted(row[0] for row in both), sorted(row[1] for row in both)


def _percentile(columns: tuple[list[float], list[float]], percent: int) -> Metric:
    primary, candidate = columns
    return Metric(percentile(primary, percent), percentile(candidate, percent), len(primary))


def _rates(store: Store, key: tuple[str, str]) -> dict[str, Metric]:
    """Cost leaves partial primaries out, whose usage is cut short; errors are over all pairs."""
    priced = f"{PRICED} AND p.cost_usd IS NOT NULL AND c.cost_usd IS NOT NULL"
    row = store.one(
        f"""SELECT count(*),
            total(p.outcome IN ('error', 'timeout')), total(c.outcome IN ('error', 'timeout')),
            count(exact_match), total(exact_match),
            count(primary_json), total(primary_json), total(candidate_json),
            total({priced}),
            total(p.cost_usd) FILTER (WHERE {priced}), total(c.cost_usd) FILTER (WHERE {priced})
        {PAIRS}""",
        key,
    )
    pairs, p_errors, c_errors, matchable, matches, json, p_json, c_json, costed, *costs = row
    p_cost, c_cost = (1000 * cost / costed if costed else None for cost in costs)
    exact = matches / matchable if matchable else None
    return {
        "cost_per_1k_usd": Metric(p_cost, c_cost, int(costed)),
        "error_rate": _rate(p_errors, c_errors, pairs),
        "exact_match": Metric(None, exact, matchable, None, int(matches)),
        "json_valid": _rate(p_json, c_json, json),
    }


def _rate(primary: float, candidate: float, n: int) -> Metric:
    ours, theirs = (primary / n, candidate / n) if n else (None, None)
    return Metric(ours, theirs, n, int(primary), int(candidate))


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
        "hallucination_rate": _rate(
            *_counted(table, FieldOutcome.HALLUCINATED),
            nulls,
        ),
    }
    labelled = [(FieldOutcome(row[3]), FieldOutcome(row[4]), row[5]) for row in rows if row[2]]
    return table, rates, transitions(labelled).table


def _zeros() -> dict[FieldOutcome, int]:
    return dict.fromkeys(FieldOutcome, 0)


def _accuracy(table: dict[str, FieldCounts]) -> Metric:
    labelled = sum(
        n
        for counts in table.values()
        for outcome, n in counts.primary.items()
        if outcome not in UNLABELLED
    )
    return _rate(*_counted(table, FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL), labelled)


def _counted(table: dict[str, FieldCounts], *outcomes: FieldOutcome) -> tuple[int, int]:
    return (
        sum(counts.primary[outcome] for counts in table.values() for outcome in outcomes),
        sum(counts.candidate[outcome] for counts in table.values() for outcome in outcomes),
    )


def _totals(store: Store, key: tuple[str, str], leg: str) -> LegTotals:
    row = store.one(
        f"""SELECT count(*), count({leg}.input_tokens),
            coalesce(sum({leg}.input_tokens), 0), coalesce(sum({leg}.output_tokens), 0),
            coalesce(sum({leg}.cache_read_tokens), 0), coalesce(sum({leg}.cache_write_tokens), 0),
            count(*) FILTER (WHERE {PRICED} AND {leg}.cost_usd IS NULL),
            count(*) FILTER (WHERE timed AND NOT {leg}.answered)
        {PAIRS}""",
        key,
    )
    models = store.query(
        f"SELECT {leg}.model {PAIRS} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1", key
    )
    return LegTotals(models[0][0] if models else None, *row)
