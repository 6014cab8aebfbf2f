"""Validation against JSON schemas that requests bring: never fetches, never hangs, never raises."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from shadow_mw.types import Json

MISSING: Final = "jsonschema-rs is not installed: pip install 'shadow-mw[eval]'"
UNUSABLE: Final = "the request's schema cannot be used"
BACKTRACK_LIMIT: Final = 100_000
"""Steps of a pattern with lookaround; all other patterns are linear."""

IsValid = Callable[[Json], bool]


def available() -> bool:
    """Whether schemas can be read at all."""
    return _library() is not None


def fits(value: Json, schema: Mapping[str, Json]) -> bool | None:
    """Whether a value follows a schema; None where that cannot be said."""
    return follows(value, json.dumps(schema, default=float, sort_keys=True))


def follows(value: Json, schema: str) -> bool | None:
    """The same, of a schema that is JSON text already."""
    validator = _compiled(schema) if _library() is not None else None
    if validator is None:
        return None
    try:
        return validator(value)
    except UnicodeError:
        # A key with half a letter: no JSON schema has one.
        return False
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


@lru_cache(maxsize=512)
def _compiled(schema: str) -> IsValid | None:
    """A schema compiled; None for one that is no schema, or refers to another document."""
    library = _library()
    try:
        validator = library.validator_for(
            schema,
            validate_formats=True,
            offline=True,
            pattern_options=library.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT),
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    found: IsValid = validator.is_valid
    return found


@cache
def _library() -> Any:
    try:
        import jsonschema_rs
    except ImportError:
        return None
    return jsonschema_rs
