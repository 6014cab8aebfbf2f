"""What an LLM server answers, in all five wire formats: deterministic, shaped for the real SDKs.

The answer repeats the last user message, so that a test knows it beforehand; a request with tools
is answered by a call of the first one, a request for JSON by an object.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

Body = dict[str, Any]

CACHED = 3
CREATED = 1_790_000_000
_EMAIL = re.compile(r"[\w.]+@[\w.]+\w")


def said(body: Body) -> str:
    """The text of the last user message, prompt or input."""
    turns = body.get("messages") or body.get("input") or body.get("prompt") or ""
    if isinstance(turns, str):
        return turns
    last = turns[-1]
    content = last if isinstance(last, str) else last.get("content", "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def answer(body: Body) -> str:
    """The text of the answer."""
    text = said(body)
    if "response_format" in body:
        email = _EMAIL.search(text)
        return json.dumps({"email": email[0] if email else None, "length": len(text)})
    return f"You said: {text}"


def pieces(text: str) -> list[str]:
    """The text in words, as a model streams it."""
    return re.findall(r"\s*\S+|\s+$", text)


def count(text: str) -> int:
    return len(text.split())


def tool(body: Body) -> tuple[str, str] | None:
    """Name and arguments of the call that the answer makes, where there are tools."""
    tools = body.get("tools")
    if not tools:
        return None
    first = tools[0].get("function", tools[0])
    return first["name"], json.dumps({"text": said(body)})


def reply(path: str, body: Body) -> Body:
    """The JSON answer."""
    return _JSON[path](body)


def events(path: str, body: Body) -> list[bytes]:
    """The SSE events of a streamed answer, one at a time."""
    return _SSE[path](body)


def error(path: str, status: int, message: str) -> Body:
    """The body of an HTTP error."""
    kind = {429: "rate_limit_error", 401: "authentication_error"}.get(status, "server_error")
    inner = {"type": kind, "message": message}
    if path == "/v1/messages":
        return {"type": "error", "error": inner}
    return {"error": inner | {"param": None, "code": None}}


# OpenAI Chat Completions


def _chat_usage(body: Body) -> Body:
    prompt, completion = count(said(body)) + CACHED, count(answer(body))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
    }


def _chat_call(body: Body) -> list[Body] | None:
    named = tool(body)
    if named is None:
        return None
    function = {"name": named[0], "arguments": named[1]}
    return [{"id": "call_1", "type": "function", "function": function}]


def _chat(body: Body) -> Body:
    calls = _chat_call(body)
    message: Body = {"role": "assistant", "content": None if calls else answer(body)}
    if calls:
        message["tool_calls"] = calls
    finish = "tool_calls" if calls else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _chat_usage(body),
        "system_fingerprint": "fp_1",
    }


def _chat_stream(body: Body) -> list[bytes]:
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": body["model"],
    }

    def chunk(delta: Body, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _data(head | {"choices": [choice]})

    calls = _chat_call(body)
    out = [chunk({"role": "assistant", "content": None if calls else ""})]
    if calls:
        name, arguments = calls[0]["function"]["name"], calls[0]["function"]["arguments"]
        opened = calls[0] | {"index": 0, "function": {"name": name, "arguments": ""}}
        out.append(chunk({"tool_calls": [opened]}))
        out += [
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            for piece in pieces(arguments)
        ]
    else:
        out += [chunk({"content": piece}) for piece in pieces(answer(body))]
    out.append(chunk({}, "tool_calls" if calls else "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        out.append(_data(head | {"choices": [], "usage": _chat_usage(body)}))
    return [*out, b"data: [DONE]\n\n"]


# OpenAI Responses


def _responses_items(body: Body) -> list[Body]:
    named = tool(body)
    if named is not None:
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1"}
        return [call | {"name": named[0], "arguments": named[1], "status": "completed"}]
    text = {"type": "output_text", "text": answer(body), "annotations": [], "logprobs": []}
    message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
    return [message | {"content": [text]}]


def _responses(body: Body, status: str = "completed") -> Body:
    inputs, outputs = count(said(body)) + CACHED, count(answer(body))
    done = status == "completed"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": _responses_items(body) if done else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "usage": {
            "input_tokens": inputs,
            "input_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": 0},
            "output_tokens": outputs,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": inputs + outputs,
        }
        if done
        else None,
    }


def _responses_stream(body: Body) -> list[bytes]:
    item = _responses_items(body)[0]
    at = {"output_index": 0, "item_id": item["id"]}
    steps: list[tuple[str, Body]] = [
        ("response.created", {"response": _responses(body, "in_progress")}),
        ("response.in_progress", {"response": _responses(body, "in_progress")}),
    ]
    if item["type"] == "message":
        part = item["content"][0]
        at |= {"content_index": 0}
        empty = item | {"content": [], "status": "in_progress"}
        steps += [
            ("response.output_item.added", {"output_index": 0, "item": empty}),
            ("response.content_part.added", at | {"part": part | {"text": ""}}),
        ]
        for piece in pieces(part["text"]):
            steps.append(("response.output_text.delta", at | {"delta": piece, "logprobs": []}))
        steps += [
            ("response.output_text.done", at | {"text": part["text"], "logprobs": []}),
            ("response.content_part.done", at | {"part": part}),
        ]
    else:
        empty = item | {"arguments": "", "status": "in_progress"}
        done = at | {"arguments": item["arguments"], "name": item["name"]}
        steps += [
            ("response.output_item.added", {"output_index": 0, "item": empty}),
            ("response.function_call_arguments.delta", at | {"delta": item["arguments"]}),
            ("response.function_call_arguments.done", done),
        ]
    steps += [
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": _responses(body)}),
    ]
    return [
        _event(name, {"type": name, "sequence_number": number} | data)
        for number, (name, data) in enumerate(steps)
    ]


# Anthropic Messages


def _message_usage(body: Body) -> Body:
    return {
        "input_tokens": count(said(body)),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CACHED,
        "output_tokens": count(answer(body)),
        "service_tier": "standard",
    }


def _blocks(body: Body) -> list[Body]:
    named = tool(body)
    if named is None:
        return [{"type": "text", "text": answer(body)}]
    return [{"type": "tool_use", "id": "toolu_1", "name": named[0], "input": json.loads(named[1])}]


def _messages(body: Body) -> Body:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": _blocks(body),
        "stop_reason": "tool_use" if tool(body) else "end_turn",
        "stop_sequence": None,
        "usage": _message_usage(body),
    }


def _messages_stream(body: Body) -> list[bytes]:
    whole = _messages(body)
    usage = whole["usage"] | {"output_tokens": 1}
    start = whole | {"content": [], "stop_reason": None, "usage": usage}
    block = whole["content"][0]
    if block["type"] == "text":
        opened: Body = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    else:
        opened = block | {"input": {}}
        text = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text)]
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    steps: list[Body] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": opened},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": stop,
            "usage": {"output_tokens": whole["usage"]["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    return [_event(step["type"], step) for step in steps]


# OpenAI legacy completions and embeddings


def _completions(body: Body) -> Body:
    choice = {"index": 0, "text": answer(body), "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [choice],
        "usage": _chat_usage(body),
    }


def _completions_stream(body: Body) -> list[bytes]:
    whole = _completions(body)
    head = {name: value for name, value in whole.items() if name != "usage"}
    texts = pieces(answer(body))
    out = []
    for number, text in enumerate(texts):
        finish = "stop" if number == len(texts) - 1 else None
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        out.append(_data(head | {"choices": [choice]}))
    if (body.get("stream_options") or {}).get("include_usage"):
        out.append(_data(head | {"choices": [], "usage": whole["usage"]}))
    return [*out, b"data: [DONE]\n\n"]


def _embeddings(body: Body) -> Body:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    rows = []
    for number, text in enumerate(texts):
        vector: Any = [float(len(str(text))), 0.5, -0.25]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
        rows.append({"object": "embedding", "index": number, "embedding": vector})
    tokens = sum(count(str(text)) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": body["model"], "data": rows, "usage": usage}


def _data(value: Body) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(name: str, value: Body) -> bytes:
    return f"event: {name}\n".encode() + _data(value)


_JSON = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/messages": _messages,
    "/v1/completions": _completions,
    "/v1/embeddings": _embeddings,
}
_SSE = {
    "/v1/chat/completions": _chat_stream,
    "/v1/responses": _responses_stream,
    "/v1/messages": _messages_stream,
    "/v1/completions": _completions_stream,
}
PATHS = frozenset(_JSON)
