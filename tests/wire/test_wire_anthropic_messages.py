import pytest
import wire_bodies as bodies

from shadow_mw import semconv
from shadow_mw.exceptions import WireError
from shadow_mw.types import Reason, ToolCall, Usage, WireFormat
from shadow_mw.wire import format_of

MESSAGES = format_of(WireFormat.ANTHROPIC_MESSAGES)
ASK = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def reply_to(**changes):
    data = bodies.message_reply(**changes)
    return MESSAGES.read_reply(200, bodies.JSON, bodies.as_json(data))


def streamed(*chunks):
    return MESSAGES.read_reply(200, bodies.SSE, bodies.typed_sse(*chunks))


def with_content(*blocks):
    return ASK | {"messages": [{"role": "user", "content": list(blocks)}]}


def test_wire_messages_reads_a_json_reply():
    reply = reply_to()
    assert (reply.text, reply.reasoning) == ("I'll check Málaga.", "The user wants weather.")
    assert reply.tool_calls == (ToolCall("get_weather", '{"city": "Málaga"}', "toolu_1"),)
    assert reply.finish_reason == "tool_use"


def test_wire_messages_stream_equals_its_json():
    assert streamed(*bodies.MESSAGE_STREAM) == reply_to()


def test_wire_messages_input_tokens_include_cached_ones():
    assert reply_to().usage == Usage(21 + 188 + 1000, 93, 1000, 188, None)
    assert reply_to(usage={"input_tokens": 5, "output_tokens": 2}).usage == Usage(5, 2)
    assert reply_to(usage={"cache_read_input_tokens": 5}).usage.input_tokens is None


def test_wire_messages_later_usage_is_a_total():
    update = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 50}}
    later = update | {"usage": {"output_tokens": 60, "input_tokens": 30}}
    usage = streamed(bodies.MESSAGE_STREAM[0], update, later).usage
    assert (usage.output_tokens, usage.input_tokens) == (60, 30 + 188 + 1000)


def test_wire_messages_reads_thinking_tokens():
    usage = {"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}
    assert reply_to(usage=usage).usage.reasoning_tokens == 4


def test_wire_messages_stream_without_its_stop_is_partial():
    cut = streamed(*bodies.MESSAGE_STREAM[:-1])
    assert (cut.complete, cut.error) == (False, None)
    assert streamed(*bodies.MESSAGE_STREAM[:9]).text == "I'll check "


def test_wire_messages_error_event_keeps_what_was_said():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    reply = streamed(*bodies.MESSAGE_STREAM[:9], error)
    assert (reply.error, reply.error_message) == ("overloaded_error", "Overloaded")
    assert reply.text == "I'll check "


@pytest.mark.parametrize(
    ("details", "refusal"),
    [(None, "refusal"), ({"type": "refusal", "explanation": "Unsafe."}, "Unsafe.")],
)
def test_wire_messages_reads_refusals(details, refusal):
    reply = reply_to(content=[], stop_reason="refusal", stop_details=details)
    assert (reply.refusal, reply.text) == (refusal, None)
    delta = {"stop_reason": "refusal", "stop_details": details}
    end = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
    assert streamed(bodies.MESSAGE_STREAM[0], end, {"type": "message_stop"}).refusal == refusal


def test_wire_messages_a_call_without_arguments_is_an_empty_object():
    start = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    block = {"type": "content_block_start", "index": 0, "content_block": start}
    assert streamed(block).tool_calls == (ToolCall("f", "{}", "t"),)


def test_wire_messages_reads_system_parameters_and_limits():
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    call = MESSAGES.read_request(ASK | {"system": system, "top_k": 4, "stop_sequences": ["X"]})
    assert call.system_instructions == [{"type": "text", "content": "Be brief."}]
    assert call.params == {semconv.REQUEST_TOP_K: 4, semconv.REQUEST_STOP_SEQUENCES: ["X"]}
    assert call.max_tokens == 9


def test_wire_messages_reads_content_blocks():
    picture = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    answer = [{"type": "text", "text": "ok"}]
    body = with_content(
        {"type": "image", "source": picture},
        {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        {"type": "tool_result", "tool_use_id": "t", "content": answer},
    )
    assert MESSAGES.read_request(body).input_messages[0]["parts"] == [
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "AAAA"},
        {"type": "uri", "modality": "document", "uri": "https://x/a.pdf"},
        {"type": "tool_call", "id": "t", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_call_response", "id": "t", "response": "ok"},
    ]


def test_wire_messages_knows_when_json_is_asked_for():
    form = {"type": "json_schema", "schema": {}}
    assert MESSAGES.read_request(ASK | {"output_format": form}).expects_json
    assert MESSAGES.read_request(ASK | {"output_config": {"format": form}}).expects_json
    forced = {"tool_choice": {"type": "tool", "name": "f"}, "output_config": {"effort": "low"}}
    assert not MESSAGES.read_request(ASK | forced).expects_json


def test_wire_messages_without_messages_are_refused():
    with pytest.raises(WireError):
        MESSAGES.read_request({"model": "claude", "prompt": "hi"})


@pytest.mark.parametrize(
    "body",
    [
        ASK | {"container": "c_1"},
        ASK | {"mcp_servers": [{"type": "url", "url": "u"}]},
        ASK | {"thread": {"type": "create"}},
        ASK | {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        ASK | {"tools": [{"type": "computer_20250124", "name": "computer"}]},
        with_content({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        with_content({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        with_content({"type": "redacted_thinking", "data": "x"}),
        with_content(
            {
                "type": "tool_result",
                "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
            }
        ),
    ],
)
def test_wire_messages_skips_state_and_server_tools(body):
    assert MESSAGES.skip_reason(body) is Reason.STATEFUL


def test_wire_messages_mirrors_client_tools():
    tools = [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}]
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "1"}}
    assert MESSAGES.skip_reason(with_content(block) | {"tools": tools, "mcp_servers": []}) is None


def test_wire_messages_candidate_body_has_no_identity():
    identity = {"metadata": {"user_id": "u"}, "service_tier": "auto", "container": "c"}
    body = ASK | identity | {"mcp_servers": [], "stream": True}
    new = MESSAGES.candidate_body(body, model="haiku", params={}, remove=())
    assert new == ASK | {"model": "haiku", "stream": True}
