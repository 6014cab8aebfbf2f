"""The same known errors before our field judge and its peers: what each notices, what it says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.injected import HARMLESS, KINDS, Classes, Document, injected, plain
from benchmarks.results import Part, Target
from shadow_mw.evaluate.fields.judge import judge

RIGHT = {"correct", "correct_null"}


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool says about one document."""

    noticed: bool
    classes: Classes | None = None
    """None for a tool that only has a score."""
    score: float | None = None


Judge = Callable[[Document, Document | None], Said]


@dataclass(slots=True)
class Tally:
    documents: int = 0
    noticed: int = 0
    classed: int = 0
    exact: int = 0
    score: float | None = None
    """The mean so far."""

    def add(self, said: Said, classes: Classes) -> None:
        self.documents += 1
        self.noticed += said.noticed
        self.classed += said.classes is not None
        self.exact += said.classes == classes
        if said.score is not None:
            before = self.score or 0.0
            self.score = before + (said.score - before) / self.documents


def ours(truth: Document, output: Document | None) -> Said:
    classes = Counter(str(outcome) for _, outcome in judge(truth, output))
    return Said(bool(set(classes) - RIGHT), classes)


def json_diff() -> Judge:
    from autoevals import JSONDiff

    scorer = JSONDiff()

    def said(truth: Document, output: Document | None) -> Said:
        score = scorer.eval(plain(output), plain(truth)).score
        return Said(score is None or math.isnan(score) or score < 1, score=score)

    return said


def stickler(*, strict: bool) -> Judge:
    """Its own defaults for a JSON schema, or every comparison exact and every item looked into."""
    from stickler import StructuredModel

    model = StructuredModel.from_json_schema(_stickler_schema(strict=strict))

    def said(truth: Document, output: Document | None) -> Said:
        expected = model.from_json(plain(truth))
        # Without an output there is nothing to build, but an empty document.
        found = model.from_json(plain(output) or {})
        result = expected.compare_with(found, include_confusion_matrix=True)
        counts = result["confusion_matrix"]["aggregate"]
        classes = Counter({NAMES[cell]: counts[cell] for cell in NAMES if counts[cell]})
        top = result["confusion_matrix"]["overall"]
        wrong = sum(counts[cell] + top[cell] for cell in ("fd", "fa", "fn"))
        return Said(wrong > 0, classes, result["overall_score"])

    return said


NAMES = {
    "tp": "correct",
    "fd": "wrong_value",
    "fn": "missed",
    "fa": "hallucinated",
    "tn": "correct_null",
}


def _stickler_schema(*, strict: bool) -> dict[str, Any]:
    exact = {"x-aws-stickler-comparator": "ExactComparator", "x-aws-stickler-threshold": 1.0}
    more = exact if strict else {}

    def fields(*names: str) -> dict[str, Any]:
        return {name: {"type": ["string", "null"], **more} for name in names}

    pages = {"pages": {"type": ["integer", "null"], **more}}
    item: dict[str, Any] = {
        "type": "object",
        "properties": fields("company", "date", "total", "tax_id") | pages,
    }
    if strict:
        # Below it an item is not looked into; 0 would make every value count as right.
        item["x-aws-stickler-match-threshold"] = 0.01
    return {
        "type": "object",
        "x-aws-stickler-model-name": "Strict" if strict else "Default",
        "properties": fields("company", "date", "po_number")
        | {"items": {"type": "array", "items": item}},
    }


def measure(_: Path, *, quick: bool) -> Part:
    judges = _judges()
    tallies = {kind: _tallies(kind, judges, 10 if quick else 1000) for kind in KINDS}
    part = Part(
        "P. What field judges make of known errors",
        "documents of six real receipts each, with one error each. First number: of how many the"
        " tool says that something is wrong. Second: of how many every leaf is counted in its right"
        " class; a tool that only has a score has none. In brackets: its mean score.",
        ["error", "documents", *judges],
    )
    for kind, row in tallies.items():
        name = f"{kind} (no error)" if kind in HARMLESS else kind
        part.rows.append([name, str(_own(row).documents), *map(_cell, row.values())])
    own = list(map(_own, tallies.values()))
    exact, known = sum(tally.exact for tally in own), sum(tally.documents for tally in own)
    part.targets.append(
        Target("errors in their exact class", "all", f"{exact} of {known}", exact == known)
    )
    part.figures = {
        kind: {name: asdict(tally) for name, tally in row.items() if tally is not None}
        for kind, row in tallies.items()
    }
    part.notes = [
        "stickler has no class for null-like values, unexpected keys and missing output; without"
        " JSON it is given an empty document, since it can build none.",
    ]
    return part


def _own(row: dict[str, Tally | None]) -> Tally:
    tally = row["shadow_mw"]
    assert tally is not None
    return tally


def _judges() -> dict[str, Judge | None]:
    """None for a peer that is not installed."""
    found: dict[str, Judge | None] = {"shadow_mw": ours}
    diff, default, strict = "JSONDiff", "stickler, its defaults", "stickler, all exact"
    try:
        found[f"{diff} {metadata.version('autoevals')}"] = json_diff()
    except ImportError:
        found[diff] = None
    try:
        version = metadata.version("stickler-eval")
        found[f"{default} {version}"] = stickler(strict=False)
        found[f"{strict} {version}"] = stickler(strict=True)
    except ImportError:
        found |= {default: None, strict: None}
    return found


def _tallies(kind: str, judges: dict[str, Judge | None], most: int) -> dict[str, Tally | None]:
    tallies = {name: Tally() if known else None for name, known in judges.items()}
    for case in injected(kind, most):
        for name, tally in tallies.items():
            said_by = judges[name]
            if tally is not None and said_by is not None:
                tally.add(said_by(case.truth, case.output), case.classes)
    return tallies


def _cell(tally: Tally | None) -> str:
    if tally is None:
        return "not installed"
    exact = tally.exact if tally.classed else "-"
    score = f" ({tally.score:.4f})" if tally.score is not None else ""
    return f"{tally.noticed} / {exact}{score}"
