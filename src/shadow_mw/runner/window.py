"""When mirroring may happen: the window, and what an operator says while it runs."""

from __future__ import annotations

import time
from pathlib import Path

from shadow_mw.control import CONTROL, WINDOW, read_json, shared, write_json
from shadow_mw.runner.ledger import Ledger
from shadow_mw.settings import Settings
from shadow_mw.types import Exchange, Reason

CHECK_INTERVAL = 0.5
DAY = 86400.0


class Window:
    """Says no outside of the window, and while the control file says off."""

    def __init__(self, settings: Settings, directory: Path, ledger: Ledger) -> None:
        self._directory = directory
        self._ledger = ledger
        self._days = settings.window_days
        self._start = settings.window_start.timestamp() if settings.window_start else None
        self._end = settings.window_end.timestamp() if settings.window_end else None
        self._checked = 0.0
        self._off = False

    @property
    def end(self) -> float | None:
        """Unix time; None before the first mirrored call, where no end is set."""
        return self._end

    def refuses(self, exchange: Exchange) -> Reason | None:
        """Why this exchange is not mirrored now; asked right before the call."""
        if self._is_off():
            return Reason.OFF
        at = exchange.started_ns / 1e9
        if self._start is not None and at < self._start:
            return Reason.WINDOW_NOT_OPEN
        if self._end is None:
            self._begin()
        return Reason.WINDOW_CLOSED if self._end is not None and at >= self._end else None

    def _begin(self) -> None:
        """The window runs from the first mirrored call on; the gates of all apps learn its end."""
        self._end = self._ledger.first_call() + self._days * DAY
        write_json(shared(self._directory, WINDOW), {"end": self._end})

    def _is_off(self) -> bool:
        now = time.monotonic()
        if now - self._checked > CHECK_INTERVAL:
            self._checked = now
            self._off = read_json(shared(self._directory, CONTROL)).get("enabled") is False
        return self._off
