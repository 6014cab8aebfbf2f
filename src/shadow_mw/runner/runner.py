"""The runner, composed: tail -> retries -> limits -> candidate call -> two spans -> outbox.

Every exchange ends in exactly one outcome per candidate, with a reason; at least once, and
whatever is not accounted for is still in its segment.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace.export import SpanExporter

from shadow_mw.frames import Frame, FrameError, Kind, read_counters, read_exchange
from shadow_mw.runner.figures import Reporter, Tell
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.mirror import Mirror
from shadow_mw.runner.outbox import Outbox, Parcel
from shadow_mw.runner.progress import Progress
from shadow_mw.runner.retries import Item, Retries
from shadow_mw.runner.status import Status, pending_bytes, write_status
from shadow_mw.runner.tail import Found, Position, Tail
from shadow_mw.runner.window import Window
from shadow_mw.settings import Settings
from shadow_mw.types import Reason

logger = logging.getLogger("shadow_mw.runner")

BUSY, QUIET = 0.02, 0.2
"""Seconds between looks at the segments."""
STATUS_INTERVAL = 0.25
GAUGE_TURNS = 12
"""Of the status: what costs and what waits is told every three seconds."""
LINGER = 3.0
"""Seconds without any segment after which nobody needs a runner."""


class Runner:
    """One directory's runner; `run` returns when nobody needs it any more."""

    def __init__(self, settings: Settings, exporter: SpanExporter, tell: Tell) -> None:
        self._settings = settings
        self._directory = settings.directory
        self._progress = Progress(self._directory)
        self._tail = Tail(self._directory, self._progress.done)
        self._retries = Retries(settings.retry_hold)
        self._ledger = Ledger(self._directory)
        self._window = Window(settings, self._directory, self._ledger)
        self._reporter = Reporter(tell, self._progress)
        self._outbox = Outbox(exporter, self._reporter, self._progress, self._accounted)
        self._mirror = Mirror(settings, self._ledger, self._window, self._outbox)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Checkpoint and return; calls under way are left to the next runner."""
        self._stopping.set()

    async def run(self, linger: float | None = LINGER) -> bool:
        """Work until stopped, or until no app process has held a segment for `linger` seconds.

        Returns:
            Whether it left by itself, for want of work.
        """
        # No instrumentation of the host is to see our calls.
        for key in ("suppress_instrumentation", "suppress_http_instrumentation"):
            otel_context.attach(otel_context.set_value(key, True))
        tasks = [asyncio.create_task(lane.run()) for lane in self._mirror.all_lanes]
        tasks.append(asyncio.create_task(self._report_status()))
        export = asyncio.create_task(self._outbox.run())
        try:
            await self._follow(linger, [*tasks, export])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._gauge()
            self._outbox.close()
            await asyncio.gather(export, return_exceptions=True)
            self._close()
        return not self._stopping.is_set()

    async def _follow(self, linger: float | None, tasks: list[asyncio.Task[None]]) -> None:
        alone_since = time.monotonic()
        while not self._stopping.is_set():
            found = self._read()
            # A segment may be complete only after its last frame has been accounted for.
            self._accounted([])
            now = time.monotonic()
            if not (self._tail.empty and self._idle):
                alone_since = now
            if linger is not None and now - alone_since > linger:
                return
            for task in tasks:
                if task.done():
                    task.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), BUSY if found else QUIET)

    def _read(self) -> int:
        """Take what is new, as much as may be in memory at once."""
        count = 0
        for item in self._retries.due(time.monotonic()):
            self._mirror.admit(item)
        if self._is_full():
            return 1
        for found in self._tail.read():
            count += 1
            self._take(found)
            if self._is_full() or self._stopping.is_set():
                break
        return count

    def _is_full(self) -> bool:
        return self._outbox.full or self._mirror.room.is_full(self._retries.held_bytes)

    @property
    def _idle(self) -> bool:
        return self._mirror.room.exchanges + len(self._outbox) + len(self._retries) == 0

    def _take(self, found: Found) -> None:
        try:
            if found.frame is None:
                raise FrameError("torn")
            self._take_frame(found, found.frame)
        except FrameError:
            self._mirror.settle(Parcel(found.position), Reason.TORN_FRAME)

    def _take_frame(self, found: Found, frame: Frame) -> None:
        if frame.kind is Kind.COUNTERS:
            self._reporter.count_process(read_counters(frame.payload))
            self._outbox.put(Parcel(found.position))
            return
        exchange, counters = read_exchange(frame.payload)
        self._reporter.count_process(counters)
        item = Item(found.position, exchange, counters.process)
        superseded, ready = self._retries.offer(item, time.monotonic())
        if superseded is not None:
            self._mirror.settle(Parcel(superseded.position), Reason.SUPERSEDED, superseded.exchange)
        if ready is not None:
            self._mirror.admit(ready)

    def _accounted(self, positions: list[Position]) -> None:
        if through := self._tail.finished(positions):
            self._progress.forget(through)

    async def _report_status(self) -> None:
        for turn in itertools.count():
            with contextlib.suppress(OSError):
                # A full disk is to be emptied, not to be reported on.
                write_status(self._directory, self._status())
            if turn % GAUGE_TURNS == 0:
                self._gauge()
            await asyncio.sleep(STATUS_INTERVAL)

    def _gauge(self) -> None:
        """What an operator watches; told only where it has changed."""
        for lane in self._mirror.all_lanes:
            source = f"runner:{self._ledger.identity}"
            self._reporter.gauge(lane.candidate.id, source, lane.money)
        values = {"pending_bytes": float(pending_bytes(self._directory, self._tail.consumed))}
        if self._window.end is not None:
            values["window_end"] = self._window.end
        self._reporter.gauge("", self._reporter.source, values)

    def _status(self) -> Status:
        return Status(
            pid=os.getpid(),
            time=time.time(),
            experiment=self._settings.experiment,
            candidates=[lane.candidate.id for lane in self._mirror.lanes],
            target=self._settings.otlp_endpoint or str(self._settings.store),
            in_flight=sum(lane.in_flight for lane in self._mirror.all_lanes),
            waiting=self._mirror.room.exchanges + len(self._outbox),
            held=len(self._retries),
            consumed=self._tail.consumed,
            outcomes=self._progress.outcomes(),
            captured=self._progress.captured(),
            failing=self._outbox.failing,
            spent_usd={
                lane.candidate.id: str(self._ledger.spent(lane.candidate.id).usd)
                for lane in self._mirror.all_lanes
            },
        )

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            write_status(self._directory, self._status())
        self._outbox.shutdown()
        self._tail.close()
        self._progress.close()
        self._ledger.close()
