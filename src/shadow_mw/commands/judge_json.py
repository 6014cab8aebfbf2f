"""A run of judges, and what they say, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from shadow_mw.commands import calibrate_card
from shadow_mw.commands.judge_run import Done, Round
from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.correction import Estimate
from shadow_mw.evaluate.judging.judge import Plan, Run
from shadow_mw.evaluate.judging.summary import JudgeCard
from shadow_mw.standings import JudgeDrift, PanelStanding, Rate
from shadow_mw.types import Json

MOST_NAMED = 1000
"""Pairs that a panel's disagreements name; `n` counts them all."""

SHARES = ("ties", "inconsistent", "invalid", "first_slot", "longer_wins")
"""Shares of a card, in its order."""


def plan_json(plan: Plan, anchors: Sequence[Plan]) -> dict[str, Json]:
    """What a run would do."""
    return {
        "dry_run": True,
        "plan": {
            "calls": plan.calls,
            "recorded": plan.recorded,
            "usd": None if plan.unpriced and not plan.usd else float(plan.usd),
            "unpriced": list(plan.unpriced),
            "anchors": {
                "calls": sum(one.calls for one in anchors),
                "usd": float(sum(one.usd for one in anchors)),
            },
        },
    }


def run_json(
    done: Done, cards: Sequence[JudgeCard], panel: PanelStanding | None
) -> dict[str, Json]:
    """What a run did, and what the judges say in the end."""
    run = done.run
    return {
        "dry_run": False,
        "run": {
            "asked": run.asked,
            "failed": dict(run.failed),
            "left": run.left,
            "too_large": len(run.too_large),
            "stopped": dict(run.stopped),
            "overrides": list(run.overrides),
            "calls": run.calls,
            "usd": spent(run),
            "anchors": [_round(found) for found in done.rounds],
            "frozen": dict(done.frozen),
        },
        "judges": [card_json(card) for card in cards],
        "panel": panel_json(panel),
    }


def _round(found: Round) -> dict[str, Json]:
    run = found.run
    return {
        "judge": found.judge,
        "round": found.number,
        "asked": run.asked,
        "failed": dict(run.failed),
        "left": run.left,
        "calls": run.calls,
        "usd": spent(run),
    }


def card_json(card: JudgeCard) -> dict[str, Json]:
    """One judge in one epoch; a figure that does not exist is null."""
    bias, result = card.bias, card.calibration
    return {
        "judge": card.judge,
        "model": card.model,
        "system_fingerprint": card.system_fingerprint,
        "fingerprint": card.spec,
        "epoch": card.epoch,
        "newest": card.newest,
        "pairs": bias.pairs if bias else 0,
        "half": card.half,
        "identical": card.identical,
        "wins": dict(card.wins),
        "win_rate": {
            "of": "candidate",
            "naive": card.naive and card.naive.value,
            "naive_ci": _bounds(card.naive),
            "corrected": card.corrected and card.corrected.value,
            "corrected_ci": _bounds(card.corrected),
            "naive_bounds": card.naive_bounds and list(card.naive_bounds),
            "corrected_bounds": card.corrected_bounds and list(card.corrected_bounds),
        },
        "unjudged": {"share": card.unjudged.share, "pairs": dict(card.unjudged.pairs)},
        **{name: _share(getattr(bias, name) if bias else None) for name in SHARES},
        "own_family": {role: _share(share) for role, share in bias.own_family.items()}
        if bias
        else {},
        "qualified": card.qualified,
        "gates": card.gates,
        "reasons": list(card.reasons),
        "calibration": calibrate_card.as_json(result) if result else None,
        "drift": drift_json(card.drift),
        "calls": card.calls,
        "usd": None if card.usd is None else float(card.usd),
    }


def spent(run: Run) -> float | None:
    """Unknown where one answer has no price: never taken as 0."""
    unpriced = any(opinion.cost_usd is None for opinion in run.opinions)
    return None if unpriced else float(run.usd)


def drift_json(drift: JudgeDrift | None) -> Json:
    """What a judge's anchors say."""
    if drift is None:
        return None
    return asdict(drift) | {"reasons": list(drift.reasons), "alarm": drift.alarm}


def panel_json(panel: PanelStanding | None) -> Json:
    """What several judges say together."""
    if panel is None:
        return None
    return {
        "judges": list(panel.judges),
        "pairs": panel.pairs,
        "wins": dict(panel.wins),
        "unanimous": _rate(panel.unanimous),
        "win_rate": {"of": "candidate"} | (_rate(panel.win_rate) or {}),
        "disagreements": {
            "n": len(panel.disagreements),
            "pairs": list(panel.disagreements[:MOST_NAMED]),
        },
    }


def _rate(found: Rate | None) -> dict[str, Json] | None:
    return {"value": found.value, "ci": [found.low, found.high], "n": found.n} if found else None


def _share(share: Share | None) -> Json:
    if share is None or not share.n:
        return None
    return {"value": share.value, "ci": list(share.interval), "n": share.n}


def _bounds(found: Estimate | None) -> list[float] | None:
    return [found.low, found.high] if found else None
