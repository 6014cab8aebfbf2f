"""How a PDF-to-text or OCR step hands over labelled values: five ways to print the same facts."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Fact = tuple[str, str]
"""A label and its value, both as printed."""
Rows = list[str]

_SLIPS = str.maketrans({"o": "0", "O": "0", "l": "1", "I": "l", "S": "5"})
SLIP_RATE = 0.06


def slip(rng: random.Random, text: str) -> str:
    """Misread one letter of a label now and then, as OCR does; values are left alone."""
    if rng.random() >= SLIP_RATE:
        return text
    places = [i for i, letter in enumerate(text) if ord(letter) in _SLIPS]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + text[at].translate(_SLIPS) + text[at + 1 :]


def inline(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """`Label: value`."""
    mark = rng.choice([": ", ":", " : ", ": "])
    return [f"{slip(rng, label)}{mark}{value}" for label, value in facts]


def spaced(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """`Label      value` in two columns."""
    width = max(len(label) for label, _ in facts) + rng.randint(2, 8)
    return [f"{slip(rng, label):<{width}}{value}" for label, value in facts]


def loose(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """`Label value`: the gap was lost."""
    return [f"{slip(rng, label)} {value}" for label, value in facts]


def table(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """A row of labels over a row of values, at most three columns wide."""
    rows: Rows = []
    for start in range(0, len(facts), 3):
        part = facts[start : start + 3]
        widths = [max(len(label), len(value)) + 3 for label, value in part]
        head = [f"{slip(rng, label):<{w}}" for (label, _), w in zip(part, widths, strict=True)]
        body = [f"{value:<{w}}" for (_, value), w in zip(part, widths, strict=True)]
        rows += ["".join(head).rstrip(), "".join(body).rstrip()]
    return rows


def stacked(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """Each value on the line below its label."""
    return [line for label, value in facts for line in (slip(rng, label), value)]


Layout = Callable[[random.Random, Sequence[Fact]], Rows]

LAYOUTS: tuple[tuple[Layout, int], ...] = (
    (inline, 55),
    (spaced, 28),
    (table, 8),
    (loose, 5),
    (stacked, 4),
)
"""Each layout with its share of a hundred blocks."""


def lay_out(rng: random.Random, facts: Sequence[Fact]) -> Rows:
    """Print a block of facts in one of the layouts."""
    if not facts:
        return []
    layouts, weights = zip(*LAYOUTS, strict=True)
    layout: Layout = rng.choices(layouts, weights)[0]
    return layout(rng, facts)


def beside(rng: random.Random, left: Rows, right: Rows) -> Rows:
    """Merge two blocks line by line, as text extraction does with columns."""
    width = max(map(len, left), default=0) + rng.randint(4, 12)
    rows = []
    for i in range(max(len(left), len(right))):
        row = f"{left[i] if i < len(left) else '':<{width}}{right[i] if i < len(right) else ''}"
        rows.append(row.rstrip())
    return rows
