"""Little or odd data: the widest honest interval, never NaN, never a width of nothing."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_mw.decide import stats

FEW = [[], [1.0], [0.0], [0.0, 0.0], [1.0] * 5, [0.0] * 40, [-1.0, 1.0]]


def intervals(values):
    n, positive = len(values), [abs(value) for value in values]
    ones, at = [1.0] * n, [0, n]
    yield stats.mean(values)
    yield stats.mean(values, np.zeros(n, int))
    yield stats.ratio_of_sums(values, ones)
    yield stats.ratio_of_sums([0.0] * n, [0.0] * n)
    yield stats.ratio_of_sums(values, ones, np.zeros(n, int), np.full(n, 2.5))
    yield stats.cost_ratio(positive, positive)
    yield stats.cost_ratio(positive, [0.0] * n)
    yield stats.cost_ratio([0.0] * n, positive)
    yield stats.quantile_ratio(positive, ones, 95)
    yield stats.quantile_ratio(ones, [math.inf] * n, 95)
    yield stats.quantile_ratio([math.inf] * n, [math.inf] * n, 95, 0.05, np.zeros(n, int))
    yield stats.tango(n, 0, 0)
    yield stats.tango(n, 0, n)
    yield stats.tango(n, n, 0, 0.001)
    yield stats.wilson(0, n)
    yield stats.clopper_pearson(n, n)
    yield stats.rate_sequence(n, n, 0.05)
    yield stats.welch(0.5, 0.0, n, 0.5, 0.0, n)
    yield from stats.mean_sequence(values, -1, 1, 0.05, at)
    yield from stats.ratio_sequence(values, ones, 0.05, at)
    yield from stats.ratio_sequence([0.0] * n, [0.0] * n, 0.05, at)
    yield from stats.quantile_ratio_sequence(positive, ones, 95, 0.05, at)
    yield from stats.quantile_ratio_sequence([math.inf] * n, ones, 95, 0.05, at)


def check(found):
    assert not any(math.isnan(end) for end in (found.estimate, found.low, found.high)), found
    assert found.low <= found.estimate <= found.high, found


@pytest.mark.parametrize("values", FEW, ids=lambda values: f"{len(values)} of {values[:2]}")
def test_every_interval_is_whole(values):
    for found in intervals(values):
        check(found)
        # An infinite percentile is known to be infinite; nothing finite is known exactly.
        assert found.width > 0 or math.isinf(found.low), found


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), max_size=60))
@settings(max_examples=8, deadline=None)
def test_every_interval_is_whole_whatever_the_values(values):
    for found in intervals(values):
        check(found)


def test_nothing_seen_leaves_the_whole_range():
    def ends(found):
        return found.estimate, found.low, found.high

    assert ends(stats.mean([])) == (0, -math.inf, math.inf)
    assert ends(stats.mean([7.0])) == (7, -math.inf, math.inf)
    assert ends(stats.mean([1.0, math.inf])) == (0, -math.inf, math.inf)
    assert ends(stats.ratio_of_sums([], [])) == (0, -1, 1)
    assert ends(stats.ratio_of_sums([1, 1], [2, 2], np.zeros(2, int))) == (0.5, -1, 1)
    assert ends(stats.cost_ratio([], [])) == (1, 0, math.inf)
    assert ends(stats.quantile_ratio([], [], 95)) == (1, 0, math.inf)
    assert ends(stats.tango(0, 0, 0)) == (0, -1, 1)
    assert ends(stats.wilson(0, 0)) == ends(stats.clopper_pearson(0, 0)) == (0, 0, 1)
    assert ends(stats.rate_sequence(0, 0, 0.05)) == (0, 0, 1)
    assert ends(stats.welch(0.9, 0.1, 1, 0.9, 0.1, 100)) == (0, -math.inf, math.inf)


def test_equal_values_are_as_wide_as_what_was_not_seen():
    # log(2 / 0.05) / 50 of the value itself.
    assert stats.mean([3.0] * 50).width == pytest.approx(2 * 3 * math.log(40) / 50)
    assert stats.cost_ratio([2.0] * 50, [1.0] * 50).high > 0.5
    assert stats.welch(1, 0, 50, 1, 0, 900).high == pytest.approx(math.log(40) / 50)


def test_millions_of_values_are_quick_and_flat():
    """In a process of its own, which knows its own peak; the limits are many times what is seen."""
    code = """
import re, time
from pathlib import Path
import numpy as np
from shadow_mw.decide import stats
def peak():
    # Not of `resource`: that one begins with the memory of whoever started this process.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
n = 2_184_000
values = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], n, p=[0.02, 0.96, 0.02])
before, started = peak(), time.process_time()
found = stats.mean_sequence(values, -1, 1, 0.05, [n * day // 14 for day in range(1, 15)])
print(time.process_time() - started)
print(peak() - before)
assert abs(found[-1].estimate) < 0.001
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 1
    assert megabytes < 60


def test_importing_does_not_load_the_slow_parts_of_scipy():
    code = "import sys, shadow_mw.decide.stats.sizes, shadow_mw.decide.stats as s;" + (
        "s.tango(100, 1, 2); s.obrien_fleming((0.5, 1.0));"
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'scipy.linalg') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )

    assert done.stdout.strip() == "[]", done.stderr
