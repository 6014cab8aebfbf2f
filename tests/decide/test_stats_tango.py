"""Paired rates: published tables, another method, and few discordant pairs."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from shadow_mw.decide.stats import tango, tango_p
from shadow_mw.decide.stats.tango import bounds, score_bounds


@pytest.mark.parametrize(
    ("n", "first_only", "second_only", "low", "high"),
    # Fagerland, Lydersen & Laake, Recommended tests and confidence intervals for paired binomial
    # proportions, Statistics in Medicine 33 (2014), table V; and their Statistical Analysis of
    # Contingency Tables (2017), section 8.6.3 (Cavo et al.): first minus second.
    [(21, 1, 7, -0.517, -0.026), (161, 6, 16, -0.1240, -0.0054)],
)
def test_score_interval_is_the_published_one(n, first_only, second_only, low, high):
    found = score_bounds(n, second_only, first_only, 0.05)

    assert float(found[0]) == pytest.approx(low, abs=0.0005)
    assert float(found[1]) == pytest.approx(high, abs=0.0005)


@pytest.mark.parametrize("table", [(40, 3, 9), (500, 2, 14), (5000, 0, 5), (300, 12, 0)])
def test_its_end_is_where_the_constrained_likelihood_says(table):
    """The nuisance by numerical maximisation, not by the closed form."""
    n, down, up = table
    high = float(score_bounds(n, down, up, 0.05)[1])

    def minus_log_likelihood(q):
        p = q + high
        return -sum(
            count * math.log(share)
            for count, share in ((up, p), (down, q), (n - up - down, 1 - p - q))
            if count
        )

    least, most = max(0.0, -high), (1 - high) / 2
    q = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(least + 1e-12, most - 1e-12), options={"xatol": 1e-12}
    ).x
    score = (up - down - n * high) / math.sqrt(n * (2 * q + high * (1 - high)))

    assert score == pytest.approx(-1.959964, abs=2e-3)


def test_no_discordant_pair_still_has_a_width():
    found = tango(5000, 0, 0)

    # z^2 / (n + z^2), as Tango's section 3 has it: 0.077 points.
    assert found.high == pytest.approx(3.8415 / 5003.84, rel=1e-4)
    assert found.low == -found.high


def test_an_interval_mirrors_when_the_legs_swap():
    one, other = tango(900, 4, 31), tango(900, 31, 4)

    assert one.low == pytest.approx(-other.high)
    assert one.high == pytest.approx(-other.low)
    assert one.estimate == 27 / 900


def test_arrays_give_what_single_tables_do():
    down, up = np.array([0, 3, 80]), np.array([2, 0, 95])

    low, high = bounds(2000, down, up, 0.05)

    for i in range(3):
        one = tango(2000, int(down[i]), int(up[i]))
        assert (low[i], high[i]) == pytest.approx((one.low, one.high), abs=1e-9)


def test_one_fault_in_a_hundred_does_not_prove_a_tenth_of_a_point():
    # The score test alone says so: (1 - 0.1) / sqrt(0.1) = 2.8 standard errors.
    assert float(stats.norm.sf((1 - 0.1) / math.sqrt(0.1))) < 0.01

    assert tango_p(100, 0, 1, 0.001) > 0.05
    assert tango(100, 0, 1).low < 0.001


@pytest.mark.parametrize(("n", "rate"), [(300, 0.004), (1000, 0.003), (3000, 0.003)])
def test_false_alarms_of_few_discordant_pairs_are_as_rare_as_the_level(n, rate):
    """All tables summed, where the candidate is worse by the margin itself."""
    margin, alpha = 0.002, 0.025
    wrong = 0.0
    for up in range(40):
        share = stats.binom.pmf(up, n, rate + margin)
        for down in range(30):
            if share > 1e-9 and tango_p(n, down, up, margin) <= alpha:
                wrong += share * stats.binom.pmf(down, n, rate)

    assert wrong <= 1.1 * alpha


def test_p_and_interval_agree_on_many_pairs():
    n, down, up = 30_000, 150, 250
    low = tango(n, down, up, 0.05).low

    assert tango_p(n, down, up, low) == pytest.approx(0.025, rel=1e-3)
    assert tango_p(n, down, up, low - 0.001) < 0.025 < tango_p(n, down, up, low + 0.001)


def test_a_candidate_that_is_not_worse_proves_nothing():
    assert tango_p(0, 0, 0, 0.0) == 1
    assert tango_p(1000, 5, 5, 0.0) == 1
    assert tango_p(1000, 9, 3, 0.0) == 1


@pytest.mark.parametrize("table", [(10, 6, 5), (10, -1, 0), (3, 0, 4)])
def test_impossible_tables_are_refused(table):
    with pytest.raises(ValueError, match="discordant"):
        tango(*table)
