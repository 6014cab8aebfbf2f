"""Whether a plan counts as registered: it has to be older than all data."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.decide import words
from shadow_mw.decide.plan import Plan
from shadow_mw.verdicts import PlanName

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Registered:
    """What is known of the registered plan."""

    hash: str
    registered_ns: int
    legs: int
    """Of the experiment that the store had then."""
    replaced: int = 0
    """Plans that were registered before it."""
    candidates: int = 1
    """Of the experiment; a plan that names none decides about each of them."""


def plan_name(
    plan: Plan,
    known: Registered | None,
    first_received_ns: int | None,
    first_call_ns: int | None = None,
    candidate: str | None = None,
) -> PlanName:
    """Name, hash, and whether the plan counts for a candidate.

    Args:
        plan: the one that decides.
        known: the registered one, if there is one.
        first_received_ns: when the first leg came; None where none has.
        first_call_ns: when the first pair's call was made, which an import may bring much later.
        candidate: who is decided about; None is whom the plan is for.
    """
    if known is not None and candidate is not None and plan.candidate not in (None, candidate):
        note = f"unregistered: the registered plan is for candidate {plan.candidate}"
        return PlanName(plan.name, plan.hash, registered=False, note=note)
    counts, note = _standing(plan, known, first_received_ns, first_call_ns)
    if counts and plan.candidate is None and known is not None and known.candidates > 1:
        note += f"; {known.candidates} candidates of the experiment share it"
    return PlanName(plan.name, plan.hash, counts, note)


def _standing(
    plan: Plan,
    known: Registered | None,
    first_received_ns: int | None,
    first_call_ns: int | None,
) -> tuple[bool, str]:
    if known is None:
        return False, "unregistered: no plan was registered for this experiment"
    if known.hash != plan.hash:
        return False, f"unregistered: the registered plan is another one ({known.hash[:12]})"
    at = words.stamp(known.registered_ns // SECOND)
    early = first_received_ns is not None and first_received_ns <= known.registered_ns
    if known.legs or early:
        return False, f"registered {at}, after data had come: counts as unregistered"
    if first_call_ns is not None and first_call_ns <= known.registered_ns:
        return False, f"unregistered: its calls were made before the plan was registered, {at}"
    again = f" (it replaced {known.replaced} that had been registered)" if known.replaced else ""
    return True, f"registered {at}, before any data{again}"
