"""Legs in any order and minutes apart pair; one that never comes is counted as such."""

import itertools
import sqlite3
from dataclasses import replace

import pytest
from evaluate.spans import PRICES, both, leg, store_of, summary

from shadow_mw.evaluate.ingest import record
from shadow_mw.evaluate.pipeline import Evaluator, Store
from shadow_mw.report.as_json import as_json
from shadow_mw.types import CANDIDATE_REASONS, DOCTOR, NOT_COMPARED


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def grow_old(path, seconds):
    """Let stored legs have come some time ago."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE observations SET received_ns = received_ns - ?", (seconds * 10**9,))
    connection.commit()
    connection.close()


def test_a_young_leg_is_awaited_and_an_old_one_has_lost_its_other(path):
    store_of(path, *both("p1"), leg("primary", "p2"), leg("candidate", "p3"))
    assert summary(path).funnel.reasons == {"leg_awaited": 2}

    grow_old(path, 16 * 60)
    store_of(path, leg("candidate", "p4"))

    funnel = summary(path).funnel
    assert funnel.reasons == {
        "candidate_leg_missing": 1,
        "primary_leg_missing": 1,
        "leg_awaited": 1,
    }
    assert (funnel.captured, funnel.mirrored, funnel.paired) == (4, 4, 1)


def test_a_leg_that_comes_late_pairs_all_the_same(path):
    for first, second in itertools.permutations(both("p", '{"a": 1}', '{"a": 1}')):
        target = path.with_suffix(f".{first.attributes['shadow.role']}")
        store_of(target, first)
        grow_old(target, 3600)
        assert sum(summary(target).funnel.reasons.values()) == 1
        store_of(target, second, first)
        found = summary(target)
        assert (found.funnel.paired, found.funnel.reasons) == (1, {})
        assert found.metrics["exact_match"].candidate == 1


def test_a_primary_counts_for_each_candidate_where_none_came(path):
    other = {"shadow__candidate__id": "d"}
    store_of(path, *both("p1"), leg("candidate", "p1", "x", **other), leg("primary", "p2"))
    for candidate in "cd":
        assert summary(path, candidate=candidate).funnel.reasons == {"leg_awaited": 1}
    store_of(path, leg("candidate", "p2", "x", **other))
    for candidate in "cd":
        assert summary(path, candidate=candidate).funnel.reasons == {}


def test_primaries_alone_are_shown(path):
    store_of(path, leg("primary", "p1"))
    found = summary(path)
    assert (found.series.experiment, found.series.candidate) == ("e", "")
    assert (found.funnel.mirrored, found.funnel.reasons) == (1, {"leg_awaited": 1})


def test_a_funnel_with_counters_adds_up(path):
    store_of(
        path,
        *both("p1"),
        leg("primary", "p2"),
        leg("candidate", "p3"),
        *both("p4", shadow__content__truncated=True),
        *both("p5", shadow__partial=True),
    )
    grow_old(path, 3600)
    evaluator = Evaluator.open(path, PRICES)
    evaluator.record_funnel("e", "", "app:h:1:0", {"captured": 9, "not_sampled": 3})
    evaluator.record_funnel(
        "e", "c", "runner:h", {"mirrored": 5, "budget_usd": 1, "candidate_timeout": 1}
    )
    evaluator.shutdown()

    funnel = as_json(summary(path))["funnel"]

    after = CANDIDATE_REASONS | NOT_COMPARED
    before = {name: n for name, n in funnel["reasons"].items() if name not in after}
    assert before == {"not_sampled": 3, "budget_usd": 1}
    assert funnel["captured"] == funnel["mirrored"] + sum(before.values())
    missing = sum(n for name, n in funnel["reasons"].items() if name.endswith("_leg_missing"))
    assert funnel["mirrored"] == funnel["paired"] + missing


def test_old_counters_that_come_again_lower_nothing(path):
    evaluator = Evaluator.open(path, PRICES)
    for captured in (5, 9, 5):
        assert evaluator.record_funnel("e", "c", "app:h:1:0", {"captured": captured})
    for spent in (1.0, 3.0, 2.5):
        assert evaluator.record_gauges("e", "c", "runner:h", {"spend_usd": spent})
    evaluator.shutdown()
    assert summary(path).funnel.captured == 9
    with Store.open(path) as store:
        assert store.query("SELECT name, value FROM gauges") == [("spend_usd", 2.5)]


def test_probes_of_the_doctor_are_shown_only_where_asked_for(path):
    store_of(path, *both("probe", experiment=DOCTOR, start=2 * 10**18), *both("p1"))
    found = summary(path)
    assert found.series.experiment == "e"
    assert found.others == ()
    assert summary(path, experiment=DOCTOR).funnel.paired == 1


def test_odd_times_stop_nothing(path):
    evaluator = Evaluator.open(path, PRICES)
    for number, (start, end) in enumerate([(2**64 - 1, 2**64 - 1), (9, 3), (0, None), (1, 2**64)]):
        legs = [record(span) for span in both(f"p{number}")]
        odd = [replace(one, start_ns=start, end_ns=end) for one in legs]
        assert evaluator.ingest(odd)
    evaluator.shutdown()
    assert summary(path).funnel.paired == 4
