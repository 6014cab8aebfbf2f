"""The Chat Completions format as a server speaks it: request read, answer and chunks written."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*(?:[^\W\d_]{1,6}|\d{1,3}|[^\w\s]|_)|\s+")


class ChatError(Exception):
    """A request that is answered by an error body of OpenAI's shape."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message,
                "type": "invalid_request_error",
                "param": param,
                "code": code,
            }
        }


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What of a request matters to an extractor."""

    model: str
    prompt: str
    """All messages, for counting tokens."""
    document: str
    """What the user's messages contain."""
    properties: Mapping[str, Any]
    """The fields asked for."""
    stream: bool
    include_usage: bool


def read_request(body: bytes, default: Mapping[str, Any]) -> ChatRequest:
    """Check a request's body; `default` holds the fields where it names no JSON schema.

    Raises:
        ChatError: it cannot be answered.
    """
    try:
        request = json.loads(body)
    except ValueError:
        raise ChatError("We could not parse the JSON body of your request.") from None
    if not isinstance(request, dict):
        raise ChatError("The body must be a JSON object.")
    if not isinstance(request.get("model"), str):
        raise ChatError("you must provide a model parameter", param="model")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ChatError("'messages' must be a list of at least one message.", param="messages")
    texts = [(_role(message), _text(message)) for message in messages]
    options = request.get("stream_options") or {}
    return ChatRequest(
        model=request["model"],
        prompt="\n".join(text for _, text in texts),
        document="\n".join(text for role, text in texts if role == "user"),
        properties=_properties(request.get("response_format"), default),
        stream=request.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _role(message: Any) -> str:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise ChatError("Each message must be an object with a role.", param="messages")
    return str(message["role"])


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise ChatError("A message's content must be a string or a list.", param="messages")
    return content or ""


def _properties(response_format: Any, default: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return default
    wrapper = response_format.get("json_schema")
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        raise ChatError("Missing properties in the JSON schema.", param="response_format")
    return properties


def tokens(text: str) -> list[str]:
    """Cut a text into pieces of about a tokenizer's size; joined they are the text again."""
    return _TOKEN.findall(text)


def completion(name: str, request: ChatRequest, content: str) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return _envelope(name, request, "chat.completion") | {
        "choices": [choice],
        "usage": _usage(request, content),
    }


def chunks(name: str, request: ChatRequest, content: str) -> Iterator[bytes]:
    """The events of a streamed answer, `[DONE]` included."""
    envelope = _envelope(name, request, "chat.completion.chunk")
    if request.include_usage:
        envelope["usage"] = None

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(envelope | {"choices": [choice]})

    yield event({"role": "assistant", "content": "", "refusal": None})
    for piece in tokens(content):
        yield event({"content": piece})
    yield event({}, "stop")
    if request.include_usage:
        yield _event(envelope | {"choices": [], "usage": _usage(request, content)})
    yield b"data: [DONE]\n\n"


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def _envelope(name: str, request: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": name, "object": kind, "created": int(time.time()), "model": request.model}


def _usage(request: ChatRequest, content: str) -> dict[str, int]:
    prompt, answer = len(tokens(request.prompt)), len(tokens(content))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }
