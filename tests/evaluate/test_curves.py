"""Curves of latency, against the definition of an empirical distribution."""

import math
import random
from itertools import pairwise

import pytest
from evaluate.spans import both, leg, store_of
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.latency_curves import POINTS, _curve, latency_curves
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.results import Series


def curve(calls):
    return _curve(sorted(calls), len(calls))


def test_both_legs_over_the_pairs_that_compare(tmp_path):
    path = store_of(
        tmp_path / "shadow.db",
        *both("p1", ms=20),
        *both("p2", ms=20),
        leg("primary", "p3", "yes", ms=10),
        leg("candidate", "p3", None, ms=5, shadow__outcome="timeout"),
        leg("primary", "p4", "yes", ms=1),
        leg("candidate", "p4", "yes", ms=1, shadow__backfill=True),
    )
    with Store.open(path) as store:
        found = latency_curves(store, Series("e", "c"))
        assert latency_curves(store, Series("e", "nobody")) == {"primary": [], "candidate": []}
    assert found["primary"] == [(10, pytest.approx(1 / 3)), (20, 1.0)]
    assert found["candidate"] == [(20, pytest.approx(2 / 3))]


@pytest.mark.parametrize("calls", [[], [math.inf, math.inf]])
def test_no_call_that_ended_has_no_curve(calls):
    assert curve(calls) == []


@given(st.lists(st.sampled_from([1.0, 1.5, 2.0, 7.0, math.inf]), min_size=1, max_size=600))
def test_every_point_lies_on_the_distribution(calls):
    points = curve(calls)
    assert points == [(ms, sum(x <= ms for x in calls) / len(calls)) for ms, _ in points]
    assert len({ms for ms, _ in points}) == len(points)


def test_a_long_curve_has_its_ends_and_few_points():
    rng = random.Random(1)
    calls = [rng.lognormvariate(6, 0.5) for _ in range(50_000)]
    points = curve(calls)
    assert len(points) == POINTS
    assert points[0] == (min(calls), 1 / 50_000)
    assert points[-1] == (max(calls), 1.0)
    assert max(b - a for (_, a), (_, b) in pairwise(points)) < 0.006
