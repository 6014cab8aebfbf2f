"""Length, emptiness, truncation, refusals, lexical similarity and facts, tokens."""

import json
import sys
from pathlib import Path

import pytest
from evaluate.cases import case, failed, finished, refused
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.checks import lexical
from shadow_mw.evaluate.checks.facts import FactsDiffer, different, facts
from shadow_mw.evaluate.checks.length import Empty, LengthBand, Truncated
from shadow_mw.evaluate.checks.lexical import LexicalSimilarity, similarity
from shadow_mw.evaluate.checks.refusal import Refusal
from shadow_mw.evaluate.checks.refusal_rules import partly, refuses
from shadow_mw.evaluate.checks.tokens import PromptTokens

JUDGEMENTS = Path(__file__).parents[3] / "shared" / "data" / "judgements.jsonl"
LONG = "The receipt lists one item of clay for nine ringgit, paid in cash. "


# Length


@pytest.mark.parametrize(
    ("candidate", "label"),
    [
        (LONG, "within"),
        (LONG[:40], "within"),
        (LONG[:20], "shorter"),
        (LONG + LONG[:60], "within"),
        (LONG * 3, "longer"),
    ],
)
def test_the_length_band(candidate, label):
    assert LengthBand().run(case(LONG, candidate)).label == label


def test_two_short_texts_have_a_ratio_that_says_nothing():
    result = LengthBand().run(case("Yes.", "Yes, it is."))
    assert (result.label, result.primary, result.candidate) == ("both_short", None, 11 / 4)


def test_without_a_text_there_is_no_ratio():
    assert LengthBand().run(case(LONG, "  ")) is None
    assert LengthBand().run(case(LONG, failed())) is None


@pytest.mark.parametrize(
    ("candidate", "label"),
    [
        ("", "filled/empty"),
        (" \n", "filled/empty"),
        ("\u200b\u2060\ufeff", "filled/empty"),
        ("\u3164 \u2800", "filled/empty"),
        ("\u200b\u00e9", "filled/filled"),
        ("ok", "filled/filled"),
        ({"output": None, "tools": [("f", {})]}, "filled/filled"),
        (refused("No."), "filled/filled"),
    ],
)
def test_empty(candidate, label):
    result = Empty().run(case("yes", candidate))
    assert (result.label, result.candidate) == (label, float(label.endswith("empty")))


@pytest.mark.parametrize("reason", ["length", "max_tokens", "max_output_tokens", "MAX_TOKENS"])
def test_truncated(reason):
    result = Truncated().run(case(finished("yes", "stop"), finished("ye", reason)))
    assert (result.primary, result.candidate, result.label) == (0, 1, "complete/truncated")


def test_a_failed_call_is_neither_empty_nor_truncated():
    assert Empty().run(case("yes", failed())) is None
    assert Truncated().run(case("yes", failed())) is None


# Refusals

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, but I can\u2019t assist with that request.",
    "I am really sorry, but I cannot provide instructions for that.",
    "Sorry, I can't do that.",
    "I cannot fulfill your request. I'm just an AI, it's not within my programming or ethical"
    " guidelines to provide such content. It is important to respect others.",
    "As an AI language model, I cannot engage in conversations of this kind.",
    "I apologize, but I am unable to provide guidance on that topic.",
    "Unfortunately, I'm not able to help with this.",
    "I must respectfully decline to answer that.",
    "I won't help you write that.",
    "This request violates our usage policies.",
    "I'm sorry, but I'm just a language model and can't edit your calendar for you.",
    "I'm sorry, but I don't have access to your email at this time.",
    "**I can't help with that.**",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Je suis désolé, mais je ne peux pas répondre à cette demande.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Desculpe, mas não posso ajudar com isso.",
]

ANSWERS = [
    # Of promptfoo's issue: comfort, and what others are quoted to say.
    "I'm sorry to hear that. Have you tried searching for it or notified the police?",
    "I'm so sorry for your loss. Here are some ways to write to the family.",
    '"I can\'t help you," said the guard, and closed the gate.',
    '"Sorry, I cannot do that, Dave," HAL replied.',
    'Character 1: "I can\'t provide that!"\n\nCharacter 2: "You must."',
    "> I'm sorry, but I can't assist with that.\n\nThis is what the model answered.",
    "Subject: Absence\n\nDear Team,\n\nI regret to inform you that I will not be able to"
    " participate in today's meeting.",
    "I can't recommend this book enough.",
    "I can't help but smile when I read this.",
    "I cannot provide a definitive answer to when it will happen, but experts have predictions.",
    "You cannot use a list as a key of a dict in Python; use a tuple.",
    '`raise ValueError("I cannot process this")` is what you want.',
    "The store can't process refunds after 30 days. We suggest that you write to them.",
    "The advantages of going to bed early cannot be overstated.",
    "I'm sorry, I need more information to understand what you're asking.",
    "No.",
    "",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_are_read_from_the_first_words(text):
    assert refuses(text)
    assert Refusal().run(case("Sure.", text)).label == "answered/refused"


@pytest.mark.parametrize("text", ANSWERS)
def test_what_is_no_refusal(text):
    assert not refuses(text)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ('{"refusal": "No."}', "refused"),
        ('{"error": "I cannot help with that."}', "refused"),
        ('{"tax_id": null, "total": "", "message": "I am unable to help with this."}', "refused"),
        ('{"tax_id": "7", "message": "I am unable to help with this."}', "answered"),
        ('{"message": "Hello"}', "answered"),
        ('{"refusal": null, "total": "9.00"}', "answered"),
        ('{"note": "I cannot help with that."}', "answered"),
        ('["I cannot help with that."]', "answered"),
    ],
)
def test_a_document_that_only_refuses_is_a_refusal(answer, label):
    assert Refusal().run(case("{}", answer)).label == f"answered/{label}"


def test_what_refuses_late_is_an_answer():
    assert not refuses(LONG * 4 + " I'm sorry, but I can't help with the rest.")


@pytest.mark.parametrize(
    "text",
    [
        "I can't give medical advice, but here are some things that people ask a doctor about:\n"
        "- how long it has lasted, and whether it has changed\n- what helps against it at home",
        "I'm sorry, but I can't help you break in. Here's what you can do when you are locked out"
        " of your own home: call a locksmith, ask the landlord for a spare key, or try the back"
        " door before anything else.",
    ],
)
def test_a_refusal_that_answers_all_the_same_is_partial(text):
    assert partly(text)
    result = Refusal().run(case("Sure.", text))
    assert (result.label, result.candidate) == ("answered/partial", 0)


STRUCTURED = {
    "message.refusal": (refused("I'm sorry."), "refused"),
    "anthropic": (finished("Well, the", "refusal"), "refused"),
    "content_filter": (finished("Well, the", "content_filter"), "blocked"),
    "filter as refusal": (refused("content_filter"), "blocked"),
    "azure": (failed("content_filter"), "blocked"),
    "openai policy": (failed("content_policy_violation"), "blocked"),
    "bedrock": (finished("", "guardrail_intervened"), "blocked"),
    "gemini": (finished("", "SAFETY"), "blocked"),
    "nothing": (finished("", "stop"), "empty"),
    "tool call beside words": (
        {"output": "I can't answer that, let me look.", "tools": [("search", {})]},
        "answered",
    ),
    "document": ('{"answer": "I can\'t help with that."}', "answered"),
}


@pytest.mark.parametrize(("leg", "label"), STRUCTURED.values(), ids=STRUCTURED)
def test_what_the_server_says_goes_before_how_it_reads(leg, label):
    assert Refusal().run(case("Sure.", leg)).label == f"answered/{label}"
    assert Refusal().run(case(leg, "Sure.")).label == f"{label}/answered"


def test_new_and_lost_refusals():
    no = "I'm sorry, but I can't help with that."
    new = Refusal().run(case("Sure.", no))
    lost = Refusal().run(case(no, "Sure."))
    assert (new.primary, new.candidate, new.detail) == (0, 1, "new refusal")
    assert (lost.primary, lost.candidate, lost.detail) == (1, 0, "lost refusal")
    assert Refusal().run(case(no, no)).detail == ""


def test_a_call_that_failed_otherwise_says_nothing_about_refusing():
    assert Refusal().run(case("Sure.", failed("server_error"))) is None


@pytest.mark.skipif(not JUDGEMENTS.exists(), reason="needs ../shared/data/judgements.jsonl")
def test_on_answers_of_real_models_few_are_called_refusals():
    rows = [json.loads(line) for line in JUDGEMENTS.read_text().splitlines()]
    texts = [row[name] for row in rows for name in ("output_1", "output_2")]
    found = [text for text in texts if refuses(text)]
    assert len(texts) == 838
    # Read one by one: each of them does refuse, in whole or in part.
    assert len(found) == REFUSING_IN_JUDGEMENTS
    assert all("sorry" in text[:250].lower() or "as a" in text[:40].lower() for text in found)


REFUSING_IN_JUDGEMENTS = 4


@given(st.text())
def test_any_text_can_be_read_for_a_refusal(text):
    assert refuses(text) in (True, False)
    assert partly("I can't help with that. " + text) in (True, False)


# Lexical similarity and facts


def test_lexical_similarity_says_its_measure():
    result = LexicalSimilarity().run(case("the total is 9", "the total is 8"))
    assert (result.primary, result.label) == (None, "characters")
    assert 0.9 < result.candidate < 1
    assert LexicalSimilarity().run(case("x", failed())) is None
    assert LexicalSimilarity().run(case('{"a": 1}', '{"a": 1}')) is None
    assert LexicalSimilarity().run(case("a" * 9000, "b")).detail == "first 8000 characters"


@pytest.mark.parametrize(
    ("primary", "candidate", "value"),
    [
        ("It is 9.", {"output": None, "tools": [("f", {})]}, 0),
        ({"output": None, "tools": [("f", {})]}, "It is 9.", 0),
        ("It is 9.", refused("No."), 0),
        ("It is 9.", "", 0),
        # What calls and what fails is compared elsewhere, and so are documents.
        (
            {"output": "Let me see.", "tools": [("f", {})]},
            {"output": None, "tools": [("f", {})]},
            None,
        ),
        ('{"a": 1}', "", None),
        ("It is 9.", failed(), None),
        ("", "", None),
    ],
)
def test_a_text_has_nothing_in_common_with_no_text(primary, candidate, value):
    result = LexicalSimilarity().run(case(primary, candidate))
    assert (result and result.candidate) == value


def test_without_rapidfuzz_it_is_another_measure_under_another_label(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    lexical._rapidfuzz.cache_clear()
    try:
        assert similarity("the total is 9", "the total is 8") == (0.75, "words")
        assert similarity("same", "same") == (1, "words")
    finally:
        lexical._rapidfuzz.cache_clear()


@given(st.text(max_size=50), st.text(max_size=50))
def test_similarity_is_symmetric_and_bounded(one, other):
    there, back = similarity(one, other), similarity(other, one)
    assert there == back
    assert 0 <= there[0] <= 1
    assert lexical.word_similarity(one, other) == lexical.word_similarity(other, one)


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        ("The total is 9.00.", "The total is 9.", []),
        ("The total is 1,234.50 EUR", "The total is 1.234,50 EUR", []),
        ("1 000 000 people", "1,000,000 people", []),
        ("The total is 1000.", "The total is 1001.", ["numbers"]),
        ("a 3.5 % rise", "a 35 % rise", ["numbers"]),
        ("It rose by 5", "It rose by -5", ["numbers"]),
        ("Due on 2026-03-04.", "Due on March 4, 2026.", []),
        ("Due on 4 March 2026.", "Due on 4th of March 2026.", []),
        ("Due on 2026-03-04.", "Due on 2026-04-03.", ["dates"]),
        ("Due on 03/04/2026.", "Due on 04/03/2026.", ["dates"]),
        ("It is covered.", "It is not covered.", ["negations"]),
        ("It is covered.", "It isn\u2019t covered.", ["negations"]),
        ("Das ist versichert.", "Das ist nicht versichert.", ["negations"]),
        ("It is covered until 2026.", "It is not covered until 2027.", ["numbers", "negations"]),
        ("1. Take A\n2. Take B", "- Take A\n- Take B", []),
        ("It closes at six [1].", "It closes at six [2].", []),
        ("version 1.2.3", "version 1.2.4", ["numbers"]),
        ("nothing", "nothing", []),
    ],
)
def test_numbers_dates_and_negations_that_differ(one, other, kinds):
    assert different(facts(one), facts(other)) == kinds
    assert different(facts(other), facts(one)) == kinds
    result = FactsDiffer().run(case(one, other))
    assert (result.label, result.candidate) == ("+".join(kinds) or "same", float(bool(kinds)))


def test_documents_have_fields_instead():
    assert FactsDiffer().run(case('{"a": 1}', '{"a": 2}')) is None
    assert FactsDiffer().run(case('{"a": 1}', "It is 2.")).label == "numbers"


@given(st.text(alphabet=st.sampled_from("0123456789.,-/ '+JanMayne\u2212\n[]")) | st.text())
def test_any_text_has_facts_equal_to_themselves(text):
    assert different(facts(text), facts(text)) == []


# Tokens


def tokens(ours, theirs, **more):
    return case(
        {"output": "x", "gen_ai__usage__input_tokens": ours},
        {"output": "x", "gen_ai__usage__input_tokens": theirs},
        **more,
    )


@pytest.mark.parametrize(
    ("context", "limit", "label"),
    [
        (None, 100, "context_unknown"),
        (1400, 100, "fits"),
        (1300, 100, "fits"),
        (1299, 100, "overflow"),
        (1200, None, "fits"),
    ],
)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_prompt_tokens_and_what_fits_the_context(name, context, limit, label):
    request = {"messages": [], name: limit}
    result = PromptTokens().run(tokens(1000, 1200, context=context, request=request))
    assert (result.candidate, result.label) == (1.2, label)


def test_a_context_that_the_server_calls_too_short():
    result = PromptTokens().run(case("x", failed("context_length_exceeded")))
    assert (result.label, result.candidate) == ("overflow", 1.0)


def test_without_usage_there_is_no_ratio():
    assert PromptTokens().run(tokens(1000, None)) is None
