"""Scores of one pair, as they go back on its trace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """One result about the candidate's leg of a pair, as it goes back on the trace."""

    name: str
    """`shadow.exact_match`, `shadow.json_valid`, `shadow.field_accuracy`,
    `shadow.null_hallucination`, or `shadow.` and the name of a check that found something."""
    value: float | None
    """A share from 0 to 1."""
    label: str | None
    """`pass` where nothing is wrong, else `fail`; of a check its own label."""
    explanation: str | None
    """Counts and field paths, never content."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """The scores of one pair, and the span that they are about."""

    experiment: str
    candidate_id: str
    pair_id: str
    trace_id: str
    span_id: str
    """The candidate leg's."""
    time_ns: int
    """Unix time at which the candidate's call ended."""
    scores: tuple[Score, ...]
