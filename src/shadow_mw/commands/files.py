"""Files that a command is given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from shadow_mw.exceptions import DataError

T = TypeVar("T")


def check_readable(*files: Path | None) -> None:
    """Before anything is made for them.

    Raises:
        DataError: one of them cannot be read.
    """
    for file in files:
        if file is None or str(file) == "-":
            continue
        try:
            if file.is_fifo():
                continue  # its writer expects one reader
            with file.open("rb"):
                pass
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from None


def read_file(file: Path, read: Callable[[Iterable[bytes], str], T]) -> T:
    """What `read` makes of the file's lines and of what error messages call it; - is stdin.

    Raises:
        DataError: the file cannot be read, or `read` says what is wrong in it.
    """
    if str(file) == "-":
        return read(sys.stdin.buffer, "<stdin>")
    try:
        with file.open("rb") as lines:
            return read(lines, str(file))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
