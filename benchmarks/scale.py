"""The article's window through `import`, `report` and `score`: CPU and memory of each process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.article import CANDIDATE, PAIRS, PRIMARY
from benchmarks.commands import Ran, command
from benchmarks.results import Part, Target, alone, say
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
    start = command(path, "score", path / "one.jsonl", "--json").cpu_s
    commands = {
        "import": ("import", file, "--store", store, "--json"),
        "report": ("report", "--store", store, "--json"),
        "score": ("score", file, "--json"),
    }
    for name, arguments in commands.items():
        used = command(path, *arguments)
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
        if name != "import":
            part.targets.append(_gives_the_table_back(name, used.table["metrics"]))
    megabytes = store.stat().st_size / 2**20
    part.notes.append(
        f"The store: {megabytes:.0f} MB, {store.stat().st_size / pairs:.0f} B a pair."
    )
    return part


def _targets(name: str, used: Ran, whole: float) -> Iterator[Target]:
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


if __name__ == "__main__":
    alone("scale", measure, f"{QUICK:,} pairs")
