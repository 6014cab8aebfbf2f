"""Server-sent events, as the WHATWG standard reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shadow_mw.wire import lenient

_LINE_END = re.compile(r"\r\n|\n|\r")
_SSE_START = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?::|(?:data|event|id|retry)(?::|[\r\n]))")
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name (`message` where none was sent) and its data lines, joined."""

    event: str
    data: str


def looks_like_sse(body: bytes) -> bool:
    """Whether a body begins as an event stream does and JSON cannot."""
    return _SSE_START.match(body) is not None


def is_cut_short(body: bytes) -> bool:
    """Whether a body ended before its first field name did."""
    start = body.strip()
    return any(field.startswith(start) for field in (b"data:", b"event:", b"id:", b"retry:"))


def events(body: bytes) -> Iterator[Event]:
    """Yield the events of a whole body; an unterminated last one only where its data is whole."""
    lines = _LINE_END.split(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    unterminated = lines.pop()
    name, data = "", list[str]()
    for line in lines:
        if line:
            name = _read_line(line, name, data)
            continue
        if data:
            yield Event(name or "message", "\n".join(data))
        name, data = "", []
    if unterminated:
        name = _read_line(unterminated, name, data)
    if data and _is_whole("\n".join(data)):
        yield Event(name or "message", "\n".join(data))


def _read_line(line: str, name: str, data: list[str]) -> str:
    field, _, value = line.partition(":")
    value = value.removeprefix(" ")
    if field == "data":
        data.append(value)
    return value if field == "event" else name


def _is_whole(data: str) -> bool:
    """A number or a word may have lost its end; a closed bracket has not."""
    if data == DONE:
        return True
    try:
        return isinstance(lenient.parse(data), dict | list)
    except ValueError:
        return False
