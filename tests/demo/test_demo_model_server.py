from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx2
import openai
import pytest
from support.servers import Server, clean_environ, free_port, model_server, running
from support.waiting import WAIT

from shadow_mw.demo.chat import tokens

MODEL = "careful-large"
MESSAGES = [
    {"role": "system", "content": "Extract."},
    {"role": "user", "content": [{"type": "text", "text": "Total: EUR 9.00"}]},
]
FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"total": {}}}},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with model_server("careful") as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as sdk:
        yield sdk


def test_json_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, response_format=FORMAT)
    content = answer.choices[0].message.content
    assert json.loads(content) == {"total": "9.00"}
    assert (answer.model, answer.choices[0].finish_reason) == (MODEL, "stop")
    assert answer.usage.prompt_tokens == len(tokens("Extract.\nTotal: EUR 9.00"))
    assert answer.usage.completion_tokens == len(tokens(content))


def test_without_a_schema_the_fields_are_an_invoices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert set(json.loads(answer.choices[0].message.content)) > {"company", "vendor_tax_id"}


@pytest.mark.parametrize("usage", [True, False])
def test_streamed_answer(client: openai.OpenAI, usage: bool) -> None:
    with client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,
        response_format=FORMAT,
        stream=True,
        stream_options={"include_usage": usage},
    ) as stream:
        chunks = list(stream)
    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert json.loads("".join(delta or "" for delta in deltas)) == {"total": "9.00"}
    assert len(deltas) > 5
    assert (chunks[-1].usage is not None) == usage
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_a_stream_ends_with_done(server: Server) -> None:
    body = {"model": MODEL, "messages": MESSAGES, "stream": True}
    answer = httpx2.post(
        f"{server.url}/v1/chat/completions", json=body, timeout=WAIT, trust_env=False
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


def test_errors_are_of_openais_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model=MODEL, messages=[])
    assert (bad.value.param, bad.value.type) == ("messages", "invalid_request_error")
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-9", messages=MESSAGES)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.embeddings.create(model=MODEL, input="x")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"messages": []}',
        b'{"model": "careful-large", "messages": ["x"]}',
        b'{"model": "careful-large", "messages": [{"role": "user", "content": 7}]}',
        b'{"model": "careful-large", "messages": [{"role": "user", "content": "x"}],'
        b' "response_format": {"type": "json_schema"}}',
    ],
)
def test_bad_requests(server: Server, body: bytes) -> None:
    answer = httpx2.post(
        f"{server.url}/v1/chat/completions", content=body, timeout=WAIT, trust_env=False
    )
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_wrong_key_is_refused() -> None:
    port = free_port()
    command = ["-m", "shadow_mw.demo.model_server", "--extractor", "careful", "--port", str(port)]
    with running(command, port, env=clean_environ(DEMO_API_KEY="right")) as locked:
        wrong = openai.OpenAI(base_url=f"{locked.url}/v1", api_key="wrong")
        with wrong, pytest.raises(openai.AuthenticationError):
            wrong.models.list()
        with openai.OpenAI(base_url=f"{locked.url}/v1", api_key="right") as right:
            assert right.models.list().data


def test_calls_at_the_same_time_take_their_latency_side_by_side() -> None:
    async def ask(url: str, times: int) -> float:
        loop = asyncio.get_running_loop()
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k") as sdk:
            started = loop.time()
            create = sdk.chat.completions.create
            calls = [create(model=MODEL, messages=MESSAGES) for _ in range(times)]
            await asyncio.gather(*calls)
            return loop.time() - started

    with model_server("careful", latency_ms=1000) as slow:
        alone, together = (asyncio.run(ask(slow.url, times)) for times in (1, 8))
    assert together < 4 * alone


@pytest.mark.parametrize("text", ["", "Ä 12,50 €\n\n  x_y", "INV-2025/00017 straße"])
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text
