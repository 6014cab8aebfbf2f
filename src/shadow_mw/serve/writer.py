"""One thread that reads requests and stores what they hold, several in one transaction.

The event loop only takes bytes and gives answers, so that it can refuse while the store is slow.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Protocol

from shadow_mw.records import Reading, SpanRecord
from shadow_mw.serve.refusals import RefusedError, UnavailableError

logger = logging.getLogger("shadow_mw")

AT_ONCE: Final = 4 * 2**20
"""Bytes of requests, as sent, that share one transaction."""


class Sink(Protocol):
    """Where spans and readings go."""

    def ingest(self, records: Sequence[SpanRecord], readings: Sequence[Reading]) -> bool:
        """Store all of them or none; True says that they are on disk."""


@dataclass(slots=True)
class Batch:
    """What one request holds."""

    spans: list[SpanRecord] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    """What is wrong with spans that cannot be used."""
    received: int = 0
    """Spans, good or bad."""


@dataclass(frozen=True, slots=True)
class _Job:
    size: int
    read: Callable[[], Batch]
    done: Future[Batch]


class Writer:
    """The thread and its queue; `close` finishes what was accepted."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="shadow_mw-writer", daemon=True)
        self._thread.start()
        self.spans = 0
        """Stored ones, and ones that are welcome and unused."""
        self.rejected = 0
        self.newest = 0.0
        """Unix time of the last span that was stored."""

    def submit(self, size: int, read: Callable[[], Batch]) -> Future[Batch]:
        """Have a request read and stored; its future fails as `read` does, or as unavailable.

        Args:
            size: bytes of the request, as sent.
            read: reads it; runs in the writer's thread.
        """
        job = _Job(size, read, Future())
        self._jobs.put(job)
        return job.done

    def close(self) -> None:
        """Finish what was submitted, and end."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            last = self._work(self._gather(job))
            if last:
                return

    def _gather(self, first: _Job) -> list[_Job | None]:
        """What waits already, up to a good size for a transaction."""
        jobs: list[_Job | None] = [first]
        size = first.size
        while size < AT_ONCE:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            jobs.append(job)
            if job is None:
                break
            size += job.size
        return jobs

    def _work(self, jobs: Sequence[_Job | None]) -> bool:
        """Read and store; whether that was the last of all."""
        good: list[tuple[_Job, Batch]] = []
        for job in jobs:
            if job is None or not job.done.set_running_or_notify_cancel():
                continue
            try:
                good.append((job, job.read()))
            except RefusedError as error:
                job.done.set_exception(error)
            except Exception as error:
                logger.exception("a request could not be read")
                job.done.set_exception(error)
        self._store(good)
        return jobs[-1] is None

    def _store(self, work: list[tuple[_Job, Batch]]) -> None:
        try:
            stored = self._stored([batch for _, batch in work])
        except Exception:
            logger.exception("%d requests could not be stored as a whole", len(work))
            if len(work) > 1:
                # One of them must not take the others with it.
                for one in work:
                    self._store([one])
                return
            stored = self._store_singly(work[0][1])
        for job, batch in work:
            if stored:
                self._count(batch)
                job.done.set_result(batch)
            else:
                job.done.set_exception(UnavailableError("the store cannot be written"))

    def _stored(self, batches: Sequence[Batch]) -> bool:
        spans = [span for batch in batches for span in batch.spans]
        readings = [reading for batch in batches for reading in batch.readings]
        return not (spans or readings) or self._sink.ingest(spans, readings)

    def _store_singly(self, batch: Batch) -> bool:
        """Find the span that the evaluator cannot take; sending it again would help nobody."""
        good: list[SpanRecord] = []
        for span in batch.spans:
            try:
                if not self._sink.ingest([span], []):
                    return False
                good.append(span)
            except Exception as error:
                logger.exception("span %s of trace %s is left out", span.span_id, span.trace_id)
                batch.rejected[f"cannot be evaluated ({type(error).__name__})"] += 1
        batch.spans = good
        return not batch.readings or self._sink.ingest([], batch.readings)

    def _count(self, batch: Batch) -> None:
        rejected = batch.rejected.total()
        self.spans += batch.received - rejected
        self.rejected += rejected
        if batch.spans:
            self.newest = time.time()
