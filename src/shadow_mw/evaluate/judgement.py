"""What is known of one pair once it was judged, and the rows in which a store keeps it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.checks.run import Checks
from shadow_mw.evaluate.fields.document import document_sums
from shadow_mw.evaluate.fields.field_judge import Divergences
from shadow_mw.evaluate.fields.judge import FieldScore
from shadow_mw.evaluate.tables import DOCUMENT

NOTHING: Final = Checks()

COLUMNS: Final = (
    *("exact_match", "primary_json", "candidate_json", "scored", "stale", "published", "shape"),
    *("harm", *DOCUMENT),
)
"""Of `pairs`: what a judgement says in numbers."""

REMEMBERED: Final = 10_000
"""Numbers of one table: a check whose labels never repeat is somebody's mistake."""
SHAPES_REMEMBERED: Final = 1_000
"""Lists of any length make many, and long ones."""

TABLES: Final = {
    "fields": ("pair", "path", "series", "truth", '"primary"', "candidate", "number", "n"),
    "divergences": ("pair", "path", "series", "kind", "grounded", "number", "n"),
    "check_results": ("pair", "label", "series", '"primary"', "candidate", "detail"),
}
"""The rows of a judgement."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What every check said of one pair; replaced as a whole when the pair is judged anew."""

    checks: Checks = NOTHING
    scores: Sequence[FieldScore] | None = None
    """None where it could not be scored."""
    results: Sequence[CheckResult] = ()
    divergences: Divergences | None = None
    harm: int | None = None
    """See `evaluate.harm`."""

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to send back."""
        return self.checks == NOTHING and not self.results


def _counted(scores: Sequence[FieldScore]) -> Iterable[tuple[FieldScore, int]]:
    """Each once, with how often it is there."""
    if len({score.path for score in scores}) == len(scores):
        return ((score, 1) for score in scores)
    return Counter(scores).items()


# Made once: to make it takes longer than to write a shape.
_SHAPES: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True)


class Numbers:
    """The numbers of texts that stand once in a table of their own."""

    def __init__(
        self, connection: sqlite3.Connection, table: str, *columns: str, most: int = REMEMBERED
    ) -> None:
        self._most = most
        marks = ", ".join("?" * len(columns))
        self._insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        self._select = f"SELECT id FROM {table} WHERE {' AND '.join(f'{c} = ?' for c in columns)}"
        self._connection = connection
        self._known: dict[tuple[str, ...], int] = {}

    def of(self, *texts: str) -> int:
        """The number of a text, which gets one where it has none."""
        known = self._known.get(texts)
        if known is not None:
            return known
        if len(self._known) >= self._most:
            self._known.clear()
        row = self._connection.execute(self._select, texts).fetchone()
        number: int | None
        number = row[0] if row else self._connection.execute(self._insert, texts).lastrowid
        assert number is not None  # SQLite names the row of every insert
        self._known[texts] = number
        return number

    def forget(self) -> None:
        """What was given in a transaction that is rolled back is another's then."""
        self._known.clear()


class JudgementRows:
    """Writes judgements, those of many pairs at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._paths = Numbers(connection, "paths", "path")
        self._labels = Numbers(connection, "check_labels", "name", "label")
        self._shapes = Numbers(connection, "shapes", "leaves", most=SHAPES_REMEMBERED)

    def forget(self) -> None:
        """After a transaction that was rolled back."""
        for numbers in (self._paths, self._labels, self._shapes):
            numbers.forget()

    def columns(self, judgement: Judgement) -> Row:
        """The values of `COLUMNS`."""
        checks, shape = judgement.checks, None
        if judgement.divergences is not None:
            shape = self._shapes.of(_SHAPES.encode(judgement.divergences.shape))
        return (
            *(checks.exact_match, checks.primary_json, checks.candidate_json),
            *(judgement.scores is not None, False, judgement.is_silent, shape, judgement.harm),
            *document_sums(judgement.scores),
        )

    def insert(self, judged: Sequence[tuple[int, int, Judgement]]) -> None:
        """Add the rows of pairs that have none yet, each with the row of its pair and series."""
        kinds = (self._fields, self._divergences, self._results)
        for (table, columns), rows in zip(TABLES.items(), kinds, strict=True):
            self._connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)})"
                f" VALUES ({', '.join('?' * len(columns))})",
                [row for pair, series, said in judged for row in rows(pair, series, said)],
            )

    def delete(self, pairs: Iterable[int]) -> None:
        """Forget what was known of these pairs."""
        rows = [(pair,) for pair in pairs]
        for table in TABLES:
            self._connection.executemany(f"DELETE FROM {table} WHERE pair = ?", rows)

    def _fields(self, pair: int, series: int, said: Judgement) -> Iterator[Row]:
        for number, (score, n) in enumerate(_counted(said.scores or ())):
            outcomes = score.truth, score.primary, score.candidate
            yield pair, self._paths.of(score.path), series, *outcomes, number, n

    def _divergences(self, pair: int, series: int, said: Judgement) -> Iterator[Row]:
        leaves = said.divergences.leaves.items() if said.divergences else ()
        for number, ((path, kind, grounded), n) in enumerate(leaves):
            yield pair, self._paths.of(path), series, kind, grounded, number, n

    def _results(self, pair: int, series: int, said: Judgement) -> Iterator[Row]:
        once = {self._labels.of(result.name, result.label): result for result in said.results[::-1]}
        for label, result in once.items():
            detail = result.detail or None
            yield pair, label, series, result.primary, result.candidate, detail
