"""`shadow-mw label FILE` where the file has people's choices and no truths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.calibration.rows import ACCEPTED, Line, read_lines
from shadow_mw.evaluate.labelling.frame import rows_of
from shadow_mw.evaluate.labelling.preferences import Kept, Preferences
from shadow_mw.evaluate.labels import read_labels
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import DataError
from shadow_mw.results import Label
from shadow_mw.runner.redact import Redactor
from shadow_mw.settings import Settings


@dataclass(frozen=True, slots=True)
class Labels:
    """What a file has: one kind of labels."""

    truths: list[Label]
    choices: list[Line]


def read(lines: Iterable[bytes], name: str) -> Labels:
    """Read a file by the kind of its first line.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    given = list(lines)
    if not _is_choice(next((line for line in given if line.strip()), b"")):
        return Labels(read_labels(given, name), [])
    choices = list(read_lines(given, name, needs_judge=False))
    if not any(line.row.humans or line.annotator for line in choices):
        raise DataError(f"{name}: no line has a human label; {ACCEPTED}")
    return Labels([], choices)


def _is_choice(line: bytes) -> bool:
    value = strict_json.loads_or_none(line.decode("utf-8-sig", errors="replace"))
    return isinstance(value, dict) and "id" in value


def store_choices(
    used: Settings, choices: list[Line], experiment: str | None, candidate: str | None
) -> Kept:
    """Keep them by pair id.

    Raises:
        DataError: there is no such series.
    """
    with Store.open(used.store) as store:
        series, _ = choose(store, experiment, candidate)
        if series is None:
            raise DataError(f"store {store.path}: no pair in it yet")
        rows = {pair_id: row for pair_id, (row, _) in rows_of(store, series).items()}
        return Preferences(store, rows).keep_all(choices, Redactor.for_labels(used).text)


def sentence(kept: Kept) -> str:
    """What a person reads."""
    text = f"{kept.stored:,} people's choices stored"
    if kept.stored == 1:
        text = "1 choice of a person stored"
    if kept.taken_back:
        text += f", {kept.taken_back:,} taken back"
    if kept.unmatched:
        pairs = "1 pair is" if kept.unmatched == 1 else f"{kept.unmatched:,} pairs are"
        text += f"; {pairs} not in the store: left out"
    return text
