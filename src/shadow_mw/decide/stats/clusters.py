"""Sums by cluster: what comes from one session counts once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats.interval import Codes, Floats

BLOCK: Final = 1 << 16


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
    alone = None if shared.all() else ~shared
    codes = clusters if alone is None else clusters[shared]
    if codes.max() > 4 * len(clusters) + 1000:
        codes = np.unique(codes, return_inverse=True)[1]
    present = np.zeros(int(codes.max()) + 1, np.bool_)
    for some in blocks(len(codes)):
        present[codes[some]] = True
    if alone is None:
        return [added(codes, column, len(present))[present] for column in columns]
    return [
        np.concatenate([added(codes, column[shared], len(present))[present], column[alone]])
        for column in columns
    ]


def added(codes: Codes, values: npt.NDArray[np.generic], count: int) -> Floats:
    """`np.bincount(codes, values, count)`, as floats, without a copy of either.

    Each sum is added up in the order of the items, so that it is the same to the last bit.
    """
    sums = np.zeros(count)
    for some in blocks(len(codes)):
        np.add.at(sums, codes[some].astype(np.intp), values[some].astype(np.float64))
    return sums


def blocks(n: int) -> Iterator[slice]:
    """Parts of n items, so small that what is made of them in between is nothing."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))
