import pytest
import wire_bodies as bodies

from shadow_mw import semconv
from shadow_mw.exceptions import WireError
from shadow_mw.types import Reason, ToolCall, Usage, WireFormat
from shadow_mw.wire import format_of

CHAT = format_of(WireFormat.OPENAI_CHAT)
ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


def reply_to(message, finish="stop", **extra):
    data = bodies.chat_reply(message, finish, **extra)
    return CHAT.read_reply(200, bodies.JSON, bodies.as_json(data))


def streamed(*chunks, done=True):
    return CHAT.read_reply(200, bodies.SSE, bodies.sse(*chunks, done=done))


def message_of(message):
    return CHAT.read_request({"model": "m", "messages": [message]}).input_messages[0]


def test_wire_chat_says_what_it_is():
    assert (CHAT.operation, CHAT.provider, CHAT.path) == ("chat", "openai", "/chat/completions")


def test_wire_chat_reads_a_json_reply():
    reply = reply_to({"content": "Hello", "refusal": None})
    assert (reply.text, reply.finish_reason, reply.complete) == ("Hello", "stop", True)
    assert reply.usage == Usage(400, 120, 256, None, 64)
    assert (reply.model, reply.response_id) == ("gpt-4o-mini-2024-07-18", "chatcmpl-1")
    assert (reply.error, reply.refusal, reply.tool_calls) == (None, None, ())


def test_wire_chat_unknown_usage_is_none():
    assert reply_to({"content": "a"}, usage=None).usage == Usage()


def test_wire_chat_reads_function_custom_and_legacy_calls():
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{ "x":1}'}},
        {"id": "b", "type": "custom", "custom": {"name": "g", "input": "SELECT 1"}},
    ]
    reply = reply_to({"content": None, "tool_calls": calls}, "tool_calls")
    assert reply.tool_calls == (ToolCall("f", '{ "x":1}', "a"), ToolCall("g", "SELECT 1", "b"))
    legacy = reply_to({"content": None, "function_call": {"name": "f", "arguments": "{}"}})
    assert legacy.tool_calls == (ToolCall("f", "{}"),)


def test_wire_chat_reads_refusals_and_filters():
    assert reply_to({"content": None, "refusal": "No."}).refusal == "No."
    filtered = reply_to({"content": "par"}, "content_filter")
    assert (filtered.text, filtered.refusal) == ("par", "content_filter")


def test_wire_chat_a_finish_reason_may_be_all_that_is_said_of_an_error():
    failed = reply_to({"content": "par"}, "error")
    assert (failed.text, failed.error, failed.finish_reason) == ("par", "error", "error")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_wire_chat_reads_reasoning_in_both_spellings(name):
    assert reply_to({"content": "4", name: "2+2"}).reasoning == "2+2"
    reply = streamed(bodies.chat_chunk({name: "2+"}), bodies.chat_chunk({name: "2"}))
    assert reply.reasoning == "2+2"


def test_wire_chat_reads_the_first_choice_of_several():
    other = {"index": 1, "message": {"content": "b"}, "finish_reason": "length"}
    first = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}
    assert reply_to({}, choices=[other, first]).text == "a"
    chunks = [bodies.chat_chunk({"content": "b"}, index=1), bodies.chat_chunk({"content": "a"})]
    assert streamed(*chunks).text == "a"


def test_wire_chat_stream_ends_with_done_or_a_finish_reason():
    assert streamed(*bodies.CHAT_TEXT[:3], done=True).complete
    assert streamed(*bodies.CHAT_TEXT[:5], done=False).complete
    cut = streamed(*bodies.CHAT_TEXT[:3], done=False)
    assert (cut.complete, cut.error, cut.finish_reason) == (False, None, None)


def test_wire_chat_error_in_mid_stream_keeps_what_was_said():
    error = {"error": {"type": "server_error", "code": None, "message": "boom"}}
    reply = streamed(*bodies.CHAT_TEXT[:2], error, done=False)
    assert (reply.error, reply.error_message, reply.text) == ("server_error", "boom", '{"vendor": ')


def test_wire_chat_calls_that_share_an_index_are_told_apart():
    deltas = [bodies.call_delta(0, "{}", "a", "f"), bodies.call_delta(0, "[]", "b", "f")]
    reply = streamed(*(bodies.chat_chunk({"tool_calls": [delta]}) for delta in deltas))
    assert reply.tool_calls == (ToolCall("f", "{}", "a"), ToolCall("f", "[]", "b"))


def test_wire_chat_a_renewed_or_repeated_id_begins_no_call():
    deltas = [bodies.call_delta(0, "{", "a", "f"), bodies.call_delta(0, "}", "other")]
    repeated = bodies.call_delta(0, " ", "a", "f")
    reply = streamed(*(bodies.chat_chunk({"tool_calls": [d]}) for d in [*deltas, repeated]))
    assert reply.tool_calls == (ToolCall("f", "{} ", "a"),)


def test_wire_chat_reads_a_legacy_call_from_deltas():
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ":1}"}]
    reply = streamed(*(bodies.chat_chunk({"function_call": piece}) for piece in pieces))
    assert reply.tool_calls == (ToolCall("f", '{"a":1}'),)


def test_wire_chat_reads_parameters_and_limits():
    asked = {"temperature": 0, "top_p": 0.5, "seed": 7, "stop": "END", "max_completion_tokens": 9}
    call = CHAT.read_request(ASK | asked | {"stream": True})
    assert call.params == {
        semconv.REQUEST_TEMPERATURE: 0,
        semconv.REQUEST_TOP_P: 0.5,
        semconv.REQUEST_SEED: 7,
        semconv.REQUEST_STOP_SEQUENCES: ["END"],
    }
    assert (call.model, call.stream, call.max_tokens) == ("gpt-4o-mini", True, 9)


@pytest.mark.parametrize(
    ("kind", "expected"), [("json_object", True), ("json_schema", True), ("text", False)]
)
def test_wire_chat_knows_when_json_is_asked_for(kind, expected):
    assert CHAT.read_request(ASK | {"response_format": {"type": kind}}).expects_json is expected


def test_wire_chat_reads_content_parts():
    content = [
        {"type": "text", "text": "what?"},
        {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
    ]
    assert message_of({"role": "user", "content": content})["parts"] == [
        {"type": "text", "content": "what?"},
        {"type": "uri", "modality": "image", "uri": "https://x/a.png"},
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "AAAA"},
        {"type": "blob", "mime_type": "audio/mp3", "modality": "audio", "content": "BBBB"},
    ]


def test_wire_chat_reads_tool_calls_and_answers_in_the_history():
    function = {"name": "f", "arguments": '{"a": 1}'}
    asked = {"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}
    assert message_of(asked)["parts"] == [
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}
    ]
    answer = {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "ok"}]}
    assert message_of(answer) == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c", "response": "ok"}],
    }


def test_wire_chat_model_may_be_absent_but_messages_may_not():
    assert CHAT.read_request({"messages": ASK["messages"]}).model == ""
    with pytest.raises(WireError):
        CHAT.read_request({"model": "m"})


@pytest.mark.parametrize(
    "change",
    [
        {"web_search_options": {}},
        {"tools": [{"type": "web_search"}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
        {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]},
    ],
)
def test_wire_chat_skips_what_only_the_provider_can_do(change):
    assert CHAT.skip_reason(ASK | change) is Reason.STATEFUL


def test_wire_chat_mirrors_client_tools_and_user_data_named_file_id():
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "custom"}, {"name": "old"}]
    call = {"function": {"name": "f", "arguments": '{"file_id": "1"}'}}
    messages = [{"role": "assistant", "tool_calls": [call]}]
    assert CHAT.skip_reason({"tools": tools, "messages": messages, "store": True}) is None


def test_wire_chat_candidate_body_has_no_identity():
    identity = {"user": "u", "metadata": {"a": "b"}, "store": True, "service_tier": "flex"}
    keys = {"safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h"}
    body = ASK | identity | keys | {"temperature": 1}
    new = CHAT.candidate_body(body, model="llama", params={}, remove=())
    assert new == ASK | {"model": "llama", "temperature": 1}


def test_wire_chat_candidate_stream_tells_its_usage():
    body = ASK | {"stream": True, "stream_options": {"include_obfuscation": False}}
    new = CHAT.candidate_body(body, model="llama", params={}, remove=())
    assert new["stream"] is True
    assert new["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert body["stream_options"] == {"include_obfuscation": False}


def test_wire_chat_candidate_params_are_set_and_then_names_removed():
    body = ASK | {"logprobs": True, "seed": 1}
    params = {"seed": 2, "top_k": 5}
    new = CHAT.candidate_body(body, model="llama", params=params, remove=["logprobs", "top_k"])
    assert new == ASK | {"model": "llama", "seed": 2}
