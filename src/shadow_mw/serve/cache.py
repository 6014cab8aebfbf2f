"""The store's figures, worked out when they have changed, and never faster than they cost."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

from shadow_mw.exceptions import StoreError
from shadow_mw.figures import Figures, PairState

logger = logging.getLogger("shadow_mw")

REST: Final = 10
"""Times as long as they took: that much of a core, at most, goes into them."""
LONGEST: Final = 300.0
"""Seconds after which unchanged ones are worked out again."""
PATIENCE: Final = 1.0
"""Seconds for new figures; after that the ones before are shown."""


class Watch(Protocol):
    """What can be asked of the store, from any thread."""

    def version(self) -> int:
        """Another number after every change."""

    def figures(self) -> Figures:
        """What a dashboard shows."""

    def pair(self, pair_id: str) -> PairState | None:
        """What has come under a pair id."""

    def fault(self) -> str | None:
        """Why nothing can be written."""


class FigureCache:
    """Works in a thread of its own, so that nobody waits longer than `PATIENCE`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shadow_mw-figures")
        self._lock = threading.Lock()
        self._refresh: Future[None] | None = None
        self._not_before = 0.0
        self._version: int | None = None
        self._read = 0.0
        self._figures: Figures | None = None

    def get(self) -> Figures | None:
        """The newest there are; None where they have never been worked out."""
        with self._lock:
            running = self._refresh is not None and not self._refresh.done()
            if not running and time.monotonic() >= self._not_before:
                self._refresh = self._pool.submit(self._work)
            refresh = self._refresh
        if refresh is not None:
            wait([refresh], PATIENCE)
        return self._figures

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def _work(self) -> None:
        started = time.monotonic()
        try:
            version = self._watch.version()
            # Without a change too: legs become overdue, and days end.
            if version != self._version or started > self._read + LONGEST:
                self._figures = self._watch.figures()
                self._version, self._read = version, started
        except (sqlite3.Error, StoreError) as error:
            logger.warning("no figures of the store: %s", error)
        self._not_before = time.monotonic() + REST * (time.monotonic() - started)
