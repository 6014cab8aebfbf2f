"""From finished work to the exporter; what is exported is accounted for, in that order."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw.exceptions import ExportRefused
from shadow_mw.runner.figures import Counts, Reporter, Retry
from shadow_mw.runner.progress import MIRRORED, Progress
from shadow_mw.runner.tail import Position
from shadow_mw.types import Reason

T = TypeVar("T")

logger = logging.getLogger("shadow_mw.runner")

MOST_SPANS = 64
MOST_BYTES = 4 * 2**20
"""Well below what collectors take in one request."""
MOST_WAITING = 512
INTERVAL = 0.1
FIGURES_INTERVAL = 1.0
"""Seconds between figures while spans keep coming."""


@dataclass(slots=True)
class Parcel:
    """One frame's result: its spans and what it is counted as."""

    position: Position
    spans: list[ReadableSpan] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    size: int = 0
    """Bytes of both bodies and of the answers to them, about what the spans have."""

    def skip(self, reason: Reason) -> None:
        """Count it under a reason for every candidate that was called; nothing of it is stored."""
        self.spans.clear()
        lost = {candidate for candidate, name in self.outcomes if name == MIRRORED}
        kept = {key: n for key, n in self.outcomes.items() if key[0] not in lost}
        self.outcomes = Counter(kept | {(candidate, reason): 1 for candidate in lost})


class Outbox:
    """Exports in batches, repeats what fails, and only then reports frames as done."""

    def __init__(
        self,
        exporter: SpanExporter,
        reporter: Reporter,
        progress: Progress,
        done: Callable[[list[Position]], None],
    ) -> None:
        self._exporter = exporter
        self._reporter = reporter
        self._progress = progress
        self._done = done
        self._waiting: list[Parcel] = []
        self._closing = asyncio.Event()
        self._spans_retry, self._figures_retry = Retry(), Retry()
        self._figures_told = 0.0
        self._telling = 0
        # One thread for all exporting: the exporter blocks, the event loop must not.
        self._thread = ThreadPoolExecutor(1, "shadow_mw-export")

    def __len__(self) -> int:
        return len(self._waiting) + len(self._reporter) + self._telling

    @property
    def failing(self) -> list[str]:
        """What is not taken at the moment."""
        retries = {"spans": self._spans_retry, "counters": self._figures_retry}
        return [name for name, retry in retries.items() if retry.failing]

    @property
    def full(self) -> bool:
        """Whether the exporter is so far behind that no more should be begun."""
        return len(self._waiting) >= MOST_WAITING

    def put(self, parcel: Parcel) -> None:
        """Hand in one result."""
        self._waiting.append(parcel)

    async def run(self) -> None:
        """Export until closed; failures are repeated, later and later.

        Never to be cancelled: a batch would be exported and counted, and not be noted as gone.
        """
        while not self._closing.is_set():
            if self._spans_retry.due and not await self._export_waiting():
                self._spans_retry.failed("export")
            if self._figures_due and not await self._tell_figures():
                self._figures_retry.failed("export of counters")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), INTERVAL)
        await self.flush()

    async def flush(self) -> bool:
        """Export and tell what waits; False where something is refused, with everything kept."""
        exported = await self._export_waiting()
        return await self._tell_figures() and exported

    async def _export_waiting(self) -> bool:
        while self._waiting:
            batch, counters = self._batch(), self._reporter.unkept()
            if not await self._in_thread(functools.partial(self._export, batch, counters)):
                return False
            self._reporter.kept(counters)
            del self._waiting[: len(batch)]
            self._done([parcel.position for parcel in batch])
            if any(parcel.outcomes for parcel in batch):
                self._reporter.outcomes_changed()
        self._spans_retry.succeeded()
        return True

    @property
    def _figures_due(self) -> bool:
        quiet = not self._waiting or time.monotonic() - self._figures_told > FIGURES_INTERVAL
        return self._reporter.due and quiet and self._figures_retry.due

    async def _tell_figures(self) -> bool:
        figures = self._reporter.take()
        # Not yet where they are going: whoever waits for everything has to wait for these.
        self._telling = len(figures)
        taken = not figures or await self._in_thread(
            functools.partial(self._reporter.tell, figures)
        )
        self._telling = 0
        if not taken:
            self._reporter.give_back(figures)
            return False
        self._figures_told = time.monotonic()
        self._figures_retry.succeeded()
        return True

    def _batch(self) -> list[Parcel]:
        count = spans = size = 0
        for parcel in self._waiting:
            spans += len(parcel.spans)
            size += parcel.size
            if count and (spans > MOST_SPANS or size > MOST_BYTES):
                break
            count += 1
        return self._waiting[:count]

    def _export(self, batch: list[Parcel], processes: Counts) -> bool:
        if not self._send(batch):
            return False
        outcomes: Counter[tuple[str, str]] = Counter()
        for parcel in batch:
            outcomes.update(parcel.outcomes)
        for process, counts in processes.items():
            self._progress.count_process(process, counts)
        self._progress.commit([parcel.position for parcel in batch], outcomes)
        return True

    def _send(self, batch: list[Parcel]) -> bool:
        spans = [span for parcel in batch for span in parcel.spans]
        try:
            return not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception as error:
            if len(batch) > 1:
                return all(self._send([parcel]) for parcel in batch)
            if isinstance(error, ExportRefused):
                logger.warning("a pair was given up: %s", error)
                batch[0].skip(Reason.EXPORT_REFUSED)
            else:
                logger.exception("a pair that the exporter cannot take was skipped")
                batch[0].skip(Reason.INTERNAL_ERROR)
            return True

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """In this task's context: no instrumentation of the host is to see our requests."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._thread, context.run, work)

    def close(self) -> None:
        """Export what there is once more, then end `run`; what is refused now waits on disk."""
        self._closing.set()

    def shutdown(self) -> None:
        """End the thread and the exporter."""
        self._thread.shutdown()
        self._exporter.shutdown()
