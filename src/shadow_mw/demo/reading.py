"""How a rule-based extractor looks at a page: cells in rows, labels, and the values they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = re.compile(r"(?:\s{2,}|\s\|\s|\t)+")
_SLIPS = str.maketrans("0153", "ols3")
CURRENCY_ALONE = re.compile(r"(?:RM|MYR|EUR|GBP|USD|[€£$])\W*$")
_SEPARATOR = re.compile(r"[\s.]*[:#=]?[\s:(#]*")


def plain(text: str) -> str:
    """Lower case, letter by letter, so that positions stay the same."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def forgiving(text: str) -> str:
    """Lower case with the digits that OCR puts for letters read as those letters."""
    return plain(text).replace("i", "l").translate(_SLIPS)


@dataclass(frozen=True, slots=True)
class Manners:
    """How far an extractor goes to see a value behind a label."""

    ocr: bool
    """Reads `T0TAL` as `TOTAL`."""
    anywhere: bool
    """Takes labels in the middle of a cell."""
    below: bool
    """Looks at the row below the label, under the same column."""

    def fold(self, text: str) -> str:
        """The text as labels are looked for in it."""
        return forgiving(text) if self.ocr else plain(text)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of text without a gap in it."""

    text: str
    row: int
    column: int
    start: int


@dataclass(frozen=True, slots=True)
class Page:
    """A document's rows, each split into cells at its gaps."""

    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def read(cls, text: str) -> Page:
        """Split a text into rows and cells; empty lines are left out."""
        lines = [line for line in text.splitlines() if line.strip()]
        return cls(tuple(tuple(_cells(line, row)) for row, line in enumerate(lines)))

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells in reading order."""
        return (cell for row in self.rows for cell in row)

    def line(self, row: int) -> str:
        """One row as text, its gaps as two spaces."""
        return "  ".join(cell.text for cell in self.rows[row])

    def right(self, cell: Cell) -> Cell | None:
        """The next cell of the same row."""
        row = self.rows[cell.row]
        return row[cell.column + 1] if cell.column + 1 < len(row) else None

    def below(self, cell: Cell) -> Cell | None:
        """The cell of the next row that starts nearest to this one."""
        if cell.row + 1 >= len(self.rows):
            return None
        nearest = min(self.rows[cell.row + 1], key=lambda other: abs(other.start - cell.start))
        return nearest if abs(nearest.start - cell.start) <= 3 else None


def _cells(line: str, row: int) -> Iterator[Cell]:
    column, start = 0, 0
    for gap in [*_GAP.finditer(line), None]:
        end = gap.start() if gap else len(line)
        if line[start:end].strip():
            yield Cell(line[start:end].strip(), row, column, start)
            column += 1
        start = gap.end() if gap else end


@dataclass(frozen=True, slots=True)
class Found:
    """A value with the cell of its label."""

    value: str
    label: Cell


@dataclass(frozen=True, slots=True)
class Labelled:
    """Finds the values of one kind of label."""

    labels: re.Pattern[str]
    value: re.Pattern[str]
    manners: Manners

    @classmethod
    def of(cls, phrases: Sequence[str], value: re.Pattern[str], manners: Manners) -> Labelled:
        """Compile a list of label phrases; between words any of space, dot, hyphen may stand."""
        words = [
            r"[\s.\-/]*".join(re.escape(manners.fold(word)) for word in phrase.split())
            for phrase in sorted(phrases, key=len, reverse=True)
        ]
        start = r"(?<![^\W_])" if manners.anywhere else r"^\W*"
        return cls(re.compile(rf"{start}(?:{'|'.join(words)})(?![^\W_])"), value, manners)

    def find(self, page: Page) -> Iterator[Found]:
        """Every value that stands where this extractor looks, in reading order."""
        for cell in page.cells:
            label = self.labels.search(self.manners.fold(cell.text))
            if label is None:
                continue
            value = self._value(page, cell, label.end())
            if value is not None:
                yield Found(value, cell)

    def _value(self, page: Page, cell: Cell, end: int) -> str | None:
        gap = _SEPARATOR.match(cell.text, end)
        rest = cell.text[gap.end() if gap else end :]
        if rest and not CURRENCY_ALONE.match(rest):
            return self._read(rest)
        right = page.right(cell)
        if right is not None and CURRENCY_ALONE.match(right.text):
            right = page.right(right)
        if right is not None and (value := self._read(right.text)) is not None:
            return value
        below = page.below(cell) if self.manners.below else None
        return self._read(below.text) if below else None

    def _read(self, text: str) -> str | None:
        match = self.value.match(text)
        return match.group("value").strip() if match else None
