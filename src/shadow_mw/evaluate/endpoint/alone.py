"""One run at a time over a store: two would ask, and pay for, the same answers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import DataError

PATIENCE = 60.0
"""Seconds for which an answer waits for a lock: it is paid for."""


@contextmanager
def alone(store: Store, suffix: str, others: str) -> Iterator[None]:
    """Be the only run of a kind; what is committed meanwhile is on disk.

    Args:
        store: what it writes to.
        suffix: of the lock's file, beside the store's.
        others: what another such run is called.

    Raises:
        DataError: another one is at it.
    """
    path = Path(f"{store.path}.{suffix}")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"store {store.path}: {others} is writing to it") from None
        store.make_durable(PATIENCE)
        yield
    finally:
        os.close(handle)
