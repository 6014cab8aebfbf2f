"""Who takes the responsibility for a gate: named on the command line, kept where asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import click

from shadow_mw.evaluate.meta_names import meta_name
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.verdicts import GateResult, Verdict

COST: Final = "cost"
"""The only gate that may be signed off though it failed."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Gate to `NAME: WHY`."""

    waivers: dict[str, str] = field(default_factory=dict)
    signoffs: dict[str, str] = field(default_factory=dict)

    def with_(self, other: Signatures) -> Signatures:
        """Both; of the same gate the other's counts."""
        return Signatures(self.waivers | other.waivers, self.signoffs | other.signoffs)


NOTHING = Signatures()


def signatures(waive: Iterable[str], sign_off: Iterable[str]) -> Signatures:
    """What options say.

    Raises:
        UsageError: not GATE=NAME:WHY, one gate twice, or a waiver until what is no day.
    """
    return Signatures(_read("--waive", waive), _read("--sign-off", sign_off))


def check(given: Signatures, gates: Iterable[str]) -> None:
    """Refuse what would say nothing.

    Raises:
        UsageError: a gate that the plan does not have, or a sign-off of another one than cost.
    """
    names = list(gates)
    for name in given.waivers:
        if name not in names:
            raise click.UsageError(f"--waive {name}: no such gate; there are {', '.join(names)}")
    for name in given.signoffs:
        if name != COST or name not in names:
            raise click.UsageError(f"--sign-off {name}: accepted is cost, where the plan has it")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was kept for one series under one plan."""

    signatures: Signatures = NOTHING
    cost: float | None = None
    """The ratio that whoever signed for it had before them: their interval's upper end."""

    def holds(self, gates: Iterable[GateResult]) -> bool:
        """Whether a sign-off of cost is still for what it was given for."""
        now = next((gate.delta for gate in gates if gate.name == COST), None)
        if now is None or self.cost is None:
            return now is self.cost
        return now <= self.cost


def kept(store: Store, series: Series, plan: str) -> Recorded:
    """What was recorded for a series under the plan of this hash, and no other one."""
    found = _all(store, series).get(plan)
    if found is None:
        return Recorded()
    return Recorded(Signatures(found["waivers"], found["signoffs"]), found["cost"])


def keep(store: Store, series: Series, given: Signatures, verdict: Verdict) -> None:
    """Record signatures beside those that are there, with the plan and the cost they are for."""
    plan = verdict.plan.hash
    with store.transaction():
        before = kept(store, series, plan)
        both = before.signatures.with_(given)
        cost = _cost(verdict) if given.signoffs else before.cost
        made = {"waivers": both.waivers, "signoffs": both.signoffs, "cost": cost}
        text = json.dumps(_all(store, series) | {plan: made}, sort_keys=True, allow_nan=False)
        store.write(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(_name(series), text)],
        )


def _all(store: Store, series: Series) -> dict[str, Any]:
    """By hash of the plan."""
    rows = store.query("SELECT value FROM meta WHERE name = ?", (_name(series),))
    found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return found


def _name(series: Series) -> str:
    return meta_name("signatures", series.experiment, series.candidate)


def _cost(verdict: Verdict) -> float | None:
    gate = next(gate for gate in verdict.gates if gate.name == COST)
    high = gate.interval[1] if gate.interval else None
    return gate.delta if high is None else high


def _read(option: str, given: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        gate, _, signed = text.partition("=")
        name, _, why = signed.partition(":")
        if not (gate.strip() and name.strip() and why.strip()):
            raise click.UsageError(
                f"{option} {text!r}: accepted is GATE=NAME:WHY, such as"
                " 'likeness=Ann:no A/A pairs could be made'"
            )
        _check_day(option, text, why)
        if gate in found:
            raise click.UsageError(f"{option} {gate}: given twice")
        found[gate.strip()] = f"{name.strip()}: {why.strip()}"
    return found


def _check_day(option: str, given: str, why: str) -> None:
    """A waiver whose last day cannot be read would hold for ever."""
    from shadow_mw.decide.phases import last_day

    try:
        last_day(why)
    except ValueError as error:
        raise click.UsageError(
            f"{option} {given!r}: {error}; accepted is YYYY-MM-DD, such as until 2026-12-31"
        ) from None
