"""PPI++: known values, reductions, and coverage on real judges' verdicts."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from shadow_mw.evaluate.calibration.correction import Scored, apart, correct, mean, plain
from shadow_mw.evaluate.calibration.rows import BY_HAND, Choice, Row
from shadow_mw.evaluate.judging.drawn import Drawn, DrawnPair
from shadow_mw.evaluate.judging.summary import judge_cards
from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.types import Role

JUDGEMENTS = Path(__file__).parents[3] / "shared" / "data" / "judgements.jsonl"
WINNERS = {"1": 1.0, "2": 0.0}


def items_of(n, labelled):
    """Deterministic scores of which people's are about a quarter above half the judge's."""
    items = []
    for i in range(n):
        judge = round(((i * 37) % 100) / 25) / 4
        y = 1.0 if ((i * 53 + 11) % 97) / 97 < 0.25 + 0.5 * judge else 0.0
        items.append(Scored(judge, y if i < labelled else None))
    return items


@pytest.mark.parametrize(
    ("lam", "theta", "half"),
    # ppi-python 0.2.3; its lambda weighs the unlabelled mean, ours (lambda * N / all) that of all.
    [(0.0, 0.5, 0.12651513), (0.45, 0.50185185, 0.12465185), (None, 0.50118353, 0.12378482)],
)
def test_estimate_and_interval_are_those_of_ppi_python(lam, theta, half):
    found = correct(items_of(600, 60), lam).estimate

    assert found.value == pytest.approx(theta, abs=4e-4)
    # Ours divides by n - 1 and takes Student's quantile: 3 % wider at 60 labels.
    assert (found.high - found.low) / 2 == pytest.approx(half * 1.0296, rel=0.01)


def test_with_lambda_0_it_is_the_peoples_mean_alone():
    items = items_of(600, 60)
    labels = [item.human for item in items[:60]]

    found = correct(items, 0)

    assert found.estimate.value == pytest.approx(sum(labels) / 60)
    assert found.strata[0].variance == pytest.approx(plain_variance(labels))


def plain_variance(values):
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)


def test_with_lambda_1_it_is_the_judges_mean_and_its_mean_error():
    items = items_of(600, 60)
    judge = sum(item.judge for item in items) / 600
    error = sum(item.human - item.judge for item in items[:60]) / 60
    assert correct(items, 1).estimate.value == pytest.approx(judge + error)


def test_with_every_item_labelled_the_judge_changes_nothing():
    items = items_of(200, 200)
    assert correct(items).estimate == correct(items, 0).estimate
    split = [replace(item, segment=str(i % 3)) for i, item in enumerate(items)]
    assert correct(split).estimate.value == pytest.approx(correct(items).estimate.value)
    low, high = correct(items).estimate.low, correct(items).estimate.high
    assert correct(split).estimate.low == pytest.approx(low, abs=1e-3)
    assert correct(split).estimate.high == pytest.approx(high, abs=1e-3)


def test_a_useless_judge_is_ignored_and_a_perfect_one_used_fully():
    items = items_of(600, 100)
    against = [
        replace(item, judge=1 - (item.human if item.human is not None else item.judge))
        for item in items
    ]
    assert correct(against).strata[0].lam == 0
    perfect = [
        replace(
            item,
            judge=float(round(item.judge)),
            human=None if item.human is None else float(round(item.judge)),
        )
        for item in items
    ]
    assert correct(perfect).strata[0].lam == 1
    assert correct(perfect).estimate.value == pytest.approx(plain([i.judge for i in perfect]).value)


def test_labels_that_all_say_the_same_prove_no_more_than_their_number():
    items = [Scored(1.0, 1.0) for _ in range(20)] + [Scored(1.0) for _ in range(480)]
    found = correct(items).estimate
    assert found.value == 1
    # The exact bound of Clopper and Pearson at 20 of 20.
    assert found.low == pytest.approx(1 - 0.168433471, abs=1e-9)


def test_one_label_says_nothing_about_its_error():
    found = correct([Scored(0.5, 1.0), Scored(0.5), Scored(0.25)]).estimate
    assert found.high == 1
    assert found.low <= 0.025 + 1e-9


def test_unequal_probabilities_are_undone_by_their_weights():
    """Losses are ten times as likely to be labelled: unweighted, the rate is far off."""
    random.seed(4)
    items = []
    for _ in range(20_000):
        y = float(random.random() < 0.7)
        inclusion = 0.02 if y else 0.2
        items.append(Scored(0.5, y if random.random() < inclusion else None, None, inclusion))

    weighted = correct(items).estimate
    blind = correct([replace(item, inclusion=None) for item in items]).estimate

    assert weighted.low < 0.7 < weighted.high
    assert blind.high < 0.3


def test_segments_labelled_at_different_rates_are_joined_by_their_size():
    """In the small segment everything is labelled, in the large one hardly anything."""
    small = [Scored(0.5, float(i % 10 == 0), "small") for i in range(100)]
    large = [Scored(0.5, float(i % 10 != 0) if i < 30 else None, "large") for i in range(900)]
    found = correct(small + large)
    assert found.estimate.value == pytest.approx(0.1 * 0.1 + 0.9 * 0.9)
    assert [(s.segments, s.n, s.labelled) for s in found.strata] == [
        (("small",), 100, 100),
        (("large",), 900, 30),
    ]


def test_segments_with_few_labels_share_a_correction_and_keep_their_weight():
    large = [Scored(0.5, 1.0 if i < 50 else None, "large") for i in range(500)]
    little = [Scored(0.5, 0.0 if i < 5 else None, "little") for i in range(10)]
    tiny = [Scored(0.5, 1.0 if i < 2 else None, "tiny") for i in range(90)]
    found = correct(large + little + tiny)
    assert [s.segments for s in found.strata] == [("large",), ("little", "tiny")]
    assert found.strata[1].theta == pytest.approx(0.9)
    assert found.estimate.value == pytest.approx(590 / 600)


def test_a_segment_without_labels_is_named():
    labelled = [Scored(0.5, float(i % 2), "known") for i in range(40)]
    found = correct(labelled + [Scored(0.5, None, "unknown") for _ in range(10)])
    assert found.unlabelled_segments == ("unknown",)
    assert found.estimate.value == pytest.approx(0.5)


def longer_wins(judge):
    """Does the longer answer win? By people, and by a judge: it is what judges are biased for."""
    if not JUDGEMENTS.exists():
        pytest.skip(f"no {JUDGEMENTS}")
    with JUDGEMENTS.open() as lines:
        for line in lines:
            row = json.loads(line)
            y = WINNERS[str(row["label"])]
            scores = [WINNERS[str(v)] for v in row["judges"][judge] if v is not None]
            f = sum(scores) / len(scores) if scores else 0.5
            flip = len(row["output_1"]) < len(row["output_2"])
            yield Scored(1 - f if flip else f, 1 - y if flip else y, row["subset"])


@pytest.mark.parametrize(
    ("judge", "narrower_by"),
    # The second knows something; the first only what is long, and is ignored: never worse.
    [("ChatGPT/Vanilla", -0.015), ("PaLM2/Vanilla", 0.05)],
)
def test_on_real_judges_the_naive_interval_misses_and_the_corrected_one_covers(judge, narrower_by):
    population = list(longer_wins(judge))
    truth = sum(item.human for item in population) / len(population)
    drawn = random.Random(7)
    rounds, naive, corrected, people, widths = 300, 0, 0, 0, [0.0, 0.0]

    for _ in range(rounds):
        sample = drawn.choices(population, k=1000)
        items = [item if i < 100 else replace(item, human=None) for i, item in enumerate(sample)]
        estimates = (
            plain([item.judge for item in items]),
            correct(items).estimate,
            correct(items, 0).estimate,
        )
        naive += estimates[0].low <= truth <= estimates[0].high
        corrected += estimates[1].low <= truth <= estimates[1].high
        people += estimates[2].low <= truth <= estimates[2].high
        widths[0] += estimates[1].high - estimates[1].low
        widths[1] += estimates[2].high - estimates[2].low

    assert naive == 0
    assert corrected / rounds >= 0.925
    assert people / rounds >= 0.925
    assert 1 - widths[0] / widths[1] > narrower_by


def sampled(rng, chance, inclusion=None, n=2000):
    """Items of a judge that likes one half, each labelled with a chance by what the judge said."""
    judges = [float(i % 2) for i in range(n)]
    return [
        Scored(f, 1.0 if rng.random() < chance(f) else None, None, inclusion and inclusion(f))
        for f in judges
    ]


def test_a_random_sample_is_not_called_picked():
    rng = random.Random(7)
    assert not any(apart(sampled(rng, lambda _: 0.1)) for _ in range(300))

    def chance(f):
        return 0.4 if f else 0.05

    # Unequal probabilities that are known leave it one.
    assert not any(apart(sampled(rng, chance, chance)) for _ in range(300))
    assert all(apart(sampled(rng, chance)) for _ in range(20))


def test_labels_of_the_pairs_that_the_candidate_wins_qualify_no_judge():
    def opinions(number):
        winner = Winner.CANDIDATE if number % 2 else Winner.PRIMARY
        for first in (Role.PRIMARY, Role.CANDIDATE):
            yield Opinion("j", "s", "e", f"p{number}", "i", first, winner)

    said = [opinion for number in range(1000) for opinion in opinions(number)]
    drawn = Drawn(tuple(DrawnPair(f"p{number}", "i") for number in range(1000)))

    def card(numbers, inclusion=None):
        labels = {
            f"p{n}": Row(f"p{n}", (None, None), (Choice.B if n % 2 else Choice.A,), None, inclusion)
            for n in numbers
        }
        (found,) = judge_cards(said, drawn, labels)
        return found

    assert card(range(200)).qualified
    picked = card(range(1, 400, 2))
    assert picked.corrected.value > 0.9
    assert not picked.qualified
    assert "win rate is 1.00 over the labelled pairs and 0.50 over all" in picked.reasons[0]
    # Who says so qualifies the judge with them, and corrects nothing.
    known = card(range(1, 400, 2), BY_HAND)
    assert (known.qualified, known.corrected) == (True, None)


def test_what_shares_its_luck_counts_once():
    """Each session's calls are one answer said twice: they tell as much as one of them."""
    rng = random.Random(3)
    single = [scored(rng, cluster=i) for i in range(300)]
    double = [item for item in single for _ in range(2)]
    apart_ = [replace(item, cluster=None) for item in double]
    for found in (mean, lambda items: correct(items).estimate):
        one, two, wrong = (found(items) for items in (single, double, apart_))
        assert two.value == pytest.approx(one.value)
        assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.02)
        assert wrong.high - wrong.low < 0.75 * (one.high - one.low)


def test_an_item_that_stands_for_several_is_as_good_as_several_in_one_cluster():
    rng = random.Random(4)
    items = [scored(rng, cluster=i) for i in range(400)]
    weighted = [replace(item, weight=1 + 2 * (i % 3 == 0)) for i, item in enumerate(items)]
    copied = [item for item in weighted for _ in range(int(item.weight))]
    copied = [replace(item, weight=1.0) for item in copied]
    for found in (mean, lambda items: correct(items).estimate):
        one, other = found(weighted), found(copied)
        assert one.value == pytest.approx(other.value)
        assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.05)


def scored(rng, **more):
    human = float(rng.random() < 0.6)
    judge = human if rng.random() < 0.8 else 1.0
    return Scored(judge, human if rng.random() < 0.4 else None, **more)
