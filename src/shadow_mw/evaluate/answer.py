"""What a leg answered: text, refusal and tool calls out of the GenAI output messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.once import once
from shadow_mw.types import Json, ToolCall


@dataclass(frozen=True)
class Answer:
    """The first choice of an output, read; its JSON is read once, when it is asked for."""

    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether it is one JSON value: its text, or the arguments of its only tool call."""
        return self._json is not _NO_JSON

    @property
    def value(self) -> Json:
        """The JSON value that it is; None where it is none, too."""
        return self._json if self.is_json else None

    @property
    def is_document(self) -> bool:
        """Whether its text is a JSON object or list."""
        return bool(self.text.strip()) and isinstance(self._json, dict | list)

    @property
    def structured(self) -> dict[str, Json] | None:
        """The JSON object that it is, if it is one."""
        return self._json if isinstance(self._json, dict) else None

    @once
    def called(self) -> dict[str, Json] | None:
        """The JSON object that the arguments of its only tool call are, whatever its text says."""
        if len(self.tool_calls) != 1:
            return None
        arguments = strict_json.loads_or_none(self.tool_calls[0].arguments)
        return arguments if isinstance(arguments, dict) else None

    @once
    def _json(self) -> Json:
        in_text = self.text.strip() or len(self.tool_calls) != 1
        try:
            return strict_json.loads(self.text if in_text else self.tool_calls[0].arguments)
        except strict_json.InvalidJson:
            return _NO_JSON


_NO_JSON = object()


@lru_cache(maxsize=2)
def answer(messages: str | None) -> Answer:
    """Read `gen_ai.output.messages`; what cannot be read is an empty answer.

    The last ones are remembered: the two legs of a pair often say the same.
    """
    value = recent.loads_or_none(messages or "")
    first = value[0] if isinstance(value, list) and value else None
    parts = first.get("parts") if isinstance(first, dict) else None
    known = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return Answer(
        text="".join(_contents(known, "text")),
        refusal="".join(_contents(known, "refusal")),
        tool_calls=tuple(_tool_call(part) for part in known if part.get("type") == "tool_call"),
    )


def _contents(parts: list[dict[str, Json]], kind: str) -> list[str]:
    return [str(part.get("content") or "") for part in parts if part.get("type") == kind]


def _tool_call(part: dict[str, Json]) -> ToolCall:
    """Of a call without parameters some servers write the arguments as `""`, others as `{}`."""
    arguments = part.get("arguments")
    given = {} if arguments is None else arguments
    text = given if isinstance(given, str) else strict_json.dumps(given)
    return ToolCall(str(part.get("name") or ""), text.strip() or "{}", part.get("id"))
