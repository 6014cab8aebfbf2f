"""`python -m benchmarks.article_verdict`: the article's window, decided from the command line.

Each plan is registered in a new store before rows are imported and people's labels are stored. What
is decided stands beside what has to come out; how long each verdict took, start and imports and
all, is shown too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.article import PAIRS
from benchmarks.commands import Ran, command
from benchmarks.results import Part, Target, alone, say
from benchmarks.scale import differing
from benchmarks.window import Window, write, write_regraded

QUICK, QUICK_MONDAYS = 10_500, 4_000
SMALL, SMALL_JUDGED = 12_000, 0.15
"""For what needs no more; of so few pairs a judge reads a larger share."""
FEW = 3_000
LABELLED = 400
REPEATS = 0.02
REGISTERED_NS = 1_793_491_200 * 10**9
"""2026-11-01T00:00:00Z, the day before the window begins."""
WAIVER = "likeness=Ada Lovelace:documents have fields, and those are held against the truth"
"""JSON has no likeness: somebody has to answer for the one gate that cannot be proven."""
EXITS = {0: "GO", 1: "NO-GO", 2: "INSUFFICIENT"}
ONE_REASON = frozenset({"hallucination", "hallucination.fields"})
"""As a whole and field by field; with enough pairs weekday by weekday too."""
SEGMENTS = frozenset({"segments"})


@dataclass(frozen=True, slots=True)
class Case:
    """What has to come out of a store."""

    name: str
    wanted: str
    holding: frozenset[str]
    """Gates that failed where it is NO-GO; else those not proven, that nobody signed for."""
    reason: str
    """How the reason begins."""
    also: frozenset[str] | None = frozenset()
    """Gates that may be among them; None is any: too few pairs are too few for several."""


WORSE = Case(
    "the article's candidate",
    "NO-GO",
    ONE_REASON,
    "hallucination on null fields: +0.8",
    SEGMENTS,
)
BY_FORM = Case("the same pairs, graded by form", "GO", frozenset(), "")
MONDAYS = Case("Mondays differ", "NO-GO", SEGMENTS, "segments: proven worse in 1")
SOUND = Window(judge="careful", judged=SMALL_JUDGED, pairs=SMALL, form_is_truth=True)
MISSING = (
    (Case("nothing missing", "GO", frozenset(), ""), SOUND),
    (
        Case("a weekend missing", "INSUFFICIENT", frozenset({"coverage.days"}), "days: 12 of 14"),
        replace(SOUND, missing_days=frozenset({5, 6})),
    ),
    (
        Case("another judge", "INSUFFICIENT", frozenset({"win_rate"}), "win rate by a qualified"),
        replace(SOUND, judge="format-first"),
    ),
    (
        Case("no price of the candidate", "INSUFFICIENT", frozenset({"cost"}), "cost per call: un"),
        replace(SOUND, priced=False),
    ),
    (
        Case(f"{FEW:,} pairs", "INSUFFICIENT", frozenset({"coverage.pairs"}), "pairs: 3,000", None),
        replace(SOUND, pairs=FEW),
    ),
)


def measure(path: Path, *, quick: bool) -> Part:
    pairs = QUICK if quick else PAIRS
    part = Part(
        "W. The article's window, decided",
        "Preset `articles`, registered before the rows came; one waiver, for likeness.",
        ["case", "pairs", "verdict", "exit", "failed, or not proven", "wall s"],
    )
    article = Window(pairs=pairs, judge="careful", repeats=REPEATS)
    if quick:
        article = replace(article, judged=SMALL_JUDGED)
    store = _made(path, "article", article)
    _decide(part, store, WORSE, article)
    part.targets.append(_table(store))
    part.targets.append(_same_bytes(store))
    write_regraded(store.with_suffix(".jsonl"), store.with_suffix(".regraded"))
    _run(store, "label", store.with_suffix(".regraded"))
    _decide(part, store, BY_FORM, article)
    _removed(store)
    mondays = replace(article, regressed="monday", hallucination_rate=0.003)
    if quick:
        mondays = replace(mondays, pairs=QUICK_MONDAYS)
    store = _made(path, "mondays", mondays)
    _decide(part, store, MONDAYS, mondays)
    _removed(store)
    for number, (case, window) in enumerate(MISSING[-1:] if quick else MISSING):
        store = _made(path, f"missing-{number}", window)
        _decide(part, store, case, window)
        _removed(store)
    return part


def _made(path: Path, name: str, window: Window) -> Path:
    """A store with the plan, then the rows, then people's labels."""
    store = path / f"{name}.db"
    rows, labels = store.with_suffix(".jsonl"), store.with_suffix(".labels")
    say(f"{name}: {window.pairs:,} pairs")
    _run(store, "plan", "--register", "--experiment", "invoices", "--out", path / f"{name}.toml")
    _register_earlier(store)
    write(window, rows, labels, LABELLED)
    _run(store, "import", rows)
    _run(store, "label", labels)
    return store


def _register_earlier(store: Path) -> None:
    """The window's dates may lie in the past: a plan counts where it is older than its calls."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "UPDATE meta SET value = json_set(value, '$.registered_ns', ?)"
            " WHERE name = 'plan:invoices'",
            (REGISTERED_NS,),
        )


def _removed(store: Path) -> None:
    for file in store.parent.glob(f"{store.stem}.*"):
        file.unlink()


def _decide(part: Part, store: Path, case: Case, window: Window) -> None:
    done = _verdict(store)
    code, wall, table = done.code, done.wall_s, done.table
    state = "fail" if code == 1 else "unproven"
    held = _gates(table["gates"], state)
    kept = case.holding <= held and (case.also is None or held <= case.holding | case.also)
    met = (
        EXITS[code] == table["verdict"] == case.wanted
        and kept
        and table["reason"].startswith(case.reason)
        and table["plan"]["registered"]
    )
    names = ", ".join(sorted(held)) if len(held) <= 4 else f"{len(held)} gates"
    row = [case.name, f"{window.pairs:,}", table["verdict"], str(code), names, f"{wall:.1f}"]
    part.rows.append(row)
    part.notes.append(f"{case.name}: {table['reason']}")
    part.targets.append(Target(case.name, case.wanted, table["verdict"], met))
    part.figures[case.name] = {"exit": code, "held": sorted(held), "wall_s": wall}


def _gates(gates: Iterable[dict[str, Any]], state: str) -> frozenset[str]:
    return frozenset(g["name"] for g in gates if g["state"] == state and not g["waived_by"])


def _table(store: Path) -> Target:
    other = differing(_run(store, "report", "--json").table["metrics"])
    return Target(
        "report --json gives the article's table", "every figure", other or "yes", not other
    )


def _same_bytes(store: Path) -> Target:
    said = {_verdict(store, PYTHONHASHSEED=seed).printed for seed in ("0", "1", "2")}
    name = "verdict --json by three hash seeds"
    return Target(name, "the same bytes", f"{len(said)} outputs", len(said) == 1)


def _verdict(store: Path, **variables: str) -> Ran:
    waived = ("--json", "--waive", WAIVER, "--store", store)
    return command(store.parent, "verdict", *waived, accepted=EXITS, **variables)


def _run(store: Path, *arguments: str | Path) -> Ran:
    return command(store.parent, *arguments, "--store", store)


if __name__ == "__main__":
    alone("article_verdict", measure, f"{QUICK:,} pairs")
