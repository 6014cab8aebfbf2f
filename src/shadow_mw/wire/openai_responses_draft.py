"""A response of the OpenAI Responses API that comes as a stream of events."""

from __future__ import annotations

from collections.abc import Mapping

from shadow_mw.types import Json
from shadow_mw.wire.lenient import as_text, count, kind, mapping, mappings, string

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_SNAPSHOTS = frozenset({"response.created", "response.queued", "response.in_progress"})
_PART_DELTAS = {
    "response.output_text.delta": ("message", "content", "output_text", "text"),
    "response.refusal.delta": ("message", "content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("reasoning", "content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_text", "text"),
}
_INPUT_DELTAS = {
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
}


class Draft:
    """What has come so far."""

    def __init__(self) -> None:
        self.seen = False
        """Whether any event was one of this format."""
        self._response: dict[str, Json] = {}
        self._items: dict[Json, Mapping[str, Json]] = {}
        self._deltas: dict[Json, dict[tuple[str, int], list[str]]] = {}

    def add(self, chunk: Mapping[str, Json]) -> None:
        """Take the next event in."""
        event, slot = kind(chunk), _slot(chunk)
        self.seen = self.seen or event.startswith("response.")
        if event in _TERMINAL:
            ended = {"status": event.removeprefix("response.")}
            self._response = {**self._response, **ended, **mapping(chunk.get("response"))}
        elif event in _SNAPSHOTS:
            self._response = {"status": "in_progress", **mapping(chunk.get("response"))}
        elif event in ("response.output_item.added", "response.output_item.done"):
            self._items[slot] = mapping(chunk.get("item"))
            self._deltas[slot] = {}
        elif event in _PART_DELTAS or event in _INPUT_DELTAS:
            part = count(chunk.get("content_index", chunk.get("summary_index"))) or 0
            pieces = self._deltas.setdefault(slot, {}).setdefault((event, part), [])
            pieces.append(as_text(chunk.get("delta")))

    def built(self) -> dict[str, Json]:
        """Return it in the shape of one that is not streamed."""
        response = {"status": "in_progress", **self._response}
        if not response.get("output"):
            response["output"] = [self._item(slot) for slot in {**self._items, **self._deltas}]
        return response

    def _item(self, slot: Json) -> dict[str, Json]:
        item = dict(self._items.get(slot, {}))
        for (event, _), pieces in self._deltas.get(slot, {}).items():
            if event in _INPUT_DELTAS:
                item_type, name = _INPUT_DELTAS[event]
                item |= {"type": item_type, name: "".join(pieces)}
            else:
                item_type, name, part_type, key = _PART_DELTAS[event]
                part = {"type": part_type, key: "".join(pieces)}
                item |= {"type": item_type, name: [*mappings(item.get(name)), part]}
        return item


def _slot(chunk: Mapping[str, Json]) -> int | str | None:
    index = count(chunk.get("output_index"))
    return index if index is not None else string(chunk.get("item_id"))
