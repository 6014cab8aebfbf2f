"""Planned looks: published boundaries, another integral."""

import numpy as np
import pytest
from scipy import stats

from shadow_mw.decide.stats import obrien_fleming


def z(levels):
    return [float(stats.norm.isf(level / 2)) for level in levels]


def test_two_looks_are_those_of_the_contract():
    assert obrien_fleming((0.5, 1.0), 0.05) == pytest.approx((0.00305, 0.0490), abs=5e-5)


@pytest.mark.parametrize(
    ("looks", "bounds"),
    [
        # Reboussin, DeMets, Kim & Lan, Controlled Clinical Trials 21 (2000): use function 1,
        # two-sided 5 %.
        (5, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
        (4, (4.3326, 2.9631, 2.3590, 2.0141)),
        (3, (3.7103, 2.5114, 1.9930)),
    ],
)
def test_equal_looks_are_the_published_ones(looks, bounds):
    found = obrien_fleming([(k + 1) / looks for k in range(looks)], 0.05)

    assert z(found) == pytest.approx(bounds, abs=2e-3)


@pytest.mark.parametrize("fractions", [(0.3, 1.0), (0.25, 0.6, 1.0), (0.5, 0.55, 1.0)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_one_end_crosses_with_half_of_alpha(fractions, alpha):
    """By the multivariate normal distribution of all looks."""
    bounds = z(obrien_fleming(fractions, alpha))
    t = np.array(fractions)
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))

    inside = stats.multivariate_normal(cov=covariance, seed=1).cdf(np.array(bounds))

    assert 1 - inside == pytest.approx(alpha / 2, abs=2e-5)


def test_one_look_spends_all():
    assert obrien_fleming([1.0], 0.05) == pytest.approx((0.05,))
    assert obrien_fleming([], 0.05) == ()


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 1.1), (1.0, 0.5)])
def test_looks_that_do_not_ascend_are_refused(fractions):
    with pytest.raises(ValueError, match="ascending"):
        obrien_fleming(fractions)
