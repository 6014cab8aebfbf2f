"""Everything that is known of one pair; long texts are cut, and say so."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.judging.items import output_text, task_text
from shadow_mw.evaluate.judging.store import imported_as
from shadow_mw.evaluate.pair import Leg
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.declared import rules
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.evaluate.worst.aligned import aligned
from shadow_mw.evaluate.worst.classes import CLASSES, MILD
from shadow_mw.evaluate.worst.rows import harm_rows
from shadow_mw.harms import (
    Harm,
    HarmDetail,
    ShownCheck,
    ShownLeg,
    ShownText,
    ShownVerdict,
)
from shadow_mw.standings import IMPORTED
from shadow_mw.types import Role

LONGEST: Final = 20_000
"""Characters of one text."""
MOST_FIELDS: Final = 500

CHECKS: Final = """SELECT name, check_labels.label, "primary", candidate, coalesce(detail, '')
    FROM check_results JOIN check_labels ON check_labels.id = check_results.label
    WHERE pair = ? ORDER BY name"""
OPINIONS: Final = """SELECT judge, epoch, first, winner, analysis, spec FROM judged
    JOIN pairs ON pairs.id = pair JOIN observations ON observations.id = candidate_row
    JOIN opinions USING (item, pair_id) WHERE pair = ? ORDER BY opinions.time_ns"""


def harm_detail(store: Store, pair: int) -> HarmDetail | None:
    """One pair by its row; None where the store has none of that number."""
    rows = store.query("SELECT harm, excluded FROM pairs WHERE id = ?", (pair,))
    if not rows:
        return None
    code, excluded = rows[0]
    verdicts = verdicts_of(store, pair)
    found = store.pair(pair)
    primary, truth = found.primary.observation, truth_of(store, found.key)
    leaves = aligned(found, truth, rules_of(store)) if found.comparable else []
    (row,) = harm_rows(store, [(pair, _harm(code, verdicts))])
    return HarmDetail(
        row,
        primary.experiment,
        found.candidate.observation.candidate_id,
        found.key,
        None if truth is None else shown(strict_json.readable(truth)),
        shown(task_text(primary.content) or primary.content.request or ""),
        _leg(found.primary),
        _leg(found.candidate),
        tuple(leaves[:MOST_FIELDS]),
        max(0, len(leaves) - MOST_FIELDS),
        tuple(ShownCheck(*check) for check in store.query(CHECKS, (pair,))),
        verdicts,
        store.one("SELECT count(*) FROM preferences WHERE pair = ?", (pair,))[0],
        excluded,
    )


def verdicts_of(store: Store, pair: int) -> tuple[ShownVerdict, ...]:
    """What every judge says of a pair, in the newest epoch that it has of it."""
    epochs = defaultdict[str, dict[str, dict[str, Any]]](dict)
    for judge, epoch, first, winner, analysis, spec in store.query(OPINIONS, (pair,)):
        if epoch == IMPORTED and not spec.startswith(imported_as(pair)):
            continue
        orders = epochs[judge].pop(epoch, {})
        epochs[judge][epoch] = orders | {first: winner, "analysis": analysis}
    newest = {judge: list(known.values())[-1] for judge, known in sorted(epochs.items())}
    return tuple(
        ShownVerdict(
            judge,
            orders.get(Role.PRIMARY),
            orders.get(Role.CANDIDATE),
            shown(orders["analysis"]),
        )
        for judge, orders in newest.items()
    )


def shown(text: str, limit: int = LONGEST) -> ShownText:
    """A text, as far as it is shown."""
    return ShownText(text[:limit], max(0, len(text) - limit))


def rules_of(store: Store) -> FieldJudge:
    """The rules of fields that count in a store."""
    return FieldJudge.declared(json.loads(rules(store) or "{}"))


def _harm(code: int | None, verdicts: tuple[ShownVerdict, ...]) -> Harm:
    """Of a pair that nothing can be said of: that it differs, which the reason explains."""
    lost = any(said.primary_first == said.candidate_first == Role.PRIMARY for said in verdicts)
    if code in MILD and lost:
        return Harm.JUDGE_LOSS
    return Harm.DIFFERS if code is None else CLASSES[code]


def _leg(leg: Leg) -> ShownLeg:
    known = leg.observation
    return ShownLeg(
        known.model,
        shown(output_text(leg.answer)),
        known.outcome,
        known.reason or known.error_type,
        known.finish_reason,
        known.latency_ms,
        known.ttft_ms,
        known.input_tokens,
        known.output_tokens,
        known.cost_usd,
    )
