"""Who takes the responsibility for a gate: named on the command line, kept where asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import click

from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series


@dataclass(frozen=True, slots=True)
class Signatures:
    """Gate to `NAME: WHY`."""

    waivers: dict[str, str] = field(default_factory=dict)
    signoffs: dict[str, str] = field(default_factory=dict)

    def with_(self, other: Signatures) -> Signatures:
        """Both; of the same gate the other's counts."""
        return Signatures(self.waivers | other.waivers, self.signoffs | other.signoffs)


def signatures(waive: Iterable[str], sign_off: Iterable[str]) -> Signatures:
    """What options say.

    Raises:
        UsageError: not GATE=NAME:WHY, or one gate twice.
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
        if name != "cost" or name not in names:
            raise click.UsageError(f"--sign-off {name}: accepted is cost, where the plan has it")


def kept(store: Store, series: Series) -> Signatures:
    """What was recorded for a series."""
    rows = store.query("SELECT value FROM meta WHERE name = ?", (_name(series),))
    found: Mapping[str, dict[str, str]] = json.loads(rows[0][0]) if rows else {}
    return Signatures(found.get("waivers", {}), found.get("signoffs", {}))


def keep(store: Store, series: Series, given: Signatures) -> None:
    """Record signatures beside those that are there."""
    with store.transaction():
        both = kept(store, series).with_(given)
        text = json.dumps({"waivers": both.waivers, "signoffs": both.signoffs}, sort_keys=True)
        store.write(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(_name(series), text)],
        )


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
        if gate in found:
            raise click.UsageError(f"{option} {gate}: given twice")
        found[gate.strip()] = f"{name.strip()}: {why.strip()}"
    return found


def _name(series: Series) -> str:
    return f"signatures:{series.experiment}/{series.candidate}"
