"""One line of the list: what is wrong with a pair, in paths and counts, never in content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shadow_mw.evaluate.fields.divergence import Divergence
from shadow_mw.evaluate.fields.transitions import RIGHT
from shadow_mw.evaluate.store import Store
from shadow_mw.harms import Harm, HarmRow
from shadow_mw.results import FieldOutcome

MOST_PATHS: Final = 8

_OF_TRUTH: Final = {
    FieldOutcome.HALLUCINATED: "made up",
    FieldOutcome.WRONG_VALUE: "wrong",
    FieldOutcome.NULL_LIKE: "blank where null is right",
    FieldOutcome.MISSED: "missed",
}
"""What the candidate did with a labelled field, the worst first."""
_SIGNS: Final = {
    (Divergence.CANDIDATE_ONLY, 0): "not in the request",
    (Divergence.DIFFERENT, 0): "changed to what is not in the request",
    (Divergence.PRIMARY_ONLY, 1): "left out",
    (Divergence.CANDIDATE_ONLY, 1): "added",
    (Divergence.CANDIDATE_ONLY, None): "added",
    (Divergence.PRIMARY_ONLY, 0): "left out",
    (Divergence.PRIMARY_ONLY, None): "left out",
    (Divergence.DIFFERENT, 1): "different",
    (Divergence.DIFFERENT, None): "different",
}
"""What the outputs alone show, by kind and whether the value is in the request."""

SELECT: Final = """SELECT p.pair_id, p.trace_id, p.time_ns, p.segment,
        p.answered, c.answered, c.outcome, coalesce(c.reason, c.error_type, '')
    FROM pairs JOIN observations p ON p.id = primary_row
    JOIN observations c ON c.id = candidate_row WHERE pairs.id = ?"""
FIELDS: Final = """SELECT paths.path, "primary", candidate FROM fields
    JOIN paths ON paths.id = fields.path WHERE pair = ? AND truth IS NOT NULL
    ORDER BY fields.path, number"""
DIVERGENCES: Final = """SELECT paths.path, kind, grounded FROM divergences
    JOIN paths ON paths.id = divergences.path WHERE pair = ? ORDER BY divergences.path, number"""

Faults = dict[str, list[str]]
"""Paths by what is wrong with them, the worst first."""


def harm_rows(store: Store, pairs: Iterable[tuple[int, Harm]]) -> Iterator[HarmRow]:
    """The lines of these pairs, in their order."""
    for pair, harm in pairs:
        pair_id, trace_id, time_ns, segment, *legs = store.one(SELECT, (pair,))
        faults = _faults(store, pair)
        paths = tuple(dict.fromkeys(path for found in faults.values() for path in found))
        summary = "; ".join([*_leg_faults(store, pair, harm, *legs), *_said(faults)])
        yield HarmRow(
            pair,
            pair_id,
            trace_id,
            time_ns,
            segment,
            harm,
            paths[:MOST_PATHS],
            summary or ("the same" if harm is Harm.SAME else "different"),
        )


def _leg_faults(
    store: Store, pair: int, harm: Harm, ours: int, theirs: int, outcome: str, reason: str
) -> Iterator[str]:
    if harm is Harm.JUDGE_LOSS:
        yield "a judge prefers the primary's"
    if ours and not theirs:
        yield f"no answer ({outcome if reason in ('', outcome) else f'{outcome}: {reason}'})"
        return
    if store.query(
        """SELECT 1 FROM check_results JOIN check_labels ON check_labels.id = check_results.label
        WHERE pair = ? AND name = 'refusal' AND "primary" = 0 AND candidate = 1""",
        (pair,),
    ):
        yield "refused"
    if store.query(
        "SELECT 1 FROM pairs WHERE id = ? AND primary_json AND NOT candidate_json", (pair,)
    ):
        yield "no valid JSON"


def _faults(store: Store, pair: int) -> Faults:
    """By the truth, where there is one and it finds any; else by where the outputs differ."""
    rows = store.query(FIELDS, (pair,))
    if not rows:
        signs = [(_SIGNS[kind, known], path) for path, kind, known in _differing(store, pair)]
        return _sorted(signs, dict.fromkeys(_SIGNS.values()))
    worse = [
        (_OF_TRUTH[theirs], path)
        for path, ours, theirs in rows
        if theirs in _OF_TRUTH and (ours in RIGHT or theirs == FieldOutcome.HALLUCINATED != ours)
    ]
    if worse:
        return _sorted(worse, _OF_TRUTH.values())
    return _sorted([("different", path) for path, *_ in _differing(store, pair)], ["different"])


def _differing(store: Store, pair: int) -> list[Any]:
    return store.query(DIVERGENCES, (pair,))


def _sorted(found: Iterable[tuple[str, str]], order: Iterable[str]) -> Faults:
    paths = defaultdict[str, dict[str, None]](dict)
    for word, path in found:
        paths[word][path] = None
    return {word: list(paths[word]) for word in order if word in paths}


def _said(faults: Faults) -> Iterator[str]:
    for word, paths in faults.items():
        more = len(paths) - MOST_PATHS
        shown = ", ".join(paths[:MOST_PATHS])
        yield f"{word}: {shown}{f' and {more} more' if more > 0 else ''}"
