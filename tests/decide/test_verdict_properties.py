"""What has to hold of every verdict, whatever the data."""

from dataclasses import fields, replace

import numpy as np
from decide.windows import Window, evidence
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shadow_mw.decide.gates.result import HIGHER, LOWER, state_of
from shadow_mw.decide.plan import Gates, Hallucination, Latency, Rate
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.stats import Interval
from shadow_mw.decide.verdict import conclusion, decide
from shadow_mw.evidence import Pairs
from shadow_mw.standings import Standings
from shadow_mw.verdicts import Decision, PlanName, State

REGISTERED = PlanName("articles", ARTICLES.hash, True, "")
GOOD = evidence(Window(pairs=40_000))
SMALL = evidence(Window(pairs=2_000))
TEMPLATE = decide(ARTICLES, SMALL, REGISTERED).gates
FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Each example is a whole verdict: they are few, the same ones every time, and never shrunk."""

states = st.lists(
    st.tuples(st.sampled_from(State), st.sampled_from([None, "Ann: why"])),
    min_size=len(TEMPLATE),
    max_size=len(TEMPLATE),
)


@given(states, st.booleans())
def test_go_is_what_nothing_speaks_against(drawn, registered):
    gates = tuple(
        replace(gate, state=state, waived_by=signed)
        for gate, (state, signed) in zip(TEMPLATE, drawn, strict=True)
    )
    decision, reason = conclusion(gates, replace(REGISTERED, registered=registered))
    open_ = {gate.state for gate in gates if not gate.waived_by}
    assert reason
    assert (decision is Decision.NO_GO) == (State.FAIL in open_)
    assert (decision is Decision.GO) == (registered and open_ <= {State.PASS})


@FEW
@given(st.sets(st.sampled_from([gate.name for gate in TEMPLATE]), min_size=1))
def test_waivers_never_make_a_failure_pass(waived):
    window = Window(pairs=8_000, errors=(0.002, 0.05))
    found = decide(ARTICLES, evidence(window), REGISTERED, dict.fromkeys(waived, "Ann: why"))
    assert found.decision is Decision.NO_GO
    assert next(gate for gate in found.gates if gate.name == "errors").waived_by is None


def test_the_data_that_something_is_taken_from_are_good_to_begin_with():
    assert decide(ARTICLES, GOOD, REGISTERED).decision is Decision.GO


def _without(found, name):
    n = len(found.pairs)
    columns = {
        "truth": {
            **dict.fromkeys((f.name for f in _counts(found.pairs)), np.zeros(n, np.int32)),
            "scored": np.zeros(n, bool),
        },
        "latency": {"candidate_latency_ms": np.full(n, np.nan)},
        "cost": {"primary_cost_usd": np.full(n, np.nan)},
    }
    if name in columns:
        return replace(found, pairs=replace(found.pairs, **columns[name]))
    empty = {
        "fields": {"fields": ()},
        "checks": {"checks": ()},
        "likeness": {"likeness": ()},
        "judge": {"standings": Standings()},
        "price": {"unpriced": n},
        "lost": {"lost": {"queue_full": n}},
    }
    return replace(found, **empty[name])


def _counts(pairs):
    return [
        f for f in fields(Pairs) if getattr(pairs, f.name).dtype == np.int32 and "_" in f.name
    ] + [f for f in fields(Pairs) if f.name in ("leaves", "nulls")]


MISSING = ("truth", "latency", "cost", "fields", "checks", "likeness", "judge", "price", "lost")


@FEW
@given(st.sets(st.sampled_from(MISSING), min_size=1))
def test_without_any_of_it_there_is_no_go(names):
    found = GOOD
    for name in sorted(names):
        found = _without(found, name)
    result = decide(ARTICLES, found, REGISTERED)
    assert result.decision is Decision.INSUFFICIENT
    assert all(gate.reason for gate in result.gates)


def _swapped(pairs):
    names = {f.name for f in fields(Pairs)}
    other = {name: name.replace("primary_", "candidate_") for name in names if "primary_" in name}
    both = other | {theirs: ours for ours, theirs in other.items()}
    return replace(pairs, **{name: getattr(pairs, source) for name, source in both.items()})


@FEW
@given(
    st.integers(0, 10_000),
    st.floats(0, 0.02),
    st.floats(0, 0.02),
    st.sampled_from([1, 4]),
    st.sampled_from([3.0, 14.0]),
)
def test_swapping_the_legs_turns_every_difference_around(seed, ours, theirs, batch, days):
    plan = ARTICLES.model_copy(
        update={
            "gates": Gates(
                hallucination=Hallucination(fields=False),
                accuracy=Rate(margin=0.01),
                errors=Rate(margin=0.01),
                latency=Latency(),
            )
        }
    )
    window = Window(
        pairs=3_000,
        seed=seed,
        batch=batch,
        days=days,
        errors=(ours, theirs),
        hallucination=(ours, theirs),
    )
    found = evidence(window)
    there = decide(plan, found, REGISTERED).gates
    back = decide(plan, replace(found, pairs=_swapped(found.pairs)), REGISTERED).gates
    for one, other in zip(there, back, strict=True):
        if one.unit == "points":
            assert np.isclose(one.delta, -other.delta, atol=1e-12)
            low, high = one.interval
            assert np.allclose((low, high), (-other.interval[1], -other.interval[0]), atol=1e-7)
        if one.name == "latency":
            assert np.isclose(one.delta * other.delta, 1)
            assert np.isclose(one.interval[0] * other.interval[1], 1)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_a_state_is_one_of_three_and_mirrors(estimate, below, above, margin):
    interval = Interval(estimate, estimate - below, estimate + above)
    mirrored = Interval(-estimate, -interval.high, -interval.low)
    found = state_of(interval, margin, LOWER)
    assert found is state_of(mirrored, -margin, HIGHER)
    assert (found is State.PASS) == (interval.high <= margin)
    assert (found is State.FAIL) == (interval.low > margin)
