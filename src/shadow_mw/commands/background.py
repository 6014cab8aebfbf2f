"""Work in a thread, beside something that must not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(
    work: Callable[[threading.Event], None], name: str, patience: float | None = None
) -> Iterator[None]:
    """Let it work as long as the block lasts.

    Args:
        work: ends when the event that it is given is set.
        name: the thread's.
        patience: seconds to wait for its end; then nobody is kept from leaving. None: as long as
            it takes.
    """
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=patience is not None)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(patience)
