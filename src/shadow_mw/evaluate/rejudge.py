"""One pair judged; and all of them anew that were judged by other standards or another truth."""

from __future__ import annotations

import logging

from shadow_mw.evaluate.checks.run import check, run_checks
from shadow_mw.evaluate.harm import harm
from shadow_mw.evaluate.judgement import Judgement
from shadow_mw.evaluate.pair import Pair
from shadow_mw.evaluate.standards import BY_DEFAULT, Standards, declare
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.types import Json

logger = logging.getLogger("shadow_mw")

ANEW = "the rules of fields, the choice of checks or a candidate's context differ"

AT_ONCE = 200
"""Pairs in one transaction: a long one would keep the evaluator from storing."""


def judge(pair: Pair, truth: Json, standards: Standards = BY_DEFAULT) -> Judgement:
    """Run every check on one pair.

    Args:
        pair: both legs.
        truth: of its key; None where there is none.
        standards: what both legs are held to.
    """
    if not pair.comparable:
        return Judgement()
    checks = check(pair, has_truth=truth is not None)
    results = run_checks(
        pair,
        has_truth=truth is not None,
        context_tokens=standards.contexts.get(pair.candidate.observation.candidate_id),
        checks=standards.checks.selected(),
    )
    fields = standards.fields
    scores = None if truth is None else fields.score(pair, truth)
    divergences = fields.divergences(pair, same=bool(checks.exact_match))
    worst = harm(pair, checks, scores, results, divergences)
    return Judgement(checks, scores, results, divergences, worst)


def adopt(store: Store, standards: Standards) -> Standards:
    """The standards that count from now on, after what was judged by others was judged anew."""
    standards = settle(store, standards)
    rejudge(store, standards)
    return standards


def settle(store: Store, standards: Standards) -> Standards:
    """The standards that count from now on; what was judged by others waits."""
    with store.transaction():
        standards, changed = declare(store, standards)
    if changed:
        logger.warning("shadow_mw: %d pairs are judged anew: %s", changed, ANEW)
    return standards


def rejudge(store: Store, standards: Standards = BY_DEFAULT) -> None:
    """Judge every pair whose truth or standards changed; what was interrupted is gone on with."""
    left = True
    while left:
        with store.transaction():
            left = rejudge_some(store, standards, AT_ONCE)


def rejudge_some(store: Store, standards: Standards, limit: int) -> bool:
    """Judge so many of them, within the caller's transaction; False where there are no more."""
    stale = store.stale_pairs(limit)
    for row, pair in stale:
        store.save(row, judge(pair, truth_of(store, pair.key), standards))
    return len(stale) == limit
