"""A pair as people see it who label it: which output is whose is hidden, and so is every name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.calibration.rows import Choice
from shadow_mw.evaluate.fields.paths import join
from shadow_mw.evaluate.judging.items import output_text, task_text
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.types import Json

LONGEST = 3_000
"""Characters of one text, until somebody asks for all of it."""
NO_VALUE = "-"


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of one pair."""

    task: str
    outputs: tuple[str, str]
    """As A and B of this pair, in this person's order."""
    primary_first: bool
    reference: str | None
    differences: tuple[tuple[str, str, str], ...]
    """Path and both values where both outputs are JSON objects."""

    def choice(self, key: str) -> Choice:
        """What a key says; there A is the primary's output, whatever was shown as A."""
        if key not in ("a", "b"):
            return Choice.TIE
        return Choice.A if (key == "a") is self.primary_first else Choice.B


def view(store: Store, row: int, pair_id: str, seed: int, annotator: str) -> View:
    """Read a pair; which output comes first is as good as random, and the same every time."""
    pair = store.pair(row)
    digest = hashlib.sha256(f"{seed}:{annotator}:{pair_id}".encode()).digest()
    primary_first = digest[0] % 2 == 0
    answers = (pair.primary.answer, pair.candidate.answer)
    one, other = answers if primary_first else answers[::-1]
    content, truth = pair.primary.observation.content, truth_of(store, pair.key)
    task = task_text(content) or ""
    return View(
        _nameless(task) if task == content.request else task,
        (output_text(one), output_text(other)),
        primary_first,
        None if truth is None else strict_json.readable(truth),
        tuple(_differences(one.structured, other.structured)),
    )


def show(found: View, title: str, console: Console, *, whole: bool) -> None:
    """Print it: texts that others wrote, without anything that a terminal would obey."""
    console.print(Rule(title))
    _section("request", found.task, console, whole=whole)
    if found.reference is not None:
        _section("reference", found.reference, console, whole=whole)
    for name, text in zip("AB", found.outputs, strict=True):
        _section(name, text, console, whole=whole)
    if found.differences:
        console.print(_table(found.differences, whole=whole))


def visible(text: str) -> str:
    """Every character as something that is seen and not obeyed; lines and spaces stay."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char == "\n" or char.isprintable():
        return char
    if char.isspace() and char not in "\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    return char.encode("ascii", "backslashreplace").decode() if ord(char) > 127 else _hex(char)


def _hex(char: str) -> str:
    return f"\\x{ord(char):02x}"


def _section(name: str, text: str, console: Console, *, whole: bool) -> None:
    console.print(Text(name, style="bold"))
    console.print(Text(_short(text, whole=whole)))
    console.print()


def _short(text: str, *, whole: bool) -> str:
    if whole or len(text) <= LONGEST:
        return visible(text)
    return f"{visible(text[:LONGEST])}\n[{len(text) - LONGEST:,} more characters: press f]"


def _table(rows: tuple[tuple[str, str, str], ...], *, whole: bool) -> Table:
    table = Table("differs", "A", "B", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(_short(text, whole=whole)) for text in row))
    return table


def _differences(
    one: dict[str, Json] | None, other: dict[str, Json] | None
) -> Iterator[tuple[str, str, str]]:
    if one is None or other is None:
        return
    ours, theirs = dict(_leaves(one, "")), dict(_leaves(other, ""))
    for path in sorted(ours.keys() | theirs.keys()):
        values = ours.get(path, NO_VALUE), theirs.get(path, NO_VALUE)
        if values[0] != values[1]:
            yield path, *values


def _leaves(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and (value or not path):
        for key, item in value.items():
            yield from _leaves(item, join(path, key))
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, strict_json.dumps(value)


def _nameless(request: str) -> str:
    """A request as its body: without the model that it was for."""
    body = strict_json.loads_or_none(request)
    if not isinstance(body, dict):
        return request
    return strict_json.dumps({key: value for key, value in body.items() if key != "model"})
