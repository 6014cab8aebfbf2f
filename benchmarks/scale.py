"""The article's window through `import`, `report` and `score`: CPU and memory of each process."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.article import CANDIDATE, PAIRS, PRIMARY
from benchmarks.results import Part, Target, say, show, show_targets
from benchmarks.window import Window, write

QUICK = 5_000
BUDGET_S = 90.0
"""For all deterministic checks with fields, on one core."""
BUDGET_MB = 500
REPORT_S = 3.0

ARTICLE = {
    "field_accuracy": (".3f", PRIMARY.accuracy, CANDIDATE.accuracy),
    "hallucination_rate": (".3f", PRIMARY.hallucination_rate, CANDIDATE.hallucination_rate),
    "latency_p50_ms": (".0f", PRIMARY.p50_ms, CANDIDATE.p50_ms),
    "latency_p99_ms": (".0f", PRIMARY.p99_ms, CANDIDATE.p99_ms),
    "cost_per_1k_usd": (".2f", PRIMARY.cost_per_1k_usd, CANDIDATE.cost_per_1k_usd),
}
"""The table's rows, to the digits that it prints; 1.8 s and 410 ms are given to two."""
TWO_DIGITS = frozenset({"latency_p50_ms", "latency_p99_ms"})


@dataclass(frozen=True, slots=True)
class Used:
    """What one process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    printed: dict[str, Any]


def measure(path: Path, *, quick: bool) -> Part:
    pairs = QUICK if quick else PAIRS
    part = Part(
        "S. The article's window",
        f"{pairs:,} pairs with truth; every command a process of its own, content and all.",
        ["command", "CPU s", f"CPU s for {PAIRS:,}", "wall s", "peak MB"],
    )
    say(f"writing {pairs:,} pairs")
    file, store = path / "window.jsonl", path / "shadow.db"
    write(Window(pairs=pairs), file)
    write(Window(pairs=1), path / "one.jsonl")
    start = _run(path, "score", path / "one.jsonl", "--json").cpu_s
    commands = {
        "import": ("import", file, "--store", store, "--json"),
        "report": ("report", "--store", store, "--json"),
        "score": ("score", file, "--json"),
    }
    for name, arguments in commands.items():
        used = _run(path, *arguments)
        whole = start + (used.cpu_s - start) * PAIRS / pairs
        part.rows.append(
            [
                name,
                *(f"{number:.1f}" for number in (used.cpu_s, whole, used.wall_s)),
                f"{used.peak_mb:.0f}",
            ]
        )
        part.figures[name] = {"cpu_s": used.cpu_s, "wall_s": used.wall_s, "mb": used.peak_mb}
        part.targets += _targets(name, used, whole)
        if "metrics" in used.printed:
            part.targets.append(_gives_the_table_back(name, used.printed["metrics"]))
    megabytes = store.stat().st_size / 2**20
    part.notes.append(
        f"The store: {megabytes:.0f} MB, {store.stat().st_size / pairs:.0f} B a pair."
    )
    return part


def _targets(name: str, used: Used, whole: float) -> Iterator[Target]:
    budget = REPORT_S if name == "report" else BUDGET_S
    measured = f"{whole:.1f} s, {used.peak_mb:.0f} MB"
    met = whole <= budget and used.peak_mb < BUDGET_MB
    wanted = f"<= {budget:.0f} s CPU, < {BUDGET_MB} MB"
    yield Target(f"{name} of {PAIRS:,} pairs", wanted, measured, met)


def _gives_the_table_back(name: str, metrics: dict[str, Any]) -> Target:
    other = differing(metrics)
    return Target(f"{name} gives the article's table", "every figure", other or "yes", not other)


def differing(metrics: dict[str, Any]) -> str:
    """The figures of a report that are not the article's, as printed there."""
    found = []
    for metric, (form, *expected) in ARTICLE.items():
        for role, figure in zip(("primary", "candidate"), expected, strict=True):
            value = metrics[metric][role]
            wanted, got = format(figure, form), format(value, form)
            if metric in TWO_DIGITS:
                wanted, got = f"{figure:.2g}", f"{value:.2g}"
            if wanted != got:
                found.append(f"{role} {metric} {value:.4g}, not {figure:g}")
    return "; ".join(found)


def _run(path: Path, *arguments: str | Path) -> Used:
    """One command in a process of its own, and what that process took."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHADOW_")}
    started = time.monotonic()
    with (path / "out.json").open("w+b") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "shadow_mw", *map(str, arguments)],
            stdout=out,
            cwd=path,
            env=clean,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        if process.returncode:
            raise SystemExit(f"{arguments[0]} ended with {process.returncode}")
        out.seek(0)
        return Used(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, json.load(out))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} pairs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as directory:
        part = measure(Path(directory), quick=args.quick)
    show(part)
    show_targets([part])


if __name__ == "__main__":
    main()
