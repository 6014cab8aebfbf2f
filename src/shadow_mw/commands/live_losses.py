"""Which pairs a judge gives to the primary, looked up anew beside the lists when judges were asked.

Where every pair was judged that takes seconds: lists go on with what is known.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.worst.classes import series_number
from shadow_mw.evaluate.worst.losses import lost_pairs, set_lost
from shadow_mw.exceptions import StoreError
from shadow_mw.results import Series

logger = logging.getLogger("shadow_mw")

PATIENCE: Final = 0.15
"""Seconds for new ones; after that lists are shown without."""
REST: Final = 9
"""Times as long as they took."""


@dataclass(slots=True)
class Lost:
    """Those of one series."""

    series: Series
    mark: object = None
    """The newest answer of a judge that is in them."""
    pairs: list[int] = field(default_factory=list)
    number: int = 0
    not_before: float = 0.0
    refresh: Future[None] | None = None
    brought: dict[int, int] = field(default_factory=dict)
    """By connection, which number it has."""

    def bring_to(self, store: Store) -> int:
        """Let lists of this connection know them, and their number; its one user at a time asks."""
        number = self.number
        if self.brought.get(id(store), 0) != number:
            set_lost(store, series_number(store, self.series), self.pairs)
            self.brought[id(store)] = number
        return number

    def forget(self, store: Store) -> None:
        """The connection is about to be closed."""
        self.brought.pop(id(store), None)


class Losses:
    """Keeps them for every series that was asked for."""

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shadow_mw-losses")
        self._lock = threading.Lock()
        self._known: dict[Series, Lost] = {}
        self.number = 0
        """Another one whenever any of them has changed."""

    def of(self, series: Series, patience: float | None = PATIENCE) -> Lost:
        """The newest there are.

        Args:
            series: of which.
            patience: seconds for new ones; None waits for them.
        """
        with self._lock:
            lost = self._known.setdefault(series, Lost(series))
            running = lost.refresh is not None and not lost.refresh.done()
            if not running and time.monotonic() >= lost.not_before:
                lost.refresh = self._pool.submit(self._work, lost)
            refresh = lost.refresh
        if refresh is not None:
            wait([refresh], patience)
        return lost

    def close(self) -> None:
        """End, once what is under way has ended."""
        self._pool.shutdown(cancel_futures=True)
        self._store.close()

    def _work(self, lost: Lost) -> None:
        started = time.monotonic()
        try:
            with self._store.transaction(write=False):
                (mark,) = self._store.one("SELECT max(rowid) FROM opinions")
                if mark == lost.mark:
                    return
                pairs = lost_pairs(self._store, lost.series)
        except (sqlite3.Error, StoreError) as error:
            logger.warning("what judges say is not known: %s", error)
            return
        lost.mark, lost.pairs = mark, pairs
        lost.number += 1
        self.number += 1
        lost.not_before = time.monotonic() + REST * (time.monotonic() - started)
