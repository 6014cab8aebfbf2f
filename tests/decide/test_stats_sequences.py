"""Confidence sequences: confseq's own values, integrals, ville, and plain loops."""

import math

import numpy as np
import pytest
import ville
from scipy import integrate

from shadow_mw.decide.stats import (
    mean_sequence,
    mixtures,
    quantile_ratio_sequence,
    rate_sequence,
    ratio_e_values,
    ratio_sequence,
    running,
)
from shadow_mw.decide.stats.quantile_sequences import PRIOR, sequence_ranks


def test_the_mixture_is_that_of_confseq():
    # gostevehoward/confseq, test/test_uniform_boundaries.cpp: v_opt 100, alpha 0.05, c 2.
    rho = mixtures.best_rho(100, 0.05)

    assert float(mixtures.gamma_exponential(10, 100, rho, 2)) == pytest.approx(-0.2490165, abs=1e-6)
    assert float(mixtures.boundary(100, 0.05, 100, 2)) == pytest.approx(33.02017, abs=1e-4)


@pytest.mark.parametrize(("s", "v"), [(0.0, 3.0), (12.0, 40.0), (30.0, 300.0), (-4.0, 90.0)])
def test_the_mixture_is_the_integral_over_its_density(s, v):
    """Howard et al. (2021), proposition 9: exp(l s - psi(l) v) over l in [0, 1 / c)."""
    c, rho = 1.25, 20.0

    def density(x):
        return (1 - c * x) ** (rho / c**2 - 1) * math.exp(-rho * (1 - c * x) / c**2)

    def mixed(x):
        psi = (-math.log1p(-c * x) - c * x) / c**2
        return density(x) * math.exp(x * s - psi * v)

    whole = integrate.quad(density, 0, 1 / c, epsabs=0)[0]
    expected = integrate.quad(mixed, 0, 1 / c, epsabs=0, limit=200)[0] / whole

    assert float(mixtures.gamma_exponential(s, v, rho, c)) == pytest.approx(
        math.log(expected), abs=1e-6
    )


def test_the_inequality_behind_it_holds():
    """Fan et al. (2015), lemma 4.1: exp(l y - psi(l) y^2) <= 1 + l y for y >= -c, l in [0, 1/c)."""
    c = 1 + running.BAND
    y = np.linspace(-c, 3, 801)
    for rate in np.linspace(0, 0.999 / c, 200):
        psi = (-math.log1p(-c * rate) - c * rate) / c**2
        assert (np.exp(rate * y - psi * y * y) <= 1 + rate * y + 1e-12).all()


def differences(n, seed=5):
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], n, p=[0.02, 0.95, 0.03])


def test_sums_are_those_of_a_plain_loop():
    values = differences(400)
    total = squares = 0.0
    found = running.moments(values, None, [100, 400])
    for count, value in enumerate(values.tolist()):
        predicted = min(max(total / count, -0.25), 0.25) if count else 0.0
        squares += (value - predicted) ** 2
        total += value
        if count + 1 in (100, 400):
            place = (100, 400).index(count + 1)
            assert found.total[place] == pytest.approx(total)
            assert found.squares[place] == pytest.approx(squares)


def test_blocks_change_nothing(monkeypatch):
    values, at = differences(5000), [7, 900, 901, 5000]
    whole = mean_sequence(values, -1, 1, 0.05, at)
    monkeypatch.setattr(running, "_BLOCK", 64)

    for one, other in zip(mean_sequence(values, -1, 1, 0.05, at), whole, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_a_mean_is_its_deviation_over_the_boundary():
    values = differences(3000)
    sums = running.moments(values, None, [3000])
    reach = float(mixtures.boundary(sums.squares[0], 0.025, 500.0, 1.25)) / 3000

    (found,) = mean_sequence(values, -1, 1, 0.05, [3000])

    assert found.estimate == pytest.approx(values.mean())
    assert found.high - found.estimate == pytest.approx(reach)


def test_a_range_only_scales():
    values = differences(3000)
    (one,) = mean_sequence(values, -1, 1, 0.05, [3000])
    (other,) = mean_sequence(5 + 3 * values, 2, 8, 0.05, [3000])

    assert (other.low, other.high) == pytest.approx((5 + 3 * one.low, 5 + 3 * one.high))


def test_looking_twice_at_a_count_or_at_none():
    values = differences(300)

    found = mean_sequence(values, -1, 1, 0.05, [300, 0, 300])

    assert found[0] == found[2]
    assert (found[1].estimate, found[1].low, found[1].high) == (0, -1, 1)
    assert mean_sequence([], 0, 1, 0.05, [0])[0].high == 1
    assert mean_sequence(values, -1, 1, 0.05, []) == []


def test_documents_of_one_leaf_give_the_mean():
    values, at = differences(3000), [500, 3000]

    for one, other in zip(
        ratio_sequence(values, np.ones(3000), 0.05, at, most=1),
        mean_sequence(values, -1, 1, 0.05, at),
        strict=True,
    ):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_a_size_that_nobody_expected_costs_width():
    rng = np.random.default_rng(6)
    n = rng.integers(1, 5, 4000).astype(float)
    x = rng.binomial(n.astype(int), 0.02) - rng.binomial(n.astype(int), 0.02)
    usual = ratio_sequence(x, n, 0.05, [4000])[0]
    n[3000] = 60

    large = ratio_sequence(x, n, 0.05, [3000, 4000])

    assert large[0] == ratio_sequence(x[:3000], n[:3000], 0.05, [3000])[0]
    assert large[1].width > 1.5 * usual.width
    known = ratio_sequence(x, n, 0.05, [4000], most=60)[0]
    assert known.width < large[1].width


def test_before_100_documents_nothing_is_said():
    (found,) = ratio_sequence(np.ones(99), np.ones(99), 0.05, [99])

    assert (found.low, found.high) == (-1, 1)


@pytest.mark.parametrize(("k", "n"), [(3, 1000), (0, 40), (40, 40), (900, 1000)])
def test_a_rate_is_that_of_ville(k, n):
    oracle = ville.BernoulliCS(0.05, prior=(0.5, 0.5), intersect=False)
    oracle.fit(np.r_[np.ones(k), np.zeros(n - k)])

    found = rate_sequence(k, n, 0.05)

    assert found.low == pytest.approx(oracle.lower_[-1], abs=1e-8)
    assert found.high == pytest.approx(oracle.upper_[-1], abs=1e-8)


def test_a_count_above_is_the_integral_over_higher_rates():
    k, n, p = 972, 1000, 0.95
    a, b = PRIOR * p, PRIOR * (1 - p)

    def prior(q):
        return q ** (a - 1) * (1 - q) ** (b - 1) / p**a / (1 - p) ** b

    def mixed(q):
        return prior(q) * (q / p) ** k * ((1 - q) / (1 - p)) ** (n - k)

    expected = integrate.quad(mixed, p, 1)[0] / integrate.quad(prior, p, 1)[0]

    assert float(mixtures.above(k, n, p, PRIOR)) == pytest.approx(math.log(expected), abs=1e-6)


def test_ranks_of_a_sequence_are_the_first_that_are_proven():
    n = np.array([300.0, 20_000.0])

    low, high = sequence_ranks(n, 95, 0.025)

    level = math.log(2 / 0.025)
    for count, rank in zip(n, high, strict=True):
        if rank <= count:
            assert float(mixtures.above(rank, count, 0.95, PRIOR)) >= level
        assert float(mixtures.above(rank - 1, count, 0.95, PRIOR)) < level
    for count, rank in zip(n, low, strict=True):
        if rank >= 1:
            assert float(mixtures.above(count - rank + 1, count, 0.05, PRIOR)) >= level
        assert float(mixtures.above(count - rank, count, 0.05, PRIOR)) < level


def test_percentiles_are_nearer_than_those_of_ville():
    """Its bound has the variance of a coin; ours that of a p95."""
    values = np.random.default_rng(7).lognormal(5, 0.5, 5000)
    oracle = ville.QuantileCS(0.95, 0.025, t_opt=5000, intersect=False)
    oracle.fit(values)

    (found,) = quantile_ratio_sequence(values, values, 95, 0.05, [5000])

    assert oracle.lower_[-1] / oracle.upper_[-1] < found.low < 1
    assert 1 < found.high < oracle.upper_[-1] / oracle.lower_[-1]


def test_calls_that_are_copies_of_one_another_count_once():
    once = np.random.default_rng(7).lognormal(5, 0.5, (2, 2000))
    (alone,) = quantile_ratio_sequence(*once, 95, 0.05, [2000])
    copied, sessions = np.repeat(once, 5, axis=1), np.repeat(np.arange(2000), 5)

    (together,) = quantile_ratio_sequence(*copied, 95, 0.05, [10_000], sessions)
    (few,) = quantile_ratio_sequence(*copied, 95, 0.05, [495], sessions)

    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), rel=0.02)
    assert (few.low, few.high) == (0.0, math.inf)


def test_clusters_of_one_call_each_change_nothing():
    values = np.random.default_rng(7).lognormal(5, 0.5, (2, 5000))
    (alone,) = quantile_ratio_sequence(*values, 95, 0.05, [5000])
    (single,) = quantile_ratio_sequence(*values, 95, 0.05, [5000], np.full(5000, -1))

    assert (single.low, single.high) == pytest.approx((alone.low, alone.high), rel=0.01)


def test_evidence_and_interval_say_the_same():
    """The interval ends about where the evidence is 1 / alpha, whatever the sizes."""
    sizes = np.random.default_rng(3).integers(1, 6, 4000)
    values = np.abs(differences(4000)) * sizes
    (found,) = ratio_sequence(values, sizes, 0.05, [4000])

    at_end, inside = (
        ratio_e_values(values, sizes, found.low + step, [4000])[0] for step in (0.0, 2e-3)
    )

    assert at_end == pytest.approx(1 / 0.025, rel=0.5)
    assert inside < 1 / 0.025 < ratio_e_values(values, sizes, found.low - 2e-3, [4000])[0]


def test_evidence_is_the_mixture_over_all_that_the_rate_may_be():
    """By quadrature over the tilt u = c l, with the prior of Howard et al., proposition 9."""
    x, n = differences(300), np.ones(300)
    (found,) = ratio_e_values(x, n, -0.01, [300], most=1.0)

    c, rho = 1 + running.BAND, mixtures.best_rho(500, 0.001)
    sums = running.moments(x, n, [300])
    s, v = float(sums.total[0]) + 0.01 * 300, float(sums.squares[0])

    def weighted(u, s, v):
        return math.exp(u / c * s + (v + rho) / c**2 * (math.log1p(-u) + u)) / (1 - u)

    seen = integrate.quad(weighted, 0, 1, args=(s, v))[0]
    prior = integrate.quad(weighted, 0, 1, args=(0.0, 0.0))[0]
    assert found == pytest.approx(seen / prior, rel=1e-6)


def test_evidence_begins_with_nothing_said():
    x, n = differences(300), np.ones(300)
    assert ratio_e_values(x, n, 0.0, [0, 99]) == [0.0, 0.0]
    assert ratio_e_values(x, n, 0.0, [0], most=1.0) == [1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: mean_sequence([0.0, 2.0], -1, 1, 0.05, [2]),
        lambda: mean_sequence([0.0, math.nan], -1, 1, 0.05, [2]),
        lambda: mean_sequence([0.0], -1, 1, 0.05, [2]),
        lambda: mean_sequence([0.0], 1, 1, 0.05, [1]),
        lambda: mean_sequence([0.0], -1, 1, 1.5, [1]),
        lambda: ratio_sequence([2.0], [1.0], 0.05, [1]),
        lambda: ratio_sequence([1.0], [5.0], 0.05, [1], most=4),
        lambda: rate_sequence(3, 2, 0.05),
        lambda: quantile_ratio_sequence([1.0], [1.0], 95, 0.05, [2]),
        lambda: quantile_ratio_sequence([1.0], [-1.0], 95, 0.05, [1]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ValueError, match=r"accepted|outside|lies|above"):
        call()
