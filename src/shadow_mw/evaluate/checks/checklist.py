"""Which checks run, and how: what `[checks]` of `shadow.toml` says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shadow_mw.evaluate.checks import run
from shadow_mw.evaluate.checks.check import Check
from shadow_mw.evaluate.checks.length import LONGEST, SHORTEST, LengthBand
from shadow_mw.evaluate.checks.tool_calls import ToolCalls
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import CheckChoice

UNDECLARED = CheckChoice()


@dataclass(frozen=True, slots=True)
class Checklist:
    """The checks of every pair; without a declared choice all that are installed."""

    choice: CheckChoice = UNDECLARED

    @classmethod
    def declared(cls, choice: CheckChoice) -> Checklist:
        """With the `checks` table of `shadow.toml`.

        Raises:
            ConfigError: one line that names an unknown check, and all that are known.
        """
        if choice.only or choice.without:
            known = [check.name for check in run.all_checks()]
            for key in ("only", "without"):
                for name in getattr(choice, key) or ():
                    if name not in known:
                        accepted = ", ".join(known)
                        raise ConfigError(f"checks.{key}={name}: accepted are {accepted}")
        return cls(choice)

    @classmethod
    def stored(cls, table: str | None) -> Checklist:
        """As a store keeps it; a check that is not installed here is left out, not refused."""
        if table is None:
            return cls()
        known = CheckChoice.model_fields
        return cls(CheckChoice(**{k: v for k, v in json.loads(table).items() if k in known}))

    @property
    def is_declared(self) -> bool:
        """Whether anybody said anything, be it that everything is as it is by itself."""
        return self.choice != UNDECLARED

    @property
    def table(self) -> str:
        """The choice as JSON, the same for choices that judge alike."""
        choice, some = self.choice, self.choice.only is not None
        table = {
            "only": sorted(set(choice.only or ())) if some else None,
            "without": None if some else sorted(set(choice.without or ())),
            "tool_calls_ordered": bool(choice.tool_calls_ordered),
            "length_band": list(choice.length_band or (SHORTEST, LONGEST)),
        }
        return json.dumps(table, sort_keys=True)

    def selected(self) -> Sequence[Check]:
        """The checks to run, set up as declared."""
        return _selected(self.table) if self.is_declared else run.all_checks()


@cache
def _selected(table: str) -> tuple[Check, ...]:
    choice = Checklist.stored(table).choice
    own: dict[str, Check] = {
        ToolCalls.name: ToolCalls(ordered=bool(choice.tool_calls_ordered)),
        LengthBand.name: LengthBand(*(choice.length_band or ())),
    }
    return tuple(
        own.get(check.name, check)
        for check in run.all_checks()
        if (choice.only is None or check.name in choice.only)
        and check.name not in (choice.without or ())
    )
