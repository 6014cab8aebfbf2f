"""Whether a plan counts as registered: it has to be older than all calls, and than their receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

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


def plan_name(
    plan: Plan,
    known: Registered | None,
    first_received_ns: int | None,
    first_call_ns: int | None = None,
) -> PlanName:
    """Name, hash, and whether the plan counts.

    Args:
        plan: the one that decides.
        known: the registered one, if there is one.
        first_received_ns: when the first leg came; None where none has.
        first_call_ns: when the first pair's call was made, which an import may bring much later.
    """
    counts, note = _standing(plan, known, first_received_ns, first_call_ns)
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
    at = datetime.fromtimestamp(known.registered_ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    early = first_received_ns is not None and first_received_ns <= known.registered_ns
    if known.legs or early:
        return False, f"registered {at}, after data had come: counts as unregistered"
    if first_call_ns is not None and first_call_ns <= known.registered_ns:
        return False, f"unregistered: its calls were made before the plan was registered, {at}"
    again = f" (it replaced {known.replaced} that had been registered)" if known.replaced else ""
    return True, f"registered {at}, before any data{again}"
