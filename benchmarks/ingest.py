"""How many spans a second `shadow-mw serve` takes on one core, and what that costs in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

import httpx2
import psutil

from benchmarks.ingest_spans import CONTENT, PAIRS
from benchmarks.processes import environ, run
from benchmarks.results import Part, Target, say
from shadow_mw.demo.processes import free_port, stop

WANTED = 3000
PEER = 145
"""Spans a second of arize-phoenix on a machine of this kind."""
MOST_GROWTH = 8.0
"""MB between the middle and the end: a store grows, a service does not."""
HOW = (
    "One process on one core; a load process on the other sends gzipped protobuf batches of"
    f" {2 * PAIRS} spans ({PAIRS} pairs) over 3 connections. Every span has {CONTENT} bytes of"
    " content or more; each pair is parsed, priced, judged, compressed and committed to disk"
    " (fsync) before its batch is answered."
)


def measure(directory: Path, *, quick: bool) -> Part:
    columns = ["run", "spans/s", "CPU us/span", "p50 ms", "p99 ms", "start MB", "middle", "end"]
    part = Part("I. Ingest of the evaluator", HOW, columns)
    say("ingest: one core")
    figures = _measure(directory, seconds=10.0 if quick else 60.0)
    memory = _memory(figures.pop("rss"))
    rate = figures["spans"] / figures["seconds"]
    part.rows.append(
        [
            f"{figures['seconds']:.0f} s",
            f"{rate:,.0f}",
            f"{figures['cpu_us_per_span']:.0f}",
            f"{figures['p50_ms']:.0f}",
            f"{figures['p99_ms']:.0f}",
            *(f"{size:.1f}" for size in memory),
        ]
    )
    if figures["refused"]:
        part.notes.append(f"[bold red]{figures['refused']} batches were refused[/]")
    part.notes.append(f"arize-phoenix took {PEER} spans/s: {rate / PEER:.0f} times that.")
    growth = memory[2] - memory[1]
    part.targets += [
        Target("ingest, one core", f">= {WANTED:,} spans/s", f"{rate:,.0f}", rate >= WANTED),
        Target(
            "ingest, memory after the middle",
            f"<= +{MOST_GROWTH:g} MB",
            f"{growth:+.1f} MB",
            growth <= MOST_GROWTH,
        ),
    ]
    part.figures = figures | {"spans_per_second": rate, "memory_mb": memory}
    return part


def _measure(directory: Path, seconds: float) -> dict[str, Any]:
    port = free_port()
    ours, theirs = sorted(os.sched_getaffinity(0))[:2]
    child = _serve(directory, port)
    try:
        psutil.Process(child.pid).cpu_affinity([ours])
        _wait(child, port, directory)
        return run(
            "ingest_load",
            *("--port", str(port), "--pid", str(child.pid)),
            *("--seconds", str(seconds), "--core", str(theirs)),
            timeout=seconds + 120,
        )
    finally:
        stop(child)


def _serve(directory: Path, port: int) -> subprocess.Popen[bytes]:
    variables = {
        "SHADOW_STORE": str(directory / "shadow.db"),
        "SHADOW_LISTEN": f"127.0.0.1:{port}",
    }
    with (directory / "serve.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "shadow_mw", "serve"],
            env=environ(variables),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait(child: subprocess.Popen[bytes], port: int, directory: Path) -> None:
    end = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < end:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=2).raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"serve does not answer:\n{(directory / 'serve.log').read_text()}")


def _memory(samples: list[int]) -> list[float]:
    """MB at the start, in the middle and at the end; of the last two a tenth of the samples."""
    some = max(len(samples) // 10, 1)
    middle = len(samples) // 2
    parts = (samples[:1], samples[middle : middle + some], samples[-some:])
    return [mean(part) / 2**20 for part in parts]
