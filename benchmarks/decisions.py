"""`python -m benchmarks.decisions`: report and verdict, cold, on the article's window, and on ten.

The window is imported; the larger store is made of it by SQL: every pair ten times, with names and
times of its own, without content.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.article import PAIRS
from benchmarks.commands import Ran, command
from benchmarks.results import Part, Target, say, show, show_targets
from benchmarks.window import Window, write

QUICK = 5_000
TIMES = 10
COMMANDS = (("report", "--json"), ("report",), ("verdict", "--json"))
LIMITS = {1: (3.0, 500.0), TIMES: (30.0, 300.0)}
"""Seconds and megabytes, by how often the window is in the store: memory stays nearly flat."""
DECIDED = (0, 1, 2)
"""Exit codes of a verdict; a report has 0."""


def measure(path: Path, *, quick: bool) -> Part:
    pairs = QUICK if quick else PAIRS
    stores = {1: path / "window.db", TIMES: path / "grown.db"}
    say(f"importing {pairs:,} pairs")
    write(Window(pairs=pairs), path / "window.jsonl")
    command(path, "import", path / "window.jsonl", "--store", stores[1])
    say(f"making {TIMES * pairs:,} of them")
    grown(stores[1], stores[TIMES], TIMES)
    return of_stores(stores, pairs)


def of_stores(stores: dict[int, Path], pairs: int) -> Part:
    """Each command on each store, in a process of its own.

    Args:
        stores: by how often the window is in them.
        pairs: of the window.
    """
    part = Part(
        "V. Report and verdict",
        "Whole commands, imports and all; the file may be in the system's cache.",
        ["command", "pairs", "wall s", "CPU s", "peak MB"],
    )
    for times, store in stores.items():
        for words in COMMANDS:
            accepted = DECIDED if words[0] == "verdict" else (0,)
            used = command(store.parent, *words, "--store", store, accepted=accepted)
            name = f"{' '.join(words)} of {times * pairs:,} pairs"
            figures = (used.wall_s, used.cpu_s, used.peak_mb)
            part.rows.append(
                [" ".join(words), f"{times * pairs:,}", *(f"{figure:.1f}" for figure in figures)]
            )
            part.figures[name] = dict(zip(("wall_s", "cpu_s", "mb"), figures, strict=True))
            part.targets += _targets(name, used, times)
    return part


def _targets(name: str, used: Ran, times: int) -> Iterator[Target]:
    seconds, megabytes = LIMITS[times]
    met = used.wall_s <= seconds and used.peak_mb <= megabytes
    measured = f"{used.wall_s:.1f} s, {used.peak_mb:.0f} MB"
    yield Target(name, f"<= {seconds:.0f} s, <= {megabytes:.0f} MB", measured, met)


def grown(source: Path, target: Path, times: int) -> None:
    """Copy a store and have every pair in it so many times; the original must be closed."""
    shutil.copy(source, target)
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    legs, pairs = (
        connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0]
        for table in ("observations", "pairs")
    )
    for number in range(1, times):
        connection.execute("BEGIN")
        name = f"-{legs}.{number}"
        shift = {
            "observations": {
                "id": f"id + {number * legs}",
                "pair_id": f"pair_id || '{name}'",
                "session": f"session || '{name}'",
                "key": f"key || '{name}'",
                "time_ns": f"time_ns + {1000 * number}",
            },
            "pairs": {
                "id": f"id + {number * pairs}",
                "primary_row": f"primary_row + {number * legs}",
                "candidate_row": f"candidate_row + {number * legs}",
                "session": f"session || '{name}'",
                "key": f"key || '{name}'",
                "time_ns": f"time_ns + {1000 * number}",
            },
            **{
                table: {"pair": f"pair + {number * pairs}"}
                for table in ("fields", "divergences", "check_results")
            },
        }
        for table, changed in shift.items():
            _copy(connection, table, changed, legs if table == "observations" else pairs)
        connection.execute("COMMIT")
    connection.close()


def _copy(connection: sqlite3.Connection, table: str, changed: dict[str, str], last: int) -> None:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    first = next(name for name in names if name in ("id", "pair"))
    connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {first} <= {last}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} pairs")
    parser.add_argument("--store", type=Path, help="of the window: it is measured and left as is")
    parser.add_argument("--grown", type=Path, help="made where it is not there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as directory:
        if args.store is None:
            part = measure(Path(directory), quick=args.quick)
        else:
            larger = args.grown or Path(directory) / "grown.db"
            if not larger.exists():
                grown(args.store, larger, TIMES)
            part = of_stores({1: args.store, TIMES: larger}, PAIRS)
    show(part)
    show_targets([part])


if __name__ == "__main__":
    main()
