"""How like the two outputs of a pair are, beside two answers of the primary itself."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.series import CLUSTERS, SERIES, WEIGHT, among
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Likeness
from shadow_mw.types import REPEAT

LEXICAL: Final = "lexical"
COSINES: Final = f"""SELECT pair, cosine AS value FROM similarities
    WHERE series = {SERIES} AND model = ?"""
LETTERS: Final = f"""SELECT pair, candidate AS value FROM check_results
    WHERE series = {SERIES} AND label = ? AND candidate IS NOT NULL"""
Moments = tuple[int, float, float, int | None]
"""Values, their mean, their variance, and how many independent ones they are worth."""


def likenesses(
    store: Store, key: tuple[str, str], pairs: str = "", cluster: str = ""
) -> tuple[Likeness, ...]:
    """Every measure that compared pairs of a series: of letters, then embedding models by name.

    Args:
        store: where they are.
        key: experiment and candidate.
        pairs: a condition on `pairs`, of the primary with itself too; '' takes all.
        cluster: a key of `CLUSTERS`, where those repeat or pairs weigh differently; '' takes pairs
            for independent and alike.
    """
    repeat = key[0], REPEAT
    measures = [(LEXICAL, LETTERS + among(pairs), label) for label in _measure(store, key)]
    models = store.query(
        f"SELECT DISTINCT model FROM similarities WHERE series = {SERIES} ORDER BY 1", key
    )
    measures += [(model, COSINES + among(pairs), model) for (model,) in models]
    found = []
    for name, sql, of in measures:
        ours, floor = (_moments(store, sql, (*asked, of), cluster) for asked in (key, repeat))
        found.append(Likeness(name, *ours[:3], *floor[:3], ours[3], floor[3]))
    return tuple(found)


def _measure(store: Store, key: tuple[str, str]) -> list[int]:
    """Characters, or words where rapidfuzz is not installed: the one that most pairs have."""
    labels = store.query(
        f"""SELECT check_labels.id FROM check_labels CROSS JOIN check_results
            ON check_results.label = check_labels.id AND series = {SERIES}
        WHERE name = 'lexical_similarity' AND candidate IS NOT NULL
        GROUP BY 1 ORDER BY count(*) DESC, check_labels.label LIMIT 1""",
        key,
    )
    return [label for (label,) in labels]


def _moments(store: Store, sql: str, of: tuple[object, ...], cluster: str) -> Moments:
    """How many, their mean and their sample variance, in two passes: sums of squares cancel out."""
    if cluster:
        return _clustered(store, sql, of, cluster)
    n, mean = store.one(f"SELECT count(*), avg(value) FROM ({sql})", of)
    if n < 2:
        return n, mean or 0.0, 0.0, None
    (apart,) = store.one(f"SELECT total((value - ?) * (value - ?)) FROM ({sql})", (mean, mean, *of))
    return n, mean, apart / (n - 1), None


def _clustered(store: Store, sql: str, of: tuple[object, ...], cluster: str) -> Moments:
    """The mean of calls, and `n` times its variance over clusters, linearised (Cochran 1977, 6.3).

    The clusters are worth as many as Kish (1965, section 8.2) says of their unequal sizes.
    """
    each = f"""SELECT {CLUSTERS[cluster]} AS one, {WEIGHT} AS weight, value
        FROM ({sql}) CROSS JOIN pairs ON pairs.id = pair"""
    n, size, total = store.one(
        f"SELECT count(*), total(weight), total(weight * value) FROM ({each})", of
    )
    if n < 2:
        return n, total / size if n else 0.0, 0.0, None
    mean = total / size
    clusters, sizes, apart = store.one(
        f"""SELECT count(*), total(size * size), total(apart * apart) FROM (
            SELECT total(weight) AS size, total(weight * (value - ?)) AS apart
            FROM ({each}) GROUP BY one)""",
        (mean, *of),
    )
    if clusters < 2:
        return n, mean, 0.0, 1
    variance = clusters / (clusters - 1) * apart / size**2
    return n, mean, n * variance, int(size**2 / sizes + 1e-9)
