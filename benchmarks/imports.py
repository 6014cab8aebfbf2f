"""What `import shadow_mw.asgi` loads beyond the standard library, and how long it takes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import environ
from benchmarks.results import Part, Target

MODULES = 40
CODE = """
import json, sys, time
before = set(sys.modules)
started = time.perf_counter()
import shadow_mw.asgi
took = time.perf_counter() - started
standard = sys.stdlib_module_names
names = [n for n in set(sys.modules) - before if n.partition(".")[0] not in standard]
print(json.dumps({"names": sorted(names), "ms": took * 1e3}))
"""


def measure(directory: Path, *, quick: bool) -> Part:
    tables = []
    for _ in range(5 if quick else 21):
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            env=environ({}),
            cwd=directory,
            capture_output=True,
            check=True,
        )
        tables.append(json.loads(done.stdout))
    names = tables[0]["names"]
    took = statistics.median(table["ms"] for table in tables)
    own = sum(name.startswith("shadow_mw") for name in names)
    part = Part(
        "E. Weight of `import shadow_mw.asgi`",
        f"modules beyond the standard library; ms: median of {len(tables)} fresh interpreters.",
        ["import", "modules", "ours", "opentelemetry", "other", "ms"],
    )
    telemetry = sum(name.startswith("opentelemetry") for name in names)
    other = len(names) - own - telemetry
    part.rows.append(
        ["shadow_mw.asgi", *map(str, (len(names), own, telemetry, other)), f"{took:.0f}"]
    )
    part.figures = {"modules": names, "ms": took}
    part.targets.append(
        Target(
            "import shadow_mw.asgi", f"<= {MODULES} modules", str(len(names)), len(names) <= MODULES
        )
    )
    return part
