"""The field judge on real receipts: their ways to write a value, and errors put in on purpose."""

import re
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from evaluate.receipts import (
    DECLARED,
    RULES,
    copied,
    distinct,
    item,
    leaves,
    put,
    receipts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_mw.breakdown import ErrorRates
from shadow_mw.evaluate.fields import dates, decimals
from shadow_mw.evaluate.fields.document import document_sums
from shadow_mw.evaluate.fields.grounding import Source, grounded, grounding
from shadow_mw.evaluate.fields.judge import judge, judge_pair
from shadow_mw.evaluate.fields.rules import PLAIN, compile_rules, read_rules
from shadow_mw.evaluate.fields.transitions import transitions
from shadow_mw.evaluate.fields.walk import Walk
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.results import FieldOutcome


@pytest.fixture(scope="module")
def rows():
    return receipts()


@pytest.fixture(scope="module")
def truths(rows):
    return [row["truth"] for row in rows]


def outcome(truth, field, value, rules=RULES):
    return dict(judge(truth, truth | {field: value}, rules))[field]


def test_every_date_is_read_in_the_declared_order_whatever_its_shape(truths):
    shapes = Counter(re.sub("[A-Z]+", "a", re.sub("[0-9]", "9", t["date"])) for t in truths)
    assert len(shapes) >= 10
    unread = [t["date"] for t in truths if dates.parse(t["date"], "dmy") is None]
    assert unread == []
    years = Counter(dates.parse(t["date"], "dmy").year for t in truths)
    assert years.keys() <= set(range(2010, 2020))


def test_every_date_equals_its_other_shapes_and_not_another_day(truths):
    wrong_without = 0
    for truth in truths:
        day = dates.parse(truth["date"], "dmy")
        for shape in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%y", "%d %b %Y", "%B %d, %Y"):
            assert outcome(truth, "date", day.strftime(shape)) == "correct"
            wrong_without += outcome(truth, "date", day.strftime(shape), PLAIN) == "wrong_value"
        assert outcome(truth, "date", date.fromordinal(day.toordinal() + 1).isoformat()) == (
            "wrong_value"
        )
        if day.day <= 12 and day.day != day.month:
            turned = f"{day:%m/%d/%Y}"
            assert outcome(truth, "date", turned) == "wrong_value"
    assert wrong_without > 4 * len(truths) * 0.8


def test_every_total_equals_its_other_ways_of_writing_and_no_other_amount(truths):
    signs = Counter(re.sub("[0-9.,]+", "9", t["total"]) for t in truths)
    assert signs.keys() == {"9", "RM9", "$9", "RM 9"}
    for truth in truths:
        amount = decimals.parse(truth["total"], "en")
        for same in (f"{amount}", f"RM{amount}", f"$ {amount}", f"{amount:,} MYR", amount):
            assert outcome(truth, "total", same) == "correct"
        for other in (amount + Decimal("0.01"), -amount, amount * 100, str(amount + 1)):
            assert outcome(truth, "total", other) == "wrong_value"


def changed_letter(text):
    """One letter that no normaliser folds."""
    return ("x" if text[0] != "x" else "y") + text[1:]


INJECTED = {
    "one letter of the company": ("company", changed_letter, "wrong_value"),
    "the date a day off": (
        "date",
        lambda text: date.fromordinal(dates.parse(text, "dmy").toordinal() + 1).strftime(
            "%d/%m/%Y"
        ),
        "wrong_value",
    ),
    "a cent on the total": (
        "total",
        lambda text: str(decimals.parse(text, "en") + Decimal("0.01")),
        "wrong_value",
    ),
    "the total as true": ("total", lambda text: True, "wrong_value"),
    "an object for the total": ("total", lambda text: {"amount": text}, "wrong_value"),
    "the company left out": ("company", lambda text: None, "missed"),
    "N/A for the company": ("company", lambda text: "N/A", "missed"),
    "a tax number that is not there": (
        "vendor_tax_id",
        lambda none: "000123456789",
        "hallucinated",
    ),
    "zero for a tax number": ("vendor_tax_id", lambda none: 0, "hallucinated"),
    "N/A for a tax number": ("vendor_tax_id", lambda none: "N/A", "null_like"),
    "an empty tax number": ("vendor_tax_id", lambda none: "", "null_like"),
}


@pytest.mark.parametrize("rules", [PLAIN, RULES], ids=["no rules", "declared rules"])
@pytest.mark.parametrize("name", INJECTED)
def test_each_injected_error_is_exactly_its_own_class(truths, name, rules):
    field, change, expected = INJECTED[name]
    wanted_null = expected in ("hallucinated", "null_like")
    known = [truth for truth in truths if (truth[field] is None) == wanted_null]
    assert len(known) > 100
    for truth in known:
        found = dict(judge(truth, truth | {field: change(truth[field])}, rules))
        assert found.pop(field) == expected
        assert set(found.values()) <= {"correct", "correct_null"}


def test_a_model_that_crashes_earns_no_correct_null(truths):
    rows = []
    for truth in truths:
        for crash in (None, [], "I cannot read that receipt.", [truth]):
            found = judge_pair(truth, copied(truth), crash, RULES)
            assert {score.candidate for score in found} == {"invalid_output"}
            sums = dict(zip(DOCUMENT, document_sums(found), strict=True))
            assert (sums["primary_correct"], sums["candidate_correct"]) == (sums["leaves"], 0)
        rows += [(score.primary, score.candidate, 1) for score in found]
    nulls = sum(value is None for truth in truths for value in truth.values())
    became = transitions(rows)["correct_null"]
    assert became["invalid_output"] == nulls
    assert sum(became.values()) == nulls


ITEM_RULES = {
    "documents[].date": DECLARED["date"],
    "documents[].total": DECLARED["total"],
    "documents[].vendor.tax_id": DECLARED["vendor_tax_id"],
}
CHANGES = {
    "wrong_value": lambda value: "another value",
    "missed": lambda value: None,
    "hallucinated": lambda value: "000123456789",
    "null_like": lambda value: "unknown",
}
ITEMS = []


def items():
    if not ITEMS:
        ITEMS.extend(distinct([item(row["truth"]) for row in receipts()]))
    return ITEMS


@st.composite
def damaged(draw):
    """A truth of several receipts, an output with known errors in any order, what they are."""
    known = items()
    start = draw(st.integers(0, len(known) - 12))
    truth = known[start : start + draw(st.integers(1, 8))]
    output, expected = [], Counter()
    for one in truth:
        fate = draw(st.sampled_from(["right", "one leaf", "one leaf", "lost"]))
        found = {
            path: "correct_null" if value is None else "correct"
            for path, value in leaves(one).items()
        }
        if fate == "lost":
            found |= {path: "missed" for path, value in leaves(one).items() if value is not None}
        else:
            if fate == "one leaf":
                path = draw(st.sampled_from(sorted(found)))
                kinds = ["hallucinated", "null_like"] if leaves(one)[path] is None else None
                kind = draw(st.sampled_from(kinds or ["wrong_value", "missed"]))
                found[path] = kind
                one = put(one, path, CHANGES[kind](leaves(one)[path]))
            output.append(one)
        expected.update((f"documents[].{path}", outcome) for path, outcome in found.items())
    lost = len(truth) - len(output)
    for extra in known[start + 8 : start + 8 + (draw(st.integers(0, 3)) if not lost else 0)]:
        output.append(extra)
        expected.update(
            (f"documents[].{path}", "hallucinated")
            for path, value in leaves(extra).items()
            if value is not None
        )
    return truth, draw(st.permutations(output)), expected


@settings(max_examples=300, deadline=None)
@given(damaged(), st.booleans())
def test_injected_errors_in_a_list_are_classed_exactly_in_any_order(case, declared):
    truth, output, expected = case
    rules = compile_or_plain(declared)
    assert Counter(judge({"documents": truth}, {"documents": output}, rules)) == expected


def compile_or_plain(declared):
    return compile_rules(read_rules(ITEM_RULES)) if declared else PLAIN


FIELDS = ("company", "date", "address", "total", "vendor_tax_id")
SHIFTS = (1, 7, 50, 101)
BOUNDS = {
    "company": (0.99, 0.02),
    "date": (0.99, 0.02),
    "address": (0.99, 0.05),
    "total": (0.99, 0.08),
    "vendor_tax_id": (0.99, 0.01),
}
"""At least so many true values are found in their own text, at most so many of another receipt."""


@pytest.mark.parametrize("rules", [RULES, PLAIN], ids=["declared rules", "no rules"])
def test_true_values_are_in_their_text_and_those_of_another_receipt_are_not(rows, rules, capsys):
    sources = [Source(row["text"]) for row in rows]
    table = []
    for field in FIELDS:
        node = rules.key(field)
        own, foreign = [], []
        for place, row in enumerate(rows):
            value = row["truth"][field]
            if value is None:
                continue
            own.append(grounded(value, sources[place], node))
            others = [rows[(place + shift) % len(rows)]["truth"][field] for shift in SHIFTS]
            foreign += [
                grounded(other, sources[place], node)
                for other in others
                if other is not None
                and RULES.key(field).normal(other) != RULES.key(field).normal(value)
            ]
        table.append((field, sum(own), len(own), sum(foreign), len(foreign)))
    with capsys.disabled():
        print()
        for field, found, n, wrong, m in table:
            shares = f"true {found}/{n} = {found / n:.1%}, swapped {wrong}/{m} = {wrong / m:.1%}"
            print(f"  {field:14} {shares}")
    for field, found, n, wrong, m in table:
        least, most = BOUNDS[field]
        assert n > 150
        assert m > 300
        assert found / n >= least
        assert wrong / m <= most


def error_rates(truth, outputs, source):
    """By field path, how well "not in the source" shows a wrong or invented value."""
    populated = (FieldOutcome.CORRECT, FieldOutcome.WRONG_VALUE, FieldOutcome.HALLUCINATED)
    cases = {}
    for leaf in Walk(truth, outputs, RULES).leaves:
        for value, outcome in zip(leaf.values, leaf.outcomes, strict=True):
            found = grounded(value, source, leaf.node) if outcome in populated else None
            if found is not None:
                case = not found, outcome is not FieldOutcome.CORRECT, 1
                cases.setdefault(leaf.path, []).append(case)
    return {path: ErrorRates.of(known) for path, known in cases.items()}


def test_once_labels_exist_grounding_has_known_error_rates(rows):
    rates = {}
    for place, row in enumerate(rows):
        other = rows[(place + 7) % len(rows)]["truth"]
        invented = row["truth"] | {"vendor_tax_id": other["vendor_tax_id"], "date": other["date"]}
        outputs = [row["truth"], invented, None]
        for path, found in error_rates(row["truth"], outputs, Source(row["text"])).items():
            rates[path] = rates[path] + found if path in rates else found
    tax, day = rates["vendor_tax_id"], rates["date"]
    assert tax.negatives == 179 + sum(
        row["truth"]["vendor_tax_id"] is not None
        and row["truth"]["vendor_tax_id"] == rows[(place + 7) % len(rows)]["truth"]["vendor_tax_id"]
        for place, row in enumerate(rows)
    )
    assert tax.positives > 100
    assert tax.tpr > 0.9
    assert tax.fpr < 0.01
    assert day.tpr > 0.95
    assert day.fpr < 0.01
    assert rates["company"].positives == 0
    assert rates["company"].tpr is None
    assert rates["company"].fpr < 0.02


def test_grounding_reads_every_populated_leaf_that_has_to_be_there(rows):
    row = rows[0]
    source = Source(row["text"])
    output = {"totals": [{"v": "9.00"}, {"v": Decimal("9.0")}, {"v": 8.5}, {"v": "123.45"}]}
    output |= {"paid": True, "tax": None, "note": "N/A", "company": "KF MODELLING CLAY"}
    output["totals"].pop(2)
    assert grounding(output, source) == [
        ("totals[].v", True),
        ("totals[].v", True),
        ("totals[].v", False),
        ("company", True),
    ]
    assert grounding(None, source) is None
