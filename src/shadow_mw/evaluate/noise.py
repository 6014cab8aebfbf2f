"""The noise floor: what the primary itself makes of a call that it is asked twice.

No similarity means anything by itself: each is read against two answers of the primary.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from shadow_mw.comparisons import LengthBand, NoiseFloor, NoiseRow
from shadow_mw.evaluate.noise_values import means, paired, ratios
from shadow_mw.evaluate.store import Store
from shadow_mw.types import REPEAT

LENGTH: Final = "length_log_ratio"
LOWEST: Final = 5
HIGHEST: Final = 995
"""Per mille of the primary's own length ratios, between which the candidate's are expected."""


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
    primary = means(store, floor, whole=False)
    candidates = means(store, ours, whole=True)
    differences, lengths = paired(store, candidate, floor)
    nothing = (None, 0)
    rows = {
        name: NoiseRow(
            *candidates.get(name, nothing), *primary[name], *differences.get(name, nothing)
        )
        for name in primary
    }
    theirs, own = ratios(store, ours), ratios(store, floor)
    if own:
        rows[LENGTH] = _length_row(lengths, theirs, own)
    return NoiseFloor(pairs, rows, _band(theirs, own) if own else None)


def _series(store: Store, experiment: str, candidate: str) -> int | None:
    rows = store.query(
        "SELECT id FROM series WHERE experiment = ? AND candidate_id = ?", (experiment, candidate)
    )
    return rows[0][0] if rows else None


def _length_row(
    paired: Sequence[tuple[float, float, int]],
    candidates: Counter[float],
    primaries: Counter[float],
) -> NoiseRow:
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
