"""What a store hands to a decision: every number of it, on stores small enough to count by hand."""

import math
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from evaluate.spans import PRICES, START, both, leg, store_of

from shadow_mw import semconv
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.load_runs import set_load_run
from shadow_mw.evaluate.pipeline import Evaluator, Store
from shadow_mw.evidence import LoadRun, PairedCount
from shadow_mw.records import Reading
from shadow_mw.results import Series
from shadow_mw.types import DOCTOR, REPEAT

SECOND = 10**9
TRUTH = {"total": "9.00", "tax_id": None, "iban": None}


def evidence(path, candidate="c", experiment="e"):
    with Store.open(path) as store:
        return gather(store, Series(experiment, candidate))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def test_a_pair_in_every_column(path):
    ours = '{"total": "9.00", "tax_id": null, "iban": null}'
    theirs = '{"total": "8.00", "tax_id": "DE1", "iban": null}'
    more = {
        "shadow__key": "k",
        "shadow__segment": "emea",
        "shadow__session": "s",
        "shadow__sample_rate": 0.25,
    }
    store_of(
        path,
        leg("primary", "p1", ours, ms=400, **more),
        leg("candidate", "p1", theirs, ms=150, **more),
        labels=[("k", TRUTH)],
    )
    found = evidence(path)
    assert found.segments == ("emea",)
    row = {field.name: getattr(found.pairs, field.name).tolist() for field in fields(found.pairs)}
    assert row == {
        "time_s": [START / 1e9],
        "segment": [0],
        "session": [0],
        "key": [0],
        "weight": [4.0],
        "scored": [True],
        "leaves": [3],
        "nulls": [2],
        "primary_correct": [3],
        "candidate_correct": [1],
        "primary_hallucinated": [0],
        "candidate_hallucinated": [1],
        "primary_invalid": [0],
        "candidate_invalid": [0],
        "primary_null_like": [0],
        "candidate_null_like": [0],
        "primary_failed": [False],
        "candidate_failed": [False],
        "primary_latency_ms": [400.0],
        "candidate_latency_ms": [150.0],
        "primary_cost_usd": [pytest.approx(0.0012)],
        "candidate_cost_usd": [pytest.approx(0.00012)],
        "exact": [0],
    }
    assert found.fields == (PairedCount("iban", 1, 0, 0, 0), PairedCount("tax_id", 1, 0, 0, 1))
    assert (found.paired, found.unpriced, found.load) == (1, 0, None)


def test_pairs_stand_in_the_order_of_time_and_numbers_in_that_of_appearance(path):
    times = {"p1": 3, "p2": 1, "p3": 2, "p4": 1}
    names = {"p1": "x", "p2": "y", "p3": None, "p4": "x"}
    store_of(
        path,
        *(
            one
            for pair, second in times.items()
            for one in both(
                pair,
                start=START + second * SECOND,
                shadow__session=names[pair],
                shadow__key=names[pair],
                shadow__segment={"p2": "b", "p3": "a"}.get(pair),
            )
        ),
    )
    found = evidence(path)
    # p2 and p4 in the order in which they were stored.
    assert (found.pairs.time_s - START / 1e9).tolist() == [1.0, 1.0, 2.0, 3.0]
    assert found.pairs.session.tolist() == found.pairs.key.tolist() == [0, 1, -1, 1]
    assert found.segments == ("", "a", "b")
    assert found.pairs.segment.tolist() == [2, 0, 1, 0]


def test_latency_of_failures_is_infinite_and_of_neither_leg_where_one_has_none(path):
    store_of(
        path,
        *both("fine", ms=300),
        leg("primary", "failed", "yes", ms=100),
        leg("candidate", "failed", None, ms=9, shadow__outcome="timeout"),
        leg("primary", "later", "yes", ms=100),
        leg("candidate", "later", "yes", ms=50, shadow__backfill=True),
    )
    found = evidence(path).pairs
    assert found.primary_latency_ms.tolist()[:2] == [300.0, 100.0]
    assert found.candidate_latency_ms.tolist()[:2] == [300.0, math.inf]
    assert math.isnan(found.primary_latency_ms[2])
    assert math.isnan(found.candidate_latency_ms[2])
    assert found.candidate_failed.tolist() == [False, True, False]


def test_cost_is_of_both_legs_and_what_is_not_priced_is_counted(path):
    unknown = {semconv.REQUEST_MODEL.replace(".", "__"): "unheard-of"}
    store_of(
        path,
        *both("priced"),
        leg("primary", "unpriced", "yes"),
        leg("candidate", "unpriced", "yes", **unknown),
        # No usage, and nothing that compares: not for want of a price.
        leg("primary", "failed", "yes"),
        leg("candidate", "failed", None, shadow__outcome="error", **unknown),
    )
    found = evidence(path)
    assert np.isnan(found.pairs.primary_cost_usd).tolist() == [False, True, True]
    assert np.isnan(found.pairs.candidate_cost_usd).tolist() == [False, True, True]
    assert found.unpriced == 1


def test_pairs_that_do_not_compare_are_out(path):
    store_of(
        path,
        *both("whole"),
        *both("cut", shadow__content__truncated=True),
        leg("primary", "left", "yes", shadow__partial=True),
        leg("candidate", "left", "yes"),
        *both("probe", experiment=DOCTOR),
        *both("other", shadow__candidate__id="d")[1:],
    )
    found = evidence(path)
    assert len(found.pairs) == found.paired == 1
    assert found.lost == {"content_truncated": 1}
    assert (found.captured, found.mirrored) == (3, 3)


def test_what_was_lost_and_what_was_chosen(path):
    evaluator = Evaluator.open(path, PRICES)
    evaluator.export([*both("p1"), leg("candidate", "p2", None, shadow__outcome="error")])
    counts = {"captured": 90, "not_sampled": 20, "queue_full": 5, "window_closed": 3, "off": 1}
    evaluator.ingest((), [Reading("e", "", "app:host:1", counts=counts)])
    counts = {"mirrored": 60, "budget_usd": 7, "circuit_open": 4, "candidate_timeout": 2}
    evaluator.ingest((), [Reading("e", "c", "runner:1", counts=counts)])
    evaluator.shutdown()
    found = evidence(path)
    assert found.lost == {"circuit_open": 4, "queue_full": 5}
    assert (found.captured, found.mirrored, found.paired) == (90, 60, 1)


def test_faults_of_checks_are_ones_whatever_their_value_says(path):
    wanted = '{"messages": [], "response_format": {"type": "json_object"}}'
    no = "I'm sorry, but I can't help with that."
    store_of(
        path,
        leg("primary", "p1", "{}", shadow__request=wanted, shadow__expects_json=True),
        leg("candidate", "p1", "{", shadow__expects_json=True),
        *both("p2", "Here is the text.", no),
        *both("p3", no, no),
        *both("p4", "Cut", "Not cut", gen_ai__response__finish_reasons=None),
        leg(
            "primary", "p5", "An answer that goes on", gen_ai__response__finish_reasons=("length",)
        ),
        leg("candidate", "p5", ""),
    )
    found = {count.name: count for count in evidence(path).checks}
    assert list(found) == ["json_invalid", "empty", "truncated", "refused"]
    assert found["json_invalid"] == PairedCount("json_invalid", 1, 0, 0, 1)
    assert found["empty"] == PairedCount("empty", 5, 0, 0, 1)
    assert found["truncated"] == PairedCount("truncated", 5, 0, 1, 0)
    assert found["refused"] == PairedCount("refused", 5, 1, 0, 1)


def test_likeness_stands_beside_the_primarys_own(path):
    texts = {"p1": ("abcd", "abcd"), "p2": ("abcd", "wxyz"), "p3": ("abcd", "abcx")}
    again = {"p1": ("abcd", "abcd"), "p2": ("abcd", "abcd")}
    store_of(
        path,
        *(one for pair, (ours, theirs) in texts.items() for one in both(pair, ours, theirs)),
        *(
            leg("candidate", pair, theirs, shadow__candidate__id=REPEAT)
            for pair, (_, theirs) in again.items()
        ),
    )
    with Store.open(path) as store:
        (series,) = store.one("SELECT id FROM series WHERE candidate_id = 'c'")
        rows = store.query("SELECT id FROM pairs WHERE series = ? ORDER BY id", (series,))
        store.write(
            "INSERT INTO similarities VALUES (?, 'm', ?, ?)",
            [(pair, series, cosine) for (pair,), cosine in zip(rows, (1.0, 0.5), strict=False)],
        )
        letters, cosines = gather(store, Series("e", "c")).likeness
    assert (letters.name, letters.n, letters.floor_n) == ("lexical", 3, 2)
    values = [1.0, 0.0, 0.75]
    assert letters.mean == pytest.approx(np.mean(values))
    assert letters.variance == pytest.approx(np.var(values, ddof=1))
    assert (letters.floor_mean, letters.floor_variance) == (1.0, 0.0)
    assert (cosines.name, cosines.n, cosines.mean, cosines.variance) == ("m", 2, 0.75, 0.125)
    assert (cosines.floor_n, cosines.floor_mean) == (0, 0.0)


def test_a_series_without_pairs(path):
    store_of(path, *both("p1"))
    found = evidence(path, "nobody")
    assert (len(found.pairs), found.segments, found.checks, found.likeness) == (0, (), (), ())
    assert found.first_received_ns > 0


def test_the_newest_load_run_goes_with_it(path):
    store_of(path, *both("p1"))
    run = LoadRun(2.0, 100, 3, 150.0, math.inf, START)
    with Store.open(path) as store:
        set_load_run(store, Series("e", "c"), run)
    assert evidence(path).load == run


HASHED = """
import sys
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.results import Series
with Store.open(sys.argv[1]) as store:
    print(gather(store, Series("e", "c")).data_hash)
"""


def test_the_hash_names_the_data_in_every_process(path):
    sessions = [f"s{number % 7}" for number in range(40)]
    store_of(
        path,
        *(
            one
            for number, session in enumerate(sessions)
            for one in both(f"p{number}", shadow__session=session, shadow__key=session)
        ),
    )
    found = evidence(path)
    other = subprocess.run(
        [sys.executable, "-c", HASHED, str(path)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == found.data_hash
    store_of(path, *both("one-more"))
    assert evidence(path).data_hash != found.data_hash
