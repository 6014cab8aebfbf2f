"""What is independent of one another: sessions, business keys, or pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide.stats.clusters import added

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Floats, Pairs


@dataclass(frozen=True, slots=True)
class Units:
    """Clusters numbered in the order in which they first appear."""

    codes: npt.NDArray[np.signedinteger] | None
    """The cluster of each pair; None where each pair is its own."""
    count: int

    def sums(self, values: npt.NDArray[np.generic]) -> Floats:
        """Values of pairs, added up over each cluster."""
        if self.codes is None:
            return values.astype(np.float64)
        return added(self.codes, values, self.count)

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
    if _in_order(given):
        count = int(given.max(initial=-1)) + 1
        return Units(given if count < n else None, count)
    alone = given < 0
    named = np.where(alone, int(given.max(initial=-1)) + 1 + np.arange(n), given)
    _, first, which = np.unique(named, return_index=True, return_inverse=True)
    if len(first) == n:
        return Units(None, n)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first, kind="stable")] = np.arange(len(first))
    return Units(order[which], len(first))


def _in_order(given: npt.NDArray[np.signedinteger]) -> bool:
    """Whether they are numbered as they appear already, as those of a whole window are."""
    if given.min(initial=0) < 0:
        return False
    last = np.maximum.accumulate(given)
    return bool(last[:1].sum() == 0 and np.all(last[1:] - last[:-1] <= 1))
