"""The schemas that a request brings, in every wire format, and what the field judge does then."""

import json

import pytest
from evaluate.cases import case, failed

from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.fields.judge import judge
from shadow_mw.evaluate.fields.paths import split
from shadow_mw.evaluate.fields.request_schema import (
    NOTHING,
    Schema,
    request_schemas,
    text_schema,
)
from shadow_mw.evaluate.rows.json_values import dumps
from shadow_mw.exceptions import ConfigError

INVOICE = {
    "type": "object",
    "properties": {
        "total": {"type": "string"},
        "due": {"type": ["string", "null"], "format": "date"},
        "status": {"enum": ["paid", "open", None]},
        "vendor": {"$ref": "#/$defs/party"},
        "items": {
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/$defs/item"}, {"type": "null"}]},
        },
    },
    "additionalProperties": False,
    "$defs": {
        "party": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "parent": {"$ref": "#/$defs/party"}},
        },
        "item": {"allOf": [{"properties": {"q": {"type": "integer"}, "day": {"format": "date"}}}]},
    },
}
NAMED = {"name": "invoice", "strict": True, "schema": INVOICE}
MESSAGES = [{"role": "user", "content": "Read it."}]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": MESSAGES, "response_format": {"type": "json_schema", "json_schema": NAMED}},
        {"messages": MESSAGES, "response_format": {"type": "json_object", "schema": INVOICE}},
        {"input": "Read it.", "text": {"format": {"type": "json_schema", **NAMED}}},
        {"messages": MESSAGES, "output_config": {"format": {"type": "json_schema", **NAMED}}},
        {"messages": MESSAGES, "output_format": {"type": "json_schema", "schema": INVOICE}},
        {"prompt": "Read it.", "response_format": {"type": "json_schema", "json_schema": NAMED}},
        {"prompt": "Read it.", "guided_json": INVOICE},
        {"messages": MESSAGES, "structured_outputs": {"json": INVOICE}},
    ],
)
def test_the_answers_schema_is_found_in_every_wire_format(body):
    found = request_schemas(json.dumps(body, sort_keys=True))
    assert found.text == Schema(INVOICE)
    assert found.of(None) == Schema(INVOICE)
    assert not found.tools


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function", "function": {"name": "save", "parameters": INVOICE}}]},
        {"tools": [{"type": "function", "name": "save", "parameters": INVOICE, "strict": True}]},
        {"tools": [{"name": "save", "input_schema": INVOICE}]},
        {"functions": [{"name": "save", "parameters": INVOICE}]},
    ],
)
def test_each_tools_parameters_are_found_in_every_wire_format(body):
    found = request_schemas(json.dumps(body))
    assert found.text is None
    assert found.of("save") == Schema(INVOICE)
    assert found.of("other") is None


@pytest.mark.parametrize(
    "request_text",
    [
        None,
        "",
        "not JSON",
        "[]",
        "null",
        '{"response_format": "json"}',
        '{"response_format": {"type": "json_object"}}',
        '{"tools": [null, 3, {"type": "web_search"}, {"function": {"name": 3, "parameters": {}}}]}',
        '{"text": {"format": {"schema": []}}}',
    ],
)
def test_what_holds_no_schema_asks_for_nothing(request_text):
    assert request_schemas(request_text) == NOTHING


@pytest.mark.parametrize(
    ("path", "declared"),
    [
        ("total", True),
        ("tax", False),
        ("total.amount", False),
        ("vendor", True),
        ("vendor.name", True),
        ("vendor.parent.parent.parent.name", True),
        ("vendor.parent.parent.city", False),
        ("items", True),
        ("items[]", True),
        ("items[].q", True),
        ("items[].note", False),
        ("items.q", False),
    ],
)
def test_a_schema_declares_what_has_a_place_in_it(path, declared):
    assert Schema(INVOICE).declares(split(path)) is declared


@pytest.mark.parametrize(
    ("schema", "path", "declared"),
    [
        ({"type": "object"}, "any.thing[].below", True),
        ({"properties": {"a": {}}}, "b", False),
        ({"properties": {"a": True}}, "a.b", True),
        ({"properties": {"a": {}}}, "a.b", True),
        ({"properties": {"a": {}}, "additionalProperties": True}, "b.c", True),
        ({"additionalProperties": {"properties": {"c": {}}}}, "b.c", True),
        ({"additionalProperties": {"properties": {"c": {}}}}, "b.d", False),
        ({"patternProperties": {"^x": {"type": "string"}}}, "x1", True),
        ({"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, "b", True),
        ({"if": {}, "then": {"properties": {"b": {}}}}, "b", True),
        ({"type": "array", "prefixItems": [{"properties": {"a": {}}}]}, "[]", True),
        ({"$ref": "#"}, "a", False),
        ({"$ref": "https://example.com/schema.json"}, "a", False),
        ({"$ref": "#/nowhere"}, "a", False),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, "a.b", False),
        ({"properties": "nonsense", "anyOf": 3}, "a", False),
    ],
)
def test_open_closed_recursive_and_broken_schemas(schema, path, declared):
    parts = split(path) if path != "[]" else split("x[]")[1:]
    assert Schema(schema).declares(parts) is declared


def test_a_key_that_was_asked_for_is_not_labelled_and_any_other_is_unexpected():
    truth = {"total": "9"}
    output = {"total": "9", "status": "paid", "vendor": {"name": "A", "city": "B"}, "x": 1}
    assert judge(truth, output, schema=Schema(INVOICE)) == [
        ("status", "not_labelled"),
        ("vendor.city", "unexpected_field"),
        ("vendor.name", "not_labelled"),
        ("x", "unexpected_field"),
        ("total", "correct"),
    ]
    assert dict(judge(truth, output))["status"] == "unexpected_field"


def test_a_schema_suggests_enums_dates_and_numbers_and_changes_no_judgement_by_itself():
    rules = Schema(INVOICE).rules()
    assert {path: rule.normalise for path, rule in rules.items()} == {
        "due": "date",
        "status": "enum",
        "items[].day": "date",
        "items[].q": "decimal",
    }
    assert rules["status"].values == ("paid", "open")
    assert rules["due"].order is None
    output = {"status": "PAID", "due": "4 Mar 2018"}
    truth = {"status": "paid", "due": "2018-03-04"}
    assert {o for _, o in judge(truth, output, schema=Schema(INVOICE))} == {"wrong_value"}


def tool_answer(arguments, name="save"):
    return {"output": None, "tools": [(name, json.dumps(arguments))]}


def test_the_judge_takes_each_legs_schema_from_what_that_leg_answered_with():
    request = {
        "messages": MESSAGES,
        "response_format": {"json_schema": {"schema": {"properties": {"in_text": {}}}}},
        "tools": [
            {"type": "function", "function": {"name": "save", "parameters": INVOICE}},
        ],
    }
    output = {"total": "9", "status": "paid", "in_text": 1}
    pair = case(json.dumps(output), tool_answer(output), request=request).pair
    scores = FieldJudge().score(pair, {"total": "9.0", "due": None})
    assert [(s.path, s.truth, s.primary, s.candidate) for s in scores] == [
        ("in_text", None, "not_labelled", "unexpected_field"),
        ("status", None, "unexpected_field", "not_labelled"),
        ("total", "value", "wrong_value", "wrong_value"),
        ("due", "null", "correct_null", "correct_null"),
    ]


def test_the_judge_follows_declared_rules_and_compares_without_a_truth():
    judge = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "en"}})
    text = "Invoice of ACME Ltd, total RM 1,009.00"
    more = {"gen_ai__input__messages": _asked(text)}
    pair = case(
        {"output": {"total": "1009.00", "vendor": "ACME Ltd", "tax": None}, **more},
        {"output": {"total": "RM1,009.00", "vendor": "ACME Ltd", "tax": "77-1234"}},
    ).pair
    assert {s.candidate for s in judge.score(pair, {"total": "1009"})} >= {"correct"}
    found = judge.divergences(pair, same=False)
    assert found.shape == {"total": 1, "vendor": 1, "tax": 1}
    assert found.leaves == {("tax", "candidate_only", False): 1}


def _asked(text):
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])


def test_a_failed_leg_is_invalid_at_every_leaf_and_diverges_nowhere():
    pair = case(json.dumps({"total": "9"}), failed()).pair
    scores = FieldJudge().score(pair, {"total": "9", "tax": None})
    assert [s.candidate for s in scores] == ["invalid_output", "invalid_output"]
    assert FieldJudge().compare(pair) is None
    assert FieldJudge().divergences(pair, same=False) is None


def test_a_wrong_rule_stops_the_judge_with_one_line():
    with pytest.raises(ConfigError, match=r"\[fields\.total\] locale = 'us': accepted is 'en'"):
        FieldJudge.declared({"total": {"normalise": "decimal", "locale": "us"}})


WANTED = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
OTHER = {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [], "response_format": WANTED},
        {"messages": [], "response_format": WANTED, "temperature": 0, "tools": []},
        {"messages": [], "response_format": WANTED, "seed": {"response_format": OTHER}},
        {"messages": [{"metadata": {"response_format": OTHER}}], "response_format": WANTED},
        {"messages": [{"metadata": {"response_format": OTHER}}], "text": {"format": {}}},
        {"messages": [{"content": '"response_format":' + json.dumps(OTHER)}]},
        {"messages": [{"content": '{"response_format":{}}'}], "response_format": WANTED},
        {"response_format": {"type": "text"}, "text": {"format": {"schema": {"type": "object"}}}},
    ],
)
def test_the_schema_at_a_request_s_end_is_the_request_s(body):
    text = dumps(body)
    expected = request_schemas(text).text

    assert [text_schema(text) for _ in range(2)] == [expected] * 2
