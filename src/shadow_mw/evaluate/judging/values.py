"""What is judged, by whom, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from shadow_mw.exceptions import ConfigError
from shadow_mw.types import Json, Role, WireFormat

RUBRIC = """\
Judge how well each answer does what the task asks, in this order:
1. Correctness: facts, figures, names and code are right; nothing is made up. Where there is a \
reference, an answer that contradicts it is wrong.
2. Completeness: everything that was asked for is there.
3. Form: the format, length and language that the task asks for.
Style, politeness and length in themselves make no answer better."""
"""For tasks without a rubric of their own."""

FORMATS = (WireFormat.OPENAI_CHAT, WireFormat.ANTHROPIC_MESSAGES)


class Winner(StrEnum):
    """What one answer of a judge says, in roles; INVALID is no verdict, and never a tie."""

    # That of its value, as equality is; an enum's own is slower.
    __hash__ = str.__hash__

    PRIMARY = "primary"
    CANDIDATE = "candidate"
    TIE = "tie"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Item:
    """One pair as a judge is to see it, but for the models' names, which it never sees."""

    pair_id: str
    input: str
    primary: str
    candidate: str
    reference: str | None = None
    segment: str | None = None
    primary_model: str | None = None
    candidate_model: str | None = None

    @property
    def digest(self) -> str:
        """What was judged: other texts under the same pair id are another item."""
        texts = [self.input, self.primary, self.candidate, self.reference]
        return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge's endpoint and how it is asked."""

    url: str
    """Base URL up to `/v1`."""
    model: str
    format: WireFormat = WireFormat.OPENAI_CHAT
    api_key: str | None = field(default=None, repr=False)
    name: str = ""
    """What reports call it; the model where empty."""
    mode: Literal["schema", "tool"] | None = None
    """How the verdict's schema is enforced: by response format, or as the only tool.

    By default a response format at OpenAI-compatible endpoints, a tool at Anthropic ones.
    """
    temperature: float | None = 0.0
    """None leaves it out: reasoning models refuse it."""
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = 2048
    params: Mapping[str, Json] = field(default_factory=dict)
    """Further request fields."""

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(
                f"judge {self.model}: format {self.format} is none of {_listed(FORMATS)}"
            )
        if self.seed is not None and self.format is WireFormat.ANTHROPIC_MESSAGES:
            raise ConfigError(f"judge {self.model}: an Anthropic endpoint takes no seed")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ConfigError(
                f"judge {self.model}: {self.url!r} is no base URL such as https://host/v1"
            )

    @property
    def title(self) -> str:
        """Its name in reports and records."""
        return self.name or self.model

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def enforced(self) -> Literal["schema", "tool"]:
        """How the schema is enforced in the end."""
        by_format: Literal["schema", "tool"]
        by_format = "tool" if self.format is WireFormat.ANTHROPIC_MESSAGES else "schema"
        return self.mode or by_format


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How a run of judges goes about its work."""

    rubric: str = RUBRIC
    concurrency: int = 8
    """Calls at once, per judge."""
    max_calls: int | None = None
    """Of all judges together, those of an interrupted run included."""
    budget_usd: Decimal | None = None
    timeout: float = 120.0
    tries: int = 4
    """Calls for one answer where the server says that it is busy, or fails."""
    longest_rest: float = 60.0
    """Seconds: the most that a server's Retry-After is obeyed."""
    max_chars: int = 200_000
    """Pairs with more text than this are not judged: a text cut short would be judged wrongly."""
    max_response_bytes: int = 4 * 2**20
    allow_same_family: bool = False
    """Let a model judge its own family; the run's record says so."""
    watch_system_fingerprint: bool = True
    """Whether another `system_fingerprint` begins another epoch."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One answer of one judge on one pair in one order."""

    judge: str
    spec: str
    """Hash of everything that was asked for."""
    epoch: str
    """The same with what came back: verdicts of different epochs are never pooled."""
    pair_id: str
    item: str
    """`Item.digest`."""
    first: Role
    """Whose output was shown first."""
    winner: Winner
    invalid: str | None = None
    """Why there is no verdict."""
    analysis: str = ""
    model: str | None = None
    """As the server returned it."""
    system_fingerprint: str | None = None
    lengths: tuple[int, int] = (0, 0)
    """Characters of the primary's and the candidate's output."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    calls: int = 1
    """Calls that it took, failed ones included."""
    time_ns: int = 0
    latency_ms: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, Role]:
        """What is asked once and never again."""
        return self.spec, self.pair_id, self.item, self.first


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that no answer came to, though it was put or was too long to be put."""

    spec: str
    pair_id: str
    item: str
    first: Role
    kind: str
    """Of the failure, as in `Run.failed`, or `TOO_LARGE`."""

    @property
    def key(self) -> tuple[str, str, str, Role]:
        """As that of an `Opinion`."""
        return self.spec, self.pair_id, self.item, self.first


TOO_LARGE = "too_large"
"""The pair has more text than is judged, or the answer is longer than is read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one judge is."""

    judge: str
    done: int
    """Answers: recorded before, recorded now, or failed for good."""
    total: int
    invalid: int
    failed: int
    usd: float
    """Of all judges."""


Watch = Callable[[Progress], None]
