"""Whether a call is mirrored at all: decided before a byte is copied, every refusal counted."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadow_mw.capture.sticky import chosen, conversation_key
from shadow_mw.control import CONTROL, WINDOW, read_json, shared
from shadow_mw.types import Reason

if TYPE_CHECKING:
    from shadow_mw.settings import Settings


class Counters:
    """What became of every call that this process saw; absolute since it started."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._refused: dict[str, int] = {}
        self.captured = 0
        """Calls that went by; added to under the lock."""

    def refused(self, reason: Reason) -> None:
        """One call is not mirrored."""
        with self.lock:
            self._refused[reason] = self._refused.get(reason, 0) + 1

    def snapshot(self) -> dict[str, int]:
        """All counters at one moment."""
        with self.lock:
            return {"captured": self.captured} | self._refused


class Gate:
    """The decision, in plain attributes that a request only reads; `refresh` renews them."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._directory = directory
        self._start = settings.window_start.timestamp() if settings.window_start else None
        self._end = settings.window_end.timestamp() if settings.window_end else None
        self._configured_rate = settings.sample_rate
        self._sticky = settings.sticky
        self._salt = settings.experiment.encode()
        self._paused_until = 0.0
        self.max_request = settings.max_request_bytes
        self.sample_rate = settings.sample_rate
        self.refusal: Reason | None = None
        self.plain = False
        """Everything is mirrored: a request need not ask any further."""
        self.refresh()

    def refresh(self) -> None:
        """Read the control file and the window; called once or twice a second, off the request."""
        control = read_json(shared(self._directory, CONTROL))
        rate = control.get("sample_rate")
        if not (isinstance(rate, int | float) and 0 <= rate <= 1):
            rate = self._configured_rate
        self.sample_rate = float(rate)
        window = read_json(shared(self._directory, WINDOW))
        end = window.get("end")
        self.refusal = self._refusal(
            control, self._end or (end if isinstance(end, int | float) else None)
        )
        paused = time.monotonic() < self._paused_until
        self.plain = self.refusal is None and self.sample_rate >= 1.0 and not paused

    def _refusal(self, control: dict[str, Any], end: float | None) -> Reason | None:
        now = time.time()
        if control.get("enabled") is False:
            return Reason.OFF
        if self._start is not None and now < self._start:
            return Reason.WINDOW_NOT_OPEN
        if end is not None and now >= end:
            return Reason.WINDOW_CLOSED
        return None

    def pause(self, seconds: float) -> None:
        """Capture nothing for a while: the disk is slow."""
        self.plain = False
        self._paused_until = time.monotonic() + seconds

    def refuses(self) -> Reason | None:
        """What can be said before the request's body is known."""
        if self.refusal is not None:
            return self.refusal
        if self._paused_until and time.monotonic() < self._paused_until:
            return Reason.SPOOL_SLOW
        return None if self.sample_rate > 0.0 else Reason.NOT_SAMPLED

    def refuses_body(
        self, body: bytes, session: str | None, trace_id: str, pair_id: str
    ) -> Reason | None:
        """What can be said once the request's body is there."""
        if self.sample_rate >= 1.0:
            return None
        key = self._key(body, session, trace_id) or pair_id
        return None if chosen(self.sample_rate, self._salt, key) else Reason.NOT_SAMPLED

    def _key(self, body: bytes, session: str | None, trace_id: str) -> str | None:
        match self._sticky:
            case "session":
                return session
            case "conversation":
                return conversation_key(body)
            case "trace":
                return trace_id
            case "none":
                return None
            case _:
                return session or conversation_key(body) or trace_id
