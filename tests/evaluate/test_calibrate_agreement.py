"""Agreement figures against statsmodels 0.15.0 and irrCAC 0.4.4, whose values stand here."""

import pytest

from shadow_mw.evaluate.calibration import agreement, quantiles
from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.calibrate import Qualification
from shadow_mw.evaluate.calibration.rows import Choice, Row

A, B, TIE = Choice


@pytest.mark.parametrize(
    ("k", "n", "low", "high", "one_sided"),
    [
        (0, 20, 0.0, 0.168433471, 0.0),
        (45, 50, 0.7818646336, 0.9667249064, 0.8011669975),
        (49, 50, 0.8935304543, 0.999493772, 0.9086018693),
        (50, 50, 0.9288782635, 1.0, 0.9418449209),
        (67, 100, 0.5688272492, 0.7608014654, 0.584545733),
        (188, 200, 0.8975381687, 0.9686160461, 0.9045985823),
    ],
)
def test_exact_intervals_are_those_of_statsmodels(k, n, low, high, one_sided):
    assert quantiles.clopper_pearson(k, n) == pytest.approx((low, high), abs=1e-9)
    assert quantiles.lower_bound(k, n) == pytest.approx(one_sided, abs=1e-9)


def test_an_interval_of_halves_lies_between_those_of_whole_counts():
    low, high = quantiles.clopper_pearson(7.5, 10)
    assert quantiles.clopper_pearson(7, 10)[0] < low < quantiles.clopper_pearson(8, 10)[0]
    assert quantiles.clopper_pearson(7, 10)[1] < high < quantiles.clopper_pearson(8, 10)[1]


@pytest.mark.parametrize(
    ("ups", "downs", "p"),
    [
        (26, 2, 3.032386302947998e-06),
        (66, 35, 0.002653786057228506),
        (5, 5, 1),
        (0, 0, 1),
        (3, 0, 0.25),
    ],
)
def test_mcnemar_is_that_of_statsmodels(ups, downs, p):
    assert quantiles.sign_test(ups, downs) == pytest.approx(p)
    assert quantiles.sign_test(downs, ups) == pytest.approx(p)


def rows_of(table):
    """Items whose judge says the same in both orders, from a matrix of people by judge."""
    verdicts = [A, B, TIE, None]
    return [
        Row(f"{human}{judge}{i}", (judge, judge), (human,))
        for human, counts in zip([A, B, TIE], table, strict=True)
        for judge, n in zip(verdicts, counts, strict=False)
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("table", "kappa", "ac1"),
    [
        ([[20, 5, 3], [4, 30, 2], [6, 1, 9]], 0.5841584158, 0.6165259073),
        ([[65, 19, 0], [18, 98, 0], [0, 0, 0]], 0.6196546053, 0.6398062742),
        # Nearly all of one class: kappa says worse than chance, of 95 % agreement.
        ([[95, 2, 0], [3, 0, 0], [0, 0, 0]], -0.0245901639, 0.9474375821),
    ],
)
def test_kappa_and_ac1_are_those_of_irrcac(table, kappa, ac1):
    counts = agreement.confusion(rows_of(table))
    assert agreement.cohen_kappa(counts) == pytest.approx(kappa)
    assert agreement.gwet_ac1(counts) == pytest.approx(ac1)


def test_ac1_by_hand():
    # Agreement 3/4; shares of A and B are 5/8 and 3/8, chance 2 * 15/64 = 15/32.
    counts = agreement.confusion(rows_of([[2, 0], [1, 1], [0, 0]]))
    assert agreement.gwet_ac1(counts) == pytest.approx((3 / 4 - 15 / 32) / (17 / 32))


def test_invalid_verdicts_lower_ac1_and_never_raise_it():
    valid = agreement.confusion(rows_of([[30, 10], [10, 30], [0, 0]]))
    lost = agreement.confusion(
        rows_of([[30, 10], [10, 30], [0, 0]]) + rows_of([[0, 0, 0, 5], [0], [0]])
    )
    assert agreement.gwet_ac1(lost) < agreement.gwet_ac1(valid)
    assert agreement.cohen_kappa(lost) < agreement.cohen_kappa(valid)


def test_where_all_say_one_thing_kappa_does_not_exist():
    counts = agreement.confusion(rows_of([[9], [0], [0]]))
    assert agreement.cohen_kappa(counts) is None
    assert agreement.gwet_ac1(counts) == 1


def test_a_tie_is_not_an_inconsistency_and_an_invalid_verdict_is_no_tie():
    rows = [
        Row("tie", (TIE, TIE), (TIE,)),
        Row("contradiction", (A, B), (TIE,)),
        Row("half", (A, TIE), (A,)),
        Row("invalid", (None, None), (TIE,)),
    ]
    assert agreement.consistency(rows) == Share(2, 4)
    assert agreement.agreement(agreement.confusion(rows)) == Share(1.5, 4)
    assert agreement.right_in_both(rows) == 1
    assert agreement.confusion(rows)[TIE, agreement.INVALID] == 2


def test_first_slot_counts_each_item_once():
    rows = [Row("1", (A, B)), Row("2", (A, A)), Row("3", (B, B)), Row("4", (TIE, A))]
    assert agreement.first_slot(rows) == Share(2, 3)


def test_human_ceiling_is_of_items_that_several_labelled():
    rows = [Row("1", (A, A), (A, A)), Row("2", (A, A), (A, A, B)), Row("3", (A, A), (B,))]
    assert agreement.human_ceiling(rows) == Share(1 + 1 / 3, 2)


@pytest.mark.parametrize(
    ("right", "n", "qualified"),
    [
        (48, 50, False),
        (49, 50, True),
        (95, 100, False),
        (96, 100, True),
        (188, 200, True),
        (279, 300, True),
        (187, 200, False),
    ],
)
def test_qualification_needs_a_bound_not_a_point(right, n, qualified):
    lower = quantiles.lower_bound(right, n)
    assert Qualification(right, n, lower, 0.0).qualified is qualified


def test_what_is_only_a_point_estimate_is_called_so():
    checked = Qualification(45, 50, quantiles.lower_bound(45, 50), 0.15)
    assert len(checked.reasons) == 1
    assert "proves 80.1 %" in checked.reasons[0]
    assert "point estimate only" in checked.reasons[0]


def test_too_few_items_qualify_nobody():
    checked = Qualification(40, 40, quantiles.lower_bound(40, 40), 0.0)
    assert checked.lower > 0.9
    assert checked.reasons == ("40 labelled items, at least 50 are needed",)


def test_inconsistency_disqualifies_by_itself():
    assert Qualification(99, 100, 0.95, 0.15).qualified
    assert "16.0 %" in Qualification(99, 100, 0.95, 0.16).reasons[0]
