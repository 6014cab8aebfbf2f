"""Judge verdicts beside human ones from a file; every line is checked before any is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.json_line import read_whole
from shadow_mw.exceptions import DataError
from shadow_mw.types import Json

ACCEPTED = (
    'accepted: {"id": "p1", "human": "A", "judge": ["A", "TIE"], "segment": "monday",'
    ' "inclusion": 0.2}'
)
KEYS = frozenset({"id", "human", "judge", "segment", "inclusion", "annotator", "order", "both_bad"})
"""The last three are written by `shadow-mw label --terminal`."""

LEAST_INCLUSION = 1e-9
"""No label stands for more than a billion items."""

BY_HAND = 0.0
"""In place of a probability: somebody chose the item, so that its label only qualifies a judge."""


class Choice(StrEnum):
    """Which output is the better one; A and B name outputs, whatever slot they were shown in."""

    A = "A"
    B = "B"
    TIE = "TIE"


Judged = tuple[Choice | None, Choice | None]
"""The verdict with A shown first, then with B shown first; None where it was not valid."""


@dataclass(frozen=True, slots=True)
class Row:
    """One judged item, and what people said of it."""

    id: str
    judge: Judged
    humans: tuple[Choice, ...] = ()
    """One verdict a person; empty where nobody labelled the item."""
    segment: str | None = None
    inclusion: float | None = None
    """With which probability the item was chosen to be labelled, or `BY_HAND`."""
    weight: float = 1.0
    """How many pairs the item stands for, beside the others."""
    cluster: Hashable = None
    """What it shares its luck with; None for nothing."""
    judged: bool = True
    """False where no judge was asked, which is not the same as no valid verdict."""

    @property
    def human(self) -> Choice | None:
        """What most people said; None where nobody did, or no verdict has a majority."""
        return next((c for c in Choice if 2 * self.humans.count(c) > len(self.humans)), None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: an item, and what one person said of it."""

    row: Row
    number: int
    annotator: str | None = None
    order: int | None = None
    """The item's place among those that were drawn to be labelled."""
    both_bad: bool = False


def read_rows(lines: Iterable[bytes], name: str) -> list[Row]:
    """Read calibration lines; blank ones are skipped.

    `human` is one verdict, a list of several people's, or null (judged, not labelled). Lines with
    the same id are several people's labels of one item, and must agree on everything else. Of
    one `annotator` the last line of an item counts: what was taken back is null there.

    Args:
        lines: as a binary file gives them.
        name: what error messages call the file.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    rows: dict[str, Row] = {}
    said = defaultdict[str, dict[str | int, tuple[Choice, ...]]](dict)
    for line in read_lines(lines, name):
        row = line.row
        said[row.id][line.annotator or line.number] = row.humans
        try:
            _check_same(rows.setdefault(row.id, row), row)
        except ValueError as error:
            raise _fault(name, line.number, error) from None
    rows = {id: replace(row, humans=sum(said[id].values(), ())) for id, row in rows.items()}
    if not any(row.humans for row in rows.values()):
        raise DataError(f"{name}: no line has a human label; {ACCEPTED}")
    chosen = {row.inclusion is None for row in rows.values() if row.humans}
    if len(chosen) > 1:
        raise DataError(
            f"{name}: `inclusion` must be on all labelled lines, or on none; {ACCEPTED}"
        )
    return list(rows.values())


def read_lines(lines: Iterable[bytes], name: str, *, needs_judge: bool = True) -> Iterator[Line]:
    """The lines as they are, each checked by itself.

    Args:
        lines: as a binary file gives them.
        name: what error messages call the file.
        needs_judge: refuse lines that say nothing of a judge.

    Raises:
        DataError: as `read_rows` does.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _line(line, number, needs_judge=needs_judge)
        except ValueError as error:
            raise _fault(name, number, error) from None


def _fault(name: str, number: int, error: ValueError) -> DataError:
    return DataError(f"{name}:{number}: {error}; {ACCEPTED}")


def _check_same(row: Row, other: Row) -> None:
    for field in ("judged", "judge", "segment", "inclusion"):
        if getattr(row, field) != getattr(other, field):
            key = "judge" if field == "judged" else field
            raise ValueError(f"another line of id {row.id!r} has another `{key}`")


def _line(line: bytes, number: int, *, needs_judge: bool) -> Line:
    value = read_whole(line, first=number == 1)
    unknown = sorted(value.keys() - KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    annotator, order = value.get("annotator"), value.get("order")
    if not isinstance(annotator, str | None) or annotator == "":
        raise ValueError("`annotator` must be a name")
    if isinstance(order, bool) or not isinstance(order, int | None):
        raise ValueError("`order` must be a whole number")
    both_bad = value.get("both_bad")
    if not isinstance(both_bad, bool | None):
        raise ValueError("`both_bad` must be true or false")
    if not needs_judge:
        value = {"judge": None} | value
    return Line(_row(value), number, annotator, order, bool(both_bad))


def _row(value: dict[str, Json]) -> Row:
    id, segment = value.get("id"), value.get("segment")
    if not isinstance(id, str) or not id:
        raise ValueError("`id` must be a string that is not empty")
    if not isinstance(segment, str | None):
        raise ValueError("`segment` must be a string")
    return Row(
        id,
        _judge(value),
        _humans(value.get("human")),
        segment,
        _inclusion(value.get("inclusion")),
        judged=value.get("judge", ()) is not None,
    )


def _judge(row: dict[str, Json]) -> Judged:
    value = row.get("judge")
    if value is None and "judge" in row:
        return None, None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("`judge` must be a list of two verdicts: A shown first, B shown first")
    first, second = (None if verdict is None else _choice("judge", verdict) for verdict in value)
    return first, second


def _humans(value: Json) -> tuple[Choice, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        value = [value]
    return tuple(_choice("human", verdict) for verdict in value)


def _choice(key: str, value: Json) -> Choice:
    if value not in list(Choice):
        shown = strict_json.dumps(value)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        raise ValueError(f"{shown} in `{key}` is not A, B or TIE")
    return Choice(value)


def _inclusion(value: Json) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not number or not LEAST_INCLUSION <= value <= 1:
        raise ValueError(f"`inclusion` must be a probability from {LEAST_INCLUSION:g} to 1")
    return float(value)
