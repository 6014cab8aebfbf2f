"""Scores of judged pairs on their way back to the trace: which wait, which were sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.scores import FINE, scores
from shadow_mw.evaluate.store.store import Store
from shadow_mw.results import FieldOutcome
from shadow_mw.scores import PairScores
from shadow_mw.types import DOCTOR

LATEST_NS: Final = 2**63 - 1
"""What a span may end at; a leg says what it likes."""

SELECT_SCORED: Final = (
    "SELECT pairs.id, exact_match, candidate_json, observations.time_ns, latency_ms,"
    " experiment, candidate_id, pair_id, trace_id, span_id"
    " FROM pairs JOIN observations ON observations.id = candidate_row"
)
SELECT_VERDICTS: Final = f"""SELECT name, "primary", candidate, check_labels.label, detail
FROM check_results JOIN check_labels ON check_labels.id = check_results.label
WHERE pair = ? AND name IN ({", ".join("?" * len(FINE))})"""


class UnsentScores:
    """Those of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def unpublished(self, limit: int) -> list[tuple[int, PairScores]]:
        """Judged pairs whose scores have not been sent back yet, oldest first."""
        rows = self._store.query(
            f"{SELECT_SCORED} WHERE NOT published AND NOT stale AND experiment != ?"
            " ORDER BY pairs.id LIMIT ?",
            (DOCTOR, limit),
        )
        return [self._pair_scores(row) for row in rows]

    def mark_published(self, rows: Sequence[tuple[int, PairScores]]) -> None:
        """Note what was sent, but for pairs that have been judged anew meanwhile."""
        with self._store.transaction():
            for sent in rows:
                known = self._store.query(f"{SELECT_SCORED} WHERE pairs.id = ?", sent[:1])
                if [self._pair_scores(row) for row in known] == [sent]:
                    self._store.change("UPDATE pairs SET published = 1 WHERE id = ?", sent[:1])

    def _pair_scores(self, row: tuple[Any, ...]) -> tuple[int, PairScores]:
        number, exact, json_valid, time_ns, latency_ms, *names = row
        found = scores(
            None if exact is None else bool(exact),
            None if json_valid is None else bool(json_valid),
            self._fields(number),
            self._verdicts(number),
        )
        ended = min(time_ns + int((latency_ms or 0) * 1e6), LATEST_NS)
        experiment, candidate, pair_id, trace_id, span_id = names
        return number, PairScores(experiment, candidate, pair_id, trace_id, span_id, ended, found)

    def _fields(self, pair: int) -> list[tuple[str, str, FieldOutcome]]:
        rows = self._store.query(
            "SELECT paths.path, truth, candidate, n FROM fields"
            " JOIN paths ON paths.id = fields.path"
            " WHERE pair = ? AND truth IS NOT NULL ORDER BY paths.path, number",
            (pair,),
        )
        return [
            field
            for path, truth, outcome, n in rows
            for field in [(path, truth, FieldOutcome(outcome))] * n
        ]

    def _verdicts(self, pair: int) -> list[CheckResult]:
        return [
            CheckResult(name, ours, theirs, label, detail or "")
            for name, ours, theirs, label, detail in self._store.query(
                SELECT_VERDICTS, (pair, *FINE)
            )
        ]
