"""One pair as checks see it: both answers and the request, each read once, when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.checks.made_calls import Made, made
from shadow_mw.evaluate.fields.request_schema import Schema, text_schema
from shadow_mw.evaluate.offered import Offered, offered
from shadow_mw.evaluate.once import once
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.types import Json

_SCHEMA_MARKS = ("schema", "guided_json", "structured_outputs")
"""One of them is in every request that has a schema for its text."""


class Side:
    """One leg: what it answered, and how it ended; read once for all checks."""

    __slots__ = (
        "answered",
        "finish_reason",
        "is_document",
        "leg",
        "refusal",
        "text",
        "tool_calls",
    )

    def __init__(self, leg: Leg) -> None:
        answer = leg.answer
        self.leg = leg
        self.answered: Final = leg.answered
        """Whether the call ended properly; a failed one said nothing."""
        self.text: Final = answer.text.strip()
        """All text of the answer, trimmed."""
        self.refusal: Final = answer.refusal
        """What the server itself marks as a refusal."""
        self.tool_calls: Final = answer.tool_calls
        """Tool calls in their order; arguments are JSON text as far as the model wrote JSON."""
        self.finish_reason: Final = leg.observation.finish_reason or ""
        """As the server wrote it; empty where it wrote none."""
        self.is_document: Final = answer.is_document
        """Whether the text is a JSON object or list."""


@dataclass(frozen=True)
class Case:
    """A pair whose legs may be compared."""

    pair: Pair
    has_truth: bool = False
    context_tokens: int | None = None
    """What the candidate can read and write in one call; None is unknown."""

    @once
    def primary(self) -> Side:
        """The production model's leg."""
        return Side(self.pair.primary)

    @once
    def candidate(self) -> Side:
        """The other leg."""
        return Side(self.pair.candidate)

    @property
    def request_text(self) -> str:
        """The request as stored: canonical JSON, empty where it was not recorded."""
        return self.pair.primary.observation.content.request or ""

    @once
    def request(self) -> dict[str, Json]:
        """The request's body; empty where it was not recorded."""
        body = strict_json.loads_or_none(self.request_text)
        return body if isinstance(body, dict) else {}

    @once
    def offered(self) -> Offered | None:
        """The tools that the request offers; None where the request is not known."""
        if not self.request_text:
            return None
        may_have = '"tools"' in self.request_text or '"functions"' in self.request_text
        return offered(self.request if may_have else {})

    @once
    def calls(self) -> tuple[list[Made], list[Made]]:
        """The tool calls of both legs, each with the tool that it means."""
        primary, candidate = self.primary.tool_calls, self.candidate.tool_calls
        return made(primary, self.offered), made(candidate, self.offered)

    @once
    def schema(self) -> Schema | None:
        """The schema that the request asks the answer's text to follow."""
        text = self.request_text
        return text_schema(text) if any(mark in text for mark in _SCHEMA_MARKS) else None

    @property
    def both_documents(self) -> bool:
        """Both answers are JSON: they have fields, and their letters say nothing."""
        return self.primary.is_document and self.candidate.is_document

    @property
    def wants_json(self) -> bool:
        """Asked for, or given by one of the two, or needed to compare with the truth."""
        return (
            self.has_truth
            or self.pair.primary.observation.expects_json
            or self.primary.is_document
            or self.candidate.is_document
        )
