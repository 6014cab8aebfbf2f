"""The live page on the article's window: `python -m benchmarks.page [--store shadow.db]`.

What somebody waits for who opens it: the page, the list, a filter, one pair, the figures.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks.article import PAIRS
from benchmarks.commands import command
from benchmarks.peak import peak_mb
from benchmarks.processes import environ
from benchmarks.results import Part, Target, say, show, show_targets
from benchmarks.window import Window, write
from shadow_mw.demo.processes import free_port, stop

QUICK = 5_000
FIRST_VIEW_MS = 500.0
TIMES = 9
DEEP = 0.9
ASKED: dict[str, dict[str, Any]] = {
    "the worst pairs": {},
    "pairs of one class": {"harm": "wrong_value"},
    "pairs of one segment": {"segment": "monday"},
    "pairs by a field": {"field": "vendor_tax_id"},
    "one pair by its id": {"q": "w7-0000777"},
    "a text that all have": {"q": "invoice"},
    "a text that none has": {"q": "no such text"},
}


def measure(path: Path, *, quick: bool, store: Path | None = None) -> Part:
    pairs = QUICK if quick else PAIRS
    if store is None:
        store = _imported(path, pairs)
    part = Part(
        "L. The live page",
        f"One `shadow-mw serve` on a store of {store.stat().st_size / 2**20:,.0f} MB, asked over"
        f" HTTP; first after its start, then the median of {TIMES}. A search through texts ends"
        " after 0.7 s with what was found by then.",
        ["what", "first ms", "then ms", "KB"],
    )
    with _serving(path, store) as (client, child):
        _ask(part, client)
        _wait_for_figures(part, client, child)
        part.figures["rss_mb"] = child.memory_info().rss / 2**20
        part.notes.append(f"Memory of the service after all that: {part.figures['rss_mb']:.0f} MB.")
    first = part.figures["first"]
    view = first["the page"] + first["the worst pairs"]
    part.targets.append(
        Target(
            "first view, page and list",
            f"< {FIRST_VIEW_MS:.0f} ms",
            f"{view:.0f} ms",
            view < FIRST_VIEW_MS,
        )
    )
    return part


def _ask(part: Part, client: httpx2.Client) -> None:
    part.figures |= {"first": {}, "then": {}}
    _time(part, client, "the page", "/", {})
    for name, asked in ASKED.items():
        found = _time(part, client, name, "/v1/harm", asked)
        if name == "the worst pairs":
            deep = {"offset": int(DEEP * found["total"])}
            _time(part, client, "pairs far down", "/v1/harm", deep)
            _time(part, client, "one pair", f"/v1/harm/{found['rows'][0]['id']}", {})


def _time(
    part: Part, client: httpx2.Client, name: str, address: str, asked: dict[str, Any]
) -> dict[str, Any]:
    took = []
    for _ in range(1 + TIMES):
        started = time.perf_counter()
        response = client.get(address, params=asked).raise_for_status()
        took.append(1000 * (time.perf_counter() - started))
    first, then = took[0], statistics.median(took[1:])
    part.figures["first"][name], part.figures["then"][name] = first, then
    part.rows.append([name, f"{first:.1f}", f"{then:.1f}", f"{len(response.content) / 1024:,.0f}"])
    return {} if address == "/" else dict(response.json())


def _wait_for_figures(part: Part, client: httpx2.Client, child: psutil.Process) -> None:
    """By a process apart; meanwhile the list goes on."""
    started, lists, peak = time.perf_counter(), [], 0.0
    while (response := client.get("/v1/report")).status_code == 202:
        before = time.perf_counter()
        client.get("/v1/harm").raise_for_status()
        lists.append(1000 * (time.perf_counter() - before))
        peak = max([peak, *_memory(child)])
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    response.raise_for_status()
    part.figures |= {"figures_s": seconds, "figures_mb": peak, "lists_meanwhile_ms": lists}
    worst = max(lists, default=0.0)
    part.notes.append(
        f"The figures are there after {seconds:.1f} s, worked out by a process of {peak:.0f} MB"
        f" at most; a list took {worst:.0f} ms at most meanwhile."
    )


def _memory(child: psutil.Process) -> Iterator[float]:
    for process in child.children():
        try:
            yield peak_mb(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            continue


def _imported(path: Path, pairs: int) -> Path:
    say(f"importing {pairs:,} pairs")
    file, store = path / "window.jsonl", path / "shadow.db"
    write(Window(pairs=pairs), file)
    command(path, "import", file, "--store", store)
    return store


@contextmanager
def _serving(path: Path, store: Path) -> Iterator[tuple[httpx2.Client, psutil.Process]]:
    port = free_port()
    settings = {"SHADOW_STORE": str(store), "SHADOW_LISTEN": f"127.0.0.1:{port}"}
    child = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "serve"],
        env=environ(settings),
        cwd=path,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            end = time.monotonic() + 60
            while True:
                try:
                    client.get("/healthz").raise_for_status()
                    break
                except httpx2.HTTPError:
                    if child.poll() is not None or time.monotonic() > end:
                        raise
                    time.sleep(0.05)
            yield client, psutil.Process(child.pid)
    finally:
        stop(child)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} pairs")
    parser.add_argument("--store", type=Path, help="one that is there; it is written to")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-") as directory:
        part = measure(Path(directory), quick=args.quick, store=args.store)
    show(part)
    show_targets([part])


if __name__ == "__main__":
    main()
