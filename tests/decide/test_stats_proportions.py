"""One rate, percentiles, and many tests: published values, statsmodels, ville."""

import math

import numpy as np
import pytest
import ville
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from shadow_mw.decide.stats import clopper_pearson, e_bh, holm, quantile_ratio, wilson
from shadow_mw.decide.stats.quantile_ratio import ranks

TABLES = [(0, 10), (10, 10), (1, 20), (45, 50), (49, 50), (37, 12_000), (0, 2_184_000)]


@pytest.mark.parametrize(("k", "n"), TABLES)
@pytest.mark.parametrize("alpha", [0.05, 0.00305])
def test_rates_are_those_of_statsmodels(k, n, alpha):
    for ours, method in ((clopper_pearson, "beta"), (wilson, "wilson")):
        low, high = proportion_confint(k, n, alpha, method)
        found = ours(k, n, alpha)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
        assert found.estimate == k / n


def test_the_published_interval_of_81_of_263():
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: methods 5 and 3.
    assert clopper_pearson(81, 263).low == pytest.approx(0.2527, abs=5e-5)
    assert clopper_pearson(81, 263).high == pytest.approx(0.3676, abs=5e-5)
    assert wilson(81, 263).low == pytest.approx(0.2553, abs=5e-5)
    assert wilson(81, 263).high == pytest.approx(0.3662, abs=5e-5)


def test_49_of_50_prove_nine_in_ten_and_45_do_not():
    assert clopper_pearson(49, 50, 0.1).low > 0.90 > clopper_pearson(48, 50, 0.1).low
    assert clopper_pearson(45, 50, 0.1).low == pytest.approx(0.80, abs=0.005)


@pytest.mark.parametrize(("n", "percent"), [(1, 95), (20, 95), (59, 50), (2000, 95), (90_000, 99)])
def test_ranks_hold_the_percentile_and_could_not_be_nearer(n, percent):
    alpha, p = 0.025, percent / 100
    low, high = ranks(n, percent, alpha)

    count = stats.binom(n, p)
    # The value at rank r lies above the percentile where fewer than r values lie below it.
    assert count.cdf(low - 1) <= alpha / 2 < count.cdf(low)
    if high <= n:
        assert count.sf(high - 1) <= alpha / 2
    assert high == 1 or count.sf(high - 2) > alpha / 2


def test_a_ratio_of_percentiles_divides_the_ends_crosswise():
    primary, candidate = np.arange(1, 2001.0), 3 * np.arange(1, 2001.0)
    low, high = ranks(2000, 95, 0.025)

    found = quantile_ratio(primary, candidate, 95)

    assert found.estimate == 3
    assert (found.low, found.high) == pytest.approx((3 * low / high, 3 * high / low))


def test_failed_calls_are_infinite_and_count():
    primary = np.random.default_rng(1).lognormal(5, 0.5, 2000)
    some, many = primary.copy(), primary.copy()
    some[:40], many[:200] = np.inf, np.inf

    assert quantile_ratio(primary, some, 95).high > quantile_ratio(primary, primary, 95).high
    assert math.isinf(quantile_ratio(primary, many, 95).low)
    assert quantile_ratio(many, primary, 95).high == 0
    assert quantile_ratio(many, many, 95).low == 0


def test_calls_that_are_alike_within_sessions_count_for_fewer():
    rng = np.random.default_rng(2)
    codes = np.arange(4000) // 20
    latency = np.exp(rng.normal(5, 0.5, 200)[codes] + rng.normal(0, 0.05, 4000))

    clustered = quantile_ratio(latency, latency, 95, 0.05, codes)

    assert clustered.width > 2.5 * quantile_ratio(latency, latency, 95).width
    alone = quantile_ratio(latency, latency, 95, 0.05, np.arange(4000))
    assert alone.width == pytest.approx(quantile_ratio(latency, latency, 95).width, rel=0.05)


def test_holm_is_that_of_statsmodels():
    rng = np.random.default_rng(3)
    for _ in range(6):  # statsmodels collects all garbage, every time
        p = (rng.random(rng.integers(2, 12)) ** 4).tolist()
        assert holm(p, 0.05) == multipletests(p, 0.05, "holm")[0].tolist()
    assert holm([], 0.05) == []


def test_e_bh_is_that_of_ville():
    rng = np.random.default_rng(4)
    for _ in range(200):
        e = np.exp(rng.normal(1, 2.5, rng.integers(1, 12))).tolist()
        assert e_bh(e, 0.1) == ville.evalues.ebh(e, 0.1).tolist()
    assert e_bh([], 0.05) == []


def test_e_bh_finds_more_than_holm_on_the_same_evidence():
    # Wang & Ramdas (2022), section 3: k-th largest e-value against K / (k alpha).
    assert e_bh([45, 39, 26, 1], 0.05) == [False, False, False, False]
    assert e_bh([45, 44, 27, 1], 0.05) == [True, True, True, False]
    assert holm([1 / 45, 1 / 44, 1 / 27, 1], 0.05) == [False] * 4
