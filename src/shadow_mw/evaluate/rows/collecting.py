"""The garbage collector, while many rows are read that hold no cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ALLOCATIONS: Final = 50_000
"""Containers more than were freed, before it looks: some batches of rows."""


@contextmanager
def rarely() -> Iterator[None]:
    """It looks rarely, and never at what was there before: measured, a twentieth of all work."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
