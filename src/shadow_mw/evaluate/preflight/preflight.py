"""Count what tokenisers make of prompts: read this first of preflight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from shadow_mw.evaluate.percentiles import percentile
from shadow_mw.evaluate.preflight.prompts import Prompt
from shadow_mw.evaluate.preflight.tokenizer import Encoded, LocalTokenizer
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series

AT_ONCE = 64
"""Prompts that are encoded together: a tokeniser uses all processors."""


@dataclass(slots=True)
class Side:
    """What one tokeniser makes of all prompts."""

    texts: int = 0
    same: int = 0
    """Texts that decode to themselves."""
    prompts_with_control: int = 0
    """Prompts of which text from outside becomes control tokens."""
    control: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    """By segment, as far as prompts are text."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of prompt tokens, the candidate's over the primary's."""

    n: int
    p50: float | None
    p95: float | None
    max: float | None


@dataclass(slots=True)
class Preflight:
    """All of it; figures of the primary only where its tokeniser is there."""

    candidate: Side
    primary: Side | None
    context_tokens: int | None
    prompts: int = 0
    other_parts: int = 0
    """Prompts with parts that are no text: counted without them."""
    segments: Counter[str] = field(default_factory=Counter)
    """Prompts."""
    characters: Counter[str] = field(default_factory=Counter)
    ratios: list[float] = field(default_factory=list)
    largest: int = 0
    """The most tokens that a prompt and its output limit need."""
    overflow: int = 0
    """Prompts that need more than the context."""

    @property
    def ratio(self) -> Ratios:
        """Candidate's tokeniser over the primary's, or over what its server counted."""
        return ratios(self.ratios)


def encode_all(
    prompts: Iterable[Prompt],
    candidate: LocalTokenizer,
    primary: LocalTokenizer | None,
    context_tokens: int | None,
    advance: Callable[[int], None] = lambda _: None,
) -> Preflight:
    """Encode every prompt with both tokenisers.

    Args:
        prompts: stored requests.
        candidate: the tokeniser of the model under test.
        primary: that of the production model, where it is known.
        context_tokens: what the candidate can read and write in one call; None is unknown.
        advance: told how many prompts were read.
    """
    found = Preflight(Side(), None if primary is None else Side(), context_tokens)
    rest = iter(prompts)
    while batch := list(islice(rest, AT_ONCE)):
        theirs = _encode(candidate, batch)
        ours = [None] * len(batch) if primary is None else list(_encode(primary, batch))
        for prompt, encoded, other in zip(batch, theirs, ours, strict=True):
            _add(found, prompt, encoded, other)
        advance(len(batch))
    return found


def _encode(tokenizer: LocalTokenizer, batch: list[Prompt]) -> Iterator[list[Encoded]]:
    encoded = iter(tokenizer.encode([text for prompt in batch for text in prompt.texts]))
    return (list(islice(encoded, len(prompt.texts))) for prompt in batch)


def _add(
    found: Preflight, prompt: Prompt, theirs: list[Encoded], ours: list[Encoded] | None
) -> None:
    found.prompts += 1
    found.other_parts += prompt.has_other_parts
    found.segments[prompt.segment] += 1
    found.characters[prompt.segment] += sum(map(len, prompt.texts))
    tokens = _count(found.candidate, prompt, theirs)
    base, around = prompt.usage, 0
    if ours is not None and found.primary is not None:
        base = _count(found.primary, prompt, ours)
        # What the primary's server put around the texts, the candidate's will put there too.
        around = max((prompt.usage or 0) - base, 0)
    if base and not prompt.has_other_parts:
        found.ratios.append(tokens / base)
    needed = tokens + around + prompt.output_tokens
    found.largest = max(found.largest, needed)
    found.overflow += found.context_tokens is not None and needed > found.context_tokens


def _count(side: Side, prompt: Prompt, encoded: list[Encoded]) -> int:
    side.texts += len(encoded)
    side.same += sum(text.same for text in encoded)
    control = [name for text in encoded[len(prompt.own) :] for name in text.control]
    side.prompts_with_control += bool(control)
    side.control.update(control)
    tokens = sum(text.tokens for text in encoded)
    side.tokens[prompt.segment] += tokens
    return tokens


def ratios(values: list[float]) -> Ratios:
    """By nearest rank."""
    ordered = sorted(values)
    return Ratios(
        len(ordered),
        percentile(ordered, 50),
        percentile(ordered, 95),
        ordered[-1] if ordered else None,
    )


def counted(store: Store, series: Series) -> Ratios:
    """The same of pairs that the candidate answered already, as both servers counted."""
    rows = store.query(
        "SELECT 1.0 * c.input_tokens / p.input_tokens FROM pairs"
        " JOIN observations p ON p.id = primary_row JOIN observations c ON c.id = candidate_row"
        f" WHERE series = {SERIES} AND p.input_tokens > 0 AND c.input_tokens IS NOT NULL",
        (series.experiment, series.candidate),
    )
    return ratios([ratio for (ratio,) in rows])
