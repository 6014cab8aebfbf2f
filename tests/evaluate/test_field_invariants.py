"""What holds of the field judge for every document: an invented value is never without effect."""

import copy
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_mw.evaluate.fields.divergence import Comparison
from shadow_mw.evaluate.fields.document import document_sums
from shadow_mw.evaluate.fields.grounding import Source, grounding
from shadow_mw.evaluate.fields.judge import judge, judge_pair, leaves
from shadow_mw.evaluate.fields.normalise import Normaliser
from shadow_mw.evaluate.fields.rules import compile_rules, read_rules

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.decimals("-2", "2", places=1),
    st.sampled_from(["x", "y", "2026-03-04", "1,234.50", "N/A", "", "X Y", "e\u0301"]),
)
KEYS = st.sampled_from("abcd")
FLAT = st.dictionaries(KEYS, SCALARS, min_size=1, max_size=3)
LISTS = st.lists(SCALARS, max_size=3) | st.lists(FLAT, max_size=3)
NESTED = st.dictionaries(KEYS, SCALARS | LISTS, min_size=1, max_size=2)
OBJECTS = st.dictionaries(
    KEYS, SCALARS | NESTED | LISTS | st.lists(NESTED, max_size=2), min_size=1, max_size=3
)
HOSTILE = st.one_of(
    SCALARS,
    st.sampled_from([Decimal("1e9999999"), Decimal("-1e-9999999"), 10**900, "\0", "\ud800", "²"]),
)
ANYTHING = st.recursive(
    HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
INVENTED = st.sampled_from(
    ["DE123456789", 17, Decimal("0.0"), False, ["DE1"], {"number": "DE1"}, [{"a": 0}], "\u200b"]
)
ONE_OF_EACH = {
    "exact": {},
    "text": {},
    "decimal": {"locale": "en"},
    "date": {"order": "dmy"},
    "identifier": {},
    "enum": {"values": ["x", "y"]},
    "free_text": {},
}


@st.composite
def rules(draw, truth):
    """Some rules for the paths of a truth; a list of objects is a set, ordered or keyed."""
    assert set(ONE_OF_EACH) == set(Normaliser.__args__)
    table = {}
    for path in {path for path, value in leaves(truth) if value != []}:
        name = draw(st.sampled_from([None, *ONE_OF_EACH]))
        if name:
            table[path] = {"normalise": name} | ONE_OF_EACH[name]
    for path in {path for path, _ in leaves(truth) if "[]" in path}:
        head = path[: path.index("[]")]
        ways = [{"list": "ordered"}, {"list": "set"}, {"list": "keyed", "by": ["a"]}, {}]
        table[head] = draw(st.sampled_from(ways))
    return compile_rules(read_rules({path: rule for path, rule in table.items() if rule}))


def places(value, place=()):
    """Where the truth says that there is nothing, with keys and list positions."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*place, number))
    elif value is None:
        yield place


def put(document, place, value):
    changed = copy.deepcopy(document)
    here = changed
    for part in place[:-1]:
        here = here[part]
    here[place[-1]] = value
    return changed


def outcomes(truth, output, node):
    return Counter(outcome for _, outcome in judge(truth, output, node))


@settings(deadline=None)
@given(OBJECTS, st.data())
def test_a_value_put_in_place_of_a_null_is_hallucinated_whatever_the_rules_and_the_shape(
    truth, data
):
    nothing = list(places(truth))
    if not nothing:
        truth, nothing = truth | {"e": None}, [("e",)]
    place, value = data.draw(st.sampled_from(nothing)), data.draw(INVENTED)
    node = data.draw(rules(truth))
    output = put(truth, place, value)

    scores = judge_pair(truth, truth, output, node)
    invented = [score for score in scores if score.candidate == "hallucinated"]
    assert {score.truth for score in invented} == {"null"}
    labelled, _, ours, theirs, *hallucinated = document_sums(scores)[:6]
    assert ours == labelled > theirs
    assert hallucinated == [0, len(invented)]


@settings(deadline=None)
@given(OBJECTS, st.randoms(use_true_random=False), INVENTED, st.integers(0, 2))
def test_the_order_of_a_set_hides_no_invention(item, chance, value, extra):
    item = item | {"e": None}
    truth = {"items": [item | {"n": number} for number in range(1 + extra)]}
    output = copy.deepcopy(truth)
    output["items"][0]["e"] = value
    chance.shuffle(output["items"])

    found = outcomes(truth, output, compile_rules({}))

    assert found["hallucinated"] == 1
    assert not found["wrong_value"] + found["missed"]


@settings(deadline=None)
@given(OBJECTS, st.data())
def test_a_truth_held_against_itself_is_right_everywhere(truth, data):
    found = outcomes(truth, copy.deepcopy(truth), data.draw(rules(truth)))
    assert set(found) <= {"correct", "correct_null"}
    assert found.total() == sum(1 for _ in leaves(truth))


@settings(deadline=None)
@given(OBJECTS, ANYTHING, ANYTHING, st.data())
def test_legs_that_are_swapped_have_their_outcomes_swapped(truth, one, other, data):
    node = data.draw(rules(truth))

    def scored(first, second):
        return [(s.path, s.truth, s.primary, s.candidate) for s in judge_pair(*first, *second)]

    there = scored((truth, one), (other, node))
    back = scored((truth, other), (one, node))
    assert Counter(there) == Counter((p, t, ours, theirs) for p, t, theirs, ours in back)


@settings(deadline=None)
@given(OBJECTS, OBJECTS, INVENTED)
def test_an_invented_field_never_makes_a_document_better(truth, output, value):
    truth, output = truth | {"e": None}, {k: v for k, v in output.items() if k != "e"}
    node = compile_rules({})
    before, after = outcomes(truth, output, node), outcomes(truth, output | {"e": value}, node)

    assert after - before == Counter(hallucinated=1)
    assert before - after == Counter(correct_null=1)


@settings(deadline=None)
@given(OBJECTS, st.lists(OBJECTS, min_size=1, max_size=2), st.integers(1, 3))
def test_items_that_are_made_up_are_counted_leaf_by_leaf(truth, items, more):
    truth = truth | {"e": items}
    invented = [{"z": f"made up {number}"} for number in range(more)]
    found = outcomes(truth, truth | {"e": items + invented}, compile_rules({}))
    assert found["hallucinated"] == more
    assert set(found) <= {"correct", "correct_null", "hallucinated"}


@settings(deadline=None)
@given(OBJECTS, INVENTED)
def test_what_stands_in_an_empty_lists_place_is_made_up_too(truth, value):
    found = outcomes(truth | {"e": []}, truth | {"e": value}, compile_rules({}))
    assert found["hallucinated"] >= 1


@settings(deadline=None)
@given(OBJECTS, ANYTHING.filter(lambda value: not isinstance(value, dict)))
def test_no_null_is_right_in_an_output_that_is_no_object(truth, output):
    assert set(outcomes(truth, output, compile_rules({}))) == {"invalid_output"}


@settings(deadline=None)
@given(OBJECTS, ANYTHING, ANYTHING, st.data())
def test_nothing_that_a_model_writes_stops_the_judge(truth, one, other, data):
    node = data.draw(rules(truth))
    assert judge_pair(truth, one, other, node)
    if isinstance(one, dict) and isinstance(other, dict):
        Comparison(node).of(one, other)
    grounding(one, Source("x 1,234.50 on 4 March 2026, 1e9999999"), node)
