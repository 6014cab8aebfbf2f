"""Sums of squares over what shares its luck."""

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


def square(terms: Values, clusters: npt.NDArray[np.intp] | None) -> tuple[float, int]:
    """The sum of squares of the clusters' sums, and how many there are."""
    sums = terms if clusters is None else np.bincount(clusters, weights=terms)
    return float(sums @ sums), len(sums)
