"""Running sums of a stream, in blocks: memory stays flat for millions of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shadow_mw.decide.stats.interval import Floats

BAND = 0.25
"""How far a prediction may be from the middle, as a part of half the range.

Each value is compared with the mean of those before it. A prediction kept near the middle lets no
deviation exceed 1.25 half ranges instead of 2, which makes sequences of rare events narrower.
"""
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums at the wanted counts: shape (..., counts)."""

    total: Floats
    size: Floats
    squares: Floats
    """Of the deviations from predictions that were made before each value was seen."""


def moments(x: Floats, n: Floats | None, at: Sequence[int]) -> Moments:
    """Sums over the first `at` values of the last axis.

    Args:
        x: values within [-n, n].
        n: sizes of the same shape; None: all 1.
        at: counts, ascending, at most the length.
    """
    shape = x.shape[:-1]
    total, size, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    found: list[tuple[Floats, Floats, Floats]] = []
    for first, last, wanted in _blocks(at):
        if first == last:
            found.append((total, np.array(size), squares))
            continue
        part = x[..., first:last]
        sums = np.cumsum(part, axis=-1)
        sums += total[..., None]
        if n is None:
            sizes = np.arange(first + 1, last + 1, dtype=float)
            sizes_before, own = sizes - 1, None
        else:
            own = n[..., first:last]
            sizes = np.cumsum(own, axis=-1) + size[..., None]
            sizes_before = sizes - own
        predicted = np.divide(
            sums - part,
            sizes_before,
            out=np.zeros_like(sums),
            where=np.broadcast_to(sizes_before > 0, sums.shape),
        )
        np.clip(predicted, -BAND, BAND, out=predicted)
        if own is not None:
            predicted *= own
        np.subtract(part, predicted, out=predicted)
        squares = squares + np.einsum("...i,...i->...", predicted, predicted)
        total = sums[..., -1]
        size = np.broadcast_to(sizes[..., -1], shape)
        if wanted:
            found.append((total, np.array(size), squares))
    columns = (np.stack(column, axis=-1) for column in zip(*found, strict=True))
    return Moments(*columns) if found else Moments(*(np.zeros((*shape, 0)) for _ in range(3)))


def _blocks(at: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """(first, last, whether the sums at `last` are wanted)."""
    first = 0
    for count in at:
        while first + _BLOCK < count:
            yield first, first + _BLOCK, False
            first += _BLOCK
        yield first, count, True
        first = count
