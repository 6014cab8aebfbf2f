"""Sums by cluster: what comes from one session counts once."""

from __future__ import annotations

import numpy as np

from shadow_mw.decide.stats.interval import Codes, Floats


def totals(clusters: Codes | None, *columns: Floats) -> list[Floats]:
    """The sum of each column in each cluster.

    Args:
        clusters: one code an item, the same for items of one cluster; below 0 an item is alone.
            None: every item is alone.
        columns: all as long as `clusters`.

    Raises:
        ValueError: lengths differ.
    """
    sizes = {len(column) for column in columns} | (
        {len(clusters)} if clusters is not None else set()
    )
    if len(sizes) > 1:
        raise ValueError(f"columns of {sorted(sizes)} items; accepted are equal lengths")
    if clusters is None:
        return list(columns)
    shared = clusters >= 0
    if not shared.any():
        return list(columns)
    codes = clusters[shared]
    if codes.max() > 4 * len(clusters) + 1000:
        codes = np.unique(codes, return_inverse=True)[1]
    present = np.bincount(codes) > 0
    return [
        np.concatenate([np.bincount(codes, column[shared])[present], column[~shared]])
        for column in columns
    ]
