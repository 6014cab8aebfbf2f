"""The bodies that travel: requests and answers of chosen sizes, in the Chat Completions format."""

from __future__ import annotations

import json
from typing import Any

MODEL = "bench-large"
REQUEST_BYTES = 2_000
ANSWER_BYTES = 1_500
CHUNKS = 56


def text(size: int) -> str:
    """Prose-like filler: what JSON encoders, checksums and redaction see in practice."""
    words = "invoice total amount due net of tax by the fifteenth "
    return (words * (size // len(words) + 1))[:size]


def call(prompt: str, *, stream: bool = False) -> dict[str, Any]:
    """The body of one model call."""
    messages = [
        {"role": "system", "content": "Answer with the fields of the document."},
        {"role": "user", "content": prompt},
    ]
    body: dict[str, Any] = {"model": MODEL, "messages": messages}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def prompt_for(size: int) -> str:
    """A prompt with which the model call's body has about `size` bytes."""
    return text(size - len(json.dumps(call(""))))


def answer(size: int) -> bytes:
    """One JSON answer of about `size` bytes."""
    message = {"role": "assistant", "content": text(max(size - 300, 1))}
    return json.dumps(
        _head("chat.completion")
        | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": _USAGE}
    ).encode()


def answer_chunks() -> list[bytes]:
    """One streamed answer of `CHUNKS` events."""
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f" token {number}"} for number in range(CHUNKS - 4)]
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    events = [_head("chat.completion.chunk") | {"choices": choice} for choice in choices]
    events.append(_head("chat.completion.chunk") | {"choices": [], "usage": _USAGE})
    lines = [json.dumps(event).encode() for event in events] + [b"[DONE]"]
    return [b"data: %b\n\n" % line for line in lines]


_USAGE = {"prompt_tokens": 420, "completion_tokens": 300, "total_tokens": 720}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-bench", "object": kind, "created": 1_700_000_000, "model": MODEL}
