"""How fast fields are judged, on real receipts: one core, one process, CPU time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.injected import documents, receipts
from benchmarks.peak import peak_mb, reset_peak
from benchmarks.results import Part, Target
from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields import normalise
from shadow_mw.evaluate.fields.divergence import Comparison, shape_of
from shadow_mw.evaluate.fields.grounding import Source, grounding
from shadow_mw.evaluate.fields.judge import judge_pair
from shadow_mw.evaluate.fields.rules import PLAIN, Node, compile_rules, read_rules

PAIRS = 218_400
"""Two weeks of the background's app."""

US_PER_PAIR = 100

FLAT_RULES = {
    "company": {"normalise": "text"},
    "date": {"normalise": "date", "order": "dmy"},
    "address": {"normalise": "text"},
    "total": {"normalise": "decimal", "locale": "en"},
    "vendor_tax_id": {"normalise": "identifier"},
}
NESTED_RULES = {f"items[].{path}": rule for path, rule in FLAT_RULES.items()}

Case = tuple[Any, Any, Any, str]
"""Truth, both outputs, and the request's text."""


def measure(_: Path, *, quick: bool) -> Part:
    reset_peak()
    calls = 5_000 if quick else PAIRS
    part = Part(
        "F. Judging fields",
        f"us of CPU a pair; the flat rows {calls:,} pairs, the others a tenth.",
        ["what", "us a pair", f"s for {PAIRS:,} pairs"],
    )
    flat, nested = _flat(), _nested()
    flat_rules, nested_rules = (_compiled(rules) for rules in (FLAT_RULES, NESTED_RULES))
    answers = [tuple(json.dumps(output) for output in case[1:3]) for case in flat]
    rows: dict[str, tuple[Callable[[Any], object], Sequence[Any], int]] = {
        "5 flat fields, exact": (_judging(PLAIN), flat, calls),
        "5 flat fields, a rule for each, all values new": (_judging_new(flat_rules), flat, calls),
        "5 flat fields, a rule for each, values known": (_judging(flat_rules), flat, calls),
        "both outputs read from JSON text": (_reading, answers, calls),
        "6 items of 5 fields in another order, exact": (_judging(PLAIN), nested, calls // 10),
        "the same with rules": (_judging(nested_rules), nested, calls // 10),
        "divergence of 5 flat fields": (_diverging(flat_rules), flat, calls // 10),
        "divergence of equal answers": (lambda case: shape_of(case[1]), flat, calls // 10),
        "grounding of both outputs in a receipt": (_grounding(flat_rules), flat, calls // 10),
    }
    for name, (work, cases, times) in rows.items():
        us = _timed(work, cases, times)
        part.rows.append([name, f"{us:.1f}", f"{us * PAIRS / 1e6:.1f}"])
        part.figures[name] = us
    worst = part.figures["5 flat fields, a rule for each, all values new"]
    part.targets.append(
        Target(
            "5 flat fields with rules",
            f"<= {US_PER_PAIR} us",
            f"{worst:.1f} us",
            worst <= US_PER_PAIR,
        )
    )
    peak = peak_mb()
    part.figures["peak_mb"] = peak
    part.notes.append(f"Peak memory of this process meanwhile: {peak:.0f} MB.")
    return part


def _flat() -> list[Case]:
    """A primary that is mostly right and a candidate with a hallucination and a wrong value."""
    cases = []
    for number, row in enumerate(receipts()):
        truth = row["truth"]
        primary = truth | ({"total": None} if number % 10 == 0 else {})
        candidate = truth | {"vendor_tax_id": "000123456789", "date": "2018-01-02"}
        cases.append((truth, primary, candidate, row["text"]))
    return cases


def _nested() -> list[Case]:
    cases = []
    for document in documents():
        items = document["items"]
        turned = items[::-1]
        wrong = [turned[0] | {"total": "0.01"}, *turned[1:-1], turned[-1] | {"tax_id": "99"}]
        cases.append((document, document | {"items": turned}, document | {"items": wrong}, ""))
    return cases


def _compiled(rules: dict[str, dict[str, str]]) -> Node:
    return compile_rules(read_rules(rules))


def _judging(rules: Node) -> Callable[[Case], object]:
    return lambda case: judge_pair(*case[:3], rules)


def _judging_new(rules: Node) -> Callable[[Case], object]:
    """Dates and amounts are remembered by their text; here nothing is."""

    def judge(case: Case) -> object:
        normalise.forget()
        return judge_pair(*case[:3], rules)

    return judge


def _reading(answers: tuple[str, str]) -> object:
    return [strict_json.loads(answer) for answer in answers]


def _diverging(rules: Node) -> Callable[[Case], object]:
    return lambda case: Comparison(rules).of(case[1], case[2])


def _grounding(rules: Node) -> Callable[[Case], object]:
    def ground(case: Case) -> object:
        source = Source(case[3])
        return [grounding(output, source, rules) for output in case[1:3]]

    return ground


def _timed(work: Callable[[Any], object], cases: Sequence[Any], times: int) -> float:
    started = time.process_time()
    for number in range(times):
        work(cases[number % len(cases)])
    return (time.process_time() - started) / times * 1e6
