"""`python -m benchmarks.simulations`: do the intervals cover, and is a GO ever wrong?

Windows of 14 days with a known truth. At the null the truth lies on the margin itself, where a GO
is just wrong; the gate is looked at every day, as `shadow-mw verdict` does: a confidence sequence
between the planned looks, the fixed interval at its O'Brien-Fleming level at them (days 7 and 14).
Power is measured on as many pairs as `shadow-mw plan` asks for.
"""

from __future__ import annotations

import argparse
import math
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmarks import simulated
from benchmarks.results import Part, Target, say, show, show_targets
from benchmarks.simulated_gates import MONDAYS, Gate, gates
from benchmarks.simulations_other import Other, others

MEASURED = ["covers", "sequence", "false GO", "last day", "power"]


def measure(
    _: Path | None = None, *, quick: bool = False, runs: int = 2000, only: str = ""
) -> Part:
    """Coverage, false GO and power of every gate (whose name has `only` in it)."""
    runs = 100 if quick else runs
    part = Part(
        "M. Simulated windows: coverage, false GO under daily looks, power",
        "Shares of runs with their Monte-Carlo error. `covers`: the 95 % interval at the end;"
        " `sequence`: the confidence sequence on all 14 days at once; `false GO`: the gate passes"
        " on any of 14 daily looks although the truth lies on the margin (one-sided, nominally"
        " 2.5 %); `last day`: on the last; `power`: on as many pairs as the plan asks for 90 %.",
        ["simulation", "n", "alpha", "runs", *MEASURED],
    )
    for gate in gates():
        if only in gate.name:
            add_gate(part, gate, runs)
    for other in () if only else others(runs):
        add_other(part, other)
    if not quick and not only:
        add_targets(part)
    return part


def add_gate(part: Part, gate: Gate, runs: int) -> None:
    n, count = math.ceil(gate.n), runs * gate.weight
    seen = gate.null(seeded(gate, 1), count, n)
    covers = (seen.plain[0] <= gate.margin) & (gate.margin <= seen.plain[1])
    passes = seen.passes(gate.margin, gate.better)
    # Where the truth drifts, an early pass is about another average: only the end can be wrong.
    wrong = passes[:, -1] if gate.drifts else passes.any(axis=1)
    values = {
        "covers": float(covers.mean()),
        "sequence": held(gate, seen, n),
        "false GO": float(wrong.mean()),
        "last day": float(passes[:, -1].mean()),
        "power": reached(gate, n, count) if gate.good else None,
    }
    add_row(part, gate.name, n, simulated.ALPHA, count, values)


def held(gate: Gate, seen: simulated.Windows, n: int) -> float | None:
    """Whether the sequence had the truth on all days at once."""
    low, high = seen.sequence
    if not np.isfinite(high).any():
        return None
    truth = simulated.running_truth(*gate.drifts, MONDAYS, n) if gate.drifts else gate.margin
    return float(((low <= truth) & (truth <= high)).all(axis=1).mean())


def seeded(gate: Gate, number: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(gate.name.encode()), number])


def reached(gate: Gate, n: int, runs: int) -> float:
    assert gate.good is not None
    seen = gate.good(seeded(gate, 2), runs, n)
    if gate.anytime:
        return float((seen.sequence[1][:, -1] < gate.margin).mean())
    return float(seen.passes(gate.margin, gate.better)[:, -1].mean())


def add_other(part: Part, other: Other) -> None:
    add_row(part, other.name, other.n, other.alpha, other.runs, other.values)


def add_row(
    part: Part, name: str, n: int, alpha: float, runs: int, values: Mapping[str, float | None]
) -> None:
    cells = [share(values.get(column), runs) for column in MEASURED]
    part.rows.append([name, f"{n:,}", f"{alpha:g}", f"{runs:,}", *cells])
    kept = {key: value for key, value in values.items() if value is not None}
    part.figures[f"{name}, {n}"] = {"runs": runs, **kept}


def share(value: float | None, runs: int) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} +-{100 * math.sqrt(value * (1 - value) / runs):.1f}"


def add_targets(part: Part) -> None:
    held = {name: row for name, row in part.figures.items() if not name.startswith("(")}

    def worst(column: str, choose: Callable[..., str]) -> tuple[str, float]:
        rows = {name: row[column] for name, row in held.items() if column in row}
        name = choose(rows, key=lambda key: rows[key])
        return name, rows[name]

    for column in ("covers", "sequence"):
        name, value = worst(column, min)
        part.targets.append(
            Target(f"{column} of every interval", ">= 94 %", f"{value:.1%} ({name})", value >= 0.94)
        )
    name, value = worst("false GO", max)
    part.targets.append(
        Target("false GO under daily looks", "<= 5 %", f"{value:.1%} ({name})", value <= 0.05)
    )
    name, value = worst("power", min)
    part.targets.append(
        Target("power that the plan promises", ">= 87 %", f"{value:.1%} ({name})", value >= 0.87)
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulations")
    parser.add_argument("--quick", action="store_true", help="100 runs: wide errors")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--only", default="", help="gates with this in their name")
    args = parser.parse_args()
    started = time.monotonic()
    part = measure(quick=args.quick, runs=args.runs, only=args.only)
    show(part)
    show_targets([part])
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
