"""Pairs to be labelled: probabilities that are exact, and means that they make unbiased."""

import math
import random
from dataclasses import replace
from statistics import fmean, stdev

import pytest
from rows.pair_rows import command, lines, printed, row

from shadow_mw.evaluate.calibration.correction import Scored, correct
from shadow_mw.evaluate.judging.pools import Judgement
from shadow_mw.evaluate.judging.values import Winner
from shadow_mw.evaluate.labelling.draw import inclusions, systematic
from shadow_mw.evaluate.labelling.frame import frame, plan
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.store import Store

WEIGHTS = [1, 1, 2, 1, 6, 1, 1, 3, 1, 1, 4, 1] * 5


def test_probabilities_follow_the_weights_as_far_as_one():
    assert inclusions([1, 1, 2], 2) == pytest.approx([0.5, 0.5, 1])
    # What is above 1 leaves the rest for the others, who may come above 1 by that.
    assert inclusions([1, 1, 10, 4], 3) == pytest.approx([0.5, 0.5, 1, 1])
    assert inclusions([5, 1], 2) == inclusions([5, 1], 9) == [1, 1]
    for size in (1, 7, 30, 59):
        found = inclusions(WEIGHTS, size)
        assert math.fsum(found) == pytest.approx(size)
        assert 0 < min(found) <= max(found) <= 1


def test_every_draw_has_its_size_and_every_pair_its_probability():
    draws, chances = 6_000, inclusions(WEIGHTS, 20)
    times = [0] * len(WEIGHTS)
    for seed in range(draws):
        drawn = systematic(chances, str(seed))
        assert len(drawn) == len(set(drawn)) == 20
        for place in drawn:
            times[place] += 1
    for n, chance in zip(times, chances, strict=True):
        assert abs(n / draws - chance) < 4.5 * math.sqrt(chance * (1 - chance) / draws) + 1e-9


def test_the_weighted_mean_is_unbiased_where_the_plain_one_is_not():
    chances = inclusions(WEIGHTS, 20)
    # What people say goes with the weight: the worst case for a plain mean.
    human = [min(w / 4, 1.0) * (i % 7 > 0) for i, w in enumerate(WEIGHTS)]
    truth = fmean(human)
    weighted, plain = [], []
    for seed in range(4_000):
        drawn = systematic(chances, f"m{seed}")
        weighted.append(sum(human[i] / chances[i] for i in drawn) / len(WEIGHTS))
        plain.append(fmean(human[i] for i in drawn))
    error = stdev(weighted) / math.sqrt(len(weighted))
    assert abs(fmean(weighted) - truth) < 4 * error
    assert 0 < error < 0.002
    assert fmean(plain) > truth + 0.1


def test_who_stops_early_has_a_sample_of_the_same_proportions():
    chances = inclusions(WEIGHTS, 30)
    assert chances.count(1) > 0
    times = [0] * len(WEIGHTS)
    for seed in range(6_000):
        for place in systematic(chances, f"early{seed}")[:10]:
            times[place] += 1
    for n, chance in zip(times, chances, strict=True):
        expected = chance / 3
        assert abs(n / 6_000 - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 6_000)


def test_the_corrected_win_rate_is_that_of_people_with_these_probabilities():
    """The whole estimator of `calibrate`, over draws; the judge is wrong where it is in doubt."""
    chance = random.Random(5)
    doubted = [chance.random() < 0.3 for _ in range(800)]
    human = [float(chance.random() < (0.2 if doubt else 0.6)) for doubt in doubted]
    judge = [
        float(chance.random() < 0.7) if doubt else y
        for doubt, y in zip(doubted, human, strict=True)
    ]
    chances = inclusions([3 if doubt else 1 for doubt in doubted], 120)
    found, naive, covered = [], [], 0
    for seed in range(300):
        drawn = set(systematic(chances, f"c{seed}"))
        items = [
            Scored(judge[i], human[i] if i in drawn else None, None, chances[i]) for i in range(800)
        ]
        estimate = correct(items).estimate
        found.append(estimate.value)
        covered += estimate.low <= fmean(human) <= estimate.high
        naive.append(fmean(human[i] for i in drawn))
    assert abs(fmean(found) - fmean(human)) < 0.006
    assert fmean(naive) < fmean(human) - 0.05
    assert fmean(judge) > fmean(human) + 0.05
    assert covered >= 0.92 * 300


def test_a_draw_is_the_same_for_a_seed_and_another_for_another():
    chances = inclusions(WEIGHTS, 20)
    assert systematic(chances, "1") == systematic(chances, "1")
    assert systematic(chances, "1") != systematic(chances, "2")


TASK = {"messages": [{"role": "user", "content": "Total 9.00, tax id DE811"}]}
OUTPUTS = {
    "same": ('{"total": "9.00"}', '{"total":  "9.00"}'),
    "text": ("nine", "about nine"),
    "divergent": ('{"total": "9.00"}', '{"total": "9.00", "tax_id": "DE811"}'),
    "invented": ('{"total": "9.00"}', '{"total": "8.00"}'),
    "both": ('{"total": "9.00"}', '{"total": "9.00", "x": "invented words"}'),
    "equal": ('{"total": "7.00"}', '{"total":  "7.00"}'),
}
"""The last one is invented by both alike: a label that prefers neither says nothing of a judge."""


def test_signs_add_up_and_no_pair_has_no_weight(tmp_path):
    rows = (row(name, *legs, input=TASK) for name, legs in OUTPUTS.items())
    printed(command(tmp_path, "import", "-", "--json", stdin=lines(*rows)))
    with Store.open(tmp_path / "shadow.db") as store:
        series, _ = choose(store, None, None)
        found = frame(store, series, None, 0, whole=True)
        # What was judged has a line whether or not it is drawn.
        judged = {n: Judgement(n, "j", "e", "i", (Winner.TIE,) * 2, (1, 1)) for n in OUTPUTS}
        found = replace(found, judgements=judged)
        drawn = plan(store, found, 1, 0)
        doubted = plan(store, replace(found, doubted=frozenset({"text"})), 1, 0)
        disputed = plan(store, replace(found, disputed=frozenset({"text"})), 1, 0)
    weights = {"same": 1, "text": 2, "divergent": 3, "invented": 3, "both": 4, "equal": 1}
    assert {line["id"]: line["inclusion"] for line in drawn} == pytest.approx(
        {name: w / 14 for name, w in weights.items()}
    )
    for signed in (doubted, disputed):
        (chance,) = [line["inclusion"] for line in signed if line["id"] == "text"]
        assert chance == pytest.approx(4 / 16)
