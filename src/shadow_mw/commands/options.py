"""Options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number within bounds; click's own type lets "nan" through any of them."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; refused where it is none, or has no end."""
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return found


def asked_options(command: Command) -> Command:
    """Whose stored inputs are asked, and of whom: `candidates_of` reads the last three."""
    return _all(
        command,
        click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE."),
        click.option("--experiment", help="Default: the one with the newest data."),
        click.option(
            "--candidate", "name", metavar="ID", help="Which of the settings' candidates."
        ),
        click.option("--candidate-url", metavar="URL", help="Over SHADOW_CANDIDATE_URL."),
        click.option("--candidate-model", metavar="MODEL", help="Over SHADOW_CANDIDATE_MODEL."),
    )


def sample_options(drawn: str, size: int, whole: str) -> Callable[[Command], Command]:
    """How many of the series are read.

    Args:
        drawn: what, in the plural.
        size: how many, unless somebody says so.
        whole: what `--all` does.
    """
    return lambda command: _all(
        command,
        click.option(
            "--sample",
            type=click.IntRange(1),
            default=size,
            show_default=True,
            help=f"{drawn} to draw.",
        ),
        click.option("--all", "whole", is_flag=True, help=whole),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the draw."),
    )


def budget_options(most: str) -> Callable[[Command], Command]:
    """What a run may spend; `most` says of which money."""
    return lambda command: _all(
        command,
        click.option("--budget-usd", type=Decimal, callback=_amount, help=most),
        click.option("--max-calls", type=click.IntRange(0), help="The same in calls."),
    )


def _all(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _amount(_: click.Context, __: click.Parameter, given: Decimal | None) -> Decimal | None:
    if given is not None and not (given.is_finite() and given >= 0):
        raise click.UsageError(
            f"--budget-usd {given}: accepted is an amount of 0 or more, such as 25.00"
        )
    return given
