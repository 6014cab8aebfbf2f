"""The store's tables as they are now; `migrations` has how those of each version became them."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.tables import judgements as judged
from shadow_mw.evaluate.tables import legs, opinions
from shadow_mw.evaluate.tables.alarms import ALARMS
from shadow_mw.evaluate.tables.pairs import DOCUMENT, PAIRS, SHAPES

__all__ = ["DOCUMENT", "TABLES", "VERSION"]

VERSION: Final = 6
"""In the file's header; a change of any table makes the next one, and a migration to it."""

TABLES: Final = "".join(
    (
        *(legs.SERIES, legs.LEGS, legs.WAITING, legs.NAMES, legs.FUNNEL, legs.GAUGES),
        *(PAIRS, SHAPES),
        *(judged.META, judged.TRUTH, judged.PATHS, judged.FIELDS, judged.DIVERGENCES),
        *(judged.CHECKS, judged.CHECK_VALUES),
        *(opinions.OPINIONS, opinions.DRAWS, opinions.ANCHORS, opinions.PREFERENCES),
        opinions.EMBEDDINGS,
        ALARMS,
    )
)
"""Statements that make all of them in an empty file, each ended by `;` and a line's end."""
