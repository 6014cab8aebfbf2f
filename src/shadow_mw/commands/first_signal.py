"""Ctrl-C twice: the first one asks to end well, the second one does not wait."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NUMBERS = signal.SIGINT, signal.SIGTERM


@contextmanager
def first_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; later ones do what they always do.

    Inside a running event loop, whose thread calls `stop`.
    """
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        # First, since whoever reads what `stop` says may send the second one at once.
        release()
        stop()

    def release() -> None:
        for number in NUMBERS:
            loop.remove_signal_handler(number)

    for number in NUMBERS:
        loop.add_signal_handler(number, stopping)
    try:
        yield
    finally:
        release()
