"""The look of every table at a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table


def plain_table(gap: int = 1) -> Table:
    """A rule under the titles and no frame; `gap` spaces between columns, one for wide tables."""
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        header_style="bold",
    )
