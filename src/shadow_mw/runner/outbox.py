"""From finished work to the exporter; what is exported is accounted for, in that order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw.frames import ProcessCounts
from shadow_mw.runner.progress import Progress
from shadow_mw.runner.tail import Position
from shadow_mw.types import Reason

logger = logging.getLogger("shadow_mw.runner")

MOST_SPANS = 64
MOST_BYTES = 4 * 2**20
"""Well below what collectors take in one request."""
MOST_WAITING = 512
INTERVAL = 0.1
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

Counts = dict[str, dict[str, int]]
"""Absolute counters, by process."""
Funnel = Callable[[str, str, dict[str, int]], bool]
"""Takes (candidate id, source, absolute counters); says whether they were kept."""


@dataclass(slots=True)
class Parcel:
    """One frame's result: its spans and what it is counted as."""

    position: Position
    spans: list[ReadableSpan] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    size: int = 0
    """Bytes of both bodies, about what the spans have."""

    def skip(self) -> None:
        """Count it as an error of ours, for every candidate; nothing of it is stored."""
        self.spans.clear()
        candidates = {candidate for candidate, _ in self.outcomes}
        self.outcomes = Counter({(c, Reason.INTERNAL_ERROR): 1 for c in candidates})


class Outbox:
    """Exports in batches, repeats what fails, and only then reports frames as done."""

    def __init__(
        self,
        exporter: SpanExporter,
        funnel: Funnel | None,
        progress: Progress,
        source: str,
        done: Callable[[list[Position]], None],
    ) -> None:
        self._exporter = exporter
        self._funnel = funnel
        self._progress = progress
        self._source = source
        self._done = done
        self._waiting: list[Parcel] = []
        self._processes = progress.processes()
        self._changed: set[str] = set()
        self._closing = asyncio.Event()
        # One thread for all exporting: the exporter blocks, the event loop must not.
        self._thread = ThreadPoolExecutor(1, "shadow_mw-export")

    def __len__(self) -> int:
        return len(self._waiting) + len(self._changed)

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
        failures = 0
        while not self._closing.is_set():
            wait = INTERVAL
            if await self.flush():
                failures = 0
            else:
                wait = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                logger.warning("export failed; again in %.1f s, nothing is lost", wait)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait)
        await self.flush()

    def count_process(self, counters: ProcessCounts) -> None:
        """An app process says how many calls it has seen, and refused."""
        known = self._processes.setdefault(counters.process, {})
        newer = {name: n for name, n in counters.counts.items() if n > known.get(name, -1)}
        if newer:
            known.update(newer)
            self._changed.add(counters.process)

    async def flush(self) -> bool:
        """Export what waits; False where the exporter refuses, with everything kept."""
        while self._waiting or self._changed:
            batch = self._batch()
            changed = {process: dict(self._processes[process]) for process in self._changed}
            self._changed.clear()
            if not await self._in_thread(self._export, batch, changed):
                self._changed.update(changed)
                return False
            del self._waiting[: len(batch)]
            self._done([parcel.position for parcel in batch])
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
            if not self._tell("", process, counts):
                return False
        self._progress.commit([parcel.position for parcel in batch], outcomes)
        if outcomes:
            self.tell_outcomes()
        return True

    def _send(self, batch: list[Parcel]) -> bool:
        spans = [span for parcel in batch for span in parcel.spans]
        try:
            return not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:
            if len(batch) > 1:
                return all(self._send([parcel]) for parcel in batch)
            logger.exception("a pair that the exporter cannot take was skipped")
            batch[0].skip()
            return True

    def _tell(self, candidate: str, source: str, counts: dict[str, int]) -> bool:
        """Absolute counters: telling twice, or after a restart, changes nothing."""
        return self._funnel is None or self._funnel(candidate, source, counts)

    def tell_outcomes(self) -> None:
        """Report the runner's own counters, as they are."""
        for candidate, counts in self._progress.outcomes().items():
            self._tell(candidate, self._source, counts)

    async def _in_thread(
        self,
        export: Callable[[list[Parcel], Counts], bool],
        batch: list[Parcel],
        processes: Counts,
    ) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, export, batch, processes)

    def close(self) -> None:
        """Export what there is once more, then end `run`; what is refused now waits on disk."""
        self._closing.set()

    def shutdown(self) -> None:
        """End the thread and the exporter."""
        self._thread.shutdown()
        self._exporter.shutdown()
