"""What gates need, against figures that are known, and what a window can prove instead."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from shadow_mw.decide.differences import Sums, jump
from shadow_mw.decide.forecast import Call, Spending, forecast, judge_call
from shadow_mw.decide.plan import Gates, Hallucination, Plan, Rate, WinRate
from shadow_mw.decide.planner import needs
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.sizing import window_of
from shadow_mw.decide.stats import clopper_pearson, obrien_fleming, ratio_of_sums
from shadow_mw.decide.stats.sizes import pairs_for_mean
from shadow_mw.decide.stats.tango import bounds
from shadow_mw.decide.traffic import GIVEN, Traffic, measured
from shadow_mw.evidence import Evidence, Likeness, PairedCount, Pairs
from shadow_mw.prices import PriceTable
from shadow_mw.results import Series
from shadow_mw.settings import Price
from shadow_mw.standings import Standings

ONE_LOOK = ARTICLES.model_copy(
    update={"alpha": 0.1, "window": ARTICLES.window.model_copy(update={"looks": (1.0,)})}
)
"""One-sided 5 %, as published sizes have it."""


def by_name(plan, traffic):
    return {need.name: need for need in needs(plan, traffic)}


def small(pairs, **figures):
    window = ARTICLES.window
    requests = pairs / window.days / window.completion
    return Traffic().with_figures(GIVEN, requests_per_day=requests, **figures)


def test_sizes_are_those_that_were_published():
    """One-sided 5 %, power 90 %: (1.645 + 1.282)^2 discordance / margin^2."""
    found = by_name(ONE_LOOK, Traffic())
    assert found["accuracy"].fixed == pytest.approx(17_128, abs=2)
    assert found["errors"].fixed == pytest.approx(34_256, abs=2)
    assert found["hallucination"].fixed == pytest.approx(25_692, abs=2)
    assert found["hallucination"].anytime > 1.5 * found["hallucination"].fixed


def test_looks_before_the_end_cost_a_little():
    two = ONE_LOOK.model_copy(update={"window": ARTICLES.window})
    once, twice = (by_name(plan, Traffic())["errors"].fixed for plan in (ONE_LOOK, two))
    assert once < twice < 1.05 * once


def test_five_thousand_pairs_cannot_prove_two_tenths_of_a_point():
    found = by_name(ARTICLES, small(5_000, labelled_share=1.0))
    gate = found["hallucination"]
    assert (gate.unit, round(gate.yields)) == ("null leaves", 5_000)
    assert not gate.is_proven
    assert gate.provable == "at most 0.51 points worse"
    assert gate.basis == "assumed"
    assert not found["errors"].is_proven
    assert found["latency"].is_proven


def test_what_is_provable_instead_is_proven_and_no_less_is():
    traffic = small(5_000, labelled_share=1.0)
    margin = 0.0051
    proven, not_quite = (
        by_name(
            ARTICLES.model_copy(update={"gates": Gates(hallucination=Hallucination(margin=m))}),
            traffic,
        )["hallucination"]
        for m in (margin, margin - 0.0002)
    )
    assert proven.is_proven
    assert not not_quite.is_proven


def test_a_win_rate_that_is_not_believed_in_needs_no_number():
    plan = ARTICLES.model_copy(update={"gates": Gates(win_rate=WinRate(at_least=0.6))})
    found = by_name(plan, small(50_000, win_rate=0.6))
    assert math.isinf(found["win_rate"].fixed)
    assert not found["win_rate"].is_proven
    assert found["win_rate"].provable.startswith("at least 5")


def test_a_cap_below_the_primary_s_own_rate_needs_no_number():
    plan = ARTICLES.model_copy(update={"gates": Gates(errors=Rate(margin=0.01, cap=0.001))})
    found = by_name(plan, small(50_000))["errors.cap"]
    assert math.isinf(found.fixed)
    assert found.provable is not None


def test_small_segments_are_those_that_count():
    shares = {"web": 0.9, "mail": 0.07, "fax": 0.03}
    found = by_name(ARTICLES, small(10_000, labelled_share=0.5, segments=shares))["segments"]
    # Fax may stay unknown (3 %); mail may not with it: 200 labelled pairs of 7 % of the traffic.
    assert found.fixed == pytest.approx(200 / 0.07 / 0.5)


def test_the_window_is_what_is_mirrored_and_comes_through():
    plan = Plan(name="p", gates=Gates(), sample={"rate": 0.1}, window={"days": 7})
    assert window_of(plan, Traffic(requests_per_day=1000)).pairs == pytest.approx(700 * 0.98)


# From stored traffic


def evidence(n=20_000, clusters=None, seed=1):
    rng = np.random.default_rng(seed)
    zeros = np.zeros(n, np.int32)
    nulls = np.full(n, 2, np.int32)
    bad = rng.random((n, 2)) < 0.01
    if clusters:
        bad = bad[(np.arange(n) // clusters) * clusters]
    speed = rng.normal(6, 0.4, n)
    pairs = Pairs(
        time_s=np.linspace(0, 10 * 86_400, n),
        segment=(np.arange(n) % 4 == 0).astype(np.int32),
        session=(np.arange(n) // clusters if clusters else np.full(n, -1)).astype(np.int32),
        key=np.full(n, -1, np.int32),
        weight=np.full(n, 2.0),
        scored=np.ones(n, bool),
        leaves=np.full(n, 10, np.int32),
        nulls=nulls,
        primary_correct=np.full(n, 9, np.int32),
        candidate_correct=np.full(n, 9, np.int32),
        primary_hallucinated=2 * bad[:, 0].astype(np.int32),
        candidate_hallucinated=2 * bad[:, 1].astype(np.int32),
        primary_invalid=zeros,
        candidate_invalid=zeros,
        primary_null_like=zeros,
        candidate_null_like=zeros,
        primary_failed=np.zeros(n, bool),
        candidate_failed=rng.random(n) < 0.004,
        primary_latency_ms=np.exp(speed),
        candidate_latency_ms=np.full(n, np.inf),
        primary_cost_usd=np.full(n, 0.004),
        candidate_cost_usd=np.full(n, 0.001),
        exact=zeros.astype(np.int8),
    )
    return Evidence(
        series=Series("e", "c"),
        segments=("web", "fax"),
        pairs=pairs,
        checks=(
            PairedCount("empty", n, 0, 10, 10),
            PairedCount("json_invalid", n, 0, 100, 300),
            PairedCount("rare", 3, 0, 3, 0),
        ),
        fields=(),
        likeness=(Likeness("lexical", n, 0.9, 0.01, 200, 0.95, 0.04),),
        standings=Standings(),
        captured=n,
        mirrored=n,
        paired=n,
        lost={},
        unpriced=0,
        first_received_ns=0,
        data_hash="",
    )


def test_figures_of_stored_traffic():
    found = measured(evidence(), "session")
    assert found.requests_per_day == pytest.approx(4_000)
    assert (found.labelled_share, found.leaves, found.null_leaves) == (1, 10, 2)
    # Two leaves that go wrong together are one: a variance of 2 % twice.
    assert found.variances["hallucination"] == pytest.approx(0.04, rel=0.15)
    assert found.variances["errors"] == pytest.approx(0.004, rel=0.2)
    assert found.variances["accuracy"] == 0
    assert found.rates["accuracy"] == pytest.approx(0.1)
    assert found.variances["checks"] == pytest.approx(0.02)
    assert found.latency_spread == pytest.approx(0.4, rel=0.05)
    assert found.cost_ratio == pytest.approx(0.25)
    assert found.cost_variation == pytest.approx(0, abs=1e-9)
    assert found.likeness_deviation == pytest.approx(0.2)
    assert found.repeat_rate == pytest.approx(0.01)
    assert dict(found.segments) == {"web": 0.75, "fax": 0.25}
    assert found.source("requests_per_day", "variances.hallucination") == "stored"
    assert found.source("win_rate") == "assumed"


def test_pairs_that_come_in_clusters_need_as_many_more():
    alone = measured(evidence(), "session")
    together = measured(evidence(clusters=5), "session")
    as_pairs = measured(evidence(clusters=5), "pair")
    ratio = together.variances["hallucination"] / as_pairs.variances["hallucination"]
    assert ratio == pytest.approx(5, rel=0.05)
    assert alone.variances["hallucination"] < together.variances["hallucination"]


def test_a_handful_of_pairs_says_nothing():
    few = evidence(n=50)
    assert measured(few, "session") == Traffic()


def test_stored_sizes_reach_the_power_that_they_promise():
    """Equal legs on as many pairs: proven in 90 % of the windows."""
    from shadow_mw.decide.stats import tango

    base = measured(evidence(), "pair")
    plan = ARTICLES.model_copy(update={"gates": Gates(errors=Rate(margin=0.002))})
    fair = replace(base, variances={**base.variances, "errors": 0.008})
    n = int(by_name(plan, fair)["errors"].fixed)
    rng = np.random.default_rng(7)
    draws = rng.multinomial(n, [0.004, 0.004, 0.992], size=300)
    proven = [tango(n, a, b, 0.049).high <= 0.002 for a, b, _ in draws.tolist()]
    assert np.mean(proven) == pytest.approx(0.9, abs=0.05)


# Cost


def spending(**more):
    primary = Call("big", 1000, 100)
    candidate = Call("small", 1000, 200)
    wants = frozenset({"win_rate", "likeness"})
    return Spending(10_000, 0.05, primary, candidate, 500, wants=wants, **more)


PRICES = PriceTable({"big": Price(input=1, output=10), "small": Price(request="0.001")})


def test_every_part_is_added_up():
    judges = (judge_call("big", Call("big", 1000, 100), Call("small", 1000, 200)),)
    embeddings = Call("small", 200, 0)
    found = forecast(spending(judges=judges, embeddings=embeddings), PRICES)
    costs = {item.name: (item.calls, item.usd) for item in found.items}
    assert costs["primary"] == (0, 0)
    assert costs["primary again (A/A)"] == pytest.approx((500, 500 * 0.002))
    assert costs["candidate"] == pytest.approx((10_000, 10.0))
    # 600 of the rubric, the request and both outputs; 300 written; both orders.
    assert costs["judge big"] == pytest.approx((1000, 1000 * (1900 + 3000) / 1e6))
    assert costs["embeddings"] == pytest.approx((20_500, 20.5))
    assert found.usd == pytest.approx(1 + 10 + 4.9 + 20.5)
    assert found.unpriced == ()


def test_an_unknown_price_is_never_free():
    found = forecast(replace(spending(), candidate=Call("nobody-knows", 10, 10)), PRICES)
    (item,) = [item for item in found.items if item.name == "candidate"]
    assert item.usd is None
    assert found.unpriced == ("candidate",)
    given = replace(spending(), candidate=Call("nobody-knows", 10, 10, usd=0.00012))
    assert forecast(given, PRICES).of("candidate") == pytest.approx(1.2)


def test_a_judge_that_is_wanted_and_not_set_is_said():
    (judge,) = [item for item in forecast(spending(), PRICES).items if item.name == "judge"]
    assert judge.usd is None
    assert "no judge is set" in judge.note
    without = replace(spending(), wants=frozenset())
    assert all(not item.name.startswith("judge") for item in forecast(without, PRICES).items)


LEVEL = obrien_fleming(ARTICLES.window.looks, ARTICLES.alpha)[-1]


def gate_of(margin, cap=None, **figures):
    plan = ARTICLES.model_copy(update={"gates": Gates(errors=Rate(margin=margin, cap=cap))})
    return by_name(plan, small(1_000_000, **figures))


@pytest.mark.parametrize(("differ", "margin"), [(0.004, 0.002), (0.004, 0.004), (0.01, 0.01)])
def test_where_few_pairs_differ_the_promised_power_is_that_of_the_exact_interval(differ, margin):
    """By the binomial tables of as many pairs, not by the normal curve, which promises too much."""
    n = gate_of(margin, variances={"errors": differ})["errors"].fixed
    rng = np.random.default_rng(5)
    tables = rng.multinomial(int(n), [differ / 2, differ / 2, 1 - differ], 4_000)
    kinds, times = np.unique(tables[:, :2], axis=0, return_counts=True)
    high = bounds(n, kinds[:, 0], kinds[:, 1], LEVEL)[1]

    assert times[high < margin].sum() / 4_000 == pytest.approx(0.9, abs=0.03)
    assert n * differ < 60


@pytest.mark.parametrize(("rate", "cap"), [(0.003, 0.005), (0.003, 0.01), (0.05, 0.06)])
def test_a_cap_is_planned_for_the_interval_that_decides_it(rate, cap):
    n = round(gate_of(0.01, cap, rates={"errors": rate})["errors.cap"].fixed)
    most = max(k for k in range(n) if clopper_pearson(k, n, LEVEL).high <= cap)

    assert special.bdtr(most, n, rate) == pytest.approx(0.9, abs=0.03)


def test_what_the_window_proves_instead_of_a_cap_is_proven():
    plan = ARTICLES.model_copy(update={"gates": Gates(errors=Rate(margin=0.01, cap=0.004))})
    found = by_name(plan, small(2_000))["errors.cap"]
    share = float(found.provable.removeprefix("at most ").removesuffix(" %")) / 100
    again = ARTICLES.model_copy(update={"gates": Gates(errors=Rate(margin=0.01, cap=share))})

    assert not found.is_proven
    assert by_name(again, small(2_000))["errors.cap"].is_proven


def test_sessions_that_fail_together_are_planned_for():
    """Stored traffic in sessions: as many pairs as planned prove equal legs in 9 of 10 windows."""

    def drawn(seed, n):
        rng = np.random.default_rng(seed)
        size, count = 5, n // 5
        changed = rng.binomial(size, rng.beta(0.05, 4.95, (2, count)))
        return (changed[0] - changed[1]).astype(float), np.full(count, float(size))

    changed, of = drawn(1, 100_000)
    pilot = Sums(np.maximum(-changed, 0), np.maximum(changed, 0), of, 100_000, False)
    variance = float(changed @ changed) / 100_000
    figures = {"variances": {"errors": variance}, "jumps": {"errors": jump(pilot)}}
    n = round(gate_of(0.02, **figures)["errors"].fixed)
    naive = round(pairs_for_mean(math.sqrt(variance), 0.02, LEVEL, 0.9))

    def power(n):
        ends = [ratio_of_sums(*drawn(100 + run, n), alpha=LEVEL).high for run in range(300)]
        return np.mean(np.array(ends) < 0.02)

    assert power(naive) < 0.85
    assert 0.86 <= power(n) <= 0.97
