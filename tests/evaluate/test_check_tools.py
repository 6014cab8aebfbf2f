"""Tool calls: the ladder of equivalence, and calls that no app could run."""

import itertools
import sys

import pytest
from evaluate.cases import case, failed
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.checks import validation
from shadow_mw.evaluate.checks.tool_calls import InvalidToolCall, ToolCalls
from shadow_mw.evaluate.offered import offered

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "limit": {"type": "number"},
        "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        "area": {
            "anyOf": [{"$ref": "#/$defs/Area"}, {"type": "null"}],
            "default": None,
        },
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {
        "Area": {"type": "object", "properties": {"km": {"type": "number", "default": 5}}},
    },
}
CHAT = {
    "messages": [],
    "tools": [
        {"type": "function", "function": {"name": "get.weather", "parameters": WEATHER}},
        {"type": "function", "function": {"name": "now"}},
        {"type": "custom", "custom": {"name": "shell"}},
    ],
}
RESPONSES = {
    "input": [],
    "tools": [
        {"type": "function", "name": "get_weather", "parameters": WEATHER},
        {"type": "function", "name": "now"},
        {"type": "custom", "name": "shell"},
    ],
}
MESSAGES = {
    "messages": [],
    "tools": [
        {"name": "get_weather", "input_schema": WEATHER},
        {"name": "now"},
        {"name": "shell", "type": "custom"},
    ],
}
LEGACY = {
    "messages": [],
    "functions": [{"name": "get_weather", "parameters": WEATHER}, {"name": "now"}],
    "tools": [{"type": "custom", "custom": {"name": "shell"}}],
}
FORMATS = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES, "functions": LEGACY}


def calls(*made):
    return {"output": None, "tools": [(name, arguments) for name, arguments in made]}


def weather(arguments, name="get_weather"):
    return calls((name, arguments))


def label(ours, theirs, request=CHAT, **options):
    result = ToolCalls(**options).run(case(ours, theirs, request=request))
    return result and result.label


OSLO, ROME = {"city": "Oslo"}, {"city": "Rome"}


@pytest.mark.parametrize("request_", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize(
    ("ours", "theirs", "step"),
    [
        ("text", "other text", "no_calls"),
        (weather(OSLO), weather(OSLO), "identical"),
        (weather('{"city":"Oslo","days":2}'), weather('{"days": 2, "city": "Oslo"}'), "identical"),
        (weather(OSLO), weather({"city": "Oslo", "unit": "C"}), "equivalent"),
        (weather(OSLO), weather({"city": "Oslo", "area": None}), "equivalent"),
        (
            weather({"city": "Oslo", "area": {}}),
            weather({"city": "Oslo", "area": {"km": 5.0}}),
            "equivalent",
        ),
        (
            weather('{"city": "Oslo", "limit": 5}'),
            weather('{"city": "Oslo", "limit": 5.0}'),
            "equivalent",
        ),
        (
            weather('{"city": "Oslo", "days": 5}'),
            weather('{"city": "Oslo", "days": 5.0}'),
            "other_arguments",
        ),
        (weather(OSLO), weather(OSLO, "get.weather"), "equivalent"),
        (weather(OSLO), weather({"city": "Oslo", "unit": "F"}), "other_arguments"),
        (weather(OSLO), weather({"city": "oslo"}), "other_arguments"),
        (weather(OSLO), calls(("now", {})), "other_tools"),
        (weather(OSLO), calls(("get_weather", OSLO), ("now", {})), "extra_call"),
        (calls(("get_weather", OSLO), ("now", {})), weather(OSLO), "missing_call"),
        (weather(OSLO), weather({"city": "Oslo", "unit": "K"}), "breaks_schema"),
        (weather(OSLO), weather({"town": "Oslo"}), "breaks_schema"),
        (
            weather('{"city": "Oslo", "days": 1}'),
            weather({"city": "Oslo", "days": True}),
            "breaks_schema",
        ),
        (weather(OSLO), weather('{"city": "Os'), "breaks_schema"),
        (weather(OSLO), weather('["Oslo"]'), "breaks_schema"),
        (weather(OSLO), calls(("get_forecast", OSLO)), "not_offered"),
        ("It rains.", calls(("get_forecast", OSLO)), "not_offered"),
        ("It rains.", weather(OSLO), "none_expected"),
        (weather(OSLO), "It rains.", "call_expected"),
        (weather(OSLO), "", "call_expected"),
        (weather(OSLO), failed(), "failed"),
        (failed(), weather(OSLO), None),
        (calls(("shell", "ls -l")), calls(("shell", "ls -l")), "identical"),
        (calls(("shell", "ls -l")), calls(("shell", "rm x")), "other_arguments"),
        (calls(("now", "")), calls(("now", "{}")), "identical"),
    ],
)
def test_the_ladder(request_, ours, theirs, step):
    assert label(ours, theirs, request_) == step
    value = {"no_calls": 1, "identical": 1, "equivalent": 1}.get(step, 0)
    if step:
        assert ToolCalls().run(case(ours, theirs, request=request_)).candidate == value


def test_differing_arguments_are_named_never_quoted():
    ours, theirs = weather({"city": "Oslo", "days": 1}), weather({"city": "Bergen", "limit": 2})
    result = ToolCalls().run(case(ours, theirs, request=CHAT))
    assert result.detail == "get_weather.city, get_weather.days, get_weather.limit"


def test_without_tools_on_offer_and_without_calls_the_check_does_not_apply():
    assert ToolCalls().run(case("text", "text")) is None
    assert label("text", "text", {"messages": [], "tools": []}) is None


def test_where_the_request_is_not_recorded_no_tool_is_called_unknown():
    unknown = case(weather(OSLO), weather(OSLO, "other"))
    object.__setattr__(unknown.pair.primary.observation.content, "request", None)
    assert ToolCalls().run(unknown).label == "other_tools"


def test_without_the_library_only_what_is_no_object_breaks_the_schema(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    validation._library.cache_clear()
    try:
        assert label(weather(OSLO), weather({"city": "Oslo", "unit": "K"})) == "other_arguments"
        assert label(weather(OSLO), weather("Oslo")) == "breaks_schema"
    finally:
        validation._library.cache_clear()


# What peers get wrong


def test_parallel_calls_match_in_any_order_unless_order_is_declared():
    """ragas issue 1658: its tool call accuracy is ordered only."""
    both = [("get_weather", OSLO), ("get_weather", ROME), ("now", {})]
    for order in itertools.permutations(both):
        assert label(calls(*both), calls(*order)) in ("identical", "equivalent")
    assert label(calls(*both), calls(*both[::-1]), ordered=True) == "other_order"


def test_the_same_call_twice_is_not_once():
    """deepeval issue 3141: a set drops duplicates."""
    once, twice = weather(OSLO), calls(("get_weather", OSLO), ("get_weather", OSLO))
    assert label(once, twice) == "extra_call"
    assert label(twice, once) == "missing_call"
    assert label(twice, calls(("get_weather", OSLO), ("get_weather", ROME))) == "other_arguments"


def test_pairing_does_not_depend_on_the_order_of_calls():
    """deepeval issue 3338: the first call takes a partner that another one needs."""
    a, b = {"city": "Oslo", "days": 1}, {"city": "Oslo", "days": 1, "unit": "F"}
    c = {"city": "Oslo", "days": 1, "unit": "F", "limit": 3}
    for ours in itertools.permutations([a, b]):
        for theirs in itertools.permutations([b, c]):
            result = ToolCalls().run(
                case(
                    calls(*(("get_weather", made) for made in ours)),
                    calls(*(("get_weather", made) for made in theirs)),
                    request=CHAT,
                )
            )
            assert result.label == "other_arguments"
            # b pairs with b, so that a and c are left.
            assert result.detail == "get_weather.limit, get_weather.unit"


# Calls by themselves


@pytest.mark.parametrize(
    ("ours", "theirs", "classes"),
    [
        (weather(OSLO), weather(ROME), "valid/valid"),
        (weather(OSLO), "text", "valid/no_calls"),
        (weather({"unit": "C"}), calls(("rm", {})), "breaks_schema/not_offered"),
        (weather("{"), weather("{"), "breaks_schema/breaks_schema"),
        (weather(OSLO), calls(("shell", "not json")), "valid/valid"),
        ("text", "text", None),
        (weather(OSLO), failed(), None),
    ],
)
def test_calls_that_no_app_could_run(ours, theirs, classes):
    result = InvalidToolCall().run(case(ours, theirs, request=CHAT))
    assert (result and result.label) == classes
    if result:
        bad = [name in ("breaks_schema", "not_offered") for name in classes.split("/")]
        assert [result.primary, result.candidate] == bad


@pytest.mark.parametrize("request_", FORMATS.values(), ids=FORMATS)
def test_the_tools_of_every_format(request_):
    tools = offered(request_)
    assert tools.find("get_weather").parameters == WEATHER
    assert tools.find("get.weather").parameters == WEATHER
    assert tools.find("shell").free_text
    assert tools.find("now").parameters is None
    assert tools.find("get_forecast") is None


NAMES = st.sampled_from(["get_weather", "get.weather", "now", "shell", "other"])
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "city": st.sampled_from(["Oslo", "Rome"]),
        "days": st.integers(0, 2) | st.booleans(),
        "limit": st.sampled_from([1, 1.0, 1.5, None]),
        "unit": st.sampled_from(["C", "F", "K"]),
    },
)
MADE = st.lists(st.tuples(NAMES, ARGUMENTS | st.text(max_size=5)), max_size=4)
TURNED = {"extra_call": "missing_call", "none_expected": "call_expected"}
TURNED |= {there: back for back, there in TURNED.items()}


@given(MADE, MADE)
def test_the_ladder_is_the_same_from_the_other_side(ours, theirs):
    there = label(calls(*ours), calls(*theirs))
    back = label(calls(*theirs), calls(*ours))
    if not {there, back} & {"not_offered", "breaks_schema"}:
        assert back == TURNED.get(there, there)


@given(MADE, st.randoms())
def test_calls_in_another_order_are_the_same_calls(made, random):
    shuffled = random.sample(made, len(made))
    valid = InvalidToolCall().run(case(calls(*made), calls(*made), request=CHAT))
    if valid is None or valid.candidate == 0:
        assert label(calls(*made), calls(*shuffled)) in ("no_calls", "identical", "equivalent")


SCHEMAS = st.recursive(
    st.sampled_from([{}, {"type": "number"}, {"$ref": "#"}, {"$ref": "#/x/~1"}, None, True, [], 3]),
    lambda inner: st.dictionaries(
        st.sampled_from(["properties", "items", "anyOf", "default", "a", "type", "$ref"]),
        inner | st.lists(inner, max_size=2),
        max_size=3,
    ),
    max_leaves=8,
)


@given(SCHEMAS, st.dictionaries(st.sampled_from(["a", "type"]), SCHEMAS, max_size=2))
def test_no_schema_raises(schema, arguments):
    request = {"messages": [], "tools": [{"name": "now", "input_schema": schema}]}
    assert label(calls(("now", arguments)), calls(("now", {"a": 1})), request) is not None
