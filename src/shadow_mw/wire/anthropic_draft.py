"""An Anthropic message that comes as a stream of events."""

from __future__ import annotations

from collections.abc import Mapping

from shadow_mw.types import Json
from shadow_mw.wire.lenient import as_text, count, kind, mapping

_DELTA_FIELDS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "input"),
}
"""By delta type: its own field, and that of the block it extends."""


class Draft:
    """What has come so far."""

    def __init__(self) -> None:
        self.seen = False
        """Whether any event was one of this format."""
        self.complete = False
        self._message: dict[str, Json] = {}
        self._blocks: dict[int, dict[str, Json]] = {}
        self._deltas: dict[tuple[int, str], list[str]] = {}

    def add(self, chunk: Mapping[str, Json]) -> None:
        """Take the next event in."""
        event, index = kind(chunk), count(chunk.get("index")) or 0
        delta = mapping(chunk.get("delta"))
        if event == "message_start":
            self._message = dict(mapping(chunk.get("message")))
        elif event == "content_block_start":
            self._blocks[index] = dict(mapping(chunk.get("content_block")))
        elif event == "content_block_delta":
            self._extend(index, delta)
        elif event == "message_delta":
            self._message |= delta
            self._message["usage"] = _merged(self._message.get("usage"), chunk.get("usage"))
        elif event == "message_stop":
            self.complete = True
        else:
            return
        self.seen = True

    def _extend(self, index: int, delta: Mapping[str, Json]) -> None:
        names = _DELTA_FIELDS.get(kind(delta))
        if names is None:
            return
        source, target = names
        self._blocks.setdefault(index, {"type": "tool_use" if target == "input" else target})
        self._deltas.setdefault((index, target), []).append(as_text(delta.get(source)))

    def built(self) -> dict[str, Json]:
        """Return it in the shape of one that is not streamed."""
        for (index, name), pieces in self._deltas.items():
            block = self._blocks[index]
            before = "" if name == "input" else as_text(block.get(name))
            block[name] = (before + "".join(pieces)) or block.get(name)
        return {**self._message, "content": list(self._blocks.values())}


def _merged(usage: Json, update: Json) -> dict[str, Json]:
    """Later counts are totals; a count left out keeps its value."""
    known = {name: value for name, value in mapping(update).items() if value is not None}
    return {**mapping(usage), **known}
