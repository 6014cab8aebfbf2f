"""What can be said without a truth, and what became of the primary's outcomes."""

import json
from collections import Counter

import pytest
from evaluate.receipts import RULES, receipts

from shadow_mw.evaluate.fields.detection import ErrorRates, error_rates
from shadow_mw.evaluate.fields.divergence import Divergence, divergence, divergence_rates
from shadow_mw.evaluate.fields.grounding import request_text
from shadow_mw.evaluate.fields.judge import FieldScore, judge_pair
from shadow_mw.evaluate.fields.rules import compile_rules, read_rules
from shadow_mw.evaluate.fields.transitions import document, transitions
from shadow_mw.results import UNLABELLED, FieldOutcome


@pytest.mark.parametrize(
    ("primary", "candidate", "expected"),
    [
        ({"f": 1}, {"f": 1}, "same"),
        ({"f": 1}, {"f": 2}, "different"),
        ({"f": 1}, {"f": True}, "different"),
        ({"f": None}, {"f": None}, "both_null"),
        ({"f": None}, {}, "both_null"),
        ({}, {"f": None}, "both_null"),
        ({"f": "N/A"}, {"f": ""}, "both_null"),
        ({"f": None}, {"f": "X"}, "candidate_only"),
        ({"f": "N/A"}, {"f": "X"}, "candidate_only"),
        ({}, {"f": "X"}, "candidate_only"),
        ({"f": []}, {"f": [3]}, "candidate_only"),
        ({"f": "X"}, {"f": None}, "primary_only"),
        ({"f": "X"}, {"f": "n/a"}, "primary_only"),
        ({"f": "X"}, {}, "primary_only"),
    ],
)
def test_two_outputs_at_one_leaf_stand_in_exactly_one_way(primary, candidate, expected):
    found = divergence(primary, candidate)
    assert {kind for _, kind in found if kind != "both_null"} <= {expected}
    assert expected in {kind for _, kind in found}


def test_divergence_pairs_lists_and_follows_rules():
    rules = compile_rules(
        read_rules({"rows[].total": {"normalise": "decimal"}, "note": {"normalise": "free_text"}})
    )
    primary = {"rows": [{"n": "a", "total": "1.0"}, {"n": "b", "total": None}], "note": "some"}
    candidate = {
        "rows": [{"n": "b", "total": 7}, {"n": "a", "total": 1}, {"n": "c", "total": None}],
        "note": "other",
    }
    assert Counter(divergence(primary, candidate, rules)) == Counter(
        {
            ("rows[].n", Divergence.SAME): 2,
            ("rows[].total", Divergence.SAME): 1,
            ("rows[].total", Divergence.CANDIDATE_ONLY): 1,
            ("rows[].n", Divergence.CANDIDATE_ONLY): 1,
            ("note", Divergence.DIFFERENT): 1,
        }
    )


@pytest.mark.parametrize(("primary", "candidate"), [(None, {}), ({}, None), ([], {}), ("x", {})])
def test_without_two_objects_there_is_no_divergence(primary, candidate):
    assert divergence(primary, candidate) is None


def test_the_divergent_population_finds_every_invention_that_the_primary_did_not_make():
    scores, found = [], Counter()
    inventions = shared = 0
    for number, row in enumerate(receipts()):
        truth = row["truth"]
        primary, candidate = json.loads(json.dumps(truth)), json.loads(json.dumps(truth))
        if truth["vendor_tax_id"] is None and number % 2:
            candidate["vendor_tax_id"] = "000111222333"
            inventions += 1
            if number % 3 == 0:
                primary["vendor_tax_id"] = "000999888777"
                shared += 1
        elif truth["vendor_tax_id"] is not None and number % 5 == 0:
            primary["vendor_tax_id"] = None
        found.update(kind for _, kind in divergence(primary, candidate, RULES))
        scores += judge_pair(truth, primary, candidate, RULES)
    rates = divergence_rates(scores)[Divergence.CANDIDATE_ONLY]
    assert rates.positives == inventions > 40
    assert rates.true_positives == inventions - shared
    assert rates.false_positives == found["candidate_only"] - rates.true_positives > 20
    assert rates.tpr == (inventions - shared) / inventions
    assert rates.fpr == rates.false_positives / rates.negatives
    missed = divergence_rates(scores)[Divergence.PRIMARY_ONLY]
    assert (missed.positives, missed.tpr) == (0, None)


def test_rates_without_cases_are_unknown_and_rates_add_up():
    assert (ErrorRates().tpr, ErrorRates().fpr) == (None, None)
    cases = [(True, True), (True, False), (False, True), (False, False), (False, False)]
    rates = error_rates(cases)
    assert (rates.tpr, rates.fpr) == (1 / 2, 1 / 3)
    assert rates + rates == error_rates(cases * 2)


def test_leaves_without_a_valid_output_are_in_no_rate():
    crashed = judge_pair({"a": 1, "b": None}, {"a": 1}, None)
    assert divergence_rates(crashed)[Divergence.CANDIDATE_ONLY] == ErrorRates()


def test_the_matrix_shows_what_became_of_the_primarys_outcomes():
    o = FieldOutcome
    rows = [
        (o.CORRECT, o.CORRECT, 90),
        (o.CORRECT, o.WRONG_VALUE, 4),
        (o.WRONG_VALUE, o.CORRECT, 6),
        (o.MISSED, o.CORRECT, 2),
        (o.CORRECT_NULL, o.CORRECT_NULL, 50),
        (o.CORRECT_NULL, o.HALLUCINATED, 3),
        (o.CORRECT_NULL, o.HALLUCINATED, 2),
        (o.CORRECT_NULL, o.INVALID_OUTPUT, 1),
        (o.HALLUCINATED, o.CORRECT_NULL, 1),
        (o.NOT_LABELLED, o.UNEXPECTED_FIELD, 70),
    ]
    found = transitions(rows)
    labelled = set(FieldOutcome) - UNLABELLED
    assert set(found.table) == labelled
    assert all(set(row) == labelled for row in found.table.values())
    assert sum(n for row in found.table.values() for n in row.values()) == 159
    nulls = found.of(o.CORRECT_NULL)
    assert {k: n for k, n in nulls.items() if n} == {
        "correct_null": 50,
        "hallucinated": 5,
        "invalid_output": 1,
    }
    assert {k: n for k, n in found.gained.items() if n} == {
        "wrong_value": 6,
        "missed": 2,
        "hallucinated": 1,
    }
    assert {k: n for k, n in found.lost.items() if n} == {
        "wrong_value": 4,
        "hallucinated": 5,
        "invalid_output": 1,
    }


def test_a_document_is_perfect_only_with_every_leaf_right():
    truth = {"total": "9", "tax": None, "rows": [{"q": 1}]}
    found = document(judge_pair(truth, truth, truth | {"tax": "7"}))
    assert (found.leaves, found.nulls) == (3, 1)
    assert (found.primary.right, found.candidate.right) == (3, 2)
    assert (found.primary.hallucinated, found.candidate.hallucinated) == (0, 1)
    assert found.perfect == (True, False)
    assert document([FieldScore("x", None, *[FieldOutcome.UNEXPECTED_FIELD] * 2)]) is None


def test_the_requests_text_is_all_but_what_the_assistant_said():
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Invoice 7"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "invented 99"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"total": 1.50}}]},
    ]
    system = [{"type": "text", "content": "Read invoices."}]
    text = request_text(json.dumps(messages), json.dumps(system))
    assert text == 'Read invoices.\nInvoice 7\n{"total":1.5}'
    assert request_text(None, None) == ""
    for kind in ("uri", "blob", "file"):
        image = [{"role": "user", "parts": [{"type": kind, "modality": "image"}]}]
        assert request_text(json.dumps(image), None) is None
