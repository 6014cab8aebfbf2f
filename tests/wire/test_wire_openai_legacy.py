import pytest
import wire_bodies as bodies

from shadow_mw.exceptions import WireError
from shadow_mw.types import Usage, WireFormat
from shadow_mw.wire import format_of

COMPLETIONS = format_of(WireFormat.OPENAI_COMPLETIONS)
EMBEDDINGS = format_of(WireFormat.OPENAI_EMBEDDINGS)
EMBEDDED = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}


def text(content):
    return {"role": "user", "parts": [{"type": "text", "content": content}]}


def test_wire_completions_reads_a_json_reply():
    data = bodies.completion_chunk("Hello", "length", usage=bodies.CHAT_USAGE)
    reply = COMPLETIONS.read_reply(200, bodies.JSON, bodies.as_json(data))
    assert (reply.text, reply.finish_reason, reply.complete) == ("Hello", "length", True)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (400, 120)


def test_wire_completions_stream_without_an_end_is_partial():
    body = bodies.sse(bodies.completion_chunk("Hel"), done=False)
    reply = COMPLETIONS.read_reply(200, bodies.SSE, body)
    assert (reply.text, reply.complete, reply.error) == ("Hel", False, None)


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ("a", [text("a")]),
        (["a", "b"], [text("a"), text("b")]),
        ([1, 2], [text("[1, 2]")]),
        ([[1], [2]], [text("[1]"), text("[2]")]),
    ],
)
def test_wire_completions_and_embeddings_read_prompts(prompt, messages):
    assert COMPLETIONS.read_request({"prompt": prompt}).input_messages == messages
    assert EMBEDDINGS.read_request({"input": prompt}).input_messages == messages


def test_wire_completions_candidate_stream_tells_its_usage():
    body = {"model": "m", "prompt": "a", "stream": True, "user": "u"}
    new = COMPLETIONS.candidate_body(body, model="llama", params={}, remove=())
    options = {"stream_options": {"include_usage": True}}
    assert new == {"model": "llama", "prompt": "a", "stream": True} | options


def test_wire_embeddings_reads_its_usage_and_no_text():
    reply = EMBEDDINGS.read_reply(200, bodies.JSON, bodies.as_json(EMBEDDED))
    assert (reply.text, reply.error, reply.usage) == (None, None, Usage(input_tokens=5))
    assert reply.model == "text-embedding-3-small"


def test_wire_embeddings_without_data_are_invalid():
    reply = EMBEDDINGS.read_reply(200, bodies.JSON, b'{"object": "list"}')
    assert reply.error == "invalid_response"


def test_wire_legacy_requests_without_input_are_refused():
    with pytest.raises(WireError):
        COMPLETIONS.read_request({})
    with pytest.raises(WireError):
        EMBEDDINGS.read_request({"model": "m"})


def test_wire_legacy_formats_hold_no_state():
    assert COMPLETIONS.skip_reason({"prompt": "a"}) is None
    assert EMBEDDINGS.skip_reason({"input": "a"}) is None
