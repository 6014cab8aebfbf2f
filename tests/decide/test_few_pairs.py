"""What is said of so few pairs that no interval can be: the figures are there all the same."""

from __future__ import annotations

import numpy as np

from shadow_mw.decide.stats import ratio_sequence


def test_before_a_sequence_says_anything_its_estimate_is_what_was_counted():
    invented, fields = np.array([0.0, 1, 0, 2]), np.array([2.0, 1, 0, 5])

    found = ratio_sequence(invented, fields, 0.05, [0, 1, 4])

    assert [(one.low, one.high) for one in found] == [(-1, 1)] * 3
    assert [one.estimate for one in found] == [0, 0, 3 / 8]
