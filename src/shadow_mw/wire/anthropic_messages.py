"""Anthropic messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, Reason, Reply, ToolCall, Usage, WireFormat
from shadow_mw.wire import otel
from shadow_mw.wire.anthropic_draft import Draft
from shadow_mw.wire.base import Format, Stream
from shadow_mw.wire.lenient import as_text, count, kind, mapping, mappings, string
from shadow_mw.wire.otel import Part

_STATE = ("container", "mcp_servers", "thread")
"""Fields by which the provider knows or does more than the request says."""
_READABLE_BLOCKS = frozenset(
    {"text", "image", "document", "search_result", "thinking", "tool_use", "tool_result"}
)
"""All others are the records of hosted tools, or encrypted."""


class AnthropicMessages(Format):
    """`POST /v1/messages`."""

    name = WireFormat.ANTHROPIC_MESSAGES
    operation = "chat"
    provider = "anthropic"
    path = "/messages"
    headers = MappingProxyType({"anthropic-version": "2023-06-01"})
    withheld = frozenset(
        {
            "metadata",
            "service_tier",
            "speed",
            "diagnostics",
            "fallbacks",
            "fallback_credit_token",
            "billing_policy",
            "user_profile_id",
            "workspace_id",
            *_STATE,
        }
    )

    def key_headers(self, key: str | None) -> dict[str, str]:
        """As in every format, by the header that Anthropic reads."""
        return {"x-api-key": key} if key else {}

    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request."""
        if not isinstance(body.get("messages"), list):
            raise WireError("a messages request without messages")
        return Call(
            model=string(body.get("model")) or "",
            stream=body.get("stream") is True,
            input_messages=[_message(message) for message in mappings(body["messages"])],
            system_instructions=_parts(body.get("system")),
            tools=mappings(body.get("tools")),
            expects_json=_asks_for_json(body),
            max_tokens=count(body.get("max_tokens")),
            params=otel.sampling(body, stop="stop_sequences"),
        )

    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Stored state, tools of Anthropic's own, and blocks that only Anthropic reads."""
        blocks = [
            block
            for message in mappings(body.get("messages"))
            for block in mappings(message.get("content"))
        ]
        stateful = (
            any(body.get(name) for name in _STATE)
            or any(tool.get("type") not in (None, "custom") for tool in mappings(body.get("tools")))
            or any(not _is_readable(block) for block in blocks)
        )
        return Reason.STATEFUL if stateful else None

    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a JSON reply."""
        return _reply(data) if isinstance(data.get("content"), list) else None

    def read_stream(self, stream: Stream) -> Reply | None:
        """Join the deltas into the message that they spell."""
        draft = Draft()
        for chunk in stream.chunks:
            draft.add(chunk)
        return _reply(draft.built(), complete=draft.complete) if draft.seen else None


def _reply(message: Mapping[str, Json], complete: bool = True) -> Reply:
    blocks = mappings(message.get("content"))
    reason = string(message.get("stop_reason"))
    return Reply(
        text=string(_text(blocks)),
        tool_calls=tuple(_tool_call(block) for block in blocks if kind(block) == "tool_use"),
        refusal=_refusal(message) if reason == "refusal" else None,
        reasoning=string(_joined(blocks, "thinking")),
        finish_reason=reason,
        usage=_usage(mapping(message.get("usage"))),
        model=string(message.get("model")),
        response_id=string(message.get("id")),
        complete=complete,
    )


def _text(blocks: list[Mapping[str, Json]]) -> str:
    return _joined(blocks, "text")


def _joined(blocks: list[Mapping[str, Json]], name: str) -> str:
    return "".join(as_text(block.get(name)) for block in blocks if kind(block) == name)


def _refusal(message: Mapping[str, Json]) -> str:
    return string(mapping(message.get("stop_details")).get("explanation")) or "refusal"


def _tool_call(block: Mapping[str, Json]) -> ToolCall:
    return ToolCall(
        name=string(block.get("name")) or "",
        arguments=as_text(block.get("input")),
        id=string(block.get("id")),
    )


def _usage(usage: Mapping[str, Json]) -> Usage:
    """Anthropic counts cached input apart from the rest."""
    fresh = count(usage.get("input_tokens"))
    read = count(usage.get("cache_read_input_tokens"))
    wrote = count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=None if fresh is None else count(fresh + (read or 0) + (wrote or 0)),
        output_tokens=count(usage.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=wrote,
        reasoning_tokens=count(mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
    )


def _asks_for_json(body: Mapping[str, Json]) -> bool:
    formats = (body.get("output_format"), mapping(body.get("output_config")).get("format"))
    return any(kind(mapping(form)) == "json_schema" for form in formats)


def _is_readable(block: Mapping[str, Json]) -> bool:
    """Whether all of a block is in the request, for any model to read."""
    inner = mappings(block.get("content")) if kind(block) == "tool_result" else []
    uploaded = any("file_id" in mapping(part.get("source")) for part in (block, *inner))
    return kind(block) in _READABLE_BLOCKS and not uploaded


def _message(message: Mapping[str, Json]) -> dict[str, Json]:
    return otel.message(message.get("role"), _parts(message.get("content")))


def _parts(content: Json) -> list[Part]:
    if isinstance(content, list):
        return [_part(block) for block in mappings(content)]
    return [] if content is None else [otel.text(content)]


def _part(block: Mapping[str, Json]) -> Part:
    form = kind(block)
    if form == "text":
        return otel.text(block.get("text"))
    if form == "thinking":
        return otel.reasoning(block.get("thinking"))
    if form == "tool_use":
        return otel.tool_call(block.get("id"), block.get("name"), block.get("input"))
    if form == "tool_result":
        return otel.tool_response(block.get("tool_use_id"), _answer(block.get("content")))
    if form in ("image", "document"):
        return _media(mapping(block.get("source")), form) or otel.generic(block)
    return otel.generic(block)


def _answer(content: Json) -> Json:
    blocks = mappings(content)
    if blocks and all(kind(block) == "text" for block in blocks):
        return _text(blocks)
    return _parts(content) if isinstance(content, list) else content


def _media(source: Mapping[str, Json], modality: str) -> Part | None:
    form = kind(source)
    if form == "base64":
        return otel.blob(source.get("media_type"), source.get("data"), modality)
    if form == "url":
        return otel.uri(source.get("url"), modality)
    if form == "file":
        return otel.file(source.get("file_id"), modality)
    if form == "text":
        return otel.text(source.get("data"))
    return None
