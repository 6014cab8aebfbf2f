"""Terms of what shares its luck, added up."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def numbered(clusters: Sequence[Hashable]) -> npt.NDArray[np.intp] | None:
    """Each item's cluster by number; None where none has two."""
    numbers = dict[Hashable, int]()
    names = ((i,) if cluster is None else cluster for i, cluster in enumerate(clusters))
    found = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)
    return found if len(numbers) < len(clusters) else None


def summed(terms: Values, clusters: npt.NDArray[np.intp] | None) -> Values:
    """Each cluster's sum of terms; the terms themselves where none has two."""
    return terms if clusters is None else np.bincount(clusters, weights=terms).astype(np.float64)
