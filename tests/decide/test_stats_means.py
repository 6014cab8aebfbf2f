"""Means, rates and costs over clusters, against statsmodels."""

import math

import numpy as np
import pytest
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from shadow_mw.decide.stats import cost_ratio, design_effect, mean, ratio_of_sums, tango, welch


@pytest.fixture(scope="module")
def sessions():
    """3,000 values in sessions of 1 to 5 that are alike within."""
    rng = np.random.default_rng(11)
    codes = np.sort(rng.integers(0, 1000, 3000))
    values = rng.normal(0.3, 1, 1000)[codes] + rng.normal(0, 1, 3000)
    return values, codes


def robust(values, weights, codes):
    """statsmodels' interval: sandwich over groups, G / (G - 1), Student's t on G - 1."""
    fitted = WLS(values, np.ones(len(values)), weights=weights).fit(
        cov_type="cluster",
        cov_kwds={"groups": codes, "use_correction": True, "df_correction": True},
        use_t=True,
    )
    return fitted.params[0], *fitted.conf_int(0.05)[0]


def test_a_clustered_mean_is_that_of_statsmodels(sessions):
    values, codes = sessions
    estimate, low, high = robust(values, np.ones(3000), codes)

    found = mean(values, codes)

    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high))


def test_a_weighted_mean_is_that_of_statsmodels(sessions):
    values, codes = sessions
    weights = np.random.default_rng(12).choice([1.0, 4.0, 10.0], 3000)
    estimate, low, high = robust(values, weights, codes)

    found = mean(values, codes, weights)

    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high), rel=1e-3)


def test_a_ratio_of_sums_is_a_mean_weighted_by_size(sessions):
    _, codes = sessions
    rng = np.random.default_rng(13)
    size = rng.integers(1, 8, 3000)
    x = rng.binomial(size, 0.5)
    estimate, low, high = robust(x / size, size.astype(float), codes)

    found = ratio_of_sums(x, size, codes)

    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high), rel=1e-3)


def test_documents_of_size_0_say_nothing():
    x, n = np.array([1, 0, 0, 1, 0]), np.array([3, 4, 0, 5, 0])

    assert ratio_of_sums(x, n) == ratio_of_sums(x[[0, 1, 3]], n[[0, 1, 3]])


def test_codes_below_0_are_on_their_own(sessions):
    values, _ = sessions

    assert mean(values, np.full(3000, -1)) == mean(values)
    assert mean(values, np.arange(3000)) == mean(values)
    some = np.where(np.arange(3000) < 100, -1, 10**9 + np.arange(3000) // 2)
    assert mean(values, some).width != mean(values).width


def test_the_design_effect_is_the_ratio_of_variances(sessions):
    values, codes = sessions
    wide, narrow = mean(values, codes), mean(values)

    assert design_effect(values, codes) == pytest.approx((wide.width / narrow.width) ** 2, rel=0.01)
    assert design_effect(values, codes) > 1.5
    assert design_effect(values, None) == 1
    assert design_effect(np.zeros(10), np.zeros(10, int)) == 1


def test_rare_differences_have_the_care_of_tango():
    differences = np.zeros(5000)
    differences[0] = 1

    found, exact = mean(differences), tango(5000, 0, 1)

    assert found.high == pytest.approx(exact.high, rel=1e-6)
    # The textbook's t would end at 1.96 standard errors, of which one fault makes one.
    assert found.high > 5 / 5000 > 2.97 / 5000


def test_no_difference_at_all_is_as_wide_as_unseen_documents():
    found = ratio_of_sums(np.zeros(5000), np.full(5000, 6))

    # 3.84 of 5,000 documents, not of 30,000 leaves: a document may go wrong as a whole.
    assert found.high == pytest.approx(tango(5000, 0, 0).high)
    assert ratio_of_sums(np.zeros(50), np.ones(50), np.arange(50) // 10).high > 0.4


def test_a_session_that_goes_wrong_as_a_whole_widens_the_rate():
    n = np.ones(1000)
    scattered, together = np.zeros(1000), np.zeros(1000)
    scattered[::50], together[:20] = 1, 1
    codes = np.arange(1000) // 20

    assert ratio_of_sums(together, n, codes).width > 2 * ratio_of_sums(scattered, n, codes).width


def test_welch_is_that_of_statsmodels():
    rng = np.random.default_rng(14)
    one, other = rng.normal(0.9, 0.05, 400), rng.normal(0.88, 0.2, 60)
    low, high = CompareMeans(DescrStatsW(one), DescrStatsW(other)).tconfint_diff(usevar="unequal")

    found = welch(one.mean(), one.var(ddof=1), 400, other.mean(), other.var(ddof=1), 60)

    # Its floor, log(2 / 0.05) / 60 = 0.061, is wider here; ten times the data is above it.
    assert found.low <= low < high <= found.high
    one, other = rng.normal(0.9, 0.5, 4000), rng.normal(0.88, 0.9, 600)
    ends = CompareMeans(DescrStatsW(one), DescrStatsW(other)).tconfint_diff(usevar="unequal")
    found = welch(one.mean(), one.var(ddof=1), 4000, other.mean(), other.var(ddof=1), 600)
    assert (found.low, found.high) == pytest.approx(ends)


def test_a_cost_ratio_is_that_of_the_jackknife(sessions):
    _, codes = sessions
    rng = np.random.default_rng(15)
    primary = np.exp(rng.normal(0, 0.5, 1000)[codes] + rng.normal(0, 0.5, 3000))
    candidate = 0.6 * primary * np.exp(rng.normal(0, 0.4, 3000))

    found = cost_ratio(primary, candidate, codes)

    p, c = np.bincount(codes, primary), np.bincount(codes, candidate)
    p, c = p[p > 0], c[p > 0]
    left_out = np.log((c.sum() - c) / (p.sum() - p))
    se = math.sqrt((len(p) - 1) / len(p) * ((left_out - left_out.mean()) ** 2).sum())
    assert math.log(found.high / found.estimate) == pytest.approx(1.962 * se, rel=0.02)
    assert found.estimate == pytest.approx(candidate.sum() / primary.sum())
    swapped = cost_ratio(candidate, primary, codes)
    assert (swapped.low, swapped.high) == pytest.approx((1 / found.high, 1 / found.low))


@pytest.mark.parametrize(
    "call",
    [
        lambda: mean([1.0, math.nan]),
        lambda: mean([1.0, 2.0], np.array([0])),
        lambda: ratio_of_sums([1.0], [-1.0]),
        lambda: cost_ratio([1.0], [-2.0]),
        lambda: mean([1.0, 2.0], alpha=0),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ValueError, match="accepted"):
        call()
