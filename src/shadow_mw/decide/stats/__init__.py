"""Intervals, sequences and sizes; every alpha is a two-sided level. No I/O, nothing of the plan."""

from shadow_mw.decide.stats.e_values import ratio_e_values
from shadow_mw.decide.stats.interval import Interval
from shadow_mw.decide.stats.means import design_effect, mean, welch
from shadow_mw.decide.stats.multiplicity import e_bh, holm
from shadow_mw.decide.stats.proportions import clopper_pearson, wilson
from shadow_mw.decide.stats.quantile_ratio import quantile_ratio
from shadow_mw.decide.stats.quantile_sequences import quantile_ratio_sequence
from shadow_mw.decide.stats.ratios import cost_ratio, ratio_of_sums
from shadow_mw.decide.stats.sequences import (
    mean_sequence,
    rate_sequence,
    ratio_sequence,
)
from shadow_mw.decide.stats.spending import obrien_fleming
from shadow_mw.decide.stats.tango import tango, tango_p

__all__ = [
    "Interval",
    "clopper_pearson",
    "cost_ratio",
    "design_effect",
    "e_bh",
    "holm",
    "mean",
    "mean_sequence",
    "obrien_fleming",
    "quantile_ratio",
    "quantile_ratio_sequence",
    "rate_sequence",
    "ratio_e_values",
    "ratio_of_sums",
    "ratio_sequence",
    "tango",
    "tango_p",
    "welch",
    "wilson",
]
