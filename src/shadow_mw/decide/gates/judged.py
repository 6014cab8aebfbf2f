"""A qualified judge's win rate, as people would have said."""

from __future__ import annotations

from dataclasses import replace

from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide import words
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import HIGHER, lacking, measured, state_of
from shadow_mw.decide.plan import WinRate
from shadow_mw.decide.stats import Interval
from shadow_mw.standings import JudgeStanding, Rate, Standings
from shadow_mw.verdicts import GateResult, State

NAME, TITLE = "win_rate", "win rate by a qualified judge"
PPI = "PPI++ (Angelopoulos, Duchi & Zrnic 2023)"
OBSERVED = "; as observed: the estimate is taken for the truth"
WEIGHTED = "; pairs weighted by what they stand for"
REPORTED = 0.05
"""The level of a standing's intervals."""


def win_rate_gate(case: Case, plan: WinRate) -> list[GateResult]:
    """Corrected by people's labels; a judge that is not qualified decides nothing."""
    needed = f"at least {words.share(plan.at_least)}"
    judge, reason = _chosen(case.evidence.standings, plan.judge)
    if judge is None or judge.corrected is None:
        naive = judge.naive.value if judge and judge.naive else None
        return [_lacking(plan, needed, reason, naive, judge.judged if judge else 0)]
    interval = at_level(judge.corrected, case.look.alpha)
    whatever = _whatever(judge, interval, case.look.alpha)
    if not case.look.planned and state_of(whatever, plan.at_least, HIGHER) is not State.PASS:
        reason = f"{words.in_shares(interval)}: judged at planned looks only"
        return [_lacking(plan, needed, reason, judge.corrected.value, judge.judged)]
    if _hidden(judge, interval, whatever, plan.at_least):
        reason = f"{words.in_shares(interval)} of the pairs that were judged; {_left_out(judge)},"
        reason += f" and with them it is {words.share(whatever.low)} to"
        reason += f" {words.share(whatever.high)}: not proven, {needed}"
        return [_lacking(plan, needed, reason, judge.corrected.value, judge.judged)]
    observed = plan.mode == "observed" and _at_worst(judge) >= plan.at_least
    shown = Interval(interval.estimate, interval.estimate, interval.estimate)
    return [_result(plan, needed, judge, interval, shown if observed else interval)]


def _whatever(judge: JudgeStanding, interval: Interval, alpha: float) -> Interval:
    """The interval of all pairs, whatever those are that the judge has no verdict on."""
    rate = Rate(interval.estimate, interval.low, interval.high, judge.judged)
    low, high = judge.unjudged.bounds(rate, -float(special.ndtri(alpha / 2)))
    return Interval(interval.estimate, low, high)


def _hidden(judge: JudgeStanding, interval: Interval, whatever: Interval, least: float) -> bool:
    """Whether the pairs without a verdict could change what follows from the others."""
    states = [state_of(found, least, HIGHER) for found in (interval, whatever)]
    return states[0] is not states[1] or (
        interval.estimate >= least > _at_worst(judge) and State.PASS not in states
    )


def _at_worst(judge: JudgeStanding) -> float:
    """The estimate, were all pairs without a verdict lost."""
    return judge.corrected.value * (1 - judge.unjudged.share) if judge.corrected else 0.0


def _left_out(judge: JudgeStanding) -> str:
    """`7.0 % of all have no verdict (http_400 140)`."""
    why = ", ".join(f"{kind} {n:,}" for kind, n in judge.unjudged.pairs.items())
    return f"{words.share(judge.unjudged.share)} of all have no verdict ({why})"


def _result(
    plan: WinRate, needed: str, judge: JudgeStanding, interval: Interval, deciding: Interval
) -> GateResult:
    result = measured(
        NAME,
        TITLE,
        primary=1 - interval.estimate,
        candidate=interval.estimate,
        interval=deciding,
        margin=plan.at_least,
        better=HIGHER,
        unit="share",
        needed=needed,
        n=judge.judged,
        method=f"{PPI}; judge {judge.judge}, {judge.labels:,} labels by people"
        + (WEIGHTED if judge.weighted else "")
        + (f"; {_left_out(judge)}" if judge.unjudged.share else ""),
        shown=words.in_shares,
        absolute=True,
    )
    if deciding is interval:
        return result
    return replace(
        result,
        interval=(interval.low, interval.high),
        reason=f"{words.in_shares(interval)}: {needed}{OBSERVED}, which proves nothing",
        method=result.method + OBSERVED,
    )


def at_level(rate: Rate, alpha: float) -> Interval:
    """A 95 % interval of a normal estimate at another level."""
    factor = float(special.ndtri(alpha / 2) / special.ndtri(REPORTED / 2))
    low, high = (rate.value + factor * (end - rate.value) for end in (rate.low, rate.high))
    return Interval(rate.value, max(low, 0.0), min(high, 1.0))


def _chosen(standings: Standings, name: str | None) -> tuple[JudgeStanding | None, str]:
    """The judge that counts, and why its figure does not."""
    judges = [judge for judge in standings.judges if name in (None, judge.judge)]
    if not judges:
        asked = f" {name}" if name else ""
        return None, f"no verdicts of a judge{asked}: shadow-mw judge"
    fit = [judge for judge in judges if judge.gates]
    if len(fit) > 1:
        names = ", ".join(sorted(judge.judge for judge in fit))
        return None, f"several qualified judges ({names}): gates.win_rate.judge names one"
    if not fit:
        return None, "no qualified judge: " + "; ".join(map(_fault, judges))
    return fit[0], "no labels by people to correct the judge with: shadow-mw label"


def _fault(judge: JudgeStanding) -> str:
    """`judge X agrees with people in 0.81 (lower bound) where 0.90 is needed`."""
    if judge.qualified is None:
        return f"judge {judge.judge} has no labels by people: shadow-mw label"
    if judge.qualified:
        drift = "; ".join(judge.drift.reasons) if judge.drift else ""
        return f"judge {judge.judge} has drifted: {drift}"
    bound = (
        ""
        if judge.agreement_lb is None
        else (f" agrees with people in {judge.agreement_lb:.2f} (lower bound):")
    )
    return f"judge {judge.judge}{bound} {', '.join(judge.reasons)}"


def _lacking(
    plan: WinRate, needed: str, reason: str, candidate: float | None, n: int
) -> GateResult:
    return lacking(
        NAME,
        TITLE,
        reason,
        needed=needed,
        margin=plan.at_least,
        better=HIGHER,
        unit="share",
        candidate=candidate,
        n=n,
    )
