"""Lines of a file that somebody else wrote: plain or gzip, bounded, each error with its line."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from shadow_mw.exceptions import DataError

MAX_LINE = 64 * 2**20
"""Bytes of one line: a file without line ends is not read into memory whole."""

READ_AT_ONCE = 2**20
"""Bytes."""

Advance = Callable[[int], None]
"""Told how many more bytes of a file have been read, or rows stored."""


def nothing(_: int) -> None:
    """For who shows no progress."""


class Lines:
    """A file's lines that are not blank, with their numbers."""

    def __init__(self, file: BinaryIO, name: str, raw: BinaryIO, advance: Advance = nothing):
        self.name = name
        self.number = 0
        self._file, self._raw, self._advance = file, raw, advance

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for line in self._all():
            self.number += 1
            if len(line) > MAX_LINE:
                self.refuse(f"a line of more than {MAX_LINE:,} bytes")
            if line.strip():
                yield line
            if self.number % 64 == 0:
                read = self._report(read)
        self._report(read)

    def _all(self) -> Iterator[bytes]:
        try:
            while line := self._file.readline(MAX_LINE + 1):
                yield line
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{self.name}: not a whole gzip file ({error})") from None
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read ({error.strerror})") from None

    def _report(self, before: int) -> int:
        if not self._raw.seekable():
            return before
        now = self._raw.tell()
        self._advance(now - before)
        return now

    def refuse(self, fault: object, accepted: str = "", *, line: int | None = None) -> NoReturn:
        """A line cannot be used.

        Args:
            fault: what is wrong with it.
            accepted: what would be right.
            line: its number; the one that was given last by default.

        Raises:
            DataError: always.
        """
        raise self.refusal(fault, accepted, line=line)

    def refusal(self, fault: object, accepted: str = "", *, line: int | None = None) -> DataError:
        """What `refuse` raises."""
        text = f"{self.name}:{line or self.number}: {fault}"
        return DataError(f"{text}; {accepted}" if accepted else text)


@contextmanager
def opened(path: Path, advance: Advance = nothing) -> Iterator[Lines]:
    """The lines of a file, unpacked where its name ends in `.gz`; `-` is standard input.

    Raises:
        DataError: it cannot be read.
    """
    if str(path) == "-":
        yield Lines(sys.stdin.buffer, name_of(path), sys.stdin.buffer, advance)
        return
    try:
        raw = path.open("rb", buffering=READ_AT_ONCE)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    with raw:
        if path.suffix != ".gz":
            yield Lines(raw, str(path), raw, advance)
            return
        with gzip.open(raw) as unpacked:
            yield Lines(unpacked, str(path), raw, advance)  # type: ignore[arg-type]


def name_of(path: Path | None) -> str:
    """What messages call a file."""
    return "<stdin>" if str(path) == "-" else str(path)


def size_of(path: Path) -> int | None:
    """Bytes to be read; None where nobody knows."""
    try:
        return os.path.getsize(path) if str(path) != "-" and path.is_file() else None
    except OSError:
        return None
