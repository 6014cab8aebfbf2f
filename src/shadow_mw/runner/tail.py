"""Reading the segments that app processes write, without ever changing them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shadow_mw.frames import MAGIC, SUFFIX, Frame, FrameError, Incomplete, read_frame

SEARCHED = 2**20


@dataclass(frozen=True, slots=True)
class Position:
    """Where a frame stands: the name under which it is accounted for."""

    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class Found:
    """A frame and its place; `frame` is None for bytes that hold none any more."""

    position: Position
    frame: Frame | None


class Segment:
    """One file: how far it has been read, which of its frames are not accounted for."""

    def __init__(self, path: Path, done: set[int]) -> None:
        self.path = path
        self.exhausted = False
        """The writer is gone and everything has been read."""
        self.open: set[int] = set()
        self._done = done
        self._offset = 0
        self._fd = -1

    @property
    def consumed(self) -> int:
        """Bytes read, or given up as damaged."""
        return self._offset

    def frames(self) -> Iterator[Found]:
        """What has been written since the last time, less what an earlier runner finished."""
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        # Asked before reading: whatever the writer wrote is then there to be read.
        sealed = self._sealed()
        yield from self._frames(sealed)
        if self.exhausted:
            # Leftovers of many processes need not be open at the same time.
            self.close()

    def _frames(self, sealed: bool) -> Iterator[Found]:
        while True:
            at = self._offset
            try:
                frame = read_frame(self._read, at)
            except Incomplete:
                if sealed:
                    self._end()
                    yield from self._new(at, None)
                return
            except FrameError:
                self._offset = self._next_frame(at + 1)
                yield from self._new(at, None)
                continue
            if frame is None:
                if sealed:
                    self._end()
                return
            # Moved on before handing out: the reader may stop here.
            self._offset = frame.end
            yield from self._new(at, frame)

    def _read(self, size: int, offset: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def _end(self) -> None:
        self.exhausted = True
        self._offset = os.fstat(self._fd).st_size

    def _next_frame(self, at: int) -> int:
        """Where the next frame may begin, behind damaged bytes."""
        while len(window := self._read(SEARCHED, at)) >= len(MAGIC):
            if (found := window.find(MAGIC)) >= 0:
                return at + found
            at += len(window) - len(MAGIC) + 1
        return at + len(window)

    def _new(self, at: int, frame: Frame | None) -> Iterator[Found]:
        if at not in self._done:
            self.open.add(at)
            yield Found(Position(self.path.name, at), frame)

    def _sealed(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        return True

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Tail:
    """All segments of a directory, oldest first."""

    def __init__(self, directory: Path, done: Callable[[str], set[int]]) -> None:
        self._directory = directory
        self._done = done
        self._segments: dict[str, Segment] = {}

    def read(self) -> Iterator[Found]:
        """What is new in every segment; stop iterating where there is enough, and come again."""
        self._discover()
        for segment in list(self._segments.values()):
            if not segment.exhausted:
                yield from segment.frames()

    def _discover(self) -> None:
        for name in sorted(os.listdir(self._directory)):
            if name.endswith(SUFFIX) and name not in self._segments:
                path = self._directory / name
                self._segments[name] = Segment(path, self._done(name))

    def finished(self, positions: list[Position]) -> list[str]:
        """Note what is accounted for; unlinks and returns the segments that are through."""
        for position in positions:
            self._segments[position.segment].open.discard(position.offset)
        through = [n for n, s in self._segments.items() if s.exhausted and not s.open]
        for name in through:
            segment = self._segments.pop(name)
            segment.path.unlink(missing_ok=True)
            segment.close()
        return through

    @property
    def consumed(self) -> dict[str, int]:
        """How far each segment has been read."""
        return {name: segment.consumed for name, segment in self._segments.items()}

    @property
    def empty(self) -> bool:
        """No app process holds a segment and nothing waits."""
        return not self._segments

    def close(self) -> None:
        """Give all descriptors back."""
        for segment in self._segments.values():
            segment.close()
