"""A plan before any data as one JSON object; what is infinite is null."""

from __future__ import annotations

from decimal import Decimal
from math import isinf

from shadow_mw.decide.forecast import Forecast
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.sizing import Need, Window
from shadow_mw.decide.stats import obrien_fleming
from shadow_mw.settings import Settings
from shadow_mw.types import Json

LIVE = ("primary again", "candidate")
"""What SHADOW_BUDGET_USD bounds."""


def plan_json(plan: Plan, file: str) -> dict[str, Json]:
    """What it is."""
    return {
        "name": plan.name,
        "hash": plan.hash,
        "file": file,
        "experiment": plan.experiment,
        "candidate": plan.candidate,
        "alpha": plan.alpha,
        "power": plan.power,
    }


def window_json(plan: Plan, window: Window) -> dict[str, Json]:
    """What the window yields."""
    return {
        "days": plan.window.days,
        "pairs": window.pairs,
        "labelled": window.labelled,
        "basis": window.basis,
        "final_alpha": obrien_fleming(plan.window.looks, plan.alpha)[-1],
    }


def need_json(need: Need) -> dict[str, Json]:
    """What one gate needs."""
    return {
        "name": need.name,
        "what": need.what,
        "unit": need.unit,
        "fixed": _finite(need.fixed),
        "has_anytime": need.anytime is not None,
        "anytime": None if need.anytime is None else _finite(need.anytime),
        "window": need.yields,
        "provable": need.is_proven,
        "instead": need.provable,
        "basis": need.basis,
        "assuming": need.assuming,
    }


def cost_json(found: Forecast, plan: Plan, used: Settings) -> dict[str, Json]:
    """What the window costs, and whether budgets hold."""
    return {
        "items": [
            {
                "name": item.name,
                "model": item.model,
                "calls": item.calls,
                "tokens": item.tokens,
                "usd": item.usd,
                "basis": item.basis,
                "note": item.note,
            }
            for item in found.items
        ],
        "usd": found.usd,
        "unpriced": list(found.unpriced),
        "budgets": [
            *_budget("the plan's budget", plan.budget_usd, found.usd, found.unpriced),
            *_budget(
                "SHADOW_BUDGET_USD",
                used.budget_usd,
                found.of(*LIVE),
                tuple(name for name in found.unpriced if name.startswith(LIVE)),
            ),
        ],
    }


def _budget(
    name: str, budget: Decimal | None, of: float, unpriced: tuple[str, ...]
) -> list[dict[str, Json]]:
    if budget is None:
        return []
    usd = float(budget)
    holds = None if unpriced and of <= usd else of <= usd
    return [{"name": name, "usd": usd, "of": of, "holds": holds}]


def _finite(value: float) -> float | None:
    return None if isinf(value) else value
