"""`python -m benchmarks`: run everything, side by side; `--only A C`, `--quick`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks import (
    alarms,
    article_verdict,
    calibration,
    checks,
    collector,
    decisions,
    fields,
    fixed_rate,
    imports,
    ingest,
    looks,
    memory,
    overhead,
    page,
    peers,
    saturation,
    scale,
    simulations,
)
from benchmarks.results import Part, keep, say, show, show_targets

PARTS: dict[str, Callable[..., Part]] = {
    "A": overhead.measure,
    "B": fixed_rate.measure,
    "C": saturation.measure,
    "D": memory.measure,
    "E": imports.measure,
    "F": fields.measure,
    "I": ingest.measure,
    "G": collector.measure,
    "J": calibration.measure,
    "K": checks.measure,
    "L": page.measure,
    "M": simulations.measure,
    "N": alarms.measure,
    "P": peers.measure,
    "R": looks.measure,
    "S": scale.measure,
    "V": decisions.measure,
    "W": article_verdict.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="under two minutes, wide intervals")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=sorted(PARTS))
    parser.add_argument("--keep-nothing", action="store_true", help="leave the last results")
    args = parser.parse_args()
    load = psutil.getloadavg()[0]
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_before": load,
        "quick": args.quick,
    }
    say(f"Python {machine['python']}, {machine['cores']} cores, load before {load:.2f}")
    if load > 0.5:
        say("the machine is not quiet: expect wide intervals")
    parts: dict[str, Part] = {}
    started = time.monotonic()
    for name in args.only:
        with tempfile.TemporaryDirectory(prefix="shadow-bench-") as directory:
            parts[name] = PARTS[name](Path(directory), quick=args.quick)
        show(parts[name])
    show_targets(list(parts.values()))
    machine["seconds"] = round(time.monotonic() - started)
    say(f"{machine['seconds']} s, load after {psutil.getloadavg()[0]:.2f}")
    if not args.keep_nothing:
        keep(parts, machine)


if __name__ == "__main__":
    main()
