"""Requests as values, and values as the text that a store keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from json.encoder import encode_basestring as quoted
from math import isfinite

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.ingest import Content, Observation
from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, WireFormat
from shadow_mw.wire import format_of, lenient

__all__ = [
    "dumps",
    "plain",
    "quoted",
    "read_request",
    "request_format",
    "same_json",
    "same_leg",
    "written",
]

ANTHROPIC_BLOCKS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})


def read_request(body: Json) -> Call | None:
    """What a request asks, in whichever format it is; None where it is in none."""
    form = request_format(body)
    try:
        return format_of(form).read_request(body) if form else None
    except WireError:
        return None


def request_format(body: Mapping[str, Json]) -> WireFormat | None:
    """The wire format of a request body, by its shape."""
    if "messages" in body:
        blocks = {
            lenient.kind(block)
            for message in lenient.mappings(body["messages"])
            for block in lenient.mappings(message.get("content"))
        }
        anthropic = "system" in body or blocks & ANTHROPIC_BLOCKS
        return WireFormat.ANTHROPIC_MESSAGES if anthropic else WireFormat.OPENAI_CHAT
    if "input" in body or "instructions" in body:
        return WireFormat.OPENAI_RESPONSES
    return WireFormat.OPENAI_COMPLETIONS if "prompt" in body else None


def dumps(value: Json) -> str:
    """As the runner writes content.

    Raises:
        ValueError: a number in it is beyond what a float holds.
    """
    return _ENCODER.encode(value)


def written(value: Json) -> str | None:
    """The same, remembered for whoever reads it next; None for None."""
    if value is None:
        return None
    text = dumps(value)
    if _is_text(value):
        recent.remember(text, value)
    return text


def _is_text(value: Json) -> bool:
    """Whether it has no number in it, which is another one when it is read again."""
    if type(value) is list:
        return all(map(_is_text, value))
    if type(value) is dict:
        return all(map(_is_text, value.values()))
    return value is None or type(value) is str


def plain(value: Json) -> Json:
    """Numbers as floats, which is what a wire format reads.

    Raises:
        ValueError: one is beyond what a float holds.
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return _as_float(value) if isinstance(value, Decimal) else value


def _as_float(number: Decimal) -> float:
    found = float(number)
    if not isfinite(found):
        raise ValueError(f"{number} is too large a number")
    return found


# Made once: to make it takes as long as to write a short value.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_as_float, allow_nan=False
)


def same_leg(one: Observation, other: Observation) -> bool:
    """Whether two legs say the same, however their content is written as JSON."""
    if one == other:
        return True
    contents = one.content, other.content
    if not all(same_json(*(getattr(c, name) for c in contents)) for name in Content.__slots__):
        return False
    return replace(one, content=other.content) == other


def same_json(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same, or the same JSON value."""
    if one == other or one is None or other is None:
        return one == other
    try:
        values = strict_json.loads(one), strict_json.loads(other)
    except strict_json.InvalidJson:
        return False
    return strict_json.comparable(values[0]) == strict_json.comparable(values[1])
