"""What a plan promises."""

import math

import numpy as np
import pytest
from scipy import stats

from shadow_mw.decide.stats import sizes, wilson
from shadow_mw.decide.stats.sequences import mean_reach
from shadow_mw.decide.stats.tango import bounds

ONE_SIDED = 0.1
"""5 % one-sided, as the notes have it."""


@pytest.mark.parametrize(
    ("discordance", "margin", "pairs", "anytime"),
    [
        (0.05, 0.005, 17_128, 41_107),
        (0.05, 0.01, 4_282, 10_277),
        (0.004, 0.001, 34_256, 82_213),
        (0.012, 0.002, 25_692, 61_660),
    ],
)
def test_rates_need_the_noted_pairs(discordance, margin, pairs, anytime):
    assert sizes.pairs_for_rate(discordance, margin, ONE_SIDED) == pairs
    # The notes take 2.4 times the fixed size; the sequence's own boundary needs 2.04 to 2.12 times.
    found = sizes.pairs_for_rate_anytime(discordance, margin, ONE_SIDED)
    assert 0.84 * anytime < found < 0.89 * anytime


def test_win_rates_need_the_noted_pairs():
    assert sizes.pairs_for_win_rate(0.55, 0.5, ONE_SIDED) == 853
    found = sizes.pairs_for_win_rate_anytime(0.55, 0.5, ONE_SIDED)
    assert 0.84 * 2050 < found < 0.89 * 2050


def test_one_pair_fewer_would_not_do():
    n = sizes.pairs_for_rate_anytime(0.05, 0.005)

    def passes(count):
        reach = float(mean_reach(0.05 * count, 0.05)) + 1.2815516 * math.sqrt(0.05 * count)
        return reach <= 0.005 * count

    assert passes(n)
    assert not passes(n - 2)


@pytest.mark.parametrize(("discordance", "margin"), [(0.05, 0.005), (0.01, 0.005), (0.02, 0.02)])
def test_the_promised_power_is_reached(discordance, margin):
    """Summed over tables, not drawn; few discordant pairs too."""
    n = int(sizes.pairs_for_rate(discordance, margin))
    spread = 6 * math.sqrt(n * discordance / 2)
    counts = np.arange(max(0, int(n * discordance / 2 - spread)), int(n * discordance / 2 + spread))
    step = max(1, len(counts) // 16)
    counts = counts[::step]
    share = stats.binom.pmf(counts, n, discordance / 2)
    down, up = np.meshgrid(counts, counts)

    high = bounds(n, down, up, 0.05)[1]

    weight = np.outer(share, share)
    power = float(weight[high < margin].sum() / weight.sum())
    assert power == pytest.approx(0.9, abs=0.03)


def test_counted_wins_reach_the_promised_power():
    n = int(sizes.pairs_for_win_rate(0.6, 0.55))
    least = next(k for k in range(n) if wilson(k, n).low > 0.55)

    assert float(stats.binom.sf(least - 1, n, 0.6)) == pytest.approx(0.9, abs=0.03)


def test_a_better_judge_needs_fewer_labels():
    def labels(correlation, judged=5000.0):
        return sizes.labels_for_win_rate(0.6, 0.55, correlation, judged)

    assert labels(0.9) < labels(0.6) < labels(0.0) < 5000
    # Without a judge it is the mean of people's verdicts: z^2 p (1 - p) / d^2.
    assert labels(0.0) == math.ceil(3.2415155**2 * 0.24 / 0.05**2)
    assert labels(0.9, 900) == math.inf


def test_percentiles_need_more_where_calls_fail_and_in_sequences():
    fixed = sizes.pairs_for_quantile_ratio(95, 1.2, 0.6)

    assert 1000 < fixed < sizes.pairs_for_quantile_ratio(95, 1.2, 0.6, failures=0.01)
    assert fixed < sizes.pairs_for_quantile_ratio_anytime(95, 1.2, 0.6)
    assert sizes.pairs_for_quantile_ratio(95, 1.2, 0.6, failures=0.05) == math.inf


def test_what_no_number_of_pairs_can_prove_is_infinite():
    assert sizes.pairs_for_rate(0.05, 0.0) == math.inf
    assert sizes.pairs_for_rate_anytime(0.05, 0.0) == math.inf
    assert sizes.pairs_for_rate(0.05, 0.005, true=0.005) == math.inf
    assert sizes.pairs_for_win_rate(0.55, 0.55) == math.inf
    assert sizes.labels_for_win_rate(0.55, 0.55, 0.5, 5000) == math.inf
    assert sizes.pairs_for_quantile_ratio(95, 1.2, 0.6, ratio=1.2) == math.inf
    assert sizes.pairs_for_cost_ratio(1.0, 1.0, 0.5) == math.inf
    assert sizes.pairs_for_likeness(0.1, 0.02, 100, 0.1) == math.inf


def test_legs_that_never_differ_still_have_to_be_seen():
    n = sizes.pairs_for_rate(0.0, 0.001)

    assert float(bounds(n, 0, 0, 0.05)[1]) <= 0.001 < float(bounds(n - 50, 0, 0, 0.05)[1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: sizes.pairs_for_rate(1.5, 0.01),
        lambda: sizes.pairs_for_rate(0.01, 0.01, true=0.02),
        lambda: sizes.pairs_for_rate(0.01, 0.01, power=1.0),
        lambda: sizes.pairs_for_win_rate(1.2, 0.5),
        lambda: sizes.pairs_for_rate(0.01, 0.01, alpha=0.0),
    ],
)
def test_shares_outside_their_range_are_refused(call):
    with pytest.raises(ValueError, match=r"accepted|discordant"):
        call()
