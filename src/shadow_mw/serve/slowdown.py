"""Guesses at the token, by header or form: many are refused slowly, in constant memory.

A token is looked at first: nobody's guesses keep out whoever has the right one.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

FREE: Final = 10
"""Wrong tokens of all senders together that are answered at once, within `FREE_SECONDS`."""
FREE_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 1.0
MOST_HELD: Final = 64
"""Refusals that wait at once; more are answered at once, so that waiting costs no more memory."""


class Slowdown:
    """Of one process, and one event loop."""

    def __init__(self, seconds: float = WAIT_SECONDS, most_held: int = MOST_HELD) -> None:
        self._seconds, self._most_held = seconds, most_held
        self._recent, self._at, self._held = 0.0, time.monotonic(), 0

    async def wrong(self) -> None:
        """Another wrong token; returns when it may be refused."""
        now = time.monotonic()
        left = self._recent - (now - self._at) * FREE / FREE_SECONDS
        # Bounded: after a long attack a mistake is answered at once a minute later.
        self._recent, self._at = min(max(left, 0.0) + 1, 2 * FREE), now
        if self._recent <= FREE or self._held >= self._most_held:
            return
        self._held += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._held -= 1
