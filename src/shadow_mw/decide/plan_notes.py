"""What each number of a plan file means, for the people who read and change it."""

from __future__ import annotations

NOTES = {
    "name": "What verdicts call this plan.",
    "experiment": "The experiment (SHADOW_EXPERIMENT) that it is registered for.",
    "candidate": "The candidate that is decided about; by default the only one.",
    "alpha": "Every interval is two-sided at 1 - alpha; a gate is decided by its end on the bad"
    " side, so that a gate passes by chance with a probability of alpha / 2 at most.",
    "power": "With which a gate that really holds is to be proven; sizes are computed with it.",
    "cluster": "What is independent of one another: session, key or pair.",
    "budget_usd": "What candidate, judge and embeddings may cost together; `plan` warns above it.",
    "window": "How long the window is, and which hours it has to cover.",
    "window.days": "Days; 14 are two full weekly cycles.",
    "window.looks": "Shares of the window at which the planned tests are made; the last one is 1."
    " Alpha is spent over them (O'Brien-Fleming), and looking in between costs nothing.",
    "window.weekday_times": "How often each weekday has to be in the window.",
    "window.hour_share": "Of production's calls that have to lie in hours of the week that have"
    " pairs.",
    "window.completion": "Of the calls that should have made a pair, those that have to have made"
    " one.",
    "window.timezone": "In which days and hours are counted.",
    "sample": "How much traffic.",
    "sample.pairs": "The fewest pairs.",
    "sample.rate": "The share of production's calls that is mirrored (SHADOW_SAMPLE_RATE).",
    "gates": "What decides. All margins are fractions: 0.002 is 0.2 points. A gate that is left out"
    " is not looked at.",
    "gates.hallucination": "Values invented for fields whose truth is null, over all labelled null"
    " leaves.",
    "gates.hallucination.margin": "How much worse the candidate may be.",
    "gates.hallucination.cap": "What the candidate's own rate may be at most.",
    "gates.hallucination.fields": "No single field may be proven worse than the margin (Holm).",
    "gates.invalid_output": "Labelled leaves in outputs that are no JSON.",
    "gates.invalid_output.margin": "How much worse the candidate may be.",
    "gates.invalid_output.cap": "What the candidate's own rate may be at most.",
    "gates.null_like": 'Placeholders such as "N/A" where the truth is null.',
    "gates.null_like.margin": "How much worse the candidate may be.",
    "gates.null_like.cap": "What the candidate's own rate may be at most.",
    "gates.accuracy": "Labelled leaves that are right.",
    "gates.accuracy.margin": "How much worse the candidate may be.",
    "gates.accuracy.cap": "What the candidate's own error rate may be at most.",
    "gates.errors": "Calls that failed: errors, timeouts, refused requests.",
    "gates.errors.margin": "How much worse the candidate may be; 0 could never be proven.",
    "gates.errors.cap": "What the candidate's own rate may be at most.",
    "gates.checks": "Faults that deterministic checks find: each ties or improves.",
    "gates.checks.margin": "Within which two rates count as a tie.",
    "gates.checks.only": "Names of checks; empty is all that found something to check.",
    "gates.latency": "The candidate's latency over the primary's; failed calls are infinite.",
    "gates.latency.percent": "Which percentile.",
    "gates.latency.ratio": "It has to be proven to be below this.",
    "gates.latency.load": "`shadow-mw load` at production's peak rate has to have passed too.",
    "gates.win_rate": "How often a qualified judge prefers the candidate (a tie is a half),"
    " corrected by people's labels.",
    "gates.win_rate.at_least": "The win rate.",
    "gates.win_rate.mode": "`proven`: the interval lies above it. `observed`: the estimate does.",
    "gates.win_rate.judge": "The judge's name; by default the one that there is.",
    "gates.likeness": "How like the outputs are, against two answers of the primary itself (A/A).",
    "gates.likeness.margin": "How far below the primary's own likeness it may be.",
    "gates.likeness.measure": "`lexical` or an embedding model; by default an embedding model where"
    " there is one.",
    "gates.segments": "No segment of the traffic may be proven worse, and few may be unknown.",
    "gates.segments.accuracy_margin": "How much worse a segment's accuracy may be.",
    "gates.segments.hallucination_margin": "The same for invented values.",
    "gates.segments.errors_margin": "The same for failed calls.",
    "gates.segments.unknown_share": "Of the traffic that may lie in segments too small to say.",
    "gates.segments.smallest": "Pairs below which a segment is too small.",
    "gates.cost": "Cost of a call over the primary's; more needs a signature (--sign-off).",
    "gates.cost.ratio": "It has to be proven to be at most this.",
    "gates.cost.unpriced_share": "Of the pairs whose price may be unknown.",
}
