"""How like the two outputs of a pair are, beside two answers of the primary itself."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.series import SERIES, among
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Likeness
from shadow_mw.types import REPEAT

LEXICAL: Final = "lexical"
COSINES: Final = f"SELECT cosine AS value FROM similarities WHERE series = {SERIES} AND model = ?"
LETTERS: Final = f"""SELECT candidate AS value FROM check_results
    WHERE series = {SERIES} AND label = ? AND candidate IS NOT NULL"""
Moments = tuple[int, float, float]


def likenesses(store: Store, key: tuple[str, str], pairs: str = "") -> tuple[Likeness, ...]:
    """Every measure that compared pairs of a series: of letters, then embedding models by name.

    Args:
        store: where they are.
        key: experiment and candidate.
        pairs: a condition on `pairs`, of the primary with itself too; '' takes all.
    """
    repeat = key[0], REPEAT
    measures = [(LEXICAL, LETTERS + among(pairs), label) for label in _measure(store, key)]
    models = store.query(
        f"SELECT DISTINCT model FROM similarities WHERE series = {SERIES} ORDER BY 1", key
    )
    measures += [(model, COSINES + among(pairs), model) for (model,) in models]
    return tuple(
        Likeness(name, *_moments(store, sql, (*key, of)), *_moments(store, sql, (*repeat, of)))
        for name, sql, of in measures
    )


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


def _moments(store: Store, sql: str, of: tuple[object, ...]) -> Moments:
    """How many, their mean and their sample variance, in two passes: sums of squares cancel out."""
    n, mean = store.one(f"SELECT count(*), avg(value) FROM ({sql})", of)
    if n < 2:
        return n, mean or 0.0, 0.0
    (apart,) = store.one(f"SELECT total((value - ?) * (value - ?)) FROM ({sql})", (mean, mean, *of))
    return n, mean, apart / (n - 1)
