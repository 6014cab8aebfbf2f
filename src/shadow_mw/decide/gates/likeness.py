"""How like the outputs are, against two answers of the primary itself."""

from __future__ import annotations

from shadow_mw.decide import stats
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import HIGHER, PLANNED_ONLY, lacking, measured
from shadow_mw.decide.plan import Likeness as LikenessPlan
from shadow_mw.decide.stats import Interval
from shadow_mw.evidence import Likeness
from shadow_mw.verdicts import GateResult

NAME, TITLE = "likeness", "likeness to the primary"
LEXICAL = "lexical"
WELCH = "Welch 1947"
FEWEST = 2
FEW_TEXTS = 0.05
"""Of the pairs, of which lexical likeness says nothing about the others: JSON is not compared so,
and what is left of it are the broken answers."""


def likeness_gate(case: Case, plan: LikenessPlan) -> list[GateResult]:
    """The candidate's mean likeness is not below the primary's own by more than the margin."""
    needed = f"at most {plan.margin:g} below the primary's own"
    found = _chosen(case.evidence.likeness, plan.measure)
    if found is None:
        asked = f" by {plan.measure}" if plan.measure else ""
        return [_lacking(plan, f"no likeness{asked} was measured: shadow-mw embed", needed)]
    title = f"{TITLE} ({found.name})"
    if found.name == LEXICAL and found.n < FEW_TEXTS * len(case.pairs):
        reason = (
            f"{found.n:,} of {len(case.pairs):,} pairs are texts; documents are held against the"
            " truth: leave gates.likeness out of the plan, or sign for it"
        )
        return [_lacking(plan, reason, needed, title, found)]
    if found.floor_n < FEWEST:
        reason = "no A/A pairs: set SHADOW_REPEAT_RATE"
        return [_lacking(plan, reason, needed, title, found)]
    if found.n < FEWEST:
        return [_lacking(plan, "no pair that was compared yet", needed, title, found)]
    if not case.look.planned:
        return [_lacking(plan, PLANNED_ONLY, needed, title, found)]
    ours = _worth(found.mean, found.variance, found.n, found.worth)
    floor = _worth(found.floor_mean, found.floor_variance, found.floor_n, found.floor_worth)
    interval = stats.welch(*ours, *floor, case.look.alpha)
    return [
        measured(
            NAME,
            title,
            primary=found.floor_mean,
            candidate=found.mean,
            interval=interval,
            margin=-plan.margin,
            better=HIGHER,
            unit="share",
            needed=needed,
            n=min(found.n, found.floor_n),
            method=_method(found),
            shown=_shown,
        )
    ]


def _worth(mean: float, variance: float, n: int, worth: int | None) -> tuple[float, float, int]:
    """The sample of independent values of one weight that says as much of the mean."""
    return (mean, variance, n) if worth is None else (mean, variance * worth / n, worth)


def _method(found: Likeness) -> str:
    text = f"{WELCH}; {found.n:,} pairs against {found.floor_n:,} A/A pairs"
    if found.worth is None or found.floor_worth is None:
        return text
    return f"{text}, over clusters and by weight: worth {found.worth:,} and {found.floor_worth:,}"


def _shown(found: Interval) -> str:
    return f"{found.estimate:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _chosen(measures: tuple[Likeness, ...], name: str | None) -> Likeness | None:
    """By name; else an embedding model with a floor, then lexical, then what there is."""
    fitting = [m for m in measures if name in (None, m.name)]
    return min(fitting, key=lambda m: (m.floor_n < FEWEST, m.name == LEXICAL, m.name), default=None)


def _lacking(
    plan: LikenessPlan, reason: str, needed: str, title: str = TITLE, found: Likeness | None = None
) -> GateResult:
    return lacking(
        NAME,
        title,
        reason,
        needed=needed,
        margin=-plan.margin,
        better=HIGHER,
        unit="share",
        primary=found.floor_mean if found and found.floor_n else None,
        candidate=found.mean if found and found.n else None,
        n=found.n if found else 0,
        method=WELCH if reason == PLANNED_ONLY else "",
    )
