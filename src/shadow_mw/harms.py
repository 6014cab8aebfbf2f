"""Pairs by what the candidate did wrong, as the evaluator hands them to whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What is worst about a pair's candidate, the worst first; exactly one applies."""

    HALLUCINATED = "hallucinated"
    """A value where the truth is null; without a truth, where it is not in the request."""
    NEW_REFUSAL = "new_refusal"
    """It refused, failed or said nothing, and the primary answered."""
    INVALID_JSON = "invalid_json"
    WRONG_VALUE = "wrong_value"
    MISSED = "missed"
    JUDGE_LOSS = "judge_loss"
    """A judge prefers the primary in both orders."""
    DIFFERS = "differs"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pairs of a series are asked for; None and empty mean any."""

    harm: Harm | None = None
    segment: str | None = None
    """Empty: pairs without one."""
    field: str | None = None
    """A path at which the candidate is not right, or the outputs differ."""
    text: str = ""
    """Beginning of a pair's id, trace id or business key, or a part of what was said."""
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class HarmRow:
    """One line of the list."""

    id: int
    """Row of the pair in its store."""
    pair_id: str
    trace_id: str
    time_ns: int
    """Unix time of the primary's call."""
    segment: str | None
    harm: Harm
    fields: tuple[str, ...]
    """Paths that make it harmful, the worst first."""
    summary: str
    """For people; paths and counts, never content."""


@dataclass(frozen=True, slots=True)
class HarmPage:
    """Some rows of a filtered list."""

    rows: tuple[HarmRow, ...]
    total: int | None
    """Pairs that the filter lets through; None where a search for text ended early."""
    counts: dict[Harm, int]
    """Pairs by class, whatever the filter says of classes, fields and text."""
    next: int | None
    """Offset of the next page; None at the end."""
    searched: int | None = None
    """Pairs whose text was read, the worst first; None where none was."""


@dataclass(frozen=True, slots=True)
class FieldPair:
    """One leaf, aligned; values are JSON text, None where there is none."""

    path: str
    truth: str | None
    primary: str | None
    candidate: str | None
    primary_outcome: str | None
    """None without a truth."""
    candidate_outcome: str | None
    differs: bool
    """Whether the two outputs do, by the declared rules."""
    cut: bool = False
    """Whether a value is longer than what is shown."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text, as far as it is shown."""

    text: str
    left_out: int = 0
    """Characters beyond it."""


@dataclass(frozen=True, slots=True)
class ShownLeg:
    """One leg of a pair."""

    model: str | None
    output: ShownText
    """What it says, then the tools that it calls."""
    outcome: str
    error: str | None
    finish_reason: str | None
    latency_ms: float | None
    ttft_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """What one check says of a pair."""

    name: str
    label: str
    primary: float | None
    candidate: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """What one judge says of a pair, in its newest epoch."""

    judge: str
    primary_first: str | None
    """`primary`, `candidate`, `tie` or `invalid`; None where it was not asked in that order."""
    candidate_first: str | None
    analysis: ShownText
    """Of the order that was asked last."""


@dataclass(frozen=True, slots=True)
class HarmDetail:
    """Everything that is shown of one pair."""

    row: HarmRow
    experiment: str
    candidate_id: str
    key: str | None
    truth: ShownText | None
    input: ShownText
    primary: ShownLeg
    candidate: ShownLeg
    fields: tuple[FieldPair, ...]
    fields_left_out: int
    checks: tuple[ShownCheck, ...]
    verdicts: tuple[ShownVerdict, ...]
    labelled: int
    """People who have said which output is better."""
    excluded: str | None
    """Why the two are not compared."""


@dataclass(frozen=True, slots=True)
class Blind:
    """A pair as people label it: which output is whose is not in it."""

    id: int
    task: ShownText
    outputs: tuple[ShownText, ShownText]
    reference: ShownText | None
    differences: tuple[tuple[str, str, str], ...]
    """Path and both values, in the order of the outputs."""


class Said(StrEnum):
    """What a person says of a pair's outputs."""

    PRIMARY = "primary"
    CANDIDATE = "candidate"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    """As good as one another, and no good."""
    NONE = "none"
    """Nothing, or what was said is taken back."""
