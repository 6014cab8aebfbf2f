"""What the evaluator hands to the decision: one row a pair in the order of time, and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from shadow_mw.results import Series
from shadow_mw.spilled import let_go
from shadow_mw.standings import Standings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.signedinteger]
    Codes = npt.NDArray[np.int32]
    Bools = npt.NDArray[np.bool_]
    Flags = npt.NDArray[np.int8]

PRIMARY_FAULT: Final = 1
CANDIDATE_FAULT: Final = 2
NOT_CHECKED: Final = -1
"""Codes of `Evidence.faults`: a pair that was checked has the sum of its legs' faults."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Columns of the same length; pairs that do not compare (probes, cut-off primaries) are out."""

    time_s: Floats
    """Unix time of the primary's call, ascending."""
    segment: Codes
    """Index into `Evidence.segments`."""
    session: Codes
    """The same number for pairs of one session; -1 where none was given."""
    key: Codes
    """The same number for pairs of one business key; -1 where none was given."""
    weight: Floats
    """How many calls of production a pair stands for: 1 / sample rate."""
    scored: Bools
    """Whether the pair was held against a truth; the next columns are 0 where it was not."""
    leaves: Counts
    nulls: Counts
    primary_correct: Counts
    candidate_correct: Counts
    primary_hallucinated: Counts
    candidate_hallucinated: Counts
    primary_invalid: Counts
    candidate_invalid: Counts
    primary_null_like: Counts
    candidate_null_like: Counts
    primary_failed: Bools
    candidate_failed: Bools
    primary_latency_ms: Floats
    """NaN where no latency compares (backfilled); infinite where the call failed."""
    candidate_latency_ms: Floats
    primary_cost_usd: Floats
    """NaN where the price is not known for both legs."""
    candidate_cost_usd: Floats
    exact: Flags
    """1, 0, or -1 where it does not apply."""

    def __len__(self) -> int:
        return len(self.time_s)

    def let_go(self) -> None:
        """Let columns that lie in files leave memory until they are looked at again."""
        let_go(getattr(self, column.name) for column in fields(self))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which part of a store a decision is about; unix times, s."""

    start: float
    """Of the window."""
    until: float
    """Of the look: pairs from here on are not decided by."""
    end: float
    """Of the window."""


@dataclass(frozen=True, slots=True)
class PairedCount:
    """One yes-or-no fault over pairs (or leaves) on both legs: the 2x2 table.

    Of fields it is as calls of production are: where pairs stand for different numbers of them
    its parts are weighted, no longer whole, and add up to the same `n`.
    """

    name: str
    """`json_invalid`, `schema_invalid`, `truncated`, `empty`, `refused`, ...; a path for fields."""
    n: int
    both: float
    primary_only: float
    candidate_only: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """One measure of how like two outputs are, and the same between two answers of the primary."""

    name: str
    """`lexical`, or the embedding model."""
    n: int
    mean: float
    """Of production's calls: pairs weigh as many as they stand for."""
    variance: float
    """`n` times that of the mean, sessions and weights included."""
    floor_n: int
    """Pairs of the primary with itself; 0 where none were made."""
    floor_mean: float
    floor_variance: float
    worth: int | None = None
    """Independent values of one weight that `n` are worth; None where that is all of them."""
    floor_worth: int | None = None


@dataclass(frozen=True, slots=True)
class LoadRun:
    """What `shadow-mw load` found last."""

    factor: float
    """Of production's own rate in its peak hour."""
    calls: int
    failed: int
    p50_ms: float
    p95_ms: float
    """Infinite where it falls on a failed call."""
    time_ns: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a verdict rests on."""

    series: Series
    segments: tuple[str, ...]
    pairs: Pairs
    checks: tuple[PairedCount, ...]
    """Faults of deterministic checks."""
    fields: tuple[PairedCount, ...]
    """Hallucinations by path, over the leaves whose truth is null."""
    likeness: tuple[Likeness, ...]
    standings: Standings
    captured: int
    mirrored: int
    paired: int
    lost: dict[str, int]
    """Calls that should have made a pair and did not, by reason; never those that were left out by
    sampling, a window or a budget. Those of the window, and those of which nobody knows when they
    were: counters have no time."""
    unpriced: int
    """Pairs that would compare in cost, but for an unknown price or usage."""
    first_received_ns: int | None
    """When the first leg came into the store; None where none has come."""
    data_hash: str
    """SHA-256 over all of the above, so that a verdict names its data."""
    load: LoadRun | None = None
    faults: Mapping[str, Flags] = field(default_factory=dict)
    """Of `checks` by name, one code for each row of `pairs`; empty where no session or key repeats
    and all pairs weigh the same, so that counts say all."""
    unchecked: Mapping[str, int] = field(default_factory=dict)
    """Pairs that a check should have looked at and could not, by the name of the fault."""
    unlabelled: Mapping[str, int] = field(default_factory=dict)
    """Fields of the candidate's outputs that no truth names: how often, the most frequent first."""
    standards_changed_ns: int | None = None
    """When rules of fields or the choice of checks last changed in a store with data; None for
    never."""
