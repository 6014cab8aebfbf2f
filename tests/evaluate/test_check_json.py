"""JSON grades and validity against the request's own schema."""

import sys

import pytest
from evaluate.cases import case, failed, refused
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.checks import json_grade, validation
from shadow_mw.evaluate.checks.json_grade import JsonGrade, text_grade
from shadow_mw.evaluate.checks.schema import SchemaValidity

SCHEMA = {
    "type": "object",
    "properties": {
        "total": {"type": ["number", "null"]},
        "date": {"type": ["string", "null"], "format": "date"},
    },
    "required": ["total", "date"],
    "additionalProperties": False,
}
GOOD = '{"total": 9.00, "date": "2018-12-25"}'


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ('{"total": 9.00}', "strict"),
        (" [1, 2]\n", "strict"),
        ("null", "strict"),
        ('```json\n{"total": 9.00}\n```', "repaired"),
        (
            'Here is the JSON you asked for:\n\n```json\n{"total": 9}\n```\nAnything else?',
            "repaired",
        ),
        ('```\n{"total": 9}', "repaired"),
        ('Sure! {"total": 9}', "repaired"),
        ('{"total": 9} and more', "repaired"),
        ('{"total": 9,}', "repaired"),
        ("{'total': 9}", "repaired"),
        ("{total: 9}", "repaired"),
        ('{"total": 9, "items": [{"q": 1}', "repaired"),
        ('{"total": NaN}', "repaired"),
        ('{"total": 9, "total": 9}', "repaired"),
        ("[1, 2, 3,]", "repaired"),
        ("The total is 9.", "invalid"),
        ("I think {maybe} it is 9", "invalid"),
        ("{this is prose in braces}", "invalid"),
        ("[1] says that the total is 9 [2].", "invalid"),
        ("{}{", "invalid"),
        ("", "invalid"),
        ("{", "invalid"),
        ('{"a":' * 3000, "invalid"),
    ],
)
def test_grades(text, grade):
    assert text_grade(text) == grade


def test_without_a_repairer_fences_and_prose_around_an_object_are_still_seen(monkeypatch):
    monkeypatch.setitem(sys.modules, "json_repair", None)
    json_grade._repairer.cache_clear()
    try:
        assert text_grade('```json\n{"total": 9}\n```') == "repaired"
        assert text_grade('Sure! {"total": 9}') == "repaired"
        assert text_grade('{"total": 9,}') == "invalid"
    finally:
        json_grade._repairer.cache_clear()


@given(st.text(alphabet=st.sampled_from("{}[]\"':,`\\ \n019aNtr-."), max_size=60) | st.text())
def test_a_grade_is_given_to_any_text(text):
    assert text_grade(text) in ("strict", "repaired", "invalid")


@pytest.mark.parametrize(
    ("primary", "candidate", "label"),
    [
        ("{}", "no", "strict/invalid"),
        ("yes", "```\n{}\n```", None),
        ("[1]", failed(), "strict/failed"),
        ({"output": None, "tools": [("f", '{"a": 1}'), ("f", '{"a": ')]}, "{}", "repaired/strict"),
    ],
)
def test_json_is_graded_where_it_is_wanted(primary, candidate, label):
    result = JsonGrade().run(case(primary, candidate))
    assert (result and result.label) == label
    if result:
        assert (result.primary, result.candidate) == tuple(
            float(grade == "strict") for grade in label.split("/")
        )


def test_json_is_graded_where_it_was_asked_for_or_a_truth_waits():
    assert JsonGrade().run(case("yes", "no")) is None
    assert JsonGrade().run(case("yes", "no", shadow__expects_json=True)).label == "invalid/invalid"
    assert JsonGrade().run(case("yes", "no", truth=True)).label == "invalid/invalid"


REQUESTS = {
    "chat": {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
    "responses": {"text": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "vllm": {"guided_json": SCHEMA},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize(
    ("text", "label"),
    [
        (GOOD, "valid"),
        ('{"date": null, "total": null}', "valid"),
        ('{"total": "9.00", "date": null}', "invalid"),
        ('{"total": true, "date": null}', "invalid"),
        ('{"total": 9, "date": "25/12/2018"}', "invalid"),
        ('{"total": 9}', "invalid"),
        ('{"total": 9, "date": null, "tax_id": "X"}', "invalid"),
        (f"```json\n{GOOD}\n```", "not_json"),
        (failed(), "failed"),
        (refused("I can't help with that."), "not_json"),
    ],
)
def test_answers_are_held_against_the_requests_own_schema(request_, text, label):
    result = SchemaValidity().run(case(GOOD, text, request={"messages": [], **request_}))
    assert (result.label, result.primary) == (f"valid/{label}", 1.0)
    assert result.candidate == float(label == "valid")


def test_without_a_schema_or_with_a_tool_call_there_is_nothing_to_follow():
    asked = {"messages": [], **REQUESTS["chat"]}
    assert SchemaValidity().run(case(GOOD, GOOD)) is None
    called = {"output": None, "tools": [("f", {})]}
    assert SchemaValidity().run(case(GOOD, called, request=asked)) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/remote.json"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "#/nowhere"},
        {"pattern": "(?<x", "type": "string"},
    ],
)
def test_a_schema_that_cannot_be_used_is_said_and_nothing_is_fetched(schema):
    result = SchemaValidity().run(case(GOOD, GOOD, request={"guided_json": schema}))
    assert (result.label, result.primary, result.candidate) == ("not run", None, None)
    assert result.detail == validation.UNUSABLE


def test_a_key_that_is_no_text_is_invalid_and_does_not_leave_the_pair_unchecked():
    result = SchemaValidity().run(
        case(
            GOOD,
            '{"\\ud800": 1}',
            request={"guided_json": {"properties": {"a": {"type": "string"}}}},
        )
    )
    assert result.label == "valid/invalid"


def test_a_pattern_cannot_hold_the_evaluator_up():
    schema = {"type": "string", "pattern": r"^(?=a)(?!b)((a+)+)+\1$"}
    assert validation.fits("a" * 5000 + "b", schema) in (False, None)


def test_without_the_library_the_check_says_not_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    validation._library.cache_clear()
    try:
        result = SchemaValidity().run(case(GOOD, "no", request={"guided_json": SCHEMA}))
    finally:
        validation._library.cache_clear()
    assert (result.label, result.detail) == ("not run", validation.MISSING)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.dictionaries(st.sampled_from(["type", "items", "enum", "$ref", "not"]), JSON))
def test_no_value_and_no_schema_raises(value, schema):
    assert validation.fits(value, schema) in (True, False, None)
