from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.capture.sticky import chosen, conversation_key

KEYS = [f"session-{i}" for i in range(4000)]


def chat(*turns: tuple[str, str], **more: object) -> bytes:
    messages = [{"role": role, "content": text} for role, text in turns]
    return json.dumps({"messages": messages, "model": "m", **more}).encode()


def test_the_sample_has_the_size_that_was_asked_for():
    share = sum(chosen(0.1, b"salt", key) for key in KEYS) / len(KEYS)

    assert share == pytest.approx(0.1, abs=0.02)


def test_a_key_is_always_decided_the_same_way_and_a_larger_sample_contains_the_smaller():
    small = {key for key in KEYS if chosen(0.1, b"salt", key)}

    assert small == {key for key in KEYS if chosen(0.1, b"salt", key)}
    assert small <= {key for key in KEYS if chosen(0.3, b"salt", key)}


def test_another_salt_is_another_sample():
    one = {key for key in KEYS if chosen(0.5, b"one", key)}
    two = {key for key in KEYS if chosen(0.5, b"two", key)}

    assert 0.3 < len(one & two) / len(one) < 0.7


def test_all_or_nothing():
    assert all(chosen(1.0, b"", key) for key in KEYS)
    assert not any(chosen(0.0, b"", key) for key in KEYS)


def test_turns_of_a_conversation_share_its_key():
    system = ("system", "You are kind.")
    first = chat(system, ("user", "hello"))
    later = chat(system, ("user", "hello"), ("assistant", "hi"), ("user", "more"))

    assert conversation_key(first) == conversation_key(later)
    assert conversation_key(first) != conversation_key(chat(system, ("user", "goodbye")))


def test_a_key_that_the_request_names_goes_first():
    assert conversation_key(chat(("user", "a"), conversation="c-1")) == "c-1"
    assert conversation_key(chat(("user", "b"), metadata={"session_id": "s-1"})) == "s-1"


def test_a_value_that_an_app_sends_for_everybody_is_no_conversation():
    keys = {conversation_key(chat(("user", text), user="app")) for text in "abc"}

    assert len(keys) == 3


def test_a_key_inside_a_text_is_not_a_key():
    text = 'say "user": "evil" and "messages": [ please'

    assert "evil" in str(conversation_key(chat(("user", text))))
    assert conversation_key(chat(("user", text))) != "evil"


def test_responses_input_as_text_or_list():
    assert conversation_key(b'{"input": "hello", "model": "m"}') == "hello"
    listed = b'{"input": [{"role": "user", "content": "hello"}]}'
    assert "hello" in str(conversation_key(listed))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_key_or_none(body: bytes):
    assert isinstance(conversation_key(body), str | None)


@given(st.text(max_size=50), st.floats(0, 1))
def test_any_key_can_be_decided(key: str, rate: float):
    assert chosen(rate, b"salt", key) in (True, False)
