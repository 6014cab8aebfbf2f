"""The look of every table at a terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

UNBOUNDED = 10_000
"""Columns of a terminal that no table fills."""


def plain_table(gap: int = 1) -> Table:
    """A rule under the titles and no frame; `gap` spaces between columns, one for wide tables."""
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        header_style="bold",
    )


def fitting(console: Console, draft: Callable[[int], Table], gap: int = 1) -> Table:
    """A table with `gap`, or with none where something would be folded or cut by it.

    Args:
        console: where it goes.
        draft: makes the table, given its gap.
        gap: which one it has where there is room.
    """
    table = draft(gap)
    unbounded = console.options.update_width(UNBOUNDED)
    room = Measurement.get(console, unbounded, table).maximum <= console.width
    return table if room else draft(0)
