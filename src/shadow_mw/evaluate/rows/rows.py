"""Pairs from anywhere into a store: read this first.

Every line is read, checked and redacted before the first is stored; then all are stored in one
transaction. `rows_read` knows what a line may say, `rows_write` writes the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from shadow_mw.evaluate import pipeline
from shadow_mw.evaluate.ingest import MAX_COUNT, Observation
from shadow_mw.evaluate.judging.imported import Verdicts, keep
from shadow_mw.evaluate.rejudge import adopt, rejudge
from shadow_mw.evaluate.rows import collecting
from shadow_mw.evaluate.rows import parquet as rows_parquet
from shadow_mw.evaluate.rows.json_values import same_leg
from shadow_mw.evaluate.rows.keys import ACCEPTED
from shadow_mw.evaluate.rows.lines import Advance, Lines, nothing
from shadow_mw.evaluate.rows.read import Reader, Row
from shadow_mw.evaluate.rows.seen import Contradiction, Numbered
from shadow_mw.evaluate.rows.staged import Staged
from shadow_mw.evaluate.standards import BY_DEFAULT, Standards
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.scratch import Scratch
from shadow_mw.evaluate.store.truths import add_truths, truth_texts
from shadow_mw.exceptions import DataError

__all__ = ["Imported", "Reader", "Staged", "judge_lines", "stage", "stage_parquet", "store_rows"]

PAIR = """SELECT pairs.id FROM pairs JOIN observations ON observations.id = candidate_row
    WHERE pair_id = ? AND experiment = ? AND candidate_id = ? AND role = 'candidate'"""

AT_ONCE = 256
"""Pairs handed to the evaluator together: it asks the store less often."""
MOST_BYTES = 8 * 2**20
"""Of lines that are read together."""

T = TypeVar("T")

Staging = tuple[int, Observation, Observation, Verdicts | None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file of rows."""

    rows: int
    new: int
    """Pairs that the store did not have."""
    labels: int
    """Truths that the store did not have."""
    replaced: int
    """Labels whose truth was another one."""
    judged: int
    """Rows that came with a judge's verdicts."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Lines of a gateway's log that are no leg of a pair, by reason."""
    candidates: dict[str, int] = field(default_factory=dict)
    """Rows by candidate: each is judged, and decided about, for itself."""


def stage(lines: Lines, reader: Reader, staged: Staged) -> None:
    """Check every line.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    with collecting.rarely():
        for batch in _batches(lines, reader):
            _in_place(lines, staged.add_all, batch)
    if not staged.rows:
        raise DataError(f"{lines.name}: no rows in it; {ACCEPTED}")


def stage_parquet(path: Path, reader: Reader, staged: Staged) -> None:
    """Check every row of a Parquet file.

    Raises:
        DataError: naming file, row, fault and what is accepted.
    """
    for number, row in enumerate(rows_parquet.read(path), 1):
        try:
            staged.add(reader.row(row), number)
        except ValueError as error:
            raise DataError(f"{path}: row {number}: {error}; {ACCEPTED}") from None
    if not staged.rows:
        raise DataError(f"{path}: no rows in it; {ACCEPTED}")


def store_rows(
    store: Store,
    staged: Staged,
    name: str,
    advance: Advance = nothing,
    skipped: dict[str, int] | None = None,
    standards: Standards = BY_DEFAULT,
) -> Imported:
    """Store and judge what was checked: all of it, or nothing.

    Raises:
        DataError: the store has one of these pairs with other content.
    """
    standards = adopt(store, standards)
    with collecting.rarely(), store.transaction():
        labels, replaced = _store_truths(store, staged)
        new = _store_pairs(store, staged, name, advance, standards)
    rejudge(store, standards)
    candidates = dict(staged.candidates.most_common())
    return Imported(staged.rows, new, labels, replaced, staged.judged, skipped or {}, candidates)


def judge_lines(
    lines: Lines,
    reader: Reader,
    store: Scratch,
    standards: Standards = BY_DEFAULT,
) -> None:
    """Judge rows while they are read, in a store that is not kept.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    standards = adopt(store, standards)
    with Staged() as staged, collecting.rarely(), store.transaction():
        for batch in _batches(lines, reader):
            news = _in_place(lines, staged.check, batch)
            rows = [row for _, row in batch]
            add_truths(store, [_label(row) for row, new in zip(rows, news, strict=True) if new])
            store.keep_said(_names(row) for row in rows if _is_read_again(row))
            staging = [(0, row.primary, row.candidate, row.judge) for row in rows]
            pipeline.ingest(store, _legs(staging), standards)
            _keep_verdicts(store, staging)
        if not staged.rows:
            raise DataError(f"{lines.name}: no rows in it; {ACCEPTED}")
    rejudge(store, standards)
    store.complete()


def _batches(lines: Lines, reader: Reader) -> Iterator[list[Numbered]]:
    """Rows with their lines; those before a line that cannot be used come before its fault.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    batch: list[Numbered] = []
    size, fault = 0, None
    try:
        for line in lines:
            batch.append((lines.number, reader.line(line, first=lines.number == 1)))
            size += len(line)
            if len(batch) == AT_ONCE or size > MOST_BYTES:
                yield batch
                batch, size = [], 0
    except DataError as error:
        fault = error
    except ValueError as error:
        fault = lines.refusal(error, ACCEPTED)
    if batch:
        yield batch
    if fault is not None:
        raise fault


def _in_place(lines: Lines, take: Callable[[list[Numbered]], T], batch: list[Numbered]) -> T:
    try:
        return take(batch)
    except Contradiction as error:
        lines.refuse(error, ACCEPTED, line=error.line)


def _label(row: Row) -> tuple[str, str]:
    return row.primary.key or "", row.truth or ""


def _names(row: Row) -> tuple[str, str]:
    return row.primary.experiment, row.primary.pair_id


def _is_read_again(row: Row) -> bool:
    """Whether what it says is needed once it was judged: for a judge, or a truth yet to come."""
    key = row.primary.key
    return row.judge is not None or bool((key or row.candidate.key) and not (key and row.truth))


def _store_truths(store: Store, staged: Staged) -> tuple[int, int]:
    """Before the pairs, so that each is judged once; a truth that is known already stays."""
    truths, new, replaced = staged.truths(), 0, 0
    while batch := dict(islice(truths, AT_ONCE)):
        known = truth_texts(store, batch)
        replaced += sum(batch[key] != text for key, text in known.items())
        new += len(batch) - len(known)
        add_truths(store, [item for item in batch.items() if known.get(item[0]) != item[1]])
    return new, replaced


def _store_pairs(
    store: Store, staged: Staged, name: str, advance: Advance, standards: Standards
) -> int:
    empty = not store.query("SELECT 1 FROM observations LIMIT 1")
    rows, new = iter(staged), 0
    while batch := list(islice(rows, AT_ONCE)):
        fresh = batch if empty else [row for row in batch if not _is_known(store, row, name)]
        pipeline.ingest(store, _legs(fresh), standards)
        _keep_verdicts(store, batch)
        new += len(fresh)
        advance(len(batch))
    return new


def _keep_verdicts(store: Store, rows: Iterable[Staging]) -> None:
    for _, _, candidate, verdicts in rows:
        if verdicts is not None:
            names = (candidate.pair_id, candidate.experiment, candidate.candidate_id)
            for (pair,) in store.query(PAIR, names):
                keep(store, pair, candidate.pair_id, verdicts)


def _legs(rows: Iterable[Staging]) -> Iterable[Observation]:
    """Every leg once: candidates of one exchange share its primary."""
    for _, primary, candidate, _ in rows:
        yield primary
        yield candidate


def _is_known(store: Store, row: Staging, name: str) -> bool:
    line, *legs = row[:3]
    found = store.legs(legs[0].experiment, legs[0].pair_id, before=MAX_COUNT)
    known = {(leg.observation.role, leg.observation.candidate_id): leg.observation for leg in found}
    for leg in legs:
        if not same_leg(known.get((leg.role, leg.candidate_id), leg), leg):
            raise DataError(
                f"{name}:{line}: pair {leg.pair_id!r} is in the store with another {leg.role} leg;"
                " accepted: the same content, or another pair_id or experiment"
            )
    return all((leg.role, leg.candidate_id) in known for leg in legs)
