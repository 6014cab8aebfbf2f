"""Requests are stored as one redaction of the whole would store them, however they are read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.rows.json_values import dumps, plain, read_request
from shadow_mw.evaluate.rows.read import Reader
from shadow_mw.evaluate.rows.redaction import Unchanged
from shadow_mw.evaluate.rows.requests import Requests
from shadow_mw.runner.redact import Redactor
from shadow_mw.settings import REDACTIONS
from shadow_mw.types import Reply
from shadow_mw.wire import output_messages

TEXTS = st.text(max_size=5) | st.sampled_from(["jane@example.com", "api_key", 'a"b', "é", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(
    TEXTS | st.sampled_from(["messages", "input", "model"]), VALUES, max_size=4
)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(
            ["system", "user", "assistant", "tool", "developer", "", "x", None]
        ),
        "content": TEXTS | st.just([{"type": "text", "text": "a"}]),
    },
    optional={"name": TEXTS},
)
CHATS = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, max_size=4)},
    optional={
        "system": TEXTS,
        "model": TEXTS,
        "response_format": st.sampled_from([None, {"type": "json_object"}, {"type": "text"}]),
    },
)
REDACTOR = Redactor(REDACTIONS, b"key")


@given(st.lists(BODIES, min_size=1, max_size=3))
def test_parts_that_are_remembered_make_the_same_whole(bodies):
    for redaction in (Unchanged(), REDACTOR):
        requests = Requests(redaction.request)
        for body in [*bodies, *bodies]:
            read = requests.read(body)
            value, text = read.body, read.text
            whole = redaction.request(plain(body))
            assert (json.loads(text), value) == (json.loads(dumps(whole)), whole)
            assert text == dumps(whole)


@given(CHATS)
def test_chats_of_texts_say_what_the_wire_format_reads(body):
    for redaction in (Unchanged(), REDACTOR):
        call = read_request(redaction.request(body))
        read = Reader(redaction, None).row(
            {"pair_id": "p", "input": body, "primary": {}, "candidate": {}}
        )
        said = read.primary.content
        assert said.input == dumps(call.input_messages)
        assert said.system == (
            dumps(call.system_instructions) if call.system_instructions else None
        )
        assert read.primary.expects_json == call.expects_json
        # What is remembered of a text is what reading it gives.
        assert recent.loads(said.input) == strict_json.loads(said.input)


@given(TEXTS, TEXTS)
def test_an_answer_that_is_a_text_is_written_as_any_other(text, finish):
    for redaction in (Unchanged(), REDACTOR):
        leg = {"output": text, "finish_reason": finish or None}
        row = Reader(redaction, None).row({"pair_id": "p", "primary": leg, "candidate": leg})
        reply = Reply(text=redaction.output(text), finish_reason=finish or None)
        expected = dumps(output_messages(reply))
        assert row.primary.content.output == row.candidate.content.output == expected
        assert recent.loads(expected) == strict_json.loads(expected)
