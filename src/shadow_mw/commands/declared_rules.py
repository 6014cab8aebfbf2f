"""Who reads a store judges nothing: rules that were declared since are pointed out."""

from __future__ import annotations

import click

from shadow_mw import settings
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.standards import waits
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError

WAITING = (
    "the settings declare other rules of fields than those by which these pairs were judged; "
    "they count once `label`, `import`, `serve` or the runner opens the store"
)


def say_which_wait(store: Store) -> None:
    """One line on stderr where the figures are not those of the declared rules."""
    try:
        declared = FieldJudge.declared(settings.load().fields)
    except ConfigError:
        return  # a store that was named can be read without any settings
    if waits(store, declared):
        click.echo(f"shadow-mw: {WAITING}", err=True)
