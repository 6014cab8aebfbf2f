"""A verdict as the JSON object that programs read; its shape is a promise."""

from __future__ import annotations

import math
from dataclasses import asdict

from shadow_mw.types import Json
from shadow_mw.verdicts import GateResult, SegmentRow, Verdict

DIGITS = 12
"""Significant: the last bits of a sum are an accident of its order."""


def verdict_json(verdict: Verdict) -> dict[str, Json]:
    """Rates are fractions; None is unknown or infinite. Keys in the order of reading."""
    table: dict[str, Json] = {
        "verdict": verdict.decision.value,
        "reason": verdict.reason,
        "plan": asdict(verdict.plan),
        "data_hash": verdict.data_hash,
        "gates": [gate_json(gate) for gate in verdict.gates],
        "version": verdict.version,
        "experiment": verdict.experiment,
        "candidate": verdict.candidate,
        "look": verdict.look,
        "segments": [_segment(row) for row in verdict.segments],
        "coverage": asdict(verdict.coverage),
        "trends": {
            name: [asdict(point) for point in points] for name, points in verdict.trends.items()
        },
        "sensitivity": [
            {"gate": gate, "variation": variation, "outcome": outcome}
            for gate, variation, outcome in verdict.sensitivity
        ],
        "signoffs": dict(verdict.signoffs),
    }
    return {name: _plain(value) for name, value in table.items()}


def gate_json(gate: GateResult) -> dict[str, Json]:
    """One gate: what a program needs first, then the rest."""
    first = ("name", "primary", "candidate", "delta", "interval", "needed", "state", "n")
    table = asdict(gate) | {"state": gate.state.value}
    ordered = {name: table[name] for name in first} | table
    return {name: _plain(value) for name, value in ordered.items()}


def _segment(row: SegmentRow) -> Json:
    return asdict(row)


def _plain(value: Json) -> Json:
    """The same on every run and machine: no infinity, and no digits beyond what is meant."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
