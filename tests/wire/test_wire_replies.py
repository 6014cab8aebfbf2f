"""What holds for every format."""

import json
from contextlib import suppress
from dataclasses import fields

import pytest
import wire_bodies as bodies
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.answer import answer
from shadow_mw.exceptions import WireError
from shadow_mw.types import Reply, ToolCall, Usage, WireFormat
from shadow_mw.wire import format_of, load_request, output_messages

FORMATS = [format_of(name) for name in WireFormat]
CHAT = format_of(WireFormat.OPENAI_CHAT)
STREAMED = [
    (WireFormat.OPENAI_CHAT, bodies.sse(*bodies.CHAT_TEXT)),
    (WireFormat.OPENAI_CHAT, bodies.sse(*bodies.CHAT_TOOLS)),
    (WireFormat.OPENAI_RESPONSES, bodies.typed_sse(*bodies.RESPONSES_STREAM)),
    (WireFormat.ANTHROPIC_MESSAGES, bodies.typed_sse(*bodies.MESSAGE_STREAM)),
    (WireFormat.OPENAI_COMPLETIONS, bodies.sse(bodies.completion_chunk("a", "stop"))),
]

VOCABULARY = """
choices index message delta content text type output_text tool_calls function arguments name
refusal usage prompt_tokens prompt_tokens_details cached_tokens error code output summary
response status content_block partial_json message_start message_delta content_block_start
content_block_delta text_delta input_json_delta response.completed response.output_item.added
response.output_text.delta response.function_call_arguments.delta output_index item reasoning
function_call custom input stop_reason stop_details explanation id model role messages tools
image_url source url file file_id prompt tool_use tool_result body data
"""
WORDS = st.sampled_from(sorted(VOCABULARY.split()))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=40,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=8)
STATUS = st.none() | st.sampled_from([200, 204, 302, 400, 429, 503])
CONTENT_TYPES = st.sampled_from([bodies.SSE, bodies.JSON, "", "text/html"])


def is_sound(reply):
    """Every string is encodable and every count fits, so that a span can carry it."""
    strings = [getattr(reply, field.name) for field in fields(reply)]
    strings += [value for call in reply.tool_calls for value in (call.name, call.arguments)]
    encoded = [value.encode() for value in strings if isinstance(value, str)]
    counts = [getattr(reply.usage, field.name) for field in fields(reply.usage)]
    dumped = json.dumps(output_messages(reply), allow_nan=False, ensure_ascii=False).encode()
    return encoded is not None and dumped and all(n is None or 0 <= n < 2**63 for n in counts)


@given(st.sampled_from(FORMATS), STATUS, CONTENT_TYPES, st.binary(max_size=200))
def test_wire_reply_never_raises_on_bytes(form, status, content_type, body):
    assert is_sound(form.read_reply(status, content_type, body))


@given(st.sampled_from(FORMATS), STATUS, JSON)
def test_wire_reply_never_raises_on_json(form, status, value):
    assert is_sound(form.read_reply(status, bodies.JSON, bodies.as_json(value)))


@given(st.sampled_from(FORMATS), st.lists(st.tuples(WORDS, OBJECTS), max_size=6))
def test_wire_reply_never_raises_on_streams(form, chunks):
    body = bodies.typed_sse(*({**value, "type": kind} for kind, value in chunks))
    assert is_sound(form.read_reply(200, bodies.SSE, body))


@given(st.sampled_from(STREAMED), st.data())
def test_wire_reply_of_a_cut_stream_is_partial_never_an_error(case, data):
    name, body = case
    cut = data.draw(st.integers(0, len(body)))
    whole = format_of(name).read_reply(200, bodies.SSE, body)
    part = format_of(name).read_reply(200, bodies.SSE, body[:cut])
    assert part.error is None
    assert (whole.text or "").startswith(part.text or "")
    assert whole.complete
    assert part.complete or cut < len(body)


@given(st.sampled_from(STREAMED), st.data())
def test_wire_reply_survives_a_changed_byte(case, data):
    name, body = case
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
    assert is_sound(format_of(name).read_reply(200, bodies.SSE, changed))


@given(st.sampled_from(FORMATS), OBJECTS)
def test_wire_requests_of_any_shape_are_read_or_refused(form, body):
    before = json.dumps(body)
    form.skip_reason(body)
    form.candidate_body(body, model="m", params={}, remove=())
    with suppress(WireError):
        call = form.read_request(body)
        assert all(message["parts"] is not None for message in call.input_messages)
    assert json.dumps(body) == before


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"ok": true}', b"[" * 100_000])
def test_wire_a_200_with_garbage_is_an_invalid_response(form, body):
    assert form.read_reply(200, bodies.JSON, body).error == "invalid_response"


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (
            b'{"error": {"message": "Rate limit", "type": "requests", "code": "rate_limit"}}',
            "requests",
            "Rate limit",
        ),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            "overloaded_error",
            "Overloaded",
        ),
        (b'{"error": {"message": "m", "type": null, "code": "no_model"}}', "no_model", "m"),
        (b'{"object":"error","message":"m","type":"BadRequestError","code":400}', None, "m"),
        (b'{"error": "model not found"}', "http_429", "model not found"),
        (b'{"detail": "Not Found"}', "http_429", "Not Found"),
        (b'[{"error": {"code": 429, "status": "EXHAUSTED"}}]', "http_429", None),
        (b'data: {"error": {"type": "t", "message": "m"}}\n\n', "t", "m"),
        (b"<html>Bad\n gateway</html>", "http_429", "<html>Bad gateway</html>"),
        (b"", "http_429", None),
    ],
)
def test_wire_errors_in_every_servers_shape(body, error, message):
    reply = CHAT.read_reply(429, bodies.JSON, body)
    assert reply.error == (error or "BadRequestError")
    assert message is None or reply.error_message == message
    assert reply.complete


def test_wire_no_response_at_all_is_an_error():
    assert CHAT.read_reply(None, "", b"").error == "no_response"


def test_wire_a_json_error_in_a_stream_response_is_read():
    body = b'{"error": {"type": "server_error", "message": "m"}}'
    assert CHAT.read_reply(200, bodies.SSE, body).error == "server_error"


def test_wire_sse_is_recognised_without_its_content_type():
    reply = CHAT.read_reply(200, "", bodies.sse(*bodies.CHAT_TEXT))
    assert reply.text == '{"vendor": "Zoë & Co", "tax_id": null}'


def test_wire_a_broken_event_is_an_invalid_response_and_keeps_the_text():
    body = bodies.sse(*bodies.CHAT_TEXT[:2], done=False) + b"data: {oops\n\n"
    reply = CHAT.read_reply(200, bodies.SSE, body)
    assert (reply.error, reply.text) == ("invalid_response", '{"vendor": ')


def test_wire_a_stream_of_another_format_is_an_invalid_response():
    reply = CHAT.read_reply(200, bodies.SSE, bodies.typed_sse(*bodies.MESSAGE_STREAM))
    assert reply.error == "invalid_response"


def test_wire_a_character_cut_between_chunks_is_whole_again():
    halves = [r'"\ud83d"', r'"\ude00"', r'"\ud83d"']
    lines = [f'data: {{"choices":[{{"index":0,"delta":{{"content":{h}}}}}]}}\n\n' for h in halves]
    assert CHAT.read_reply(200, bodies.SSE, "".join(lines).encode()).text == "\U0001f600\ufffd"


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b'"a"', b"{", b'{"a": NaN}', b"[" * 100_000, b"\xff"]
)
def test_wire_requests_that_are_no_object_are_refused_in_one_line(body):
    with pytest.raises(WireError) as caught:
        load_request(body)
    assert "\n" not in str(caught.value)


def test_wire_requests_are_loaded_encodable():
    assert load_request(rb'{"a": ["\ud83d\ude00", "\ud83d"]}') == {"a": ["\U0001f600", "\ufffd"]}


def test_wire_output_messages_hold_all_parts():
    reply = Reply(
        "t", (ToolCall("f", '{"a": 1}', "c"), ToolCall("g", "{oops")), "no", "why", "stop"
    )
    [message] = output_messages(reply)
    assert message["role"] == "assistant"
    assert message["finish_reason"] == "stop"
    assert message["parts"] == [
        {"type": "reasoning", "content": "why"},
        {"type": "text", "content": "t"},
        {"type": "refusal", "content": "no"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_call", "id": None, "name": "g", "arguments": "{oops"},
    ]


def test_wire_an_empty_reply_has_no_messages():
    assert output_messages(Reply(error="http_500", usage=Usage())) == []


@given(st.none() | st.text(), st.lists(st.tuples(st.text(), JSON), max_size=3))
def test_wire_the_evaluator_reads_back_what_a_reply_said(text, calls):
    made = tuple(ToolCall(name, "{" + json.dumps(value), "i") for name, value in calls)

    read = answer(json.dumps(output_messages(Reply(text, made))))

    assert read.text == (text or "")
    assert [call.name for call in read.tool_calls] == [call.name for call in made]
    assert [call.arguments for call in read.tool_calls] == [c.arguments.strip() for c in made]


@given(JSON)
def test_wire_any_messages_are_an_answer_or_an_empty_one(messages):
    assert answer(json.dumps(messages)) is not None
