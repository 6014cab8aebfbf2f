"""OpenAI chat completions, and the many servers that speak them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, Reason, Reply, ToolCall, WireFormat
from shadow_mw.wire import errors, otel
from shadow_mw.wire import openai_common as common
from shadow_mw.wire.base import Format, Stream
from shadow_mw.wire.lenient import as_text, mapping, mappings, string
from shadow_mw.wire.otel import Part


class OpenAIChat(Format):
    """`POST /v1/chat/completions`."""

    name = WireFormat.OPENAI_CHAT
    operation = "chat"
    provider = "openai"
    path = "/chat/completions"
    withheld = common.WITHHELD
    usage_on_request = True

    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request; the model may be absent, since Azure has it in the path."""
        if not isinstance(body.get("messages"), list):
            raise WireError("a chat request without messages")
        return Call(
            model=string(body.get("model")) or "",
            stream=body.get("stream") is True,
            input_messages=[_message(message) for message in mappings(body["messages"])],
            system_instructions=[],
            tools=mappings(body.get("tools")) or mappings(body.get("functions")),
            expects_json=common.asks_for_json(body.get("response_format")),
            max_tokens=common.max_tokens(body),
            params=otel.sampling(body),
        )

    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Hosted search and content that only the provider has."""
        messages = mappings(body.get("messages"))
        stateful = (
            body.get("web_search_options") is not None
            # Azure's own retrieval, with the keys to it.
            or body.get("data_sources") is not None
            or common.has_hosted_tool(body.get("tools"))
            or any(_refers_to_provider(message) for message in messages)
        )
        return Reason.STATEFUL if stateful else None

    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a JSON reply."""
        choice = common.first_choice(data)
        if choice is None or not isinstance(choice.get("message"), Mapping):
            return None
        return _reply(data, choice, choice["message"], data.get("usage"))

    def read_stream(self, stream: Stream) -> Reply | None:
        """Join the deltas into the message that they spell."""
        chunks = [chunk for chunk in stream.chunks if isinstance(chunk.get("choices"), list)]
        if not chunks:
            return None
        choices = [choice for chunk in chunks if (choice := common.first_choice(chunk))]
        ends = [choice for choice in choices if choice.get("finish_reason")]
        head = {name: common.first_string(chunks, name) for name in ("id", "model")}
        return _reply(
            head,
            ends[-1] if ends else {},
            _joined([mapping(choice.get("delta")) for choice in choices]),
            common.last_usage(stream.chunks),
            complete=stream.done or bool(ends),
        )


def _reply(
    head: Mapping[str, Json],
    choice: Mapping[str, Json],
    message: Mapping[str, Json],
    usage: Json,
    complete: bool = True,
) -> Reply:
    finish = string(choice.get("finish_reason"))
    refusal = string(message.get("refusal"))
    failure = errors.stated(choice)
    return Reply(
        text=string(_text(message.get("content"))),
        tool_calls=_tool_calls(message),
        refusal=refusal or ("content_filter" if finish == "content_filter" else None),
        reasoning=_reasoning(message),
        finish_reason=finish,
        usage=common.usage_of(usage),
        model=string(head.get("model")),
        response_id=string(head.get("id")),
        # Some gateways say no more than that, and pass on what there was of an answer.
        error=failure.kind if failure else finish if finish == "error" else None,
        error_message=failure.message if failure else None,
        complete=complete,
    )


def _text(content: Json) -> str:
    """Some servers write a message's content as a list of parts, as requests may."""
    if isinstance(content, list):
        return "".join(as_text(part.get("text")) for part in mappings(content))
    return content if isinstance(content, str) else ""


def _reasoning(message: Mapping[str, Json]) -> str | None:
    """Two spellings by compatible servers; who writes both repeats itself."""
    return string(message.get("reasoning_content")) or string(message.get("reasoning"))


def _tool_calls(message: Mapping[str, Json]) -> tuple[ToolCall, ...]:
    calls = mappings(message.get("tool_calls"))
    if isinstance(message.get("function_call"), Mapping):
        calls.append({"function": message["function_call"]})
    return tuple(_tool_call(call) for call in calls)


def _tool_call(call: Mapping[str, Json]) -> ToolCall:
    function = _function(call)
    return ToolCall(
        name=string(function.get("name")) or "",
        arguments=as_text(function.get("arguments", function.get("input"))),
        id=string(call.get("id")),
    )


def _function(call: Mapping[str, Json]) -> Mapping[str, Json]:
    return mapping(call.get("function") or call.get("custom"))


@dataclass(slots=True)
class _Draft:
    id: str | None
    name: str | None
    arguments: list[str] = field(default_factory=list)

    def built(self) -> dict[str, Json]:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "function": function}


class _Drafts:
    """Tool calls under construction, in the order of their first delta."""

    def __init__(self) -> None:
        self.all: list[_Draft] = []
        self._by_index: dict[int | None, _Draft] = {}

    def add(self, delta: Mapping[str, Json], index: int | None) -> None:
        function = _function(delta)
        id, name = string(delta.get("id")), string(function.get("name"))
        draft = self._by_index.get(index)
        if draft is None or self._begins_another(draft, index, id, name):
            draft = self._by_index[index] = _Draft(id, name)
            self.all.append(draft)
        draft.id, draft.name = draft.id or id, draft.name or name
        draft.arguments.append(as_text(function.get("arguments", function.get("input"))))

    @staticmethod
    def _begins_another(draft: _Draft, index: int | None, id: str | None, name: str | None) -> bool:
        """Some servers give all calls one index, some repeat a call's name or renew its id."""
        if not name or not draft.name:
            return False
        return index is None or (id is not None and draft.id is not None and id != draft.id)


def _joined(deltas: list[Mapping[str, Json]]) -> dict[str, Json]:
    drafts = _Drafts()
    for delta in deltas:
        for call in mappings(delta.get("tool_calls")):
            index = call.get("index")
            drafts.add(call, index if isinstance(index, int) else None)
        if isinstance(delta.get("function_call"), Mapping):
            drafts.add({"function": delta["function_call"]}, -1)
    return {
        "content": "".join(_text(delta.get("content")) for delta in deltas),
        "refusal": "".join(_text(delta.get("refusal")) for delta in deltas),
        "reasoning": "".join(_reasoning(delta) or "" for delta in deltas),
        "tool_calls": [draft.built() for draft in drafts.all],
    }


def _refers_to_provider(message: Mapping[str, Json]) -> bool:
    """An uploaded file, or the audio of an earlier answer."""
    files = (mapping(part.get("file")) for part in mappings(message.get("content")))
    return "id" in mapping(message.get("audio")) or any("file_id" in file for file in files)


def _message(message: Mapping[str, Json]) -> dict[str, Json]:
    role, content = message.get("role"), message.get("content")
    if role in ("tool", "function"):
        answer = otel.tool_response(message.get("tool_call_id"), _answer(content))
        return otel.message("tool", [answer], message.get("name"))
    parts = [otel.reasoning(thought)] if (thought := _reasoning(message)) else []
    parts += _parts(content)
    if refusal := string(message.get("refusal")):
        parts.append({"type": "refusal", "content": refusal})
    parts += [otel.tool_call(c.id, c.name, c.arguments) for c in _tool_calls(message)]
    return otel.message(role, parts, message.get("name"))


def _answer(content: Json) -> Json:
    texts_only = all(part.get("type") == "text" for part in mappings(content))
    return _text(content) if isinstance(content, list) and texts_only else content


def _parts(content: Json) -> list[Part]:
    if isinstance(content, list):
        return [_part(part) for part in mappings(content)]
    return [] if content is None else [otel.text(content)]


def _part(part: Mapping[str, Json]) -> Part:
    kind = string(part.get("type")) or "text"
    if kind == "text":
        return otel.text(part.get("text"))
    if kind in ("image_url", "video_url", "audio_url"):
        value = part.get(kind)
        url = value.get("url") if isinstance(value, Mapping) else value
        return otel.uri(url, kind.removesuffix("_url"))
    if kind == "input_audio":
        audio = mapping(part.get("input_audio"))
        return otel.blob(f"audio/{audio.get('format', 'wav')}", audio.get("data"), "audio")
    if kind == "file":
        return _file_part(mapping(part.get("file")))
    if kind == "refusal":
        return {"type": "refusal", "content": part.get("refusal")}
    return otel.generic(part)


def _file_part(file: Mapping[str, Json]) -> Part:
    if "file_id" in file:
        return otel.file(file["file_id"], "document")
    return otel.uri(file.get("file_data"), "document")
