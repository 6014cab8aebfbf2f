import json

from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.wire.sse import Event, events, looks_like_sse

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
FIELDS = st.sampled_from(["data: ", "data:", "event: ", "id: ", ": ", "", "data"])
STREAM_LINES = st.lists(st.tuples(FIELDS, LINE).map("".join) | st.just(""), max_size=30)


def all_events(text):
    return list(events(text.encode()))


def test_wire_sse_reads_name_and_joined_data():
    assert all_events("event: add\ndata: 73\ndata: 81\n\n") == [Event("add", "73\n81")]


def test_wire_sse_skips_comments_unknown_fields_and_empty_events():
    assert all_events(": ping\n\nevent: x\n\nid: 4\nfoo: 1\ndata: a\n\n") == [Event("message", "a")]


def test_wire_sse_strips_one_space_only():
    assert all_events("data:  a\n\ndata:b\n\n") == [Event("message", " a"), Event("message", "b")]


def test_wire_sse_reads_a_field_without_a_colon_as_empty():
    assert all_events("data\ndata\n\n") == [Event("message", "\n")]


def test_wire_sse_ignores_a_byte_order_mark():
    assert all_events("\ufeffdata: a\n\n") == [Event("message", "a")]


def test_wire_sse_keeps_other_line_separators_inside_data():
    assert all_events("data: a\u2028b\x0bc\x85d\n\n") == [Event("message", "a\u2028b\x0bc\x85d")]


def test_wire_sse_event_name_does_not_outlive_its_event():
    assert all_events("event: a\n\ndata: 1\n\n") == [Event("message", "1")]


def test_wire_sse_keeps_an_unterminated_event_only_if_whole():
    assert all_events('data: {"a": 1}') == [Event("message", '{"a": 1}')]
    assert all_events("data: [DONE]\n") == [Event("message", "[DONE]")]
    assert all_events('data: {"a": ') == []
    assert all_events("data: 12") == []


def test_wire_sse_is_told_from_json():
    assert looks_like_sse(b"\xef\xbb\xbf\ndata: {}")
    assert looks_like_sse(b": keep-alive\n\n")
    assert not looks_like_sse(b'{"data": 1}')
    assert not looks_like_sse(b"database is down")


@given(st.binary())
def test_wire_sse_never_raises(body):
    assert all(isinstance(event, Event) for event in events(body))


@given(STREAM_LINES)
def test_wire_sse_line_ends_are_equal(lines):
    text = "\n".join(lines) + "\n\n"
    assert all_events(text) == all_events(text.replace("\n", "\r\n"))
    assert all_events(text) == all_events(text.replace("\n", "\r"))


@given(STREAM_LINES, st.integers(0, 400))
def test_wire_sse_a_cut_body_gives_the_same_events_up_to_the_cut(lines, cut):
    body = ("\r\n".join(lines) + "\r\n\r\n").encode()
    whole, part = list(events(body)), list(events(body[:cut]))
    assert part[:-1] == whole[: len(part)][:-1]
    assert len(part) <= len(whole)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), max_size=8))
def test_wire_sse_round_trips_json(values):
    body = "".join(f"data: {json.dumps(value)}\n\n" for value in values)
    assert [json.loads(event.data) for event in all_events(body)] == values
