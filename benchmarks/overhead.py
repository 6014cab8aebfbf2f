"""Microseconds of app CPU that mirroring adds to one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.intervals import Estimate, mean_difference
from benchmarks.payloads import CHUNKS
from benchmarks.processes import Children, run
from benchmarks.results import Part, Target, say

PER_CALL, PER_CHUNK, DISABLED = 50.0, 1.0, 2.0
"""Microseconds: the targets."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request."""

    name: str
    path: str
    requests: int
    blocks: int
    variables: tuple[tuple[str, str], ...] = ()
    at_once: int = 1


JSON, STREAM = "httpx2, JSON", f"httpx2, {CHUNKS} chunks"
SDK, SDK_STREAM = "openai SDK, JSON", f"openai SDK, {CHUNKS} chunks"
NONE, OFF = "no LLM call in the request", "disabled (SHADOW_ENABLED=false)"
CASES = (
    Case(JSON, "/ask", 60, 150),
    Case("httpx2, JSON, 8 at once", "/ask", 64, 100, at_once=8),
    Case(STREAM, "/stream", 25, 120),
    Case(SDK, "/sdk", 50, 100),
    Case(SDK_STREAM, "/sdk-stream", 12, 110),
    Case("httpx2, JSON, sampled 0 %", "/ask", 60, 100, (("SHADOW_SAMPLE_RATE", "0"),)),
    Case(NONE, "/nothing", 4000, 120),
    Case(OFF, "/nothing", 4000, 120, (("SHADOW_ENABLED", "false"),)),
)
HOW = (
    "us of CPU of the app's process per request, 95 % interval. One process calls the app through"
    " ASGI; capture is switched on and off per block of requests, blocks in random order within"
    " each triple (bare, ours, bare again). The app makes one call (2 KB request, 1.5 KB answer) to"
    " a model server in another process; sampled 100 %, runner alive, candidate healthy; one"
    " request at a time where nothing else is said. `added` is"
    " the app's own thread and the request's share of the housekeeping thread, which costs the"
    " given us a second at any rate of requests."
)


def measure(directory: Path, *, quick: bool) -> Part:
    part = Part(
        "A. App CPU added per request",
        HOW,
        [
            "request",
            "bare us",
            "added us",
            "ratio",
            "bare against bare us",
            "housekeeping us/s",
            "handed over",
            "dropped",
        ],
    )
    added: dict[str, Estimate] = {}
    with Children(directory) as children:
        model, candidate = children.model(), children.model()
        children.ready()
        for case in CASES:
            say(f"overhead: {case.name}")
            raw = _worker(case, model, candidate, directory, quick=quick)
            added[case.name] = _row(part, case, raw)
    _targets(part, added)
    return part


def _worker(
    case: Case, model: str, candidate: str, directory: Path, *, quick: bool
) -> dict[str, Any]:
    state = directory / case.name.replace("/", "-").replace(" ", "-")
    blocks = case.blocks // 12 if quick else case.blocks
    variables = {
        "BENCH_MODEL_URL": model,
        "SHADOW_CANDIDATE_URL": candidate,
        "SHADOW_CANDIDATE_MODEL": "bench-small",
        "SHADOW_STATE_DIR": str(state),
        "SHADOW_STORE": str(state / "shadow.db"),
        **dict(case.variables),
    }
    arguments = ["--path", case.path, "--blocks", str(blocks), "--requests", str(case.requests)]
    arguments += ["--at-once", str(case.at_once)]
    return run("overhead_worker", *arguments, timeout=180, **variables)


def _row(part: Part, case: Case, raw: dict[str, Any]) -> Estimate:
    blocks = raw["blocks"]
    thread = raw["threads_us_per_second"]
    share = thread * raw["seconds_per_request"]
    own = mean_difference(blocks["ours"], blocks["bare"])
    added = Estimate(own.value + share, own.low + share, own.high + share)
    control = mean_difference(blocks["bare again"], blocks["bare"])
    bare = sum(blocks["bare"]) / len(blocks["bare"])
    counts = raw["counts"]
    captured = counts.pop("captured", 0)
    dropped = ", ".join(f"{name} {n}" for name, n in counts.items()) or "0"
    digits = 2 if bare < 50 else 1
    part.rows.append(
        [
            case.name,
            f"{bare:.{digits}f}",
            added.show(digits),
            f"{1 + added.value / bare:.3f}x" if bare > 50 else "-",
            control.show(digits),
            f"{thread:.0f}",
            str(captured - sum(counts.values())),
            dropped,
        ]
    )
    part.figures[case.name] = {"added": added, "control": control, "bare": bare, **raw}
    if raw["swallowed"]:
        part.notes.append(f"[bold red]swallowed in {case.name}: {raw['swallowed']}[/]")
    return added


def _targets(part: Part, added: dict[str, Estimate]) -> None:
    limit = PER_CALL + PER_CHUNK * CHUNKS
    for name, wanted in ((JSON, PER_CALL), (SDK, PER_CALL), (STREAM, limit), (SDK_STREAM, limit)):
        _target(part, name, wanted, added[name])
    for whole, plain in ((STREAM, JSON), (SDK_STREAM, SDK)):
        more = (added[whole].value - added[plain].value) / CHUNKS
        part.notes.append(f"{whole}: {more:+.2f} us a chunk more than {plain}")
    _target(part, OFF, DISABLED, added[OFF], digits=2)


def _target(part: Part, name: str, wanted: float, found: Estimate, digits: int = 1) -> None:
    met = found.value <= wanted
    part.targets.append(
        Target(f"app CPU: {name}", f"<= +{wanted:g} us", f"{found.show(digits)} us", met)
    )
