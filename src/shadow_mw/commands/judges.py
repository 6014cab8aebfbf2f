"""The judges of a store, beside the rest of a report."""

from __future__ import annotations

import importlib.util

from rich.console import Console
from rich.text import Text

from shadow_mw.evaluate.judging.store import any_opinion, opinions_of
from shadow_mw.evaluate.store import Store
from shadow_mw.report import judge_table
from shadow_mw.results import Series
from shadow_mw.types import Json

NEEDED = ("numpy", "scipy")


def missing() -> list[str]:
    """What is not installed of what a judge's figures need."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def judges_json(store: Store, series: Series | None) -> dict[str, Json]:
    """A card for each judge and epoch; None where what their figures need is not installed."""
    opinions = opinions_of(store, series) if series else []
    if not opinions or series is None:
        return {"judges": [], "panel": None}
    if missing():
        return {"judges": None, "panel": None}
    from shadow_mw.commands.judge_json import card_json, panel_json
    from shadow_mw.evaluate.judging.reach import drawn_of
    from shadow_mw.evaluate.judging.standing import panel_of, stored_cards

    drawn = drawn_of(store, series, {opinion.spec for opinion in opinions})
    cards = [card_json(card) for card in stored_cards(store, series, opinions, drawn)]
    return {"judges": cards, "panel": panel_json(panel_of(opinions, drawn))}


def show_judges(store: Store, series: Series | None, console: Console) -> None:
    """A few lines for each judge of a series, and for their panel."""
    if series is None or not any_opinion(store):
        return
    if lacking := missing():
        if not opinions_of(store, series):
            return
        console.print(Text(f"\njudges: their figures need {' and '.join(lacking)}:", end=" "))
        console.print(Text("pip install 'shadow-mw[eval]'"))
        return
    from shadow_mw.evaluate.judging.standing import standings

    if (found := standings(store, series)).judges:
        judge_table.show(found, console)
