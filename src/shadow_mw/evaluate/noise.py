"""The noise floor: what the primary itself makes of a call that it is asked twice.

No similarity means anything by itself: each is read against two answers of the primary.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from shadow_mw.comparisons import LengthBand, NoiseFloor, NoiseRow
from shadow_mw.evaluate.store import Store
from shadow_mw.types import REPEAT

NO_SIMILARITY: Final = "('length', 'prompt_tokens')"
"""Checks that compare the two legs by a ratio, which does not say how alike they are."""
LENGTH: Final = "length_log_ratio"
LOWEST: Final = 5
HIGHEST: Final = 995
"""Per mille of the primary's own length ratios, between which the candidate's are expected."""

SOURCES: Final = (
    """SELECT pairs.id AS pair, pairs.series AS series, 'exact_match' AS name, exact_match AS value
    FROM pairs WHERE exact_match IS NOT NULL""",
    f"""SELECT pairs.id AS pair, pairs.series AS series, check_labels.name AS name,
        candidate AS value
    FROM pairs JOIN check_results ON check_results.pair = pairs.id
    JOIN check_labels ON check_labels.id = check_results.label
    WHERE "primary" IS NULL AND candidate IS NOT NULL
        AND check_labels.name NOT IN {NO_SIMILARITY}""",
    """SELECT pairs.id AS pair, pairs.series AS series, 'fields_differ' AS name,
        EXISTS (SELECT 1 FROM divergences WHERE pair = pairs.id) AS value
    FROM pairs WHERE shape IS NOT NULL""",
    """SELECT pair, series, 'cosine ' || model AS name, cosine AS value FROM similarities""",
)
"""What each pair has, by name of the measure."""
RATIOS: Final = """SELECT pairs.id AS pair, pairs.series AS series, candidate AS value
    FROM pairs JOIN check_results ON check_results.pair = pairs.id
    JOIN check_labels ON check_labels.id = check_results.label
    WHERE check_labels.name = 'length' AND check_labels.label != 'both_short'
        AND candidate > 0"""
BOTH: Final = """WITH both AS MATERIALIZED (SELECT again.id AS again, asked.id AS asked
    FROM pairs again CROSS JOIN observations second ON second.id = again.candidate_row
    CROSS JOIN observations first ON first.pair_id = second.pair_id
        AND first.experiment = second.experiment AND first.role = second.role
        AND first.candidate_id = ?
    CROSS JOIN pairs asked ON asked.candidate_row = first.id
    WHERE again.series = ?)"""
"""Calls that both were asked: the primary again, and the candidate.

Each step is one look into an index; CROSS keeps SQLite from taking another way.
"""


def noise_floor(store: Store, key: tuple[str, str]) -> NoiseFloor | None:
    """Every similarity of a series beside the primary's own; None where it was not asked again."""
    experiment, candidate = key
    ours, floor = _series(store, experiment, candidate), _series(store, experiment, REPEAT)
    if candidate == REPEAT or ours is None or floor is None:
        return None
    (pairs,) = store.one(
        "SELECT count(*) FROM pairs WHERE series = ? AND excluded IS NULL", (floor,)
    )
    if not pairs:
        return None
    rows = {
        name: row
        for source in SOURCES
        for name, row in _rows(store, source, candidate, ours, floor).items()
    }
    candidates, primaries = _ratios(store, ours), _ratios(store, floor)
    if primaries:
        rows[LENGTH] = _length_row(store, candidate, floor, candidates, primaries)
    return NoiseFloor(pairs, rows, _band(candidates, primaries) if primaries else None)


def _series(store: Store, experiment: str, candidate: str) -> int | None:
    rows = store.query(
        "SELECT id FROM series WHERE experiment = ? AND candidate_id = ?", (experiment, candidate)
    )
    return rows[0][0] if rows else None


def _rows(store: Store, source: str, candidate: str, ours: int, floor: int) -> dict[str, NoiseRow]:
    """One row for each measure that the primary has against itself."""
    means = f"SELECT name, avg(value), count(*) FROM ({source}) WHERE series = ? GROUP BY name"
    primary = {name: (mean, n) for name, mean, n in store.query(means, (floor,))}
    if not primary:
        return {}
    candidates = {name: (mean, n) for name, mean, n in store.query(means, (ours,))}
    paired = {
        name: (difference, n)
        for name, difference, n in store.query(
            f"""{BOTH} SELECT one.name, avg(one.value - other.value), count(*) FROM both
            CROSS JOIN ({source}) AS other ON other.pair = both.again
            CROSS JOIN ({source}) AS one ON one.pair = both.asked AND one.name = other.name
            GROUP BY one.name""",
            (candidate, floor),
        )
    }
    nothing = (None, 0)
    return {
        name: NoiseRow(*candidates.get(name, nothing), *primary[name], *paired.get(name, nothing))
        for name in sorted(primary)
    }


def _ratios(store: Store, series: int) -> Counter[float]:
    """How often each ratio of two lengths was there; short answers say nothing."""
    sql = f"SELECT value, count(*) FROM ({RATIOS}) WHERE series = ? GROUP BY value"
    return Counter(dict(store.query(sql, (series,))))


def _length_row(
    store: Store,
    candidate: str,
    floor: int,
    candidates: Counter[float],
    primaries: Counter[float],
) -> NoiseRow:
    paired = store.query(
        f"""{BOTH} SELECT one.value, other.value, count(*) FROM both
        CROSS JOIN ({RATIOS}) AS other ON other.pair = both.again
        CROSS JOIN ({RATIOS}) AS one ON one.pair = both.asked GROUP BY 1, 2""",
        (candidate, floor),
    )
    n = sum(count for *_, count in paired)
    apart = sum((_distance(one) - _distance(other)) * count for one, other, count in paired)
    return NoiseRow(
        *(_mean_distance(candidates), candidates.total()),
        *(_mean_distance(primaries), primaries.total()),
        *(apart / n if n else None, n),
    )


def _distance(ratio: float) -> float:
    """Twice as long is as far as half as long."""
    return abs(math.log(ratio))


def _mean_distance(ratios: Counter[float]) -> float | None:
    if not ratios:
        return None
    return sum(_distance(ratio) * n for ratio, n in ratios.items()) / ratios.total()


def _band(candidates: Counter[float], primaries: Counter[float]) -> LengthBand:
    low, high = _quantile(primaries, LOWEST), _quantile(primaries, HIGHEST)
    inside = sum(n for ratio, n in candidates.items() if low <= ratio <= high)
    return LengthBand(low, high, primaries.total(), inside, candidates.total())


def _quantile(values: Counter[float], permille: int) -> float:
    """The nearest rank, as for latencies: of fewer than 200 values the least or the greatest."""
    rank = -(-permille * values.total() // 1000)
    for value in sorted(values):
        rank -= values[value]
        if rank <= 0:
            return value
    raise AssertionError("no values")
