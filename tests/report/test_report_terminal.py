"""What a person sees."""

import io
from dataclasses import replace

import pytest
from evaluate.spans import both, leg, store_of, summary
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from shadow_mw.evaluate.pipeline import Evaluator
from shadow_mw.prices import PriceTable
from shadow_mw.report import numbers
from shadow_mw.report.terminal import show
from shadow_mw.results import Metric

RIGHT = {"total": "9.00", "tax_id": None}
INVENTED = {"total": "9.00", "tax_id": "X-1"}


def shown(found, width=80):
    file = io.StringIO()
    show(found, Console(file=file, width=width, highlight=False))
    return file.getvalue()


@pytest.fixture
def invoices(tmp_path):
    legs = [s for n in range(9) for s in both(f"p{n}", RIGHT, RIGHT, shadow__key="k")]
    legs += both("x", RIGHT, INVENTED, shadow__key="k")
    return store_of(tmp_path / "shadow.db", *legs, labels=[("k", RIGHT)])


def test_the_funnel_comes_first_with_its_reasons_in_groups(invoices):
    evaluator = Evaluator.open(invoices, PriceTable())
    evaluator.record_funnel("e", "", "app:h:1:0", {"captured": 1500, "not_sampled": 1480})
    evaluator.record_funnel("e", "c", "runner:x", {"mirrored": 12, "candidate_timeout": 2})
    evaluator.shutdown()
    lines = shown(summary(invoices)).splitlines()
    assert lines[0] == "experiment e, candidate c, as seen by host h"
    assert lines[2:5] == [
        "captured 1,500 → mirrored 12 → paired 10 → scored 10",
        "  not mirrored: not_sampled 1,480",
        "  candidate failed: candidate_timeout 2",
    ]


def test_a_worse_hallucination_rate_is_said_in_words_with_its_denominator(invoices):
    text = " ".join(shown(summary(invoices)).split())
    assert "hallucination rate 0.0 % (0 of 10) 10.0 % (1 of 10) +10.0 pp, worse 10" in text
    assert "worse" not in shown(summary(store_without_labels(invoices)))


def store_without_labels(path):
    return store_of(path.with_name("plain.db"), *both())


def test_without_truth_it_says_how_to_add_some(invoices):
    assert "shadow-mw label truth.jsonl" in shown(summary(store_without_labels(invoices)))


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(invoices, width):
    found = summary(invoices)
    large = {
        name: replace(metric, n=218_400, primary_count=2_402, candidate_count=24_020)
        for name, metric in found.metrics.items()
    }
    text = shown(replace(found, metrics=large), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_fields_are_sorted_by_what_the_candidate_hallucinates(invoices):
    lines = [line.split() for line in shown(summary(invoices)).splitlines()]
    start = lines.index(["tax_id"])
    assert lines[start + 1] == ["primary", "0", "0", "0", "0", "10", "0", "0"]
    assert lines[start + 2] == ["candidate", "1", "0", "0", "0", "9", "0", "0"]
    assert lines[start + 3] == ["total"]


def test_infinite_latency_has_a_footnote(tmp_path):
    failed = leg("candidate", output=None, shadow__outcome="error")
    text = shown(summary(store_of(tmp_path / "s.db", leg("primary", output="x"), failed)))
    assert "∞" in text
    assert "failed calls count as infinitely slow (∞): primary 0, candidate 1" in text


def test_unpriced_calls_are_said_and_are_no_zero(tmp_path):
    path = store_of(tmp_path / "s.db", *both(gen_ai__request__model="nobody-knows"))
    text = " ".join(shown(summary(path)).split())
    assert "cost per 1k calls - - - 0" in text
    assert "primary 1, candidate 1" in text


def test_what_a_model_wrote_cannot_command_the_terminal(tmp_path):
    evil = {"\x1b[31mred": 1, "[bold]x": 2}
    legs = both("p", evil, evil, shadow__key="k", shadow__candidate__id="\x1b]0;title\x07[red]")
    text = shown(summary(store_of(tmp_path / "s.db", *legs, labels=[("k", RIGHT)])))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]x" in text
    assert "[red]" in text


def test_an_empty_store_says_so(tmp_path):
    assert "nothing has been mirrored yet" in shown(summary(store_of(tmp_path / "s.db")))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0 %"),
        (1, "100.0 %"),
        (0.011, "1.1 %"),
        (0.0004, "0.04 %"),
        (0.99999, "99.999 %"),
        (1e-9, "< 0.001 %"),
        (1 - 1e-9, "> 99.999 %"),
    ],
)
def test_rates(value, text):
    assert numbers.rate(value) == text


@given(st.floats(0, 1))
def test_a_rate_looks_like_none_or_all_only_where_it_is(value):
    text = numbers.rate(value)
    assert (text == "0.0 %") == (value == 0)
    assert (text == "100.0 %") == (100 * value == 100)


def test_differences():
    assert numbers.points(Metric(0.003, 0.011, 10)) == "+0.8 pp"
    assert numbers.points(Metric(0.5, 0.5001, 10)) == "+0.010 pp"
    assert numbers.change(Metric(480, 190, 10)) == "-60 %"
    assert numbers.change(Metric(480, float("inf"), 10)) == "-"
    assert numbers.change(Metric(0, 1, 10)) == "-"
