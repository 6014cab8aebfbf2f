"""The figures of the page: worked out elsewhere, kept, and never worked out faster than they cost.

Who asks gets the newest there are at once; asking is what has them worked out anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from shadow_mw.exceptions import ShadowError

logger = logging.getLogger("shadow_mw")

REST: Final = 9
"""Times as long as they took: a tenth of a core, at most, goes into them."""
LONGEST: Final = 300.0
"""Seconds after which unchanged ones are worked out again: windows end."""
PATIENCE: Final = 0.2
"""Seconds for the first ones."""
KEPT: Final = 8
"""Series whose figures are kept; of a store that has more, those that were looked at last."""

Key = tuple[str, str]


@dataclass(slots=True)
class Report:
    """Figures of one series."""

    body: bytes = b""
    """A JSON object; empty until there are any."""
    number: int = 0
    """Another one with every change."""
    made: float = 0.0
    """Unix time; 0 where there are none."""
    fault: str | None = None
    """Why there are no newer ones."""
    version: object = None
    refresh: Future[None] | None = None
    not_before: float = 0.0


class Reports:
    """Keeps them.

    Args:
        compute: makes the figures of a series; may take minutes, and is called by one thread.
        version: tells whether the store has changed; called by many.
    """

    def __init__(
        self, compute: Callable[[Key], bytes], version: Callable[[], object], rest: float = REST
    ) -> None:
        self._compute, self._version, self._rest = compute, version, rest
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shadow_mw-report")
        self._lock = threading.Lock()
        self._closed = False
        self._known: OrderedDict[Key, Report] = OrderedDict()

    def get(self, key: Key) -> Report:
        """The newest there are; they may be none, or those of before."""
        with self._lock:
            report = self._known.setdefault(key, Report())
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            if self._is_due(report):
                report.refresh = self._pool.submit(self._work, key, report)
            refresh = report.refresh
        if refresh is not None and not report.body:
            wait([refresh], PATIENCE)
        return report

    def close(self) -> None:
        """Begin nothing more; what is under way has to be ended by whoever computes it."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_due(self, report: Report) -> bool:
        now = time.monotonic()
        if (
            self._closed
            or now < report.not_before
            or (report.refresh and not report.refresh.done())
        ):
            return False
        return time.time() > report.made + LONGEST or self._version() != report.version

    def _work(self, key: Key, report: Report) -> None:
        started = time.monotonic()
        # Read first: what comes meanwhile is a change.
        version = self._version()
        try:
            body = self._compute(key)
            report.number += body != report.body or report.fault is not None
            report.body, report.fault = body, None
            report.made, report.version = time.time(), version
        except (ShadowError, OSError, sqlite3.Error) as error:
            if not self._closed:
                logger.warning("no figures for the page: %s", error)
            report.number += report.fault != str(error)
            report.fault = str(error)
        report.not_before = time.monotonic() + self._rest * (time.monotonic() - started)
