"""Reading the segments that app processes write, without ever changing them."""

from __future__ import annotations

import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shadow_mw.frames import SUFFIX, Frame, FrameError, Incomplete, read_frame


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
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def consumed(self) -> int:
        """Bytes read, or given up as damaged."""
        return os.fstat(self._fd).st_size if self.exhausted else self._offset

    def frames(self) -> Iterator[Found]:
        """What has been written since the last time, less what an earlier runner finished."""
        # Asked before reading: whatever the writer wrote is then there to be read.
        sealed = self._sealed()
        read: Callable[[int, int], bytes] = functools.partial(os.pread, self._fd)
        while not self.exhausted:
            at = self._offset
            try:
                frame = read_frame(read, at)
            except Incomplete:
                self.exhausted = sealed
                if sealed:
                    yield from self._new(at, None)
                return
            except FrameError:
                # What follows damaged bytes cannot be found again.
                self.exhausted = True
                yield from self._new(at, None)
                return
            if frame is None:
                self.exhausted = sealed
                return
            # Moved on before handing out: the reader may stop here.
            self._offset = frame.end
            yield from self._new(at, frame)

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
        os.close(self._fd)


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
