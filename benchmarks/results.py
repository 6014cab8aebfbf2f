"""What every part of the benchmark hands back: tables to print, figures to keep, targets."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

LATEST = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Target:
    """One number to reach."""

    name: str
    wanted: str
    measured: str
    met: bool


@dataclass(slots=True)
class Part:
    """One topic."""

    title: str
    how: str
    """What was measured, how, and in which unit."""
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


# Wide enough for every table: piped output must not be cut.
_console = Console(width=150, highlight=False)


def say(text: str) -> None:
    _console.print(text, style="dim")


def show(part: Part) -> None:
    table = Table(
        title=part.title, title_justify="left", title_style="bold", caption_justify="left"
    )
    table.add_column(part.columns[0])
    for column in part.columns[1:]:
        table.add_column(column, justify="right")
    for row in part.rows:
        table.add_row(*row)
    _console.print()
    _console.print(table)
    _console.print(part.how, style="dim")
    for note in part.notes:
        _console.print(note)


def show_targets(parts: list[Part]) -> None:
    table = Table(title="Targets", title_justify="left", title_style="bold")
    for column in ("target", "wanted", "measured", "met?"):
        table.add_column(column)
    for target in (target for part in parts for target in part.targets):
        met = "yes" if target.met else "[bold red]NO[/]"
        table.add_row(target.name, target.wanted, target.measured, met)
    _console.print()
    _console.print(table)


def alone(module: str, measure: Callable[..., Part], quick: str) -> None:
    """`python -m benchmarks.MODULE [--quick]`: one part, nothing kept."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}")
    parser.add_argument("--quick", action="store_true", help=quick)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as directory:
        part = measure(Path(directory), quick=args.quick)
    show(part)
    show_targets([part])


def keep(parts: dict[str, Part], machine: dict[str, Any], path: Path = LATEST) -> None:
    path.parent.mkdir(exist_ok=True)
    table = {"machine": machine, "parts": {name: asdict(part) for name, part in parts.items()}}
    path.write_text(json.dumps(table, indent=1))
    _console.print(f"kept in {path}", style="dim")
