"""What a reader of a log gives back: one call, as one leg of a pair row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.rows.json_values import plain
from shadow_mw.types import Json, Reply, WireFormat
from shadow_mw.wire import format_of, lenient

INPUT_HASH = "input-hash"
"""The join over what was asked: messages, system text and tools, not model and parameters."""


class Skip(Exception):
    """A line of the right format that is no leg of a pair; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call."""

    leg: dict[str, Json]
    """As a pair row has it."""
    input: Json = None
    """The request body."""
    whole: bool = True
    """Whether that is all that was asked."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """By the name of the join."""
    session: str | None = None
    asked_model: str | None = None
    """Where the answer does not say whose it is, as of a call that failed."""

    @property
    def model(self) -> str | None:
        """Of the answer, else of the request."""
        return string(self.leg.get("model")) or self.asked_model


def decoded(value: Json) -> Json:
    """A value that some exports write as JSON within a string."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        found = strict_json.loads_or_none(value)
        return value if found is None else plain(found)
    return value


def table(value: Json) -> dict[str, Json]:
    """An object, itself or as JSON text; else an empty one."""
    found = decoded(value)
    return found if isinstance(found, dict) else {}


def reply_of(body: Mapping[str, Json]) -> Reply:
    """Read a response body in whichever format it is.

    Raises:
        Skip: it is in none that holds an answer.
    """
    form = _format(body)
    reply = format_of(form).read_message(body) if form else None
    if reply is None:
        raise Skip("response_not_understood")
    return reply


def _format(body: Mapping[str, Json]) -> WireFormat | None:
    if isinstance(body.get("choices"), list):
        return WireFormat.OPENAI_CHAT
    if isinstance(body.get("output"), list) or body.get("object") == "response":
        return WireFormat.OPENAI_RESPONSES
    return WireFormat.ANTHROPIC_MESSAGES if isinstance(body.get("content"), list) else None


def leg_of(reply: Reply, **more: Json) -> dict[str, Json]:
    """A reply as a leg of a pair row; what is None in `more` stays unsaid."""
    usage = reply.usage
    found = {
        "model": reply.model,
        "output": reply.text,
        "refusal": reply.refusal,
        "reasoning": reply.reasoning,
        "tool_calls": [
            {"id": call.id, "name": call.name or "unnamed", "arguments": call.arguments}
            for call in reply.tool_calls
        ]
        or None,
        "finish_reason": reply.finish_reason,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "error": reply.error,
    }
    found |= {name: value for name, value in more.items() if value is not None}
    return {name: value for name, value in found.items() if value is not None}


def positive(value: Json) -> float | None:
    """A number above 0: gateways write 0 for a cost that they do not know."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value > 0 else None


def string(value: Json) -> str | None:
    """A text that says something."""
    return lenient.string(value)
