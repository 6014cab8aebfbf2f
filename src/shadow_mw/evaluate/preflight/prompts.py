"""Stored requests as the texts that a tokeniser gets."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.checks.tokens import wanted
from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.inputs import Wanted, inputs, select
from shadow_mw.evaluate.store import Store
from shadow_mw.types import Json
from shadow_mw.wire.lenient import as_text, mapping, mappings, string, well_formed

AUTHORS = frozenset({"system", "developer", "assistant"})
"""Roles whose text is the app's own, or a model's; anything else comes from outside."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request."""

    own: tuple[str, ...]
    """Texts of the app and of the model: instructions, earlier answers, tool definitions."""
    outside: tuple[str, ...]
    """Texts of users and tools, which may hold anything."""
    has_other_parts: bool
    """Images and the like, which no tokeniser of text counts."""
    segment: str
    output_tokens: int
    """The output limit that it sets; 0 without one."""
    usage: int | None
    """Its tokens as the primary's server counted them."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return self.own + self.outside


def draw(store: Store, experiment: str, size: int | None, seed: int) -> tuple[list[str], int]:
    """Pair ids, each with the same probability, and how many there are."""
    known = select(store, Wanted(experiment))
    known.sort(key=lambda pair_id: hashlib.sha256(f"{seed}:{pair_id}".encode()).digest())
    return known[:size], len(known)


def prompts(
    store: Store, experiment: str, pair_ids: list[str], left_out: Counter[str]
) -> Iterator[Prompt]:
    """Each request that can be read; the others are counted by reason."""
    for found in inputs(store, experiment, pair_ids):
        if found.skip is not None:
            left_out[found.skip] += 1
            continue
        prompt = _prompt(found.primary, found.body)
        if prompt is None:
            left_out["no_text"] += 1
        else:
            yield prompt


def _prompt(primary: Observation, body: Mapping[str, Json]) -> Prompt | None:
    own, outside, other = list[str](), list[str](), False
    content = primary.content
    system = mappings(strict_json.loads_or_none(content.system or ""))
    messages = mappings(strict_json.loads_or_none(content.input or ""))
    for message in [{"role": "system", "parts": system}, *messages]:
        texts = outside if message.get("role") not in AUTHORS else own
        for part in mappings(message.get("parts")):
            text = _text(part)
            other |= text is None
            if text:
                texts.append(well_formed(text))
    if not (own or outside):
        return None
    definitions = body.get("tools") or body.get("functions")
    if definitions:
        own.append(well_formed(strict_json.dumps(definitions)))
    return Prompt(
        tuple(own),
        tuple(outside),
        other,
        primary.segment or "",
        wanted(mapping(body)),
        primary.input_tokens,
    )


def _text(part: Mapping[str, Json]) -> str | None:
    """A part's text; None where it is none."""
    match part.get("type"):
        case "text" | "reasoning" | "refusal":
            return string(part.get("content")) or ""
        case "tool_call":
            return as_text(part.get("arguments"))
        case "tool_call_response":
            return as_text(part.get("response"))
    return None
