"""Strict JSON: what counts as valid, and that numbers survive."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate import strict_json


@pytest.mark.parametrize("text", ['{"a": 1}', " [1, 2]\n", '"x"', "null", "1e5", "9" * 5000])
def test_one_value_is_valid(text):
    assert strict_json.is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}{}",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        '{"a": 1, "a": 1}',
        "{'a': 1}",
        "[1,]",
        "```json\n{}\n```",
        "01",
        '"\t"',
        "\ufeff{}",
        "[" * 100_000,
        "[" * 200 + "]" * 200,
        "1e99999999999999999999",
    ],
)
def test_anything_else_is_not(text):
    assert not strict_json.is_valid(text)


def test_the_repeated_key_is_named():
    with pytest.raises(strict_json.InvalidJson, match='key "b" appears twice'):
        strict_json.loads('{"a": 1, "b": 2, "b": 3}')


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_the_same(value):
    again = strict_json.loads(strict_json.dumps(value))
    assert strict_json.comparable(again) == strict_json.comparable(value)


def test_decimals_keep_every_digit():
    text = '{"total":12345678901234567890.10}'
    assert strict_json.dumps(strict_json.loads(text)) == text
    assert strict_json.loads(text)["total"] == Decimal("12345678901234567890.10")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"é": "5 €"}, '{"é":"5 €"}'),
        ("\U0001f600", '"\U0001f600"'),
        ("\ud83d", r'"\ud83d"'),
        ("\u202e\x00", r'"\u202e\u0000"'),
        (r"\u00e9", r'"\\u00e9"'),
    ],
)
def test_people_read_letters_and_machines_the_same(value, shown):
    assert strict_json.readable(value) == shown
    assert json.loads(shown) == value
