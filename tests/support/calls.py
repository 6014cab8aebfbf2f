"""LLM calls as apps make them, through the real SDKs; each returns what the app gets to see.

Run by `support.agent`, with and without shadow_mw. `key` names the call's pair.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import httpx
import httpx2
import openai
from support.waiting import WAIT

import shadow_mw

WORLD = "hello brave new world"
HELLO = [{"role": "user", "content": WORLD}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
        },
    }
]
Seen = dict[str, Any]


def seen(text: str | None, usage: Any = None, **more: Any) -> Seen:
    """What the app saw: the text, and the usage where the SDK gave one."""
    if usage is not None and not isinstance(usage, dict):
        usage = usage.model_dump()
    return {"text": text, "usage": usage, **more}


def openai_sync(key: str, model: str = "m") -> Seen:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        answer = client.chat.completions.create(model=model, messages=HELLO)
    return seen(answer.choices[0].message.content, answer.usage, whole=answer.model_dump())


async def openai_async(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with openai.AsyncOpenAI() as client:
        answer = await client.chat.completions.create(model="m", messages=HELLO)
    return seen(answer.choices[0].message.content, answer.usage, whole=answer.model_dump())


def openai_stream(key: str, model: str = "m") -> Seen:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        stream = client.chat.completions.create(
            model=model, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    return _chat_chunks(chunks)


def openai_stream_gzip(key: str) -> Seen:
    return openai_stream(key, "m:gzip")


def openai_gzip(key: str) -> Seen:
    return openai_sync(key, "m:gzip")


async def openai_stream_async(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with openai.AsyncOpenAI() as client:
        stream = await client.chat.completions.create(
            model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    return _chat_chunks(chunks)


def _chat_chunks(chunks: list[Any]) -> Seen:
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    return seen(text, chunks[-1].usage, whole=[chunk.model_dump() for chunk in chunks])


def openai_streaming_response(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with (
        openai.OpenAI() as client,
        client.chat.completions.with_streaming_response.create(
            model="m", messages=HELLO
        ) as response,
    ):
        answer = response.parse()
    return seen(answer.choices[0].message.content, answer.usage, whole=answer.model_dump())


async def openai_streaming_response_async(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with (
        openai.AsyncOpenAI() as client,
        client.chat.completions.with_streaming_response.create(
            model="m", messages=HELLO
        ) as response,
    ):
        data = b"".join([part async for part in response.iter_bytes(7)])
    answer = json.loads(data)
    return seen(answer["choices"][0]["message"]["content"], answer["usage"], whole=answer)


def openai_with_legacy_httpx(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with (
        httpx.Client(timeout=WAIT) as http,
        openai.OpenAI(http_client=http) as client,  # type: ignore[arg-type]
    ):
        answer = client.chat.completions.create(model="m", messages=HELLO)
    return seen(answer.choices[0].message.content, answer.usage)


def openai_responses(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        answer = client.responses.create(model="m", input=WORLD)
    return seen(answer.output_text, answer.usage, whole=answer.model_dump())


def openai_responses_stream(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        events = list(client.responses.create(model="m", input=WORLD, stream=True))
    last = events[-1].response
    return seen(last.output_text, last.usage, whole=[event.model_dump() for event in events])


def legacy_httpx(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with httpx.Client(timeout=WAIT) as client:
        response = client.post(_url(), json={"model": "m", "messages": HELLO}, headers=_key())
    answer = response.json()
    return seen(answer["choices"][0]["message"]["content"], answer["usage"], whole=answer)


async def plain_httpx2(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    async with httpx2.AsyncClient(timeout=WAIT) as client:
        response = await client.post(_url(), json={"model": "m", "messages": HELLO}, headers=_key())
    answer = response.json()
    return seen(answer["choices"][0]["message"]["content"], answer["usage"], whole=answer)


TEXTS = (
    openai_sync,
    openai_async,
    openai_gzip,
    openai_stream,
    openai_stream_gzip,
    openai_stream_async,
    openai_streaming_response,
    openai_streaming_response_async,
    openai_with_legacy_httpx,
    openai_responses,
    openai_responses_stream,
    legacy_httpx,
    plain_httpx2,
)
"""Calls that end in a text."""


def openai_tools(key: str) -> list[Any]:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        answer = client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS)
    return [[c.function.name, c.function.arguments] for c in answer.choices[0].message.tool_calls]


def openai_tools_stream(key: str) -> list[Any]:
    shadow_mw.annotate(key=key)
    with (
        openai.OpenAI() as client,
        client.chat.completions.stream(model="m", messages=HELLO, tools=TOOLS) as stream,
    ):
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    return [[c.function.name, c.function.arguments] for c in message.tool_calls]


TOOL_CALLS = (openai_tools, openai_tools_stream)


def openai_embeddings(key: str) -> Any:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        return client.embeddings.create(model="m", input=["hello world", "bye"]).model_dump()


def openai_completion(key: str) -> Any:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        return client.completions.create(model="m", prompt="hello world").model_dump()


WITHOUT_ANSWER = (openai_embeddings, openai_completion)


def openai_retried(key: str) -> Seen:
    shadow_mw.annotate(key=key)
    with openai.OpenAI(max_retries=2) as client:
        answer = client.chat.completions.create(
            model="m:flaky", messages=[{"role": "user", "content": key}]
        )
    return seen(answer.choices[0].message.content, answer.usage)


def openai_fails(key: str) -> str:
    shadow_mw.annotate(key=key)
    with openai.OpenAI(max_retries=0) as client:
        try:
            client.chat.completions.create(model="m:error500", messages=HELLO)
        except openai.InternalServerError as error:
            return str(error.status_code)
    return "no error"


def openai_times_out(key: str) -> str:
    shadow_mw.annotate(key=key)
    with openai.OpenAI(max_retries=0, timeout=0.3) as client, suppress(openai.APITimeoutError):
        client.chat.completions.create(model="m:hang", messages=HELLO)
        return "no error"
    return "timeout"


def closed_early(key: str) -> str:
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
        first = next(iter(stream))
        stream.close()
    return first.id


async def closed_early_async(key: str) -> str:
    shadow_mw.annotate(key=key)
    async with openai.AsyncOpenAI() as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        async for chunk in stream:
            await stream.close()
            return chunk.id
    return ""


def dropped(key: str) -> str:
    """Neither drained nor closed: the garbage collector's."""
    shadow_mw.annotate(key=key)
    body = {"model": "m", "messages": HELLO, "stream": True}
    with httpx2.Client(timeout=WAIT) as client:
        request = client.build_request("POST", _url(), json=body, headers=_key())
        response = client.send(request, stream=True)
        kind = response.headers["content-type"]
        del response
        gc.collect()
    return kind


def generator_body(key: str) -> int:
    def body() -> Iterator[bytes]:
        yield json.dumps({"model": "m", "messages": HELLO}).encode()

    with httpx2.Client(timeout=WAIT) as client:
        return client.post(_url(), content=body(), headers=_key()).status_code


async def async_generator_body(key: str) -> int:
    async def body() -> AsyncIterator[bytes]:
        yield json.dumps({"model": "m", "messages": HELLO}).encode()

    async with httpx2.AsyncClient(timeout=WAIT) as client:
        return (await client.post(_url(), content=body(), headers=_key())).status_code


def ask(texts: list[str], session: str | None = None, model: str = "m") -> list[str | None]:
    """Many calls, one unit of work each."""
    answers = []
    with openai.OpenAI(max_retries=0) as client:
        for text in texts:
            shadow_mw.annotate(key=text[:80], session=session)
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": text}]
            )
            answers.append(answer.choices[0].message.content)
    return answers


def ask_raw(texts: list[str], stream: bool = False) -> list[str]:
    """The answers' bytes, as a client of the API gets them."""
    answers = []
    with httpx2.Client(timeout=WAIT) as client:
        for text in texts:
            shadow_mw.annotate(key=text)
            body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}
            answers.append(client.post(_url(), json=body, headers=_key()).text)
    return answers


def ask_json(key: str, text: str) -> str | None:
    """A request for JSON."""
    shadow_mw.annotate(key=key)
    with openai.OpenAI() as client:
        answer = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": text}],
            response_format={"type": "json_object"},
        )
    return answer.choices[0].message.content


def refusal() -> str | None:
    """Why the next call would not be looked at."""
    from shadow_mw.capture.shadow import Shadow

    shadow = Shadow.shared()
    return shadow.gate.refuses() if shadow else "not installed"


def converse(openings: list[str]) -> None:
    """Two turns of each conversation."""
    with openai.OpenAI(max_retries=0) as client:
        for opening in openings:
            turns: list[Any] = [{"role": "user", "content": opening}]
            for _ in range(2):
                shadow_mw.annotate(segment=opening)
                answer = client.chat.completions.create(model="m", messages=turns)
                said = answer.choices[0].message.content
                turns += [{"role": "assistant", "content": said}, {"role": "user", "content": "on"}]


def patched() -> list[bool]:
    """Whether the clients' `send` is ours."""
    functions = [m.send for h in (httpx, httpx2) for m in (h.Client, h.AsyncClient)]
    return [hasattr(function, "__wrapped__") for function in functions]


def swallowed() -> dict[str, int]:
    from shadow_mw.capture import failsafe

    return failsafe.swallowed


def with_secrets(key: str) -> Seen:
    """Everything that identifies the app at its provider, in one call."""
    shadow_mw.annotate(key=key)
    with (
        httpx2.Client(cookies={"provider-session": "cookie-secret"}, timeout=WAIT) as http,
        openai.OpenAI(
            organization="org-secret",
            project="proj-secret",
            http_client=http,
            default_headers={"x-internal": "header-secret", "baggage": "user=baggage-secret"},
        ) as client,
    ):
        answer = client.chat.completions.create(
            model="m", messages=HELLO, user="user-secret", extra_query={"token": "query-secret"}
        )
    return seen(answer.choices[0].message.content)


def _url() -> str:
    return os.environ["OPENAI_BASE_URL"] + "/chat/completions"


def _key() -> dict[str, str]:
    return {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
