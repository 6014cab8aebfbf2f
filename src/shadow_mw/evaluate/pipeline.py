"""The evaluator: spans in, pairs, checks and field scores stored, a summary out.

Read this first. Every leg is stored once; when both are there the pair is judged, and judged anew
whenever its ground truth comes or changes.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw.evaluate.fields.judge import leaves
from shadow_mw.evaluate.ingest import Observation, observation, record
from shadow_mw.evaluate.pair import Pair, pairs
from shadow_mw.evaluate.rejudge import adopt, judge, rejudge_some, settle
from shadow_mw.evaluate.standards import BY_DEFAULT, Standards, current
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.readings import set_reading
from shadow_mw.evaluate.store.truths import set_truth, truth_of, truths_of
from shadow_mw.evaluate.strict_json import comparable
from shadow_mw.evaluate.summary import summarise
from shadow_mw.exceptions import StoreError
from shadow_mw.prices import PriceTable
from shadow_mw.records import Reading, SpanRecord
from shadow_mw.results import Label, LabelResult
from shadow_mw.types import REPEAT, Json

__all__ = ["Evaluator", "Standards", "Store", "label", "summarise"]

logger = logging.getLogger("shadow_mw")

SENDER_PATIENCE = 5.0
"""Seconds for which a locked store keeps a sender waiting; exporters give up after 10."""


class Evaluator(SpanExporter):
    """Stores and judges what the runner or a collector exports; any thread may call it."""

    def __init__(
        self,
        store: Store,
        prices: PriceTable,
        standards: Standards = BY_DEFAULT,
        *,
        durable: bool = False,
        catches_up: bool = False,
    ) -> None:
        if durable:
            store.make_durable(SENDER_PATIENCE)
        begin = settle if catches_up else adopt
        self._standards = begin(store, standards)
        self._durable = durable
        self._store = store
        self._prices = prices
        self._lock = threading.Lock()
        self._failing = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        prices: PriceTable,
        standards: Standards = BY_DEFAULT,
        *,
        durable: bool = False,
        catches_up: bool = False,
    ) -> Evaluator:
        """Open the store at `path`, or make it.

        Args:
            path: the file.
            prices: what calls cost.
            standards: what both legs of a pair are held to.
            durable: what is stored outlives the power too, not only this process, and a file
                that was removed takes nothing; for spans whose sender forgets them then.
            catches_up: pairs that have to be judged anew wait for `catch_up`, not the caller.

        Raises:
            StoreError: the file there is no store that this code can use; it is untouched.
        """
        store = Store.open(path, create=True)
        return cls(store, prices, standards, durable=durable, catches_up=catches_up)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Store and judge a batch; SUCCESS says that it is on disk, FAILURE that none of it is."""
        stored = self.ingest([found for span in spans if (found := record(span)) is not None])
        return SpanExportResult.SUCCESS if stored else SpanExportResult.FAILURE

    def ingest(self, records: Sequence[SpanRecord], readings: Sequence[Reading] = ()) -> bool:
        """Store and judge what are legs among these spans; True says that all of it is on disk."""
        legs = [leg for span in records if (leg := observation(span, self._prices)) is not None]
        return not (legs or readings) or self._commit(lambda: self._store_all(legs, readings))

    def record_funnel(
        self, experiment: str, candidate_id: str, source: str, counts: Mapping[str, int]
    ) -> bool:
        """Bring one source's absolute counters up to date; whether that is on disk."""
        return self.ingest((), [Reading(experiment, candidate_id, source, counts=counts)])

    def record_gauges(
        self, experiment: str, candidate_id: str, source: str, values: Mapping[str, float]
    ) -> bool:
        """Set one source's values (`spend_usd`, `budget_usd`, ...); whether that is on disk."""
        return self.ingest((), [Reading(experiment, candidate_id, source, values=values)])

    def catch_up(self, limit: int) -> bool | None:
        """Judge some of the pairs that have to be judged anew; False once none is left.

        None where the store could not be written.
        """
        left = True

        def work() -> None:
            nonlocal left
            self._standards = current(self._store, self._standards)
            left = rejudge_some(self._store, self._standards, limit)

        return left if self._commit(work) else None

    def shutdown(self) -> None:
        """Close the store; what comes later fails."""
        with self._lock:
            self._store.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Nothing is ever held back."""
        return True

    def _store_all(self, legs: Sequence[Observation], readings: Sequence[Reading]) -> None:
        self._standards = current(self._store, self._standards)
        ingest(self._store, legs, self._standards)
        for reading in readings:
            set_reading(self._store, reading)

    def _commit(self, work: Callable[[], None]) -> bool:
        try:
            with self._lock:
                if not self._store.is_there:
                    if self._durable:
                        return self._failed("its file was removed; start again to make another")
                    self._reopen()
                with self._store.transaction():
                    work()
        except (sqlite3.Error, StoreError) as error:
            return self._failed(error)
        self._failing = False
        return True

    def _reopen(self) -> None:
        logger.warning("shadow_mw: store %s was removed: another one is made", self._store.path)
        self._store.close()
        self._store = Store.open(self._store.path, create=True)
        self._standards = adopt(self._store, self._standards)

    def _failed(self, fault: object) -> bool:
        if not self._failing:
            logger.error("shadow_mw: store %s: %s", self._store.path, fault)
        self._failing = True
        return False


def ingest(store: Store, legs: Iterable[Observation], standards: Standards = BY_DEFAULT) -> None:
    """Store legs, and judge every pair that they complete."""
    new: list[Pair] = []
    alone: list[int] = []
    no_more: list[int] = []
    for exchange in store.add(legs):
        found = pairs(exchange.known + exchange.new)
        paired = {leg.row for pair in found for leg in (pair.primary, pair.candidate)}
        first = exchange.new[0].row
        new += (pair for pair in found if max(pair.primary.row, pair.candidate.row) >= first)
        alone += (leg.row for leg in exchange.new if leg.row not in paired)
        no_more += (leg.row for leg in exchange.known if leg.row in paired)
    truths = truths_of(store, (pair.key for pair in new))
    store.add_pairs([(pair, judge(pair, truths.get(pair.key or ""), standards)) for pair in new])
    store.set_waiting(alone, no_more=no_more)


def label(
    store: Store,
    rows: Sequence[Label],
    redact: Callable[[Json], Json] = lambda value: value,
    standards: Standards = BY_DEFAULT,
) -> LabelResult:
    """Store ground truth and judge every pair that it is for.

    Args:
        store: where both go.
        rows: all of them are stored, or none.
        redact: the pseudonyms that stored outputs have, so that equal values stay equal.
        standards: what both legs of a pair are held to.
    """
    truths = [(redact(row.key), redact(row.truth)) for row in rows]
    with store.transaction():
        known = {key: truth_of(store, key) for key, _ in truths}
        matches = [set_truth(store, key, truth) for key, truth in truths]
    changed = [
        (known[key], truth)
        for key, truth in truths
        if known[key] is not None and comparable(known[key]) != comparable(truth)
    ]
    adopt(store, standards)
    return LabelResult(
        stored=len(truths),
        scored=sum(_scored(store, key) for key, _ in truths),
        unmatched=matches.count(0),
        replaced=len(changed),
        narrowed=sum(bool(_paths(before) - _paths(truth)) for before, truth in changed),
    )


def _paths(truth: Json) -> set[str]:
    return {path for path, _ in leaves(truth)}


def _scored(store: Store, key: str) -> int:
    """Pairs with a candidate: the primary against itself is none."""
    found = store.query(
        "SELECT 1 FROM pairs JOIN series ON series.id = series"
        " WHERE key = ? AND scored AND candidate_id != ?",
        (key, REPEAT),
    )
    return len(found)
