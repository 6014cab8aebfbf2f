"""RFC 8259 to the letter: one value, no NaN, no key twice, numbers exact."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import NoReturn

from shadow_mw.types import Json

MAX_DEPTH = 100
"""RFC 8259 lets a parser set a limit; this one keeps every walk over a value safe."""

MAX_INT_DIGITS = 1000
"""Python refuses to read longer integers."""


class InvalidJson(ValueError):
    """The text is not exactly one JSON value."""


def loads(text: str) -> Json:
    """Read one JSON value; numbers with a fraction or exponent become `Decimal`.

    Raises:
        InvalidJson: it is none, or it has NaN, a repeated key, or more than `MAX_DEPTH` levels.
    """
    try:
        value = _DECODER.decode(text)
    except InvalidJson:
        raise
    except (ValueError, ArithmeticError) as error:
        raise InvalidJson(str(error)) from None
    except RecursionError:
        raise InvalidJson(f"more than {MAX_DEPTH} levels") from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def loads_or_none(text: str) -> Json:
    """The value, or None where the text is not JSON (or is `null`)."""
    try:
        return loads(text)
    except InvalidJson:
        return None


def is_valid(text: str) -> bool:
    """Whether the text is exactly one JSON value."""
    try:
        loads(text)
    except InvalidJson:
        return False
    return True


def dumps(value: Json) -> str:
    """Write what `loads` read, `Decimal` digit for digit."""
    try:
        return _ENCODER.encode(value)
    except TypeError:
        return _exactly(value)


def readable(value: Json) -> str:
    """The same for people: letters as they are, but for halves of surrogates."""
    return _ESCAPES.sub(_letter, dumps(value))


def _letter(escape: re.Match[str]) -> str:
    """What an escape of the encoder stands for; control characters stay escapes."""
    text: str = json.loads(f'"{escape[0]}"')
    return text if text.isprintable() and text != "\\" else escape[0]


def _exactly(value: Json) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_exactly(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_exactly, value)) + "]"
    return str(value) if isinstance(value, Decimal) else _ENCODER.encode(value)


def comparable(value: Json, *, fold: bool = False) -> object:
    """A form in which `==` is JSON equality: `1` equals `1.0`, `true` equals only `true`.

    Args:
        value: as `loads` gives it.
        fold: compare strings by `normal`, not character by character.
    """
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, str):
        return ("text", normal(value) if fold else value)
    if isinstance(value, list):
        return ("list", [comparable(item, fold=fold) for item in value])
    if isinstance(value, dict):
        return ("object", {key: comparable(item, fold=fold) for key, item in value.items()})
    return ("null",) if value is None else ("number", value)


def normal(text: str) -> str:
    """Unicode NFKC, without space around it."""
    return unicodedata.normalize("NFKC", text).strip()


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < MAX_INT_DIGITS else Decimal(digits)


def _reject_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidJson(f"key {json.dumps(twice)} appears twice")
    return table


# Made once: to make them takes longer than to read or write a short text.
# An escaped backslash begins nothing; two halves of a surrogate are one letter.
_ESCAPES = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\u[0-9a-f]{4}")
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(
    parse_float=Decimal,
    parse_int=_integer,
    parse_constant=_reject_constant,
    object_pairs_hook=_unique,
)


def _check_depth(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise InvalidJson(f"more than {MAX_DEPTH} levels")


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
