"""Plans to begin with: thresholds that are asked for in practice, and tighter ones."""

from __future__ import annotations

from shadow_mw.decide.plan import (
    Checks,
    Cost,
    Gates,
    Hallucination,
    Latency,
    Likeness,
    Plan,
    Rate,
    Sample,
    Segments,
    Window,
    WinRate,
)

ARTICLES = Plan(
    name="articles",
    alpha=0.05,
    power=0.9,
    cluster="session",
    window=Window(days=14, looks=(0.5, 1.0), weekday_times=2, hour_share=0.95, completion=0.98),
    sample=Sample(pairs=10_000, rate=1.0),
    gates=Gates(
        hallucination=Hallucination(margin=0.002, fields=True),
        invalid_output=Rate(margin=0.005),
        null_like=Rate(margin=0.005),
        accuracy=Rate(margin=0.005),
        errors=Rate(margin=0.001),
        checks=Checks(margin=0.005),
        latency=Latency(percent=95, ratio=1.2),
        win_rate=WinRate(at_least=0.55),
        likeness=Likeness(margin=0.02),
        segments=Segments(),
        cost=Cost(ratio=1.0),
    ),
)
"""At least 10,000 pairs in two full weekly cycles, and what people commonly ask of a candidate."""

STRICT = Plan(
    name="strict",
    alpha=0.01,
    power=0.9,
    cluster="session",
    window=Window(days=28, looks=(0.5, 1.0), weekday_times=4, hour_share=0.98, completion=0.99),
    sample=Sample(pairs=50_000, rate=1.0),
    gates=Gates(
        hallucination=Hallucination(margin=0.001, cap=0.01, fields=True),
        invalid_output=Rate(margin=0.001, cap=0.01),
        null_like=Rate(margin=0.002),
        accuracy=Rate(margin=0.002),
        errors=Rate(margin=0.0005, cap=0.01),
        checks=Checks(margin=0.002),
        latency=Latency(percent=95, ratio=1.1, load=True),
        win_rate=WinRate(at_least=0.55),
        likeness=Likeness(margin=0.01),
        segments=Segments(
            accuracy_margin=0.002,
            hallucination_margin=0.001,
            errors_margin=0.0005,
            unknown_share=0.02,
            smallest=500,
        ),
        cost=Cost(ratio=1.0, unpriced_share=0.0),
    ),
)
"""Four weeks, half the margins, caps on the candidate's own rates, and a load run."""

PRESETS = {plan.name: plan for plan in (ARTICLES, STRICT)}
