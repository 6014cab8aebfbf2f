"""What a leg answered: text, refusal and tool calls out of the GenAI output messages."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate import strict_json
from shadow_mw.types import Json, ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """The first choice of an output, read."""

    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def answer(messages: str | None) -> Answer:
    """Read `gen_ai.output.messages`; what cannot be read is an empty answer."""
    value = strict_json.loads_or_none(messages or "")
    first = value[0] if isinstance(value, list) and value else None
    parts = first.get("parts") if isinstance(first, dict) else None
    known = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return Answer(
        text="".join(_contents(known, "text")),
        refusal="".join(_contents(known, "refusal")),
        tool_calls=tuple(_tool_call(part) for part in known if part.get("type") == "tool_call"),
    )


def structured(reply: Answer) -> dict[str, Json] | None:
    """The JSON object that the answer is: its text, or the arguments of its only tool call."""
    value = strict_json.loads_or_none(json_text(reply))
    return value if isinstance(value, dict) else None


def json_text(reply: Answer) -> str:
    """Where JSON has to be if there is any."""
    if not reply.text.strip() and len(reply.tool_calls) == 1:
        return reply.tool_calls[0].arguments
    return reply.text


def _contents(parts: list[dict[str, Json]], kind: str) -> list[str]:
    return [str(part.get("content") or "") for part in parts if part.get("type") == kind]


def _tool_call(part: dict[str, Json]) -> ToolCall:
    arguments = part.get("arguments")
    text = arguments if isinstance(arguments, str) else strict_json.dumps(arguments or {})
    # Servers write no arguments as an empty string.
    return ToolCall(str(part.get("name") or ""), text.strip() or "{}", part.get("id"))
