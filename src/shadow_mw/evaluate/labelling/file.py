"""A file of labels: the draw first, then one line for each answer, never rewritten.

Two people may write to one file at once. Who comes back goes on where they stopped.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.calibration.rows import Choice, Line, read_lines
from shadow_mw.evaluate.labelling.preferences import Preferences
from shadow_mw.exceptions import DataError
from shadow_mw.types import Json


class LabelFile:
    """One person's view of a file that has a draw in it."""

    def __init__(self, path: Path, annotator: str, preferences: Preferences | None = None) -> None:
        """Read it; what a crash left of a last line was never confirmed, and is taken off.

        Args:
            path: where it is.
            annotator: whose view it is.
            preferences: the store's labels, which follow the file's.

        Raises:
            DataError: it cannot be read, or is no file of this command.
        """
        self.path = path
        self.annotator = annotator
        lines = _read(path)
        drawn = {line.row.id: line for line in lines if line.order is not None}
        if not drawn:
            raise DataError(f"{path}: has no draw of `shadow-mw label --terminal` in it")
        self.drawn: tuple[str, ...] = tuple(sorted(drawn, key=lambda id: drawn[id].order or 0))
        """Pair ids in the order in which they are asked."""
        self._lines: Mapping[str, Line] = drawn
        self._preferences = preferences
        if preferences is not None:
            preferences.keep_missing(lines)
        self._said = {line.row.id: line.row.humans for line in lines if line.annotator == annotator}

    def answered(self, pair_id: str) -> bool:
        """Whether this person has labelled it, and not taken that back."""
        return bool(self._said.get(pair_id))

    @property
    def left(self) -> list[str]:
        """What this person has not labelled, in order."""
        return [pair_id for pair_id in self.drawn if not self.answered(pair_id)]

    def add(self, pair_id: str, human: Choice | None, *, both_bad: bool = False) -> None:
        """Append an answer, None to take the last one back; it is on disk when this returns.

        Raises:
            DataError: it cannot be written.
        """
        row = self._lines[pair_id].row
        line: dict[str, Json] = {
            "id": pair_id,
            "human": human,
            "judge": list(row.judge) if row.judged else None,
            "segment": row.segment,
            "inclusion": row.inclusion,
            "annotator": self.annotator,
        }
        if both_bad:
            line["both_bad"] = True
        with _opened(self.path) as handle:
            _write(handle, _bytes([line]))
        self._said[pair_id] = said = () if human is None else (human,)
        if self._preferences is not None:
            answer = Line(replace(row, humans=said), 0, self.annotator, both_bad=both_bad)
            self._preferences.keep(answer)


def begin(path: Path, lines: Iterable[Mapping[str, Json]]) -> None:
    """Make the file with its draw, whole or not at all; one that is there meanwhile stays.

    Raises:
        DataError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(handle, _bytes(lines))
            os.link(draft, path)
            _sync_directory(path.parent)
        finally:
            os.close(handle)
            draft.unlink()
    except FileExistsError:
        return
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def _read(path: Path) -> list[Line]:
    with _opened(path) as handle, open(os.dup(handle), "rb") as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        if content[end:]:
            whole = strict_json.is_valid(content[end:].decode(errors="replace"))
            _write(handle, b"\n") if whole else os.ftruncate(handle, end)
            content = content if whole else content[:end]
    return list(read_lines(content.split(b"\n"), str(path)))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """To read and append, one process at a time."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)
    except OSError as error:
        raise DataError(f"{path}: cannot be read or written ({error.strerror})") from None


def _bytes(lines: Iterable[Mapping[str, Json]]) -> bytes:
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
