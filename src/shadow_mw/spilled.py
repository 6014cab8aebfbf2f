"""Columns of millions of rows that lie in a file, and in memory only while they are looked at."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable
from typing import Any, Final

MANY: Final = 2 * 2**20
"""Bytes from which on a column is put into a file: below that it is not worth it."""


class Spilled(mmap.mmap):
    """A file without a name; it is gone with the last array that is of it."""

    def let_go(self) -> None:
        """Leave memory: what is read or written again comes back from the file."""
        self.madvise(mmap.MADV_DONTNEED)


def room(size: int) -> mmap.mmap:
    """So many bytes, all 0: in a file if they are many, and the disk has room for them.

    Memory of its own otherwise, which goes back whole: that of `malloc` is full of holes when
    arrays that stay were made between others that do not.
    """
    size = max(1, size)
    if size < MANY or not hasattr(os, "posix_fallocate"):
        return mmap.mmap(-1, size)
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            # All of it now: a disk that is full later would end the process.
            os.posix_fallocate(file.fileno(), 0, size)
            return Spilled(file.fileno(), size)
    except OSError:
        return mmap.mmap(-1, size)


def let_go(arrays: Iterable[Any]) -> None:
    """Let those of these arrays that lie in files leave memory."""
    for array in arrays:
        base = array
        while getattr(base, "base", None) is not None:
            base = base.base
        if isinstance(base, memoryview):
            base = base.obj
        if isinstance(base, Spilled):
            base.let_go()
