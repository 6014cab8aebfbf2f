import pytest
import wire_bodies as bodies

from shadow_mw.exceptions import WireError
from shadow_mw.types import Reason, ToolCall, Usage, WireFormat
from shadow_mw.wire import format_of

RESPONSES = format_of(WireFormat.OPENAI_RESPONSES)
ASK = {"model": "gpt-4.1", "input": "hi"}
CALL = ToolCall("get_weather", '{"city": "Zürich"}', "call_1")


def reply_to(**changes):
    data = bodies.responses_reply(**changes)
    return RESPONSES.read_reply(200, bodies.JSON, bodies.as_json(data))


def streamed(*chunks):
    return RESPONSES.read_reply(200, bodies.SSE, bodies.typed_sse(*chunks))


def message_output(*parts):
    return [{"type": "message", "role": "assistant", "content": list(parts)}]


def test_wire_responses_reads_a_json_reply():
    reply = reply_to()
    assert (reply.text, reply.reasoning) == ("Let me check Zürich.", "Look it up.")
    assert (reply.tool_calls, reply.finish_reason) == ((CALL,), "completed")
    assert reply.usage == Usage(80, 30, 64, 0, 12)
    assert (reply.error, reply.complete) == (None, True)


def test_wire_responses_stream_equals_its_json():
    assert streamed(*bodies.RESPONSES_STREAM) == reply_to()


def test_wire_responses_reads_deltas_where_the_end_is_missing():
    cut = streamed(*bodies.RESPONSES_STREAM[:-2])
    assert (cut.complete, cut.error, cut.finish_reason) == (False, None, None)
    assert (cut.text, cut.tool_calls) == ("Let me check Zürich.", (CALL,))
    assert streamed(*bodies.RESPONSES_STREAM[:10]).text == "Let me check "


def test_wire_responses_reads_deltas_where_the_end_has_no_output():
    end = {"type": "response.completed", "response": bodies.responses_reply([])}
    reply = streamed(*bodies.RESPONSES_STREAM[:-1], end)
    assert (reply.text, reply.tool_calls, reply.complete) == ("Let me check Zürich.", (CALL,), True)


def test_wire_responses_incomplete_is_complete_with_its_reason():
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    reply = reply_to(status="incomplete", **details)
    assert (reply.finish_reason, reply.complete) == ("max_output_tokens", True)


def test_wire_responses_filtered_is_a_refusal():
    reply = reply_to(status="incomplete", incomplete_details={"reason": "content_filter"})
    assert reply.refusal == "content_filter"


@pytest.mark.parametrize(("text", "refusal"), [("No.", "No."), ("", "refusal")])
def test_wire_responses_reads_refusal_parts(text, refusal):
    reply = reply_to(output=message_output({"type": "refusal", "refusal": text}))
    assert (reply.text, reply.refusal) == (None, refusal)


def test_wire_responses_failed_is_an_error_and_keeps_its_usage():
    error = {"code": "server_error", "message": "boom"}
    failed = bodies.responses_reply([], "failed", error=error)
    replies = [
        reply_to(output=[], status="failed", error=error),
        streamed({"type": "response.failed", "response": failed}),
    ]
    for reply in replies:
        assert (reply.error, reply.error_message, reply.complete) == ("server_error", "boom", True)
        assert reply.usage.input_tokens == 80


def test_wire_responses_error_event_keeps_what_was_said():
    error = {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}
    reply = streamed(*bodies.RESPONSES_STREAM[:10], error)
    assert (reply.error, reply.text) == ("rate_limit_exceeded", "Let me check ")


def test_wire_responses_reads_custom_calls_from_deltas():
    item = {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""}
    delta = {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "SELECT"}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    assert streamed(added, delta).tool_calls == (ToolCall("sql", "SELECT", "c"),)


def test_wire_responses_background_answer_is_not_complete():
    assert not reply_to(output=[], status="queued").complete


def test_wire_responses_reads_instructions_and_text_input():
    call = RESPONSES.read_request(ASK | {"instructions": "Be brief.", "max_output_tokens": 5})
    assert call.system_instructions == [{"type": "text", "content": "Be brief."}]
    assert call.input_messages == [
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
    ]
    assert call.max_tokens == 5


def test_wire_responses_reads_items():
    image = {"type": "input_image", "image_url": "https://x/a.png"}
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}, image]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]
    messages = RESPONSES.read_request(ASK | {"input": items}).input_messages
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert [part for message in messages for part in message["parts"]] == [
        {"type": "text", "content": "hi"},
        {"type": "uri", "modality": "image", "uri": "https://x/a.png"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {}},
        {"type": "tool_call_response", "id": "c", "response": "ok"},
    ]


def test_wire_responses_knows_when_json_is_asked_for():
    text = {"format": {"type": "json_schema", "name": "n", "schema": {}}}
    assert RESPONSES.read_request(ASK | {"text": text}).expects_json
    assert not RESPONSES.read_request(ASK | {"text": {"verbosity": "low"}}).expects_json


def test_wire_responses_without_any_input_is_refused():
    with pytest.raises(WireError):
        RESPONSES.read_request({"model": "m"})
    assert RESPONSES.read_request({"prompt": {"id": "pmpt_1"}}).input_messages == []


def item(**fields):
    return {"input": [fields]}


@pytest.mark.parametrize(
    "change",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"background": True},
        {"prompt": {"id": "pmpt_1"}},
        *({"tools": [{"type": kind}]} for kind in ("web_search", "mcp", "file_search", "computer")),
        item(type="item_reference", id="msg_1"),
        item(id="msg_1"),
        item(type="reasoning", id="rs_1", summary=[], encrypted_content="x"),
        item(type="web_search_call", id="ws_1"),
        item(role="user", content=[{"type": "input_file", "file_id": "file_1"}]),
        item(type="function_call_output", output=[{"type": "input_image", "file_id": "f"}]),
    ],
)
def test_wire_responses_skips_state_and_hosted_tools(change):
    assert RESPONSES.skip_reason(ASK | change) is Reason.STATEFUL


@pytest.mark.parametrize(
    "change",
    [
        {"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]},
        {"background": False, "previous_response_id": None, "store": True},
        item(role="user", content=[{"type": "input_image", "image_url": "u", "file_id": None}]),
        item(type="function_call", call_id="c", name="f", arguments='{"file_id": "1"}'),
        item(type="reasoning", summary=[], content=[{"type": "reasoning_text", "text": "t"}]),
    ],
)
def test_wire_responses_mirrors_what_is_all_in_the_request(change):
    assert RESPONSES.skip_reason(ASK | change) is None


def test_wire_responses_candidate_never_stores():
    state = {"conversation": "c", "previous_response_id": "r", "background": True, "user": "u"}
    body = ASK | state | {"store": True, "stream": True}
    new = RESPONSES.candidate_body(body, model="llama", params={}, remove=())
    assert new == {"model": "llama", "input": "hi", "store": False, "stream": True}
