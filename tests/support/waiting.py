"""Waiting for what happens by itself: by looking, with one patience for everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT = 60.0
"""Seconds, so many that only what never happens is late: other tests want every core too."""


def until(condition: Callable[[], T], what: str, timeout: float = WAIT) -> T:
    """Wait for a condition; its first true value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {timeout:g} s: {what}"
        time.sleep(0.02)
    return value
