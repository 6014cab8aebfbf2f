"""The strict field judge."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.judge import is_blank, judge, judge_pair, leaves
from shadow_mw.evaluate.fields.rules import compile_rules, read_rules
from shadow_mw.results import UNLABELLED, FieldOutcome

RECEIPTS = Path(__file__).parents[3] / "shared" / "data" / "receipts.jsonl"

TAX_FREE = {"total": "9.00", "tax_id": None}


@pytest.mark.parametrize(
    ("truth", "output", "outcome"),
    [
        ("9.00", "9.00", "correct"),
        ("9.00", " 9.00\n", "correct"),
        ("Ａ", "A", "correct"),  # noqa: RUF001
        (5, Decimal("5.0"), "correct"),
        ([], [], "correct"),
        (False, False, "correct"),
        ("9.00", "9", "wrong_value"),
        ("9.00", Decimal("9.00"), "wrong_value"),
        ("abc", "ABC", "wrong_value"),
        (1, True, "wrong_value"),
        (0, False, "wrong_value"),
        ("9.00", {"amount": "9.00"}, "wrong_value"),
        ("9.00", None, "missed"),
        ("9.00", "", "missed"),
        ("9.00", "N/A", "missed"),
        ("9.00", {"amount": None}, "missed"),
        (None, None, "correct_null"),
        (None, "X", "hallucinated"),
        (None, 0, "hallucinated"),
        (None, False, "hallucinated"),
        (None, ["X"], "hallucinated"),
        (None, {"number": "X", "country": None}, "hallucinated"),
        (None, "", "null_like"),
        (None, " None ", "null_like"),
        (None, "unknown", "null_like"),
        (None, [], "null_like"),
        (None, {}, "null_like"),
        (None, {"number": None}, "null_like"),
        # A truth that says so in other words than null.
        ("", "X", "hallucinated"),
        ("N/A", "X", "hallucinated"),
        ("-", 0, "hallucinated"),
        ("", {"number": "X"}, "hallucinated"),
        ("N/A", "N/A", "correct_null"),
        ("", None, "null_like"),
        ("N/A", "", "null_like"),
        ("N/A", {}, "null_like"),
    ],
)
def test_one_leaf_has_one_outcome(truth, output, outcome):
    assert judge({"f": truth}, {"f": output}) == [("f", outcome)]


def test_a_placeholder_in_the_truth_is_one_more_null_unless_an_enum_has_it():
    truth = {"risk": "unknown", "tax_id": ""}
    (risk, tax_id) = judge_pair(truth, truth, {"risk": "high", "tax_id": "X"})
    assert [(s.truth, s.primary, s.candidate) for s in (risk, tax_id)] == [
        ("null", "correct_null", "hallucinated")
    ] * 2
    enum = compile_rules(read_rules({"risk": {"normalise": "enum", "values": ["High", "Unknown"]}}))
    (risk, _) = judge_pair(truth, {"risk": "UNKNOWN"}, {"risk": "high"}, enum)
    assert (risk.truth, risk.primary, risk.candidate) == ("value", "correct", "wrong_value")


@pytest.mark.parametrize(
    ("truth", "output", "outcome"),
    [
        (None, "none", "hallucinated"),
        (None, "N/A", "null_like"),
        ("N/A", "None", "hallucinated"),
        ("severe", "none", "wrong_value"),
        ("severe", "N/A", "missed"),
        ("none", "N/A", "missed"),
        ("none", "NONE", "correct"),
    ],
)
def test_a_placeholder_that_an_enum_declares_is_a_value_like_any_other(truth, output, outcome):
    rule = {"normalise": "enum", "values": ["none", "mild", "severe"]}
    rules = compile_rules(read_rules({"pain": rule, "pains[]": rule}))
    assert judge({"pain": truth}, {"pain": output}, rules) == [("pain", outcome)]
    assert judge({"pains": [truth]}, {"pains": [output]}, rules) == [("pains[]", outcome)]


def test_a_placeholder_that_an_enum_declares_is_made_up_as_a_surplus_item_and_inside_a_null():
    rules = compile_rules(read_rules({"pains[]": {"normalise": "enum", "values": ["none"]}}))
    surplus = judge({"pains": ["none"]}, {"pains": ["none", "none"]}, rules)
    assert surplus == [("pains[]", "correct"), ("pains[]", "hallucinated")]
    assert judge({"pains": None}, {"pains": ["none"]}, rules) == [("pains", "hallucinated")]


@pytest.mark.parametrize("output", [5, True, ["A b"], {"text": "A b"}])
def test_what_is_no_text_is_wrong_in_place_of_a_free_text(output):
    rules = compile_rules(read_rules({"note": {"normalise": "free_text"}}))
    (note,) = judge_pair({"note": "A b"}, {"note": output}, {}, rules)
    assert (note.primary, note.candidate) == ("wrong_value", "missed")


def test_what_stands_in_an_empty_lists_place_is_made_up_leaf_by_leaf():
    made_up = judge({"items": []}, {"items": {"sku": "A", "price": 1, "note": None}})
    assert made_up == [
        ("items", "wrong_value"),
        ("items[].price", "hallucinated"),
        ("items[].sku", "hallucinated"),
    ]


def test_an_absent_key_is_a_null_in_the_output_and_no_label_in_the_truth():
    assert judge(TAX_FREE, {}) == [("total", "missed"), ("tax_id", "correct_null")]
    assert judge({"total": "9"}, {"total": "9", "tax_id": "X", "vat": None}) == [
        ("tax_id", "unexpected_field"),
        ("vat", "not_labelled"),
        ("total", "correct"),
    ]


def test_nested_objects_are_judged_leaf_by_leaf():
    truth = {"vendor": {"name": "A", "tax_id": None}}
    output = {"vendor": {"name": "B", "tax_id": "X", "extra": {"city": "C"}}}
    assert judge(truth, output) == [
        ("vendor.extra.city", "unexpected_field"),
        ("vendor.name", "wrong_value"),
        ("vendor.tax_id", "hallucinated"),
    ]


@pytest.mark.parametrize(
    ("vendor", "name", "tax_id"),
    [
        (None, "missed", "correct_null"),
        ({}, "missed", "correct_null"),
        ("N/A", "missed", "null_like"),
        ([], "missed", "null_like"),
        ("A", "wrong_value", "hallucinated"),
        (["A"], "wrong_value", "hallucinated"),
    ],
)
def test_what_stands_in_place_of_an_object_stands_at_each_of_its_leaves(vendor, name, tax_id):
    outcomes = judge({"vendor": {"name": "A", "tax_id": None}}, {"vendor": vendor})
    assert outcomes == [("vendor.name", name), ("vendor.tax_id", tax_id)]


@pytest.mark.parametrize("output", [None, [], "text", 3, True])
def test_what_is_no_object_is_invalid_at_every_leaf(output):
    assert judge(TAX_FREE, output) == [("total", "invalid_output"), ("tax_id", "invalid_output")]


def test_both_legs_are_judged_over_the_same_paths():
    scores = judge_pair(TAX_FREE, {"total": "9.00", "extra": "x"}, None)
    assert [(s.path, s.truth, s.primary, s.candidate) for s in scores] == [
        ("extra", None, "unexpected_field", "not_labelled"),
        ("total", "value", "correct", "invalid_output"),
        ("tax_id", "null", "correct_null", "invalid_output"),
    ]


def test_keys_with_dots_or_control_characters_are_quoted():
    truth = {"a.b": 1, "a": {"b": 2}, "\x1b[31m": 3, "": 4}
    paths = ['"a.b"', "a.b", '"\\u001b[31m"', '""']
    assert [path for path, _ in judge(truth, truth)] == paths


def test_a_model_cannot_flood_the_table_with_fields_of_its_own():
    output = {f"invented_{n}": n for n in range(10_000)} | {"k" * 10_000: 1}
    outcomes = judge(TAX_FREE, output)
    assert len(outcomes) < 100
    assert {"total", "tax_id"} <= dict(outcomes).keys()


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(0, 9)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


@given(OBJECTS, VALUES)
def test_labelled_leaves_always_get_exactly_one_labelled_outcome(truth, output):
    outcomes = judge(truth, output)
    labelled = Counter(path for path, outcome in outcomes if outcome not in UNLABELLED)
    expected = Counter(path for path, _ in leaves(truth))
    # Beyond them are only the items that the truth's lists lack.
    assert expected <= labelled
    extra = [path for path, _ in outcomes if path in labelled - expected]
    assert all("[]" in path for path in extra)


@given(OBJECTS)
def test_the_truth_itself_is_right_everywhere(truth):
    right = {FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL}
    assert {outcome for _, outcome in judge(truth, truth)} <= right


@given(OBJECTS, OBJECTS)
def test_the_order_of_keys_is_irrelevant(truth, output):
    turned = dict(reversed(output.items()))
    assert sorted(judge(truth, output)) == sorted(judge(dict(reversed(truth.items())), turned))


@given(OBJECTS, VALUES, VALUES)
def test_null_labels_are_all_accounted_for(truth, primary, candidate):
    nulls = [score for score in judge_pair(truth, primary, candidate) if score.truth == "null"]
    stated = sum(
        value is None or (isinstance(value, str) and is_blank(value)) for _, value in leaves(truth)
    )
    invented = [score for score in nulls if "[]" in score.path]
    assert stated <= len(nulls) <= stated + len(invented)
    possible = {"hallucinated", "correct_null", "null_like", "invalid_output"}
    assert {score.candidate for score in nulls} <= possible


FLAT = st.dictionaries(
    st.text("abcdef", min_size=1), st.none() | st.text("xyz", min_size=1), min_size=1
)


@given(FLAT, st.data())
def test_one_error_gives_exactly_its_own_class(truth, data):
    field = data.draw(st.sampled_from(sorted(truth)))
    cases = (
        {"hallucinated": "q", "null_like": "N/A"}
        if truth[field] is None
        else {"wrong_value": "q", "missed": None}
    )
    for outcome, value in cases.items():
        outcomes = dict(judge(truth, truth | {field: value}))
        assert outcomes.pop(field) == outcome
        assert set(outcomes.values()) <= {"correct", "correct_null"}


@given(VALUES)
def test_blank_says_nothing_at_any_depth(value):
    assert is_blank(value) == is_blank([value]) == is_blank({"k": value})


def test_real_receipts_are_judged_as_their_truth_says():
    if not RECEIPTS.exists():
        pytest.skip(f"the receipts are not at {RECEIPTS}")
    truths = [strict_json.loads(line)["truth"] for line in RECEIPTS.read_text().splitlines()]
    invented = Counter()
    for truth in truths:
        answer = json.loads(json.dumps(truth)) | {"vendor_tax_id": "12-345", "total": "0.00"}
        invented.update(outcome for _, outcome in judge(truth, answer))
    assert invented["hallucinated"] == sum(t["vendor_tax_id"] is None for t in truths) > 0
    assert invented["wrong_value"] >= len(truths)
    assert invented["missed"] == invented["invalid_output"] == invented["null_like"] == 0
