"""What pairs have of each measure of likeness: means of a series, and differences of same calls."""

from __future__ import annotations

from collections import Counter
from typing import Final

from shadow_mw.evaluate.store import Store

EXACT: Final = "exact_match"
DIFFER: Final = "fields_differ"
_RATIO_CHECKS: Final = "('length', 'prompt_tokens')"
"""Checks that compare the two legs by a ratio, which does not say how alike they are."""

_RESULTS: Final = """SELECT pairs.id AS pair, check_labels.name AS name, candidate AS value
    FROM pairs {indexed} CROSS JOIN check_results ON check_results.pair = pairs.id
    CROSS JOIN check_labels ON check_labels.id = check_results.label"""
_ALIKE: Final = f""""primary" IS NULL AND candidate IS NOT NULL
    AND check_labels.name NOT IN {_RATIO_CHECKS}"""
_LENGTHS: Final = """check_labels.name = 'length' AND check_labels.label != 'both_short'
    AND candidate > 0"""
_RATIOS: Final = f"{_RESULTS.format(indexed='')} WHERE {_LENGTHS}"
_SOURCES: Final = (
    f"SELECT id AS pair, '{EXACT}' AS name, exact_match AS value FROM pairs"
    " WHERE exact_match IS NOT NULL",
    f"{_RESULTS.format(indexed='')} WHERE {_ALIKE}",
    f"""SELECT id AS pair, '{DIFFER}' AS name,
        EXISTS (SELECT 1 FROM divergences WHERE pair = pairs.id) AS value
    FROM pairs WHERE shape IS NOT NULL""",
    "SELECT pair, 'cosine ' || model AS name, cosine AS value FROM similarities",
)
"""What each pair has, by name of the measure."""
_BOTH: Final = """WITH both AS MATERIALIZED (SELECT again.id AS again, asked.id AS asked
    FROM pairs again CROSS JOIN observations second ON second.id = again.candidate_row
    CROSS JOIN observations first ON first.pair_id = second.pair_id
        AND first.experiment = second.experiment AND first.role = second.role
        AND first.candidate_id = ?
    CROSS JOIN pairs asked ON asked.candidate_row = first.id
    WHERE again.series = ?)"""
"""Calls that both were asked: the primary again, and the candidate.

Each step is one look into an index; CROSS keeps SQLite from taking another way.
"""
_JOINED: Final = """FROM both CROSS JOIN ({0}) AS other ON other.pair = both.again
    CROSS JOIN ({0}) AS one ON one.pair = both.asked AND one.name = other.name"""
_PAIRED: Final = " UNION ALL ".join(
    (
        *(
            "SELECT one.name, avg(one.value - other.value), NULL, count(*)"
            f" {_JOINED.format(source)} GROUP BY one.name"
            for source in _SOURCES
        ),
        f"SELECT NULL, one.value, other.value, count(*) {_JOINED.format(_RATIOS)} GROUP BY 2, 3",
    )
)

_OF_PAIRS: Final = """SELECT avg(exact_match), count(exact_match), count(shape)
    FROM pairs {indexed} WHERE series = ?"""
# Few pairs of a series of documents have such a result: their index says which. The order is that
# of harm, for sums of fractions depend on it.
_OF_CHECKS: Final = f"""SELECT name, avg(value), count(*) FROM (
    {_RESULTS.format(indexed="INDEXED BY pairs_harm")}
    WHERE pairs.series = :series AND {_ALIKE} AND pairs.id IN (
        SELECT pair FROM check_results INDEXED BY check_results_values
        WHERE series = :series AND "primary" IS NULL AND candidate IS NOT NULL AND label IN (
            SELECT id FROM check_labels WHERE name NOT IN {_RATIO_CHECKS}))
    ) GROUP BY name"""
_OF_MODELS: Final = """SELECT 'cosine ' || model AS name, avg(cosine), count(*)
    FROM similarities WHERE series = ? GROUP BY name"""
_OF_LENGTHS: Final = """SELECT candidate, count(*)
    FROM check_results INDEXED BY check_results_values
    WHERE series = ? AND candidate > 0 AND label IN (
        SELECT id FROM check_labels WHERE name = 'length' AND label != 'both_short')
    GROUP BY label, "primary", candidate"""

Means = dict[str, tuple[float | None, int]]
"""By measure: the mean, and of how many pairs."""


def means(store: Store, series: int, *, whole: bool) -> Means:
    """Each measure that pairs of a series have; exact matches first.

    Args:
        store: where they are.
        series: its number.
        whole: whether most pairs of the store are its own, so that a scan is the shorter way.
    """
    exact, n, shaped = store.one(
        _OF_PAIRS.format(indexed="NOT INDEXED" if whole else ""), (series,)
    )
    found: Means = {EXACT: (exact, n)} if n else {}
    found |= {name: (mean, n) for name, mean, n in store.query(_OF_CHECKS, {"series": series})}
    if shaped:
        # Only pairs whose leaves were compared have any that differ.
        (differ,) = store.one(
            "SELECT count(*) FROM (SELECT DISTINCT pair FROM divergences"
            " WHERE pair > 0 AND +series = ?)",
            (series,),
        )
        found[DIFFER] = differ / shaped, shaped
    return found | {name: (mean, n) for name, mean, n in store.query(_OF_MODELS, (series,))}


def ratios(store: Store, series: int) -> Counter[float]:
    """How often each ratio of two lengths was there, ascending; short answers say nothing."""
    found = Counter[float]()
    for value, n in store.query(_OF_LENGTHS, (series,)):
        found[value] += n
    return Counter(dict(sorted(found.items())))


def paired(
    store: Store, candidate: str, floor: int
) -> tuple[Means, list[tuple[float, float, int]]]:
    """Over the calls that both were asked: mean differences, and pairs of length ratios.

    Args:
        store: where they are.
        candidate: whose.
        floor: the number of the series of the primary with itself.

    Returns:
        Candidate minus primary by measure; the candidate's ratio, the primary's, and how often.
    """
    differences: Means = {}
    lengths = []
    for name, one, other, n in store.query(f"{_BOTH} {_PAIRED}", (candidate, floor)):
        if name is None:
            lengths.append((one, other, n))
        else:
            differences[name] = one, n
    return differences, lengths
