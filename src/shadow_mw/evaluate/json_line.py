"""One line of a file that people or other programs write, as a JSON object."""

from __future__ import annotations

from shadow_mw.evaluate import strict_json
from shadow_mw.types import Json
from shadow_mw.wire import lenient


def read_object(line: bytes, *, first: bool) -> dict[str, Json]:
    """The object as it is written.

    Args:
        line: its bytes.
        first: of the file, which may begin with a byte order mark.

    Raises:
        ValueError: it is none.
    """
    try:
        value = strict_json.loads(line.decode("utf-8-sig" if first else "utf-8"))
    except strict_json.InvalidJson as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def read_whole(line: bytes, *, first: bool) -> dict[str, Json]:
    """The same without halves of surrogate pairs, which neither UTF-8 nor a database takes."""
    value = read_object(line, first=first)
    return dict(lenient.well_formed(value)) if b"\\ud" in line or b"\\uD" in line else value
