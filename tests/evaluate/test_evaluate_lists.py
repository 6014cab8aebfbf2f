"""Lists in the field judge: items are paired first, then judged leaf by leaf."""

import itertools
import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from shadow_mw.evaluate.fields.align import MAX_ASSIGNED, align
from shadow_mw.evaluate.fields.assignment import assign
from shadow_mw.evaluate.fields.judge import judge, judge_pair
from shadow_mw.evaluate.fields.rules import PLAIN, compile_rules, read_rules

A = {"sku": "a", "q": 1, "tax": None}
B = {"sku": "b", "q": 2, "tax": "7"}
C = {"sku": "c", "q": 3, "tax": None}


def judged(truth, output, **rule):
    rules = compile_rules(read_rules({"items": rule} if rule else {}))
    return Counter(judge({"items": truth}, {"items": output}, rules))


def counts(**fields):
    """`sku="correct correct"` as the counter of leaves that it describes."""
    return Counter(
        (f"items[].{name}", outcome) for name, words in fields.items() for outcome in words.split()
    )


RIGHT = counts(
    sku="correct correct correct",
    q="correct correct correct",
    tax="correct_null correct correct_null",
)


@pytest.mark.parametrize("order", list(itertools.permutations([A, B, C])))
def test_objects_in_a_list_are_right_in_any_order(order):
    assert judged([A, B, C], list(order)) == RIGHT


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_one_wrong_leaf_in_one_item_is_one_wrong_leaf_in_any_order(order):
    items = [A, B | {"q": 9}, C]
    expected = RIGHT - counts(q="correct") + counts(q="wrong_value")
    assert judged([A, B, C], [items[place] for place in order]) == expected


def test_an_extra_item_is_hallucinated_at_each_leaf_that_is_not_null():
    extra = {"sku": "x", "q": None, "tax": "N/A", "more": {"deep": [5, None]}}
    assert judged([A, B, C], [extra, C, B, A]) - RIGHT == Counter(
        {
            ("items[].sku", "hallucinated"): 1,
            ("items[].tax", "null_like"): 1,
            ("items[].more.deep[]", "hallucinated"): 1,
        }
    )


def test_a_missing_item_is_missed_at_each_leaf_that_has_a_value():
    expected = RIGHT - counts(sku="correct", q="correct", tax="correct")
    assert judged([A, B, C], [C, A]) == expected + counts(sku="missed", q="missed", tax="missed")
    nothing = counts(
        sku="missed missed missed", q="missed missed missed", tax="correct_null missed correct_null"
    )
    for output in ([], None):
        assert judged([A, B, C], output) == nothing


def test_nulls_inside_extra_and_badly_matched_items_are_counted():
    output = [{"sku": "y", "q": 8, "tax": "9"}, {"sku": "z", "q": 9, "tax": "9"}]
    assert judged([A], output) == counts(
        sku="wrong_value hallucinated",
        q="wrong_value hallucinated",
        tax="hallucinated hallucinated",
    )


def test_an_empty_list_in_the_truth_says_that_there_are_no_items():
    assert judged([], []) == Counter({("items", "correct"): 1})
    assert judged([], None) == Counter({("items", "missed"): 1})
    assert judged([], [A]) == Counter(
        {
            ("items", "wrong_value"): 1,
            ("items[].sku", "hallucinated"): 1,
            ("items[].q", "hallucinated"): 1,
        }
    )


@pytest.mark.parametrize("output", ["a", 3, {"sku": "a", "q": 1}, True])
def test_what_stands_in_place_of_a_list_stands_at_each_leaf_and_is_right_at_none(output):
    assert judged([A], output) == counts(sku="wrong_value", q="wrong_value", tax="hallucinated")
    assert judged([1], output) == Counter({("items[]", "wrong_value"): 1})


def test_no_output_earns_no_correct_null_inside_a_list():
    outcomes = Counter(judge({"items": [A]}, None))
    assert outcomes == counts(sku="invalid_output", q="invalid_output", tax="invalid_output")


def test_a_key_that_the_items_of_the_truth_lack_is_told_once():
    output = [A | {"note": "x"}, B | {"note": None}, C | {"note": "y"}]
    assert judged([A, B, C], output) - RIGHT == Counter({("items[].note", "unexpected_field"): 1})


def test_scalars_are_ordered_unless_they_are_declared_a_set():
    wrong = Counter({("items[]", "wrong_value"): 2})
    assert judged([1, 2], [2, 1]) == wrong
    assert judged([1, 2], [2, 1], list="set") == Counter({("items[]", "correct"): 2})
    assert judged([1, 1, 2], [1, 2, 2], list="set") == Counter(
        {("items[]", "correct"): 2, ("items[]", "wrong_value"): 1}
    )
    assert judged([True], [1], list="set") == Counter({("items[]", "wrong_value"): 1})


@pytest.mark.parametrize("gone", range(5))
def test_in_an_ordered_list_one_lost_or_invented_item_moves_no_other(gone):
    full = ["a", "b", "c", "d", "e"]
    part = full[:gone] + full[gone + 1 :]
    right = Counter({("items[]", "correct"): 4})
    assert judged(full, part) == right + Counter({("items[]", "missed"): 1})
    assert judged(part, full) == right + Counter({("items[]", "hallucinated"): 1})


def test_objects_declared_ordered_have_to_be_in_order():
    assert judged([A, C], [C, A], list="ordered") == counts(
        sku="wrong_value wrong_value", q="wrong_value wrong_value", tax="correct_null correct_null"
    )


def test_keyed_items_are_paired_by_their_key_however_much_else_differs():
    ours = [{"id": 1, "a": "x", "b": "y"}, {"id": 2, "a": "p", "b": "q"}]
    theirs = [{"id": 2, "a": "x", "b": "y"}, {"id": 3, "a": "p", "b": "q"}]
    rules = {"list": "keyed", "by": ["id"]}
    assert judged(ours, theirs, **rules) == counts(
        id="correct missed hallucinated",
        a="wrong_value missed hallucinated",
        b="wrong_value missed hallucinated",
    )


def test_a_key_may_be_nested_made_of_several_and_normalised():
    rules = compile_rules(
        read_rules(
            {
                "rows": {"list": "keyed", "by": ["id.code", "day"]},
                "rows[].id.code": {"normalise": "identifier"},
            }
        )
    )
    truth = {"rows": [{"id": {"code": "A-1"}, "day": 1, "v": 1}, {"id": {"code": "A-1"}, "day": 2}]}
    output = {"rows": [{"id": {"code": "a1"}, "day": 2}, {"id": {"code": "a1"}, "day": 1, "v": 2}]}
    assert Counter(judge(truth, output, rules)) == Counter(
        {
            ("rows[].id.code", "correct"): 2,
            ("rows[].day", "correct"): 2,
            ("rows[].v", "wrong_value"): 1,
        }
    )


def test_a_key_may_be_an_object_whose_keys_have_no_order():
    ours = [{"id": {"a": 1, "b": 2}, "v": 1}, {"id": {"a": 3, "b": None}, "v": 2}]
    theirs = [{"id": {"a": 3}, "v": 2}, {"id": {"b": 2, "a": 1}, "v": 1}]
    found = judged(ours, theirs, list="keyed", by=["id"])
    assert {outcome for _, outcome in found} == {"correct", "correct_null"}


def test_lists_inside_items_tell_which_item_it_is_also_without_their_nulls():
    ours = [{"rows": [{"n": f"{letter}{n}", "t": None} for n in range(3)]} for letter in "ab"]
    theirs = [{"rows": [{"n": f"{letter}{n}"} for n in (0, 1, 9)]} for letter in "ba"]
    assert judged(ours, theirs) == Counter(
        {
            ("items[].rows[].n", "correct"): 4,
            ("items[].rows[].n", "wrong_value"): 2,
            ("items[].rows[].t", "correct_null"): 6,
        }
    )


def test_lists_inside_items_are_paired_too():
    truth = [{"n": "x", "tags": [{"t": 1}, {"t": 2}]}, {"n": "y", "tags": [{"t": 3}]}]
    output = [{"n": "y", "tags": [{"t": 3}, {"t": 4}]}, {"n": "x", "tags": [{"t": 2}, {"t": 9}]}]
    assert judged(truth, output) == counts(n="correct correct") + Counter(
        {
            ("items[].tags[].t", "correct"): 2,
            ("items[].tags[].t", "wrong_value"): 1,
            ("items[].tags[].t", "hallucinated"): 1,
        }
    )


def test_equal_costs_keep_the_original_order():
    blank = [{"k": None, "v": place} for place in range(6)]
    other = [{"k": None, "v": 10 + place} for place in range(6)]
    assert align(PLAIN, blank, other) == [0, 1, 2, 3, 4, 5]
    assert align(PLAIN, blank[:2], other) == [0, 1]
    assert align(PLAIN, blank, other[:2]) == [0, 1, None, None, None, None]


def test_both_legs_are_judged_at_the_same_leaves_and_extra_items_are_nulls_for_both():
    scores = judge_pair({"items": [A, B]}, {"items": [B, A]}, {"items": [A, B, C]})
    assert Counter((s.path, s.truth, s.primary, s.candidate) for s in scores) == Counter(
        {
            ("items[].sku", "value", "correct", "correct"): 2,
            ("items[].q", "value", "correct", "correct"): 2,
            ("items[].tax", "value", "correct", "correct"): 1,
            ("items[].tax", "null", "correct_null", "correct_null"): 1,
            ("items[].sku", "null", "correct_null", "hallucinated"): 1,
            ("items[].q", "null", "correct_null", "hallucinated"): 1,
        }
    )


def test_a_crash_is_no_correct_null_at_the_other_legs_extra_items_either():
    scores = judge_pair({"items": [A]}, None, {"items": [A, C]})
    assert {s.primary for s in scores} == {"invalid_output"}
    invented = [s for s in scores if s.candidate == "hallucinated"]
    assert [(s.path, s.truth) for s in invented] == [("items[].q", "null"), ("items[].sku", "null")]


LEAF = st.none() | st.sampled_from(["u", "v", "w"]) | st.integers(0, 2)
ITEM = st.fixed_dictionaries({"a": LEAF, "b": LEAF, "c": LEAF})


@given(st.lists(ITEM, max_size=6), st.lists(ITEM, max_size=6), st.randoms())
def test_the_number_of_right_leaves_depends_on_no_order(truth, output, chance):
    right = {"correct", "correct_null"}
    before = sum(outcome in right for _, outcome in judge({"i": truth}, {"i": output}))
    chance.shuffle(truth)
    chance.shuffle(output)
    assert before == sum(outcome in right for _, outcome in judge({"i": truth}, {"i": output}))


@given(st.lists(ITEM, min_size=1, max_size=5), st.lists(ITEM, min_size=1, max_size=5))
def test_no_other_pairing_has_more_right_leaves(truth, output):
    right = {"correct", "correct_null"}
    found = align(PLAIN, truth, output)
    pairs = [(place, partner) for place, partner in enumerate(found) if partner is not None]
    assert len(pairs) == min(len(truth), len(output))
    assert len({partner for _, partner in pairs}) == len(pairs)

    def score(pairs):
        partners = {ours: output[theirs] for ours, theirs in pairs}
        return sum(
            outcome in right
            for place, item in enumerate(truth)
            for _, outcome in judge(item, partners.get(place, {}))
        )

    best = max(
        score(zip(*chosen, strict=True))
        for chosen in _pairings(range(len(truth)), range(len(output)))
    )
    assert score(pairs) == best


def _pairings(ours, theirs):
    n = min(len(ours), len(theirs))
    for left in itertools.combinations(ours, n):
        for right in itertools.permutations(theirs, n):
            yield left, right


MATRICES = st.integers(1, 6).flatmap(
    lambda rows: st.integers(rows, 8).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(0, 4), min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
)


def total(costs, columns):
    assert len(set(columns)) == len(columns) == len(costs)
    return sum(line[column] for line, column in zip(costs, columns, strict=True))


@given(MATRICES)
def test_an_assignment_is_as_cheap_as_scipys(costs):
    _, columns = optimize.linear_sum_assignment(costs)
    assert total(costs, assign(costs)) == total(costs, columns)


@settings(max_examples=20, deadline=None)
@given(st.integers(10, 60), st.integers(0, 8), st.integers(0, 9), st.integers(0, 2**32))
def test_large_assignments_are_as_cheap_as_scipys(rows, more, most, seed):
    chance = random.Random(seed)
    costs = [[chance.randint(-most, most) for _ in range(rows + more)] for _ in range(rows)]
    _, columns = optimize.linear_sum_assignment(costs)
    assert total(costs, assign(costs)) == total(costs, columns)


def test_beyond_the_limit_identical_items_are_still_found_and_the_rest_goes_in_order():
    n = MAX_ASSIGNED + 50
    truth = [{"n": n, "v": n} for n in range(2 * n)]
    output = [item if item["n"] < n else item | {"v": -1} for item in truth]
    assert judged(truth, output[::-1])["items[].v", "correct"] == n
    assert judged(truth, output)["items[].n", "correct"] == 2 * n


def test_hostile_lists_end_in_bounded_time():
    chance = random.Random(5)
    sizes = range(MAX_ASSIGNED)
    truth = [{"a": chance.random(), "b": [chance.random()] * 3, "c": n % 2} for n in sizes]
    output = [{"a": 2, "b": [{"x": 3}] * 3, "c": n % 3} for n in sizes]
    started = time.process_time()
    judged(truth, output)
    judged(truth, [output[0]] * 20_000)
    n = MAX_ASSIGNED
    assign([[row * column for column in range(n)] for row in range(n)])
    deep = 5
    for _ in range(90):
        deep = [deep]
    judged([{"a": deep}] * 50, [{"a": [deep]}] * 50)
    assert time.process_time() - started < 10


def test_a_model_cannot_flood_the_table_with_items_of_its_own():
    scores = judge_pair({"items": [A]}, {"items": [A]}, {"items": [C] * 100_000})
    assert len(scores) < 1_500
