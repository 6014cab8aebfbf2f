"""As `support.calls`, through the anthropic SDK; apart, since its import takes a second."""

from __future__ import annotations

import json
from typing import Any

import anthropic
from support.calls import HELLO, Seen, seen

import shadow_mw

TOOLS = [
    {
        "name": "look_up",
        "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
    }
]


def anthropic_sync(key: str, model: str = "m") -> Seen:
    shadow_mw.annotate(key=key)
    with anthropic.Anthropic() as client:
        answer = client.messages.create(model=model, max_tokens=50, messages=HELLO)
    return seen(answer.content[0].text, answer.usage, whole=answer.model_dump())


async def anthropic_async(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with anthropic.AsyncAnthropic() as client:
        answer = await client.messages.create(model="m", max_tokens=50, messages=HELLO)
    return seen(answer.content[0].text, answer.usage, whole=answer.model_dump())


def anthropic_stream(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with (
        anthropic.Anthropic() as client,
        client.messages.stream(model="m", max_tokens=50, messages=HELLO) as stream,
    ):
        text = "".join(stream.text_stream)
        usage = stream.get_final_message().usage
    return seen(text, usage)


async def anthropic_stream_async(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with (
        anthropic.AsyncAnthropic() as client,
        client.messages.stream(model="m", max_tokens=50, messages=HELLO) as stream,
    ):
        text = "".join([part async for part in stream.text_stream])
        usage = (await stream.get_final_message()).usage
    return seen(text, usage)


def anthropic_tools(key: str) -> list[Any]:
    shadow_mw.annotate(key=key)
    with anthropic.Anthropic() as client:
        answer = client.messages.create(model="m", max_tokens=50, messages=HELLO, tools=TOOLS)
    return [[b.name, json.dumps(b.input)] for b in answer.content]


def anthropic_retried(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with anthropic.Anthropic(max_retries=2) as client:
        answer = client.messages.create(
            model="m:flaky", max_tokens=50, messages=[{"role": "user", "content": key}]
        )
    return seen(answer.content[0].text, answer.usage)


def anthropic_with_secrets(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with anthropic.Anthropic(default_headers={"x-internal": "header-secret"}) as client:
        answer = client.messages.create(
            model="m",
            max_tokens=50,
            messages=HELLO,
            metadata={"user_id": "user-secret"},
            extra_headers={"anthropic-beta": "tools-2024"},
        )
    return seen(answer.content[0].text)


TEXTS = (anthropic_sync, anthropic_async, anthropic_stream, anthropic_stream_async)
