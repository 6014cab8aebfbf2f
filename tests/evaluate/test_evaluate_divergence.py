"""What can be said without a truth, and what became of the primary's outcomes."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from evaluate.receipts import RULES, receipts

from shadow_mw.breakdown import ErrorRates
from shadow_mw.evaluate.fields.divergence import (
    MAX_PATHS,
    Comparison,
    Divergence,
    divergence_rates,
    shape_of,
)
from shadow_mw.evaluate.fields.document import document_sums
from shadow_mw.evaluate.fields.grounding import request_text
from shadow_mw.evaluate.fields.judge import FieldScore, judge_pair
from shadow_mw.evaluate.fields.rules import PLAIN, compile_rules, read_rules
from shadow_mw.evaluate.fields.transitions import transitions
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.results import UNLABELLED, FieldOutcome


def differing(primary, candidate, rules=PLAIN):
    found = Comparison(rules).of(primary, candidate)
    return [(leaf.path, leaf.kind) for leaf in found.differing]


@pytest.mark.parametrize(
    ("primary", "candidate", "expected"),
    [
        ({"f": 1}, {"f": 1}, []),
        ({"f": 1}, {"f": Decimal("1.0")}, []),
        ({"f": 1}, {"f": 2}, [("f", "different")]),
        ({"f": 1}, {"f": True}, [("f", "different")]),
        ({"f": None}, {"f": None}, []),
        ({"f": None}, {}, []),
        ({}, {"f": None}, []),
        ({"f": "N/A"}, {"f": ""}, []),
        ({"f": "not available"}, {"f": " Not Found "}, []),
        ({"f": []}, {"f": None}, []),
        ({"f": {}}, {}, []),
        ({"f": None}, {"f": "X"}, [("f", "candidate_only")]),
        ({"f": "N/A"}, {"f": "X"}, [("f", "candidate_only")]),
        ({}, {"f": "X"}, [("f", "candidate_only")]),
        ({}, {"f": {"g": 1, "h": None}}, [("f.g", "candidate_only")]),
        ({"f": []}, {"f": [3]}, [("f[]", "candidate_only")]),
        ({}, {"f": [{"g": 1}, {"g": 2}]}, [("f[].g", "candidate_only")] * 2),
        ({"f": [{"g": 1}]}, {"f": [{"g": 1, "h": 2}]}, [("f[].h", "candidate_only")]),
        ({"f": "X"}, {"f": None}, [("f", "primary_only")]),
        ({"f": "X"}, {"f": "n/a"}, [("f", "primary_only")]),
        ({"f": "X"}, {}, [("f", "primary_only")]),
        ({"f": [1, 2, 3]}, {"f": [1, 3]}, [("f[]", "primary_only")]),
        ({"f": {"g": 1}}, {"f": "X"}, [("f", "different")]),
        ({"f": {"g": None}}, {"f": "X"}, [("f", "candidate_only")]),
        ({"f": "X"}, {"f": [1]}, [("f", "different")]),
        ({"f": "X"}, {"f": [None]}, [("f", "primary_only")]),
    ],
)
def test_two_outputs_at_one_leaf_stand_in_exactly_one_way(primary, candidate, expected):
    assert differing(primary, candidate) == expected
    turned = {"candidate_only": "primary_only", "primary_only": "candidate_only"}
    assert differing(candidate, primary) == [(path, turned.get(k, k)) for path, k in expected]
    assert differing(primary, primary) == differing(candidate, candidate) == []


def test_divergence_pairs_lists_and_follows_rules():
    rules = compile_rules(
        read_rules({"rows[].total": {"normalise": "decimal"}, "note": {"normalise": "free_text"}})
    )
    primary = {"rows": [{"n": "a", "total": "1.0"}, {"n": "b", "total": None}], "note": "some"}
    candidate = {
        "rows": [{"n": "b", "total": 7}, {"n": "a", "total": 1}, {"n": "c", "total": None}],
        "note": "other",
    }
    found = Comparison(rules).of(primary, candidate)
    assert [(leaf.path, leaf.kind, leaf.value) for leaf in found.differing] == [
        ("rows[].total", Divergence.CANDIDATE_ONLY, 7),
        ("rows[].n", Divergence.CANDIDATE_ONLY, "c"),
        ("note", Divergence.DIFFERENT, "other"),
    ]
    assert found.shape == {"rows[].n": 3, "rows[].total": 3, "note": 1}
    assert shape_of(candidate) == found.shape
    assert Comparison(rules).of(primary, primary).shape == shape_of(primary)


def test_what_a_model_makes_up_as_keys_is_bounded():
    primary = {"a": None}
    candidate = {f"k{n}": n for n in range(MAX_PATHS + 50)} | {"x" * 999: 1}
    found = Comparison().of(primary, candidate)
    assert len(found.shape) == MAX_PATHS
    assert len(found.differing) == MAX_PATHS - 1
    assert shape_of(candidate).keys() == {f"k{n}" for n in range(MAX_PATHS)}
    assert max(map(len, Comparison().of(primary, {"x" * 999: 1}).shape)) == 200


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
        found.update(kind for _, kind in differing(primary, candidate, RULES))
        scores += judge_pair(truth, primary, candidate, RULES)
    known = divergence_rates((score.primary, score.candidate, 1) for score in scores)
    rates = known[Divergence.CANDIDATE_ONLY]
    assert rates.positives == inventions > 40
    assert rates.true_positives == inventions - shared
    assert rates.false_positives == found["candidate_only"] - rates.true_positives > 20
    assert rates.tpr == (inventions - shared) / inventions
    assert rates.fpr == rates.false_positives / rates.negatives
    missed = known[Divergence.PRIMARY_ONLY]
    assert (missed.positives, missed.tpr) == (0, None)


def test_rates_without_cases_are_unknown_and_rates_add_up():
    assert (ErrorRates().tpr, ErrorRates().fpr) == (None, None)
    cases = [(True, True, 1), (True, False, 1), (False, True, 1), (False, False, 2)]
    rates = ErrorRates.of(cases)
    assert (rates.tpr, rates.fpr) == (1 / 2, 1 / 3)
    assert rates + rates == ErrorRates.of(cases * 2)


def test_leaves_without_a_valid_output_are_in_no_rate():
    crashed = judge_pair({"a": 1, "b": None}, {"a": 1}, None)
    rows = [(score.primary, score.candidate, 1) for score in crashed]
    assert divergence_rates(rows)[Divergence.CANDIDATE_ONLY] == ErrorRates()


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
    assert set(found) == labelled
    assert all(set(row) == labelled for row in found.values())
    assert sum(n for row in found.values() for n in row.values()) == 159
    nulls = found[o.CORRECT_NULL]
    assert {k: n for k, n in nulls.items() if n} == {
        "correct_null": 50,
        "hallucinated": 5,
        "invalid_output": 1,
    }


def test_a_document_adds_up_to_what_its_labelled_leaves_are():
    truth = {"total": "9", "tax": None, "rows": [{"q": 1}]}
    found = judge_pair(truth, truth, truth | {"tax": "7"})
    named = dict(zip(DOCUMENT, document_sums(found), strict=True))
    assert {name: n for name, n in named.items() if n} == {
        "leaves": 3,
        "nulls": 1,
        "primary_correct": 3,
        "candidate_correct": 2,
        "candidate_hallucinated": 1,
    }
    beyond = FieldScore("x", None, *[FieldOutcome.UNEXPECTED_FIELD] * 2)
    assert set(document_sums([beyond])) == {0}
    assert set(document_sums(None)) == {None}


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
