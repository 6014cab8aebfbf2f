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
"""Bytes of requests, decompressed, that share one transaction."""


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
    size: int = 0
    """Bytes, decompressed."""


@dataclass(frozen=True, slots=True)
class _Job:
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

    def submit(self, read: Callable[[], Batch]) -> Future[Batch]:
        """Have a request read and stored; its future fails as `read` does, or as unavailable."""
        job = _Job(read, Future())
        self._jobs.put(job)
        return job.done

    def close(self) -> None:
        """Finish what was submitted, and end."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._store(self._gather(job))

    def _gather(self, job: _Job) -> list[tuple[_Job, Batch]]:
        """Read what waits already, up to a good size for one transaction."""
        work: list[tuple[_Job, Batch]] = []
        size = 0
        while True:
            batch = self._read(job)
            if batch is not None:
                work.append((job, batch))
                size += batch.size
            if size >= AT_ONCE or self._jobs.empty():
                return work
            following = self._jobs.get()
            if following is None:
                # The end, which is for `_run` to see.
                self._jobs.put(None)
                return work
            job = following

    def _read(self, job: _Job) -> Batch | None:
        if not job.done.set_running_or_notify_cancel():
            return None
        try:
            return job.read()
        except RefusedError as error:
            job.done.set_exception(error)
        except Exception as error:
            logger.exception("a request could not be read")
            job.done.set_exception(error)
        return None

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
        try:
            return not batch.readings or self._sink.ingest([], batch.readings)
        except Exception:
            # Readings are said anew every few seconds: what is wrong with these will be seen again.
            logger.exception("%d readings are left out", len(batch.readings))
            return True

    def _count(self, batch: Batch) -> None:
        rejected = batch.rejected.total()
        self.spans += batch.received - rejected
        self.rejected += rejected
        if batch.spans:
            self.newest = time.time()
