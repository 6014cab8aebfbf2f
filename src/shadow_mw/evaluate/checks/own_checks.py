"""Checks of other packages, found by entry point; none of them can stop anything."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import MAX_NAME, Check, CheckResult

GROUP: Final = "shadow_mw.checks"

_NAME = re.compile(rf"[a-z][a-z0-9_.-]{{0,{MAX_NAME - 1}}}")


class NotLoaded(Exception):
    """An entry point that gives no check."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stands for a check that could not be loaded, so that its absence is counted and named."""

    name: str
    error: BaseException

    def run(self, case: Case) -> CheckResult | None:  # noqa: ARG002
        """Raise what kept it from being loaded."""
        raise self.error


def own_checks(taken: Collection[str]) -> list[Check]:
    """Every installed check, in the order of the names; `taken` names are not theirs to use."""
    return list(_loaded(sorted(entry_points(group=GROUP), key=lambda e: e.name), set(taken)))


def _loaded(points: list[EntryPoint], taken: set[str]) -> Iterator[Check]:
    for point in points:
        try:
            check = _check(point, taken)
        except Exception as error:  # noqa: BLE001  # whatever an import does
            check = Unusable(point.name[:MAX_NAME], error)
        taken.add(check.name)
        yield check


def _check(point: EntryPoint, taken: Collection[str]) -> Check:
    found = point.load()
    check: Check = found() if isinstance(found, type) else found
    if not callable(getattr(check, "run", None)):
        raise NotLoaded(f"{point.value} is no check: it has no run(case)")
    name = getattr(check, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NotLoaded(f"{point.value}: {name!r} is no name of a check ({_NAME.pattern})")
    if name in taken:
        raise NotLoaded(f"{point.value}: another check is called {name!r}")
    return check
