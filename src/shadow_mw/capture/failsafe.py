"""The one guard: an error of ours is counted and logged once, and never reaches the app."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("shadow_mw")

swallowed: dict[str, int] = {}
"""How often each kind was caught, by `function: ExceptionClass`."""


def failsafe(function: Callable[P, R]) -> Callable[P, R | None]:
    """Return None instead of raising; errors of the application never pass through here."""
    name = function.__qualname__

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            note(name, error)
            return None

    return guarded


def note(name: str, error: Exception) -> None:
    """Count a caught error; log the first of its kind with its traceback."""
    kind = f"{name}: {type(error).__name__}"
    swallowed[kind] = swallowed.get(kind, 0) + 1
    if swallowed[kind] == 1:
        logger.error("shadow_mw: %s (%s); the app is not affected", kind, error, exc_info=error)
