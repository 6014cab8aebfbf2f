"""Ctrl-C twice: the first one asks to end well, the second one does not wait."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NUMBERS = signal.SIGINT, signal.SIGTERM


@contextmanager
def first_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; the second one cancels every task of the loop.

    Inside a running event loop, whose thread calls `stop`. From the third on signals do what they
    always do.

    Raises:
        KeyboardInterrupt: The second one came. Python's own way is not used for it: what it raises
            inside a finaliser is printed, and lost.
    """
    loop = asyncio.get_running_loop()
    gave_up = False

    def first() -> None:
        # First, since whoever reads what `stop` says may send the second one at once.
        handle(second)
        stop()

    def second() -> None:
        nonlocal gave_up
        gave_up = True
        release()
        for task in asyncio.all_tasks(loop):
            task.cancel()

    def handle(handler: Callable[[], None]) -> None:
        for number in NUMBERS:
            loop.add_signal_handler(number, handler)

    def release() -> None:
        for number in NUMBERS:
            loop.remove_signal_handler(number)

    handle(first)
    try:
        yield
    except asyncio.CancelledError:
        if not gave_up:
            raise
    finally:
        release()
    if gave_up:
        raise KeyboardInterrupt
