"""What is independent of one another: sessions, business keys, or pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Floats, Pairs


@dataclass(frozen=True, slots=True)
class Units:
    """Clusters numbered in the order in which they first appear."""

    codes: npt.NDArray[np.int64] | None
    """The cluster of each pair; None where each pair is its own."""
    count: int

    def sums(self, values: npt.NDArray[np.generic]) -> Floats:
        """Values of pairs, added up over each cluster."""
        if self.codes is None:
            return values.astype(np.float64)
        return np.bincount(self.codes, values, self.count).astype(np.float64)

    def first(self, pairs: int) -> npt.NDArray[np.int64]:
        """The index of each cluster's first pair."""
        if self.codes is None:
            return np.arange(pairs)
        # Numbered as they appear: each is larger than all before it.
        return np.flatnonzero(np.diff(np.maximum.accumulate(self.codes), prepend=-1))


def units(pairs: Pairs, cluster: str) -> Units:
    """The clusters of a plan; a pair without a session or key is one of its own."""
    if cluster == "pair":
        return Units(None, len(pairs))
    return clustered(pairs.session if cluster == "session" else pairs.key)


def clustered(given: npt.NDArray[np.signedinteger]) -> Units:
    """Clusters by number; -1 is none, and so a cluster of its own."""
    n = len(given)
    alone = given < 0
    named = np.where(alone, int(given.max(initial=-1)) + 1 + np.arange(n), given)
    _, first, which = np.unique(named, return_index=True, return_inverse=True)
    if len(first) == n:
        return Units(None, n)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first, kind="stable")] = np.arange(len(first))
    return Units(order[which], len(first))
