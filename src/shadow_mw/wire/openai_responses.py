"""The OpenAI Responses API."""

from __future__ import annotations

from collections.abc import Mapping

from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, Reason, Reply, ToolCall, WireFormat
from shadow_mw.wire import errors, otel
from shadow_mw.wire import openai_common as common
from shadow_mw.wire.base import Format, Stream
from shadow_mw.wire.lenient import as_text, kind, mapping, mappings, string
from shadow_mw.wire.openai_responses_draft import Draft
from shadow_mw.wire.otel import Part

_STATE = ("previous_response_id", "conversation", "prompt")
"""Fields by which the provider knows more than the request says."""
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_CALL_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_READABLE_ITEMS = frozenset({"message", *_CALLS, *_CALL_OUTPUTS})
_UNFINISHED = ("in_progress", "queued")


class OpenAIResponses(Format):
    """`POST /v1/responses`."""

    name = WireFormat.OPENAI_RESPONSES
    operation = "chat"
    provider = "openai"
    path = "/responses"
    withheld = common.WITHHELD | {"prompt"}
    stores = True

    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request; its input may be where only the provider sees it."""
        if not any(body.get(name) for name in ("input", "instructions", *_STATE)):
            raise WireError("a responses request without input")
        instructions = body.get("instructions")
        return Call(
            model=string(body.get("model")) or "",
            stream=body.get("stream") is True,
            input_messages=_messages(body.get("input")),
            system_instructions=[otel.text(instructions)] if instructions else [],
            tools=mappings(body.get("tools")),
            expects_json=common.asks_for_json(mapping(body.get("text")).get("format")),
            max_tokens=common.max_tokens(body),
            params=otel.sampling(body),
        )

    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Stored state, background runs, hosted tools, and items that only the provider reads."""
        stateful = (
            any(body.get(name) for name in _STATE)
            or body.get("background") is True
            or common.has_hosted_tool(body.get("tools"))
            or any(not _is_readable(item) for item in mappings(body.get("input")))
        )
        return Reason.STATEFUL if stateful else None

    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a JSON reply; a failed one may have no output."""
        if not isinstance(data.get("output"), list) and data.get("status") != "failed":
            return None
        return _reply(data)

    def read_stream(self, stream: Stream) -> Reply | None:
        """Read the response of the terminal event, or what the deltas spell until the end."""
        draft = Draft()
        for chunk in stream.chunks:
            draft.add(chunk)
        return _reply(draft.built()) if draft.seen else None


def _reply(response: Mapping[str, Json]) -> Reply:
    items = mappings(response.get("output"))
    parts = [part for item in items for part in _content(item, "message")]
    status, reason = _status(response)
    failure = errors.described(mapping(response.get("error"))) if status == "failed" else None
    texts = (as_text(part.get("text")) for part in parts if kind(part) == "output_text")
    return Reply(
        text=string("".join(texts)),
        tool_calls=tuple(_tool_call(item) for item in items if kind(item) in _CALLS),
        refusal=_refusal(parts, reason),
        reasoning=string("".join(_reasoning(item) for item in items)),
        finish_reason=None if status in _UNFINISHED else reason or status,
        usage=common.usage_of(response.get("usage")),
        model=string(response.get("model")),
        response_id=string(response.get("id")),
        error=failure.kind if failure else None,
        error_message=failure.message if failure else None,
        complete=status not in _UNFINISHED,
    )


def _status(response: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """The status, and where it is `incomplete`, the reason."""
    reason = string(mapping(response.get("incomplete_details")).get("reason"))
    return string(response.get("status")), reason


def _content(item: Mapping[str, Json], owner: str) -> list[Mapping[str, Json]]:
    return mappings(item.get("content")) if kind(item) == owner else []


def _refusal(parts: list[Mapping[str, Json]], reason: str | None) -> str | None:
    refusals = [as_text(part.get("refusal")) for part in parts if kind(part) == "refusal"]
    if refusals:
        return "".join(refusals) or "refusal"
    return reason if reason == "content_filter" else None


def _reasoning(item: Mapping[str, Json]) -> str:
    """The summary retells the content: whichever there is, never both."""
    if kind(item) != "reasoning":
        return ""
    parts = _content(item, "reasoning") or mappings(item.get("summary"))
    return "".join(as_text(part.get("text")) for part in parts)


def _tool_call(item: Mapping[str, Json]) -> ToolCall:
    return ToolCall(
        name=string(item.get("name")) or "",
        arguments=as_text(item.get(_CALLS[item["type"]])),
        id=string(item.get("call_id")),
    )


def _type(item: Mapping[str, Json]) -> str:
    """Messages may leave their type out; what has neither type nor role is a reference."""
    return kind(item) or ("message" if "role" in item else "item_reference")


def _is_readable(item: Mapping[str, Json]) -> bool:
    """Whether all of an item is in the request, for any model to read."""
    if _type(item) == "reasoning":
        return bool(_content(item, "reasoning"))
    parts = mappings(item.get("content")) + mappings(item.get("output"))
    return _type(item) in _READABLE_ITEMS and not any(part.get("file_id") for part in parts)


def _messages(items: Json) -> list[dict[str, Json]]:
    if isinstance(items, str):
        return [otel.message("user", [otel.text(items)])]
    return [_message(item) for item in mappings(items)]


def _message(item: Mapping[str, Json]) -> dict[str, Json]:
    form = _type(item)
    if form in _CALLS:
        call = _tool_call({**item, "type": form})
        return otel.message("assistant", [otel.tool_call(call.id, call.name, call.arguments)])
    if form in _CALL_OUTPUTS:
        return otel.message("tool", [otel.tool_response(item.get("call_id"), _answer(item))])
    if form == "reasoning":
        return otel.message("assistant", [otel.reasoning(_reasoning(item))])
    if form == "message":
        return otel.message(item.get("role"), _parts(item.get("content")))
    return otel.message(item.get("role") or "assistant", [otel.generic(item)])


def _answer(item: Mapping[str, Json]) -> Json:
    output = item.get("output")
    return _parts(output) if isinstance(output, list) else output


def _parts(content: Json) -> list[Part]:
    if isinstance(content, list):
        return [_part(part) for part in mappings(content)]
    return [] if content is None else [otel.text(content)]


def _part(part: Mapping[str, Json]) -> Part:
    form = kind(part)
    modality = "image" if form == "input_image" else "document"
    if form in ("input_text", "output_text", "text"):
        return otel.text(part.get("text"))
    if form == "refusal":
        return {"type": "refusal", "content": part.get("refusal")}
    if part.get("file_id"):
        return otel.file(part["file_id"], modality)
    if form in ("input_image", "input_file"):
        return otel.uri(
            part.get("image_url") or part.get("file_url") or part.get("file_data"), modality
        )
    return otel.generic(part)
