"""The SDKs' own accumulators are the judges of what a stream says."""

import json

import anthropic
import httpx2
import openai
import pytest
import wire_bodies as bodies

from shadow_mw.types import WireFormat
from shadow_mw.wire import format_of

SPLITS = [1, 7, 10_000]
ASK = [{"role": "user", "content": "?"}]


def http_client(body, size):
    def answer(request):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        return httpx2.Response(200, headers={"content-type": bodies.SSE}, content=iter(chunks))

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def openai_client(body, size):
    return openai.OpenAI(api_key="k", base_url="http://t/v1", http_client=http_client(body, size))


def read(name, body):
    return format_of(name).read_reply(200, bodies.SSE, body)


@pytest.mark.parametrize("size", SPLITS)
@pytest.mark.parametrize("chunks", [bodies.CHAT_TEXT, bodies.CHAT_TOOLS, bodies.CHAT_REFUSAL])
def test_wire_chat_stream_equals_the_sdk(chunks, size):
    body = bodies.sse(*chunks)
    with (
        openai_client(body, size) as client,
        client.chat.completions.stream(model="m", messages=ASK) as stream,
    ):
        final = stream.get_final_completion()
    reply, message = read(WireFormat.OPENAI_CHAT, body), final.choices[0].message
    assert reply.text == (message.content or None)
    assert reply.refusal == (message.refusal or None)
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [
        (c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []
    ]
    assert reply.finish_reason == final.choices[0].finish_reason
    assert (reply.response_id, reply.model) == (final.id, final.model)
    assert reply.usage.input_tokens == final.usage.prompt_tokens
    assert reply.usage.output_tokens == final.usage.completion_tokens
    assert reply.usage.cache_read_tokens == final.usage.prompt_tokens_details.cached_tokens


@pytest.mark.parametrize("size", SPLITS)
def test_wire_responses_stream_equals_the_sdk(size):
    body = bodies.typed_sse(*bodies.RESPONSES_STREAM)
    with (
        openai_client(body, size) as client,
        client.responses.stream(model="m", input="?") as stream,
    ):
        final = stream.get_final_response()
    reply = read(WireFormat.OPENAI_RESPONSES, body)
    calls = [item for item in final.output if item.type == "function_call"]
    assert reply.text == final.output_text
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [
        (c.call_id, c.name, c.arguments) for c in calls
    ]
    assert reply.usage.input_tokens == final.usage.input_tokens
    assert reply.usage.output_tokens == final.usage.output_tokens
    assert reply.usage.reasoning_tokens == final.usage.output_tokens_details.reasoning_tokens
    assert (reply.response_id, reply.finish_reason) == (final.id, final.status)


@pytest.mark.parametrize("size", SPLITS)
def test_wire_messages_stream_equals_the_sdk(size):
    body = bodies.typed_sse(*bodies.MESSAGE_STREAM)
    client = anthropic.Anthropic(
        api_key="k", base_url="http://t", http_client=http_client(body, size)
    )
    with client, client.messages.stream(model="m", messages=ASK, max_tokens=9) as stream:
        final = stream.get_final_message()
    reply, usage = read(WireFormat.ANTHROPIC_MESSAGES, body), final.usage
    calls = [block for block in final.content if block.type == "tool_use"]
    assert reply.text == "".join(block.text for block in final.content if block.type == "text")
    assert reply.reasoning == final.content[0].thinking
    assert [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [
        (c.id, c.name, c.input) for c in calls
    ]
    cached = usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    assert reply.usage.input_tokens == usage.input_tokens + cached
    assert reply.usage.output_tokens == usage.output_tokens
    assert (reply.response_id, reply.finish_reason) == (final.id, final.stop_reason)


def test_wire_completions_stream_equals_the_sdk():
    chunks = [bodies.completion_chunk("Hel"), bodies.completion_chunk("lo", "stop")]
    body = bodies.sse(*chunks)
    with openai_client(body, 5) as client:
        seen = list(client.completions.create(model="m", prompt="?", stream=True))
    reply = read(WireFormat.OPENAI_COMPLETIONS, body)
    assert reply.text == "".join(chunk.choices[0].text for chunk in seen)
    assert reply.finish_reason == seen[-1].choices[0].finish_reason
