"""Ground truth from a file, one JSON object a line; every line is checked before any is used."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_mw.evaluate.fields.judge import check_truth
from shadow_mw.evaluate.json_line import read_object
from shadow_mw.exceptions import DataError
from shadow_mw.results import Label
from shadow_mw.wire.lenient import encodable

ACCEPTED = 'accepted: {"key": "invoice-17", "truth": {"total": "9.00", "tax_id": null}}'


def read_labels(lines: Iterable[bytes], name: str) -> list[Label]:
    """Read label lines; blank ones are skipped.

    Args:
        lines: as a binary file gives them.
        name: what error messages call the file.

    Raises:
        DataError: naming file, line, fault and what is accepted.
    """
    labels: dict[str, Label] = {}
    numbers: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = _label(line, first=number == 1)
            if label.key in numbers:
                raise ValueError(f"key {label.key!r} was on line {numbers[label.key]} already")
        except ValueError as error:
            raise DataError(f"{name}:{number}: {error}; {ACCEPTED}") from None
        labels[label.key] = label
        numbers[label.key] = number
    if not labels:
        raise DataError(f"{name}: no labels in it; {ACCEPTED}")
    return list(labels.values())


def _label(line: bytes, *, first: bool) -> Label:
    value = read_object(line, first=first)
    unknown = sorted(value.keys() - {"key", "truth"})
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    key, truth = value.get("key"), value.get("truth")
    if not isinstance(key, str) or not key:
        raise ValueError("`key` must be a string that is not empty")
    if not isinstance(truth, dict):
        raise ValueError("`truth` must be an object")
    check_truth(truth)
    return Label(encodable(key), truth)
