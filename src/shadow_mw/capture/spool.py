"""Hand-over to the runner: one `writev` to a segment file of this process alone.

A segment is `flock`ed while its writer lives, so that the runner knows when it is complete.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from shadow_mw.frames import SUFFIX
from shadow_mw.types import Reason

SEGMENT_BYTES = 8 * 2**20
SLOW_WRITE = 0.05
"""Seconds: a write slower than this says that the disk cannot keep up.

Well above the interpreter's switch interval (5 ms): after a write its thread waits for the GIL, and
beside four busy threads 40 % of the writes to a healthy disk took longer than 5 ms, 2 % than 50 ms.
"""
RESERVE = 32 * 2**20
"""Bytes of the volume that are left alone: the runner needs some to make room again."""


class Spool:
    """The segments of one process; opened at the first frame, needs no runner to be alive."""

    def __init__(
        self,
        directory: Path,
        limit: int,
        on_slow: Callable[[], None] = lambda: None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._directory = directory
        self._limit = limit
        self._on_slow = on_slow
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._fd = -1
        self._size = 0
        self._number = 0
        self._path = Path()
        self._sealed: list[tuple[Path, int]] = []
        self._sealed_bytes = 0
        self._pruned = 0.0

    def append(self, parts: list[bytes], *, bounded: bool = True) -> Reason | None:
        """Write one frame; a reason where it was dropped instead. Never raises OSError."""
        length = 0
        for part in parts:
            length += len(part)
        with self._lock:
            held = self._size + self._sealed_bytes + length
            if held > self._limit and bounded and self._full(length):
                return Reason.QUEUE_FULL
            try:
                if self._fd < 0 or self._size >= self._segment_bytes:
                    self._open()
                started = perf_counter()
                written = os.writev(self._fd, parts)
                if perf_counter() - started > SLOW_WRITE:
                    self._on_slow()
                if written == length:
                    self._size += length
                    return None
                os.ftruncate(self._fd, self._size)
            except OSError:
                self._give_up()
            return Reason.SPOOL_ERROR

    def _give_up(self) -> None:
        """Leave no torn frame behind, and try another segment next time."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
        self._close()

    def _open(self) -> None:
        self._close()
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _free_bytes(self._directory) < RESERVE:
            raise OSError(errno.ENOSPC, "too little space is left")
        self._number += 1
        name = f"{time.time_ns()}-{os.getpid()}-{self._number}"
        hidden, path = self._directory / f".{name}", self._directory / f"{name}{SUFFIX}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(hidden, flags, 0o600)
        # Locked before it can be seen: an unlocked segment counts as complete.
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(hidden, path)
        self._path, self._size = path, 0

    def _full(self, length: int) -> bool:
        """Whether the runner is still too far behind; looks at most ten times a second."""
        now = time.monotonic()
        if now - self._pruned > 0.1:
            self._pruned = now
            self._sealed = [item for item in self._sealed if item[0].exists()]
            self._sealed_bytes = sum(size for _, size in self._sealed)
            if self._fd >= 0 and self._size + self._sealed_bytes + length > self._limit:
                self._close()
        return self._size + self._sealed_bytes + length > self._limit

    def _close(self) -> None:
        if self._fd < 0:
            return
        os.close(self._fd)
        self._sealed.append((self._path, self._size))
        self._sealed_bytes += self._size
        self._fd, self._size = -1, 0

    def close(self) -> None:
        """Complete the open segment; the next frame opens another."""
        with self._lock:
            self._close()

    def abandon(self) -> None:
        """In a forked child: the segment and its lock belong to the parent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _free_bytes(directory: Path) -> int:
    volume = os.statvfs(directory)
    return volume.f_bavail * volume.f_frsize
