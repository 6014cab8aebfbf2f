"""Similarities beside those of two answers of the primary itself."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from evaluate.spans import START, leg, store_of, summary

from shadow_mw.comparisons import LengthBand, NoiseFloor, NoiseRow
from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.exceptions import DataError
from shadow_mw.types import REPEAT

LONG = "The parcel was sent to the warehouse and arrives tomorrow before noon"


def again(pair, output, **more):
    """The primary's second answer."""
    return leg("candidate", pair, output, shadow__candidate__id=REPEAT, **more)


def floor(path: Path) -> NoiseFloor:
    found = summary(path).noise
    assert found is not None
    return found


def row(path: Path, name: str) -> NoiseRow:
    return floor(path).rows[name]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Four calls for the candidate, two of which went to the primary again."""
    spans = []
    for pair, candidate, second in (
        ("p1", LONG, LONG),
        ("p2", "no", LONG + " 3"),
        ("p3", LONG, None),
        ("p4", LONG + " 4", None),
    ):
        spans += [leg("primary", pair, LONG), leg("candidate", pair, candidate)]
        if second is not None:
            spans.append(again(pair, second))
    return store_of(tmp_path / "s.db", *spans)


def test_both_means_and_the_difference_on_the_calls_that_both_were_asked(texts):
    assert floor(texts).pairs == 2
    assert row(texts, "exact_match") == NoiseRow(0.5, 4, 0.5, 2, 0.0, 2)
    facts = row(texts, "facts_differ")
    assert (facts.candidate_n, facts.primary, facts.primary_n) == (4, 0.5, 2)
    lexical = row(texts, "lexical_similarity")
    assert 0.95 < lexical.primary < 1
    assert lexical.paired_n == 2
    assert lexical.paired_difference < lexical.difference < 0


def test_a_ratio_is_no_similarity(texts):
    assert "length" not in floor(texts).rows
    assert "prompt_tokens" not in floor(texts).rows
    length = row(texts, "length_log_ratio")
    two, four = (math.log(len(f"{LONG} {n}") / len(LONG)) for n in (3, 4))
    no = math.log(len(LONG) / 2)
    assert length.primary == pytest.approx(two / 2)
    assert length.candidate == pytest.approx((no + four) / 4)
    assert length.paired_difference == pytest.approx((no - two) / 2)


def test_without_a_second_answer_there_is_no_floor(tmp_path: Path):
    path = store_of(tmp_path / "s.db", leg("primary"), leg("candidate"))

    assert summary(path).noise is None


def test_another_experiments_noise_is_its_own(tmp_path: Path):
    later = {"experiment": "later", "start": START + 10**9}
    path = store_of(
        tmp_path / "s.db",
        *(leg("primary", "p1", "a"), leg("candidate", "p1", "a"), again("p1", "a")),
        *(leg("primary", "p2", "a", **later), leg("candidate", "p2", "a", **later)),
    )

    assert summary(path).series.experiment == "later"
    assert summary(path).noise is None
    assert summary(path, experiment="e").noise.pairs == 1


def test_pairs_that_cannot_be_compared_are_no_noise(tmp_path: Path):
    cut = {"shadow__partial": True, "shadow__outcome": "cancelled"}
    path = store_of(
        tmp_path / "s.db", leg("primary", "p1", "a", **cut), leg("candidate"), again("p1", "b")
    )

    assert summary(path).noise is None


def test_tool_calls_citations_and_fields(tmp_path: Path):
    ours = [("find", '{"q": "a"}')]
    other = [("find", '{"q": "b"}')]
    sources = json.dumps({"messages": [{"role": "user", "content": "[1] one [2] two [3] three"}]})
    documents = {"total": "9.00", "tax": None}
    path = store_of(
        tmp_path / "s.db",
        leg("primary", "t", None, tools=ours),
        leg("candidate", "t", None, tools=other),
        again("t", None, tools=ours),
        leg("primary", "c", "It is one [1] and two [2].", shadow__request=sources),
        leg("candidate", "c", "It is three [3]."),
        again("c", "It is one [1]."),
        *(leg("primary", f"f{n}", documents) for n in (1, 2)),
        leg("candidate", "f1", documents | {"tax": "invented"}),
        leg("candidate", "f2", documents | {"total": "8.00"}),
        again("f1", documents),
        again("f2", documents | {"total": "9.10"}),
    )

    calls, cited = row(path, "tool_calls"), row(path, "citation_overlap")
    assert (calls.candidate, calls.primary, calls.paired_difference) == (0, 1, -1)
    assert (cited.candidate, cited.primary) == (0, 0.5)
    # The arguments of a single tool call are fields too.
    fields = row(path, "fields_differ")
    assert (fields.candidate, fields.primary) == (1, pytest.approx(1 / 3))
    assert (fields.candidate_n, fields.primary_n, fields.paired_n) == (3, 3, 3)
    assert fields.paired_difference == pytest.approx(2 / 3)


def test_cosines_are_held_against_each_other_by_model(texts):
    with Store.open(texts) as store, store.transaction():
        pairs = store.query(
            "SELECT pairs.id, pairs.series, candidate_id, pair_id FROM pairs"
            " JOIN observations ON observations.id = candidate_row"
        )
        cosines = {("c", "p1"): 0.9, ("c", "p3"): 0.5, (REPEAT, "p1"): 1.0, (REPEAT, "p2"): 0.8}
        store.write(
            "INSERT INTO similarities (pair, model, series, cosine) VALUES (?, 'small', ?, ?)",
            [(p, s, cosines[c, i]) for p, s, c, i in pairs if (c, i) in cosines],
        )

    found = row(texts, "cosine small")
    assert (found.candidate, found.primary) == (pytest.approx(0.7), pytest.approx(0.9))
    assert found.paired_difference == pytest.approx(-0.1)
    assert (found.candidate_n, found.primary_n, found.paired_n) == (2, 2, 1)


def test_the_band_of_lengths_is_the_primarys_own(tmp_path: Path):
    """A primary whose second answer is 0.80 to 1.20 times as long; ten candidates beyond it."""
    spans = []
    for n in range(400):
        second = "x" * round(100 * (0.8 + 0.4 * n / 399))
        spans += [leg("primary", f"p{n}", "x" * 100), again(f"p{n}", second)]
        spans.append(leg("candidate", f"p{n}", "x" * (130 if n < 10 else 110)))
    path = store_of(tmp_path / "s.db", *spans)

    assert floor(path).length == LengthBand(0.8, 1.2, 400, 390, 400)


def test_short_answers_say_nothing_of_length(tmp_path: Path):
    spans = [leg("primary", "p", "yes"), leg("candidate", "p", "no"), again("p", "yes, it is")]
    path = store_of(tmp_path / "s.db", *spans)

    assert floor(path).length is None
    assert "length_log_ratio" not in floor(path).rows


def test_a_candidate_that_is_the_primary_is_as_like_it_as_it_is_itself(tmp_path: Path):
    """The same random model on both sides: what the figures are for."""
    chance = random.Random(7)
    words = LONG.split()

    def answer() -> str:
        return " ".join(chance.sample(words, 6))

    spans = []
    for n in range(300):
        spans += [leg("primary", f"p{n}", answer()), leg("candidate", f"p{n}", answer())]
        if n % 3 == 0:
            spans.append(again(f"p{n}", answer()))
    path = store_of(tmp_path / "s.db", *spans)

    lexical = row(path, "lexical_similarity")
    assert lexical.primary < 0.8, "far from 1, and no fault of the candidate"
    assert abs(lexical.difference) < 0.03
    assert abs(lexical.paired_difference) < 0.03
    assert (lexical.candidate_n, lexical.primary_n, lexical.paired_n) == (300, 100, 100)


def test_the_primary_against_itself_is_chosen_only_by_name(tmp_path: Path):
    late = {"start": START + 10**12}
    path = store_of(
        tmp_path / "s.db",
        *(leg("primary", "p1", "a"), leg("candidate", "p1", "a")),
        *(leg("primary", "p2", "a", **late), again("p2", "b", **late)),
    )

    assert (summary(path).series.candidate, summary(path).others) == ("c", ())
    assert summary(path, candidate=REPEAT).series.candidate == REPEAT
    assert summary(path, experiment="e").series.candidate == "c"
    with Store.open(path) as store, pytest.raises(DataError, match=r"it has e/primary, e/c "):
        summarise(store, candidate="nobody")


def report(path: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "shadow_mw", "report", "--store", str(path), *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=path.parent,
        env=os.environ | {"COLUMNS": "80"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_report_says_it_in_words(texts):
    printed = report(texts)
    text = " ".join(printed.split())

    assert (
        "two answers of the primary itself are the same in 50.0 % of 2 calls; the candidate's and"
        " the primary's in 50.0 % of 4"
    ) in text
    assert "(the extremes of 2 pairs; 200 are needed for a band of 99 %)" in text
    table = printed.split("against the primary")[1].split("two answers")[0]
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "same answer 50.0 % 4 50.0 % 2 +0.0 pp +0.0 pp 2" in text
    assert "against the primary" not in report(texts, "--candidate", REPEAT)


def test_the_report_says_it_for_programs(texts):
    table = json.loads(report(texts, "--json"))["noise_floor"]

    assert table["pairs"] == 2
    assert table["measures"]["exact_match"] == {
        "candidate": 0.5,
        "candidate_n": 4,
        "primary": 0.5,
        "primary_n": 2,
        "paired_difference": 0.0,
        "paired_n": 2,
        "difference": 0.0,
    }
    band = table["length_band"]
    assert (band["low"], band["high"]) == (1.0, (len(LONG) + 2) / len(LONG))
    assert (band["n"], band["inside"], band["of"]) == (2, 3, 4)
    assert json.loads(report(texts, "--json", "--candidate", REPEAT))["noise_floor"] is None
