"""A plan is registered before data: the store keeps when, and what was there then."""

from __future__ import annotations

from shadow_mw.decide import words
from shadow_mw.decide.plan import Plan
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.registration import Registration, register, registration
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import Settings
from shadow_mw.types import Json


def registered(used: Settings, plan: Plan, *, replace: bool) -> dict[str, Json]:
    """Register a plan for its experiment; a store that is not there yet is made.

    Raises:
        ConfigError: another plan is registered, and `replace` does not allow for it.
    """
    experiment = plan.experiment or used.experiment
    with Store.open(used.store, create=True) as opened:
        done = register(opened, experiment, plan.canonical, plan.hash, replace=replace)
        found = registration(opened, experiment)
    if found is None or not done:
        other = "another plan" if found is None else f"plan {found.hash[:12]}"
        raise ConfigError(
            f"{other} is registered for experiment {experiment} in {used.store}: --replace puts"
            " this one in its place, and verdicts say so"
        )
    return {
        "experiment": experiment,
        "store": str(used.store),
        "hash": found.hash,
        "registered": _time(found),
        "legs": found.legs,
        "before_data": not found.legs,
        "replaced": list(found.replaced),
        "note": _note(f"{experiment} in {used.store}", found),
    }


def _note(experiment_and_store: str, found: Registration) -> str:
    text = f"registered for experiment {experiment_and_store} at {_time(found)}"
    if found.legs:
        text += (
            f", after {found.legs:,} legs had come: verdicts count it as not registered, take"
            " another experiment"
        )
    else:
        text += ", before any data"
    if found.replaced:
        text += f"; it replaces {', '.join(digest[:12] for digest in found.replaced)}"
    return text


def _time(found: Registration) -> str:
    return words.stamp(found.registered_ns // 10**9)
