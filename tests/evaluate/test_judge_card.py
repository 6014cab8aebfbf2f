"""Bias card, panel, drift, families: what is said of judges."""

import json

import pytest

from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.rows import read_rows
from shadow_mw.evaluate.judging.card import bias_card
from shadow_mw.evaluate.judging.drift import drift
from shadow_mw.evaluate.judging.family import families, same_family
from shadow_mw.evaluate.judging.panel import disagreements, panel
from shadow_mw.evaluate.judging.pools import Judgement, label_row
from shadow_mw.evaluate.judging.values import Winner
from shadow_mw.types import Role

P, C, TIE, INVALID = Winner.PRIMARY, Winner.CANDIDATE, Winner.TIE, Winner.INVALID


def judged(*winners, judge="j", epoch="e", lengths=(10, 10)):
    """Judgements by their two orders; one winner stands for both."""
    pairs = [(w, w) if isinstance(w, Winner) else w for w in winners]
    return [Judgement(f"p{i}", judge, epoch, "d", pair, lengths) for i, pair in enumerate(pairs)]


@pytest.mark.parametrize(
    ("winners", "score"),
    [
        ((P, P), 0),
        ((P, TIE), 0.25),
        ((P, C), 0.5),
        ((TIE, TIE), 0.5),
        ((TIE, C), 0.75),
        ((C, C), 1),
    ],
)
def test_scores_are_the_mean_of_both_orders(winners, score):
    assert judged(winners)[0].score == score


def test_judgements_become_lines_that_calibrate_reads():
    rows = [label_row(judgement) for judgement in judged(P, (C, TIE), (INVALID, C))]
    read = read_rows([json.dumps(row | {"human": "B"}).encode() for row in rows], "f")
    assert [row.judge for row in read] == [("A", "A"), ("B", "TIE"), (None, "B")]


def test_the_card_counts_each_bias_over_what_can_show_it():
    # Twice the first slot, once the second, once consistent, once with a tie, once invalid.
    card = bias_card(judged((P, C), (P, C), (C, P), C, (TIE, C), (INVALID, C)))
    assert card.first_slot == Share(2.5, 4)
    assert card.inconsistent == Share(4, 5)
    assert card.invalid == Share(1, 12)
    assert card.ties == Share(0, 5)
    assert not card.usable
    assert bias_card(judged(*[TIE] * 60)).usable


def test_a_judge_that_likes_length_shows_it():
    longer = judged(C, C, C, P, lengths=(10, 30))
    equal = judged(P, P, lengths=(5, 5))
    assert bias_card(longer + equal).longer_wins == Share(3, 4)


def test_preference_of_its_own_family_is_shown_where_it_was_allowed():
    won = judged(C, C, P, TIE, (P, C))
    assert bias_card(won).own_family == {}
    assert bias_card(won, [Role.CANDIDATE]).own_family == {Role.CANDIDATE: Share(2, 3)}


def test_epochs_and_judges_are_never_pooled():
    mixed = judged(C, epoch="1") + judged(C, epoch="2")
    for use in (bias_card, lambda js: panel([js]), lambda js: drift(js, js)):
        with pytest.raises(ValueError, match="never pooled"):
            use(mixed)


def test_a_panel_decides_by_majority_and_lists_what_it_differs_on():
    found = panel(
        [
            judged(C, C, P, INVALID, INVALID, judge="one"),
            judged(C, C, C, C, INVALID, judge="two"),
            judged(C, P, TIE, P, INVALID, judge="three"),
            judged(C, P, TIE, P, INVALID, judge="four")[:4],
        ]
    )
    assert [v.winner for v in found] == [C, TIE, TIE, P]
    assert [v.pair_id for v in disagreements(found)] == ["p1", "p2", "p3"]
    assert panel([judged(INVALID)])[0].winner is INVALID
    assert panel([]) == []


def test_drift_to_one_side_raises_an_alarm():
    before = judged(*[P] * 30)
    found = drift(before, judged(*[C] * 9, *[P] * 21, epoch="new"))
    assert (found.to_candidate, found.to_primary, found.changed) == (9, 0, Share(9, 30))
    assert found.p == pytest.approx(2 / 2**9)
    assert found.alarm
    assert drift(before, before).p == 1


def test_drift_to_both_sides_shows_in_the_share_that_changed():
    found = drift(judged(*[TIE] * 20), judged(*[C] * 8, *[P] * 8, *[TIE] * 3, INVALID))
    assert (found.p, found.alarm, found.lost) == (1, False, 1)
    assert found.changed == Share(16, 19)
    with pytest.raises(ValueError, match="no pair"):
        drift(judged(TIE), [])


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-4o-2024-08-06", {"gpt"}),
        ("azure/gpt4", {"gpt"}),
        ("ft:gpt-4o-mini:acme::abc", {"gpt"}),
        ("o3-mini", {"gpt"}),
        ("chatgpt-4o-latest", {"gpt"}),
        ("us.anthropic.claude-sonnet-4-5-v1:0", {"claude"}),
        ("models/gemini-2.5-pro", {"gemini"}),
        ("accounts/fireworks/models/llama-v3p1-70b", {"llama"}),
        ("meta-llama/Llama-3.3-70B-Instruct", {"llama"}),
        ("mistralai/Mixtral-8x7B", {"mistral"}),
        ("Qwen/Qwen2.5-7B", {"qwen"}),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", {"deepseek", "llama"}),
        ("foo1-extract", set()),
        ("invoice-extractor", set()),
        ("", set()),
    ],
)
def test_families_are_known_by_name(model, found):
    assert families(model) == found


def test_a_judge_never_judges_itself_even_of_an_unknown_family():
    assert same_family("house-model", "House-Model")
    assert not same_family("house-model", "other-model")
    assert same_family("openai/o3", "gpt-4o-mini")
    assert not same_family("claude-opus-4", "gpt-4o-mini")
