"""A plan as a TOML file: written with what every number means, read with one line for a fault."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shadow_mw.decide.plan import Plan
from shadow_mw.decide.plan_notes import NOTES
from shadow_mw.exceptions import ConfigError

WIDTH = 96
HEAD = """\
# What has to hold before the candidate may replace the primary. Register it before any data:
#   shadow-mw plan {name} --register
# Comments and the order of keys are not part of the plan's hash; every number is.
"""


def read(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or a value is not accepted; one line.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    try:
        return Plan.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"{path}: {fault(error)}") from None


def written(plan: Plan, file: str = "shadow-plan.toml") -> str:
    """The text of a plan's file; `read` gives a plan of the same hash."""
    tables = [*_table(plan, ""), ""]
    return HEAD.format(name=file) + "\n" + "\n".join(tables).rstrip() + "\n"


def _table(model: BaseModel, path: str) -> Iterator[str]:
    """Values first: what comes after a table's head in TOML belongs to that table."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    for name, value in values.items():
        if not isinstance(value, BaseModel):
            yield from _value(f"{path}{name}", name, value)
    for name, value in values.items():
        if isinstance(value, BaseModel):
            yield ""
            yield from _note(f"{path}{name}")
            yield f"[{path}{name}]"
            yield from _table(value, f"{path}{name}.")


def _value(path: str, name: str, value: Any) -> Iterator[str]:
    if path.startswith("gates.") and path.count(".") == 1:
        yield from ("", f"# [{path}] is not looked at: {NOTES[path]}")
        return
    yield from _note(path)
    yield f"# {name} = " if value is None else f"{name} = {_toml(value)}"


def _note(path: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(NOTES[path], WIDTH - 2)]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        # A JSON string is a basic string of TOML, but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else str(value)


def fault(refused: ValidationError) -> str:
    """The first fault as one line: the key, its value, what is accepted."""
    error: ErrorDetails = refused.errors()[0]
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        names = ", ".join(_keys(error["loc"][:-1]))
        return f"{where} is not a key of a plan; accepted there: {names}"
    if error["type"] == "missing":
        return f"{where} is not set"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    message = message.removeprefix("accepted is ")
    return f"{where}={_shown(error['input'])}: accepted is {_ACCEPTED.get(where, message)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a path."""
    model: type[BaseModel] = Plan
    for part in path:
        kind = model.model_fields[str(part)].annotation
        choices = [kind, *get_args(kind)]
        model = next(c for c in choices if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)


_ACCEPTED = {
    "name": "1 to 80 letters, digits or . _ : -",
    "budget_usd": "an amount of 0 or more, such as 25.00",
    "window.looks": "shares of the window in ascending order, the last one 1, such as [0.5, 1.0]",
}
