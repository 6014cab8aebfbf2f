"""Citations of sources that the request did or did not supply."""

import pytest
from evaluate.cases import case, failed
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.checks.citations import (
    CitationOverlap,
    Citations,
    canonical_url,
    cited,
    supplied,
)

SOURCES = (
    "Answer from these sources only.\n[1] Opening hours: 9 to 18.\n[2] The shop is closed on"
    " Sundays.\n[3] Parking: https://example.org/parking?utm_source=mail"
)
RAG = {"messages": [{"role": "user", "content": SOURCES}]}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It opens at nine [1].", {"1"}),
        ("It opens at nine[1][2].", {"1", "2"}),
        ("It opens at nine [^3], see [1, 2].", {"1", "2", "3"}),
        ("Use `a[0]` or\n```\nb[1]\n```", set()),
        ("See [1](https://example.org/a).", set()),
        ("As said [^1].\n\n[^1]: The opening hours.", {"1"}),
        ("In [2024] and [x]", set()),
        ("None", set()),
    ],
)
def test_markers(text, numbers):
    assert cited(text).numbers == numbers


@pytest.mark.parametrize(
    ("request_", "numbers"),
    [
        ("[1] a [^2] b", {"1", "2"}),
        ('<document index=\\"4\\">x</document>', {"4"}),
        ("<source id='7'>", {"7"}),
        ("Document 2: hours", {"2"}),
        ("Source #3) parking", {"3"}),
        ("no sources", set()),
    ],
)
def test_numbers_that_a_request_supplies(request_, numbers):
    assert supplied(request_).numbers == numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://Example.org/a/?utm_source=x&b=1#top", "http://example.org/a?b=1"),
        ("https://www.example.org", "https://example.org/"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("https://example.org/a?b=1&a=2", "https://example.org/a?a=2&b=1"),
    ],
)
def test_one_spelling_for_an_address(one, other):
    assert canonical_url(one) == canonical_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "https://example.org/b"),
        ("https://example.org/a", "https://example.com/a"),
        ("https://example.org/?q=1", "https://example.org/?q=2"),
        ("https://example.org:8443/a", "https://example.org/a"),
    ],
)
def test_other_addresses_stay_apart(one, other):
    assert canonical_url(one) != canonical_url(other)


def test_addresses_in_a_sentence():
    text = "See https://example.org/a, (https://en.wikipedia.org/wiki/Oslo_(city)) and [b](https://example.org/b)."
    assert cited(text).urls == {
        "example.org/a",
        "en.wikipedia.org/wiki/Oslo_(city)",
        "example.org/b",
    }


@pytest.mark.parametrize(
    ("candidate", "classes"),
    [
        ("It opens at nine [1].", "valid/valid"),
        ("It opens at nine [1][2].", "valid/valid"),
        ("It opens at nine [4].", "valid/invalid"),
        ("It opens at nine [1], says [7].", "valid/invalid"),
        ("It opens at nine.", "valid/uncited"),
        ("Park there: https://EXAMPLE.org/parking#map", "valid/valid"),
        ("Park there: https://example.org/parking-2", "valid/invalid"),
    ],
)
def test_citing_what_was_not_supplied(candidate, classes):
    result = Citations().run(case("It opens at nine [1].", candidate, request=RAG))
    assert result.label == classes
    assert (result.primary, result.candidate) == (0, float(classes.endswith("/invalid")))


def test_where_nothing_is_supplied_or_nobody_writes_prose_it_does_not_apply():
    assert Citations().run(case("a [1]", "b [2]")) is None
    assert Citations().run(case('{"a": [1]}', '{"a": [9]}', request=RAG)) is None
    assert Citations().run(case("a [1]", failed(), request=RAG)) is None


def test_links_are_free_where_the_request_gives_numbers_only():
    numbered = {"messages": [{"role": "user", "content": "[1] Hours. What is Python?"}]}
    text = "A language [1], see https://python.org."
    assert Citations().run(case(text, text, request=numbered)).label == "valid/valid"


@pytest.mark.parametrize(
    ("ours", "theirs", "value", "label", "detail"),
    [
        ("a [1][2]", "b [2][1]", 1, "same", "2 of the primary's 2 sources"),
        ("a [1][2]", "b [2]", 0.5, "overlap", "1 of the primary's 2 sources"),
        ("a [1]", "b [2]", 0, "disjoint", "0 of the primary's 1 sources"),
        ("a", "b [2]", 0, "disjoint", ""),
    ],
)
def test_overlap_is_agreement_only(ours, theirs, value, label, detail):
    result = CitationOverlap().run(case(ours, theirs, request=RAG))
    assert (result.primary, result.candidate) == (None, value)
    assert (result.label, result.detail) == (label, detail)


def test_two_answers_without_citations_have_no_overlap():
    assert CitationOverlap().run(case("a", "b", request=RAG)) is None


@given(st.text(alphabet=st.sampled_from("[]^1920(),; ahtps:/.?&=#%`\n") | st.characters()))
def test_any_text_can_cite(text):
    assert cited(f"https://{text}").numbers >= set()
    assert supplied(text).numbers <= {str(n) for n in range(1000)}
    assert isinstance(canonical_url(f"https://{text}"), str)
