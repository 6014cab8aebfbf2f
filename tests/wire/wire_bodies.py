"""Bodies in the shapes that the servers send, cut to what matters."""

import json

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


def as_json(value):
    return json.dumps(value).encode()


def sse(*chunks, done=True):
    """OpenAI chat and completions: data lines, then [DONE]."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def typed_sse(*chunks):
    """Responses and Anthropic: each event named by its type."""
    return "".join(f"event: {c['type']}\ndata: {json.dumps(c)}\n\n" for c in chunks).encode()


CHAT_USAGE = {
    "prompt_tokens": 400,
    "completion_tokens": 120,
    "total_tokens": 520,
    "prompt_tokens_details": {"cached_tokens": 256, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64},
}


def chat_reply(message, finish="stop", **extra):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        "usage": CHAT_USAGE,
    } | extra


def chat_chunk(delta=None, finish=None, index=0, **extra):
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        "usage": None,
    } | extra


CHAT_USAGE_CHUNK = chat_chunk(choices=[], usage=CHAT_USAGE)
CHAT_TEXT = [
    chat_chunk({"role": "assistant", "content": "", "refusal": None}),
    chat_chunk({"content": '{"vendor": '}),
    chat_chunk({"content": '"Zoë & Co", '}),
    chat_chunk({"content": '"tax_id": null}'}),
    chat_chunk(finish="stop"),
    CHAT_USAGE_CHUNK,
]


def call_delta(index, arguments, id=None, name=None):
    head = {"id": id, "type": "function"} if id else {}
    return {"index": index, **head, "function": {"arguments": arguments, "name": name}}


CHAT_TOOLS = [
    chat_chunk({"role": "assistant", "content": None}),
    chat_chunk({"tool_calls": [call_delta(0, "", "call_a", "get_weather")]}),
    chat_chunk({"tool_calls": [call_delta(0, '{"city":')]}),
    chat_chunk({"tool_calls": [call_delta(0, ' "Paris"}')]}),
    chat_chunk({"tool_calls": [call_delta(1, "", "call_b", "get_time")]}),
    chat_chunk({"tool_calls": [call_delta(1, '{"zone":"CET"}')]}),
    chat_chunk(finish="tool_calls"),
    CHAT_USAGE_CHUNK,
]
CHAT_REFUSAL = [
    chat_chunk({"role": "assistant", "content": None, "refusal": ""}),
    chat_chunk({"refusal": "I can't "}),
    chat_chunk({"refusal": "help."}),
    chat_chunk(finish="stop"),
    CHAT_USAGE_CHUNK,
]

RESPONSES_USAGE = {
    "input_tokens": 80,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 110,
}
RESPONSES_ITEMS = [
    {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Look it up."}],
    },
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "Let me check Zürich.", "annotations": []},
        ],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"city": "Zürich"}',
    },
]


def responses_reply(output=RESPONSES_ITEMS, status="completed", **extra):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-4.1-2025-04-14",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSES_USAGE,
    } | extra


def _event(kind, number, **fields):
    return {"type": kind, "sequence_number": number, **fields}


_THOUGHT, _MESSAGE, _CALL = RESPONSES_ITEMS
_TEXT_AT = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
_CALL_AT = {"item_id": "fc_1", "output_index": 2}
_THOUGHT_AT = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
_EMPTY_TEXT = {"type": "output_text", "text": "", "annotations": []}
RESPONSES_STREAM = [
    _event(kind, number, **fields)
    for number, (kind, fields) in enumerate(
        [
            ("response.created", {"response": responses_reply([], "in_progress", usage=None)}),
            ("response.in_progress", {"response": responses_reply([], "in_progress", usage=None)}),
            ("response.output_item.added", {"output_index": 0, "item": _THOUGHT | {"summary": []}}),
            (
                "response.reasoning_summary_part.added",
                _THOUGHT_AT | {"part": {"type": "summary_text", "text": ""}},
            ),
            ("response.reasoning_summary_text.delta", _THOUGHT_AT | {"delta": "Look "}),
            ("response.reasoning_summary_text.delta", _THOUGHT_AT | {"delta": "it up."}),
            ("response.output_item.done", {"output_index": 0, "item": _THOUGHT}),
            (
                "response.output_item.added",
                {"output_index": 1, "item": _MESSAGE | {"content": [], "status": "in_progress"}},
            ),
            ("response.content_part.added", _TEXT_AT | {"part": _EMPTY_TEXT}),
            ("response.output_text.delta", _TEXT_AT | {"delta": "Let me check ", "logprobs": []}),
            ("response.output_text.delta", _TEXT_AT | {"delta": "Zürich.", "logprobs": []}),
            (
                "response.output_text.done",
                _TEXT_AT | {"text": "Let me check Zürich.", "logprobs": []},
            ),
            ("response.content_part.done", _TEXT_AT | {"part": _MESSAGE["content"][0]}),
            ("response.output_item.done", {"output_index": 1, "item": _MESSAGE}),
            (
                "response.output_item.added",
                {"output_index": 2, "item": _CALL | {"arguments": "", "status": "in_progress"}},
            ),
            ("response.function_call_arguments.delta", _CALL_AT | {"delta": '{"city": '}),
            ("response.function_call_arguments.delta", _CALL_AT | {"delta": '"Zürich"}'}),
            (
                "response.function_call_arguments.done",
                _CALL_AT | {"arguments": '{"city": "Zürich"}', "name": "get_weather"},
            ),
            ("response.output_item.done", {"output_index": 2, "item": _CALL}),
            ("response.completed", {"response": responses_reply()}),
        ]
    )
]

MESSAGE_BLOCKS = [
    {"type": "thinking", "thinking": "The user wants weather.", "signature": "c2ln"},
    {"type": "text", "text": "I'll check "},
    {"type": "text", "text": "Málaga."},
    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Málaga"}},
]


def message_reply(content=MESSAGE_BLOCKS, stop_reason="tool_use", **extra):
    usage = {
        "input_tokens": 21,
        "cache_creation_input_tokens": 188,
        "cache_read_input_tokens": 1000,
        "output_tokens": 93,
    }
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    } | extra


def _block(index, start, *deltas):
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


_START_USAGE = {
    "input_tokens": 21,
    "cache_creation_input_tokens": 188,
    "cache_read_input_tokens": 1000,
    "output_tokens": 3,
}
MESSAGE_STREAM = [
    {
        "type": "message_start",
        "message": message_reply([], None, usage=_START_USAGE),
    },
    *_block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "The user "},
        {"type": "thinking_delta", "thinking": "wants weather."},
        {"type": "signature_delta", "signature": "c2ln"},
    ),
    {"type": "ping"},
    *_block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "I'll check "}),
    *_block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Málaga."}),
    *_block(
        3,
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"city": "Mál'},
        {"type": "input_json_delta", "partial_json": 'aga"}'},
    ),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 93, "input_tokens": None},
    },
    {"type": "message_stop"},
]


def completion_chunk(text, finish=None, **extra):
    choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "gpt-3.5-turbo-instruct",
        "choices": [choice],
    } | extra
