"""Two observations of one exchange, and what may be compared about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shadow_mw.evaluate.answer import Answer, answer
from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.once import once
from shadow_mw.types import Json, Reason, Role


@dataclass(frozen=True)
class Leg:
    """A stored observation, under its row number."""

    row: int
    observation: Observation

    @property
    def answered(self) -> bool:
        """Whether the call ended properly; anything else has no output to judge."""
        return self.observation.answered

    @once
    def answer(self) -> Answer:
        """What it said; nothing where the call failed."""
        return answer(self.observation.content.output) if self.answered else Answer()


@dataclass(frozen=True, slots=True)
class Pair:
    """Both legs of one exchange for one candidate."""

    primary: Leg
    candidate: Leg

    @property
    def key(self) -> str | None:
        """The business key under which ground truth may come."""
        return self.primary.observation.key or self.candidate.observation.key

    @property
    def by_call(self) -> bool:
        """Whether the app reads tool calls: the primary makes them, and its text is no document.

        Some models say what they will do before they call. Where the primary said nothing, what
        the candidate does has to tell.
        """
        answer = self.primary.answer
        if not answer.text.strip() and not answer.tool_calls:
            answer = self.candidate.answer
        return bool(answer.tool_calls) and not answer.is_document

    @property
    def documents(self) -> tuple[dict[str, Json] | None, dict[str, Json] | None]:
        """The JSON object that each leg gave where the app reads it; None where it gave none."""
        ours, theirs = (self._document(leg.answer) for leg in (self.primary, self.candidate))
        return ours, theirs

    def _document(self, answer: Answer) -> dict[str, Json] | None:
        return answer.called if self.by_call and answer.tool_calls else answer.structured

    @property
    def excluded(self) -> Reason | None:
        """Why the two cannot be compared: the difference would be ours, not the model's."""
        primary, candidate = self.primary.observation, self.candidate.observation
        if primary.partial or primary.outcome == "cancelled":
            return Reason.PRIMARY_PARTIAL
        if primary.truncated or candidate.truncated:
            return Reason.CONTENT_TRUNCATED
        return None

    @property
    def comparable(self) -> bool:
        """Whether there are answers to hold against each other, or against the truth."""
        return (
            self.excluded is None
            # What was asked decides: no candidate opts out of being judged.
            and self.primary.observation.has_answer
            and self._recorded
        )

    @property
    def timed(self) -> bool:
        """Whether latency compares: not where a backfill asked the candidate at another time.

        It does where content was left out on purpose.
        """
        if self.candidate.observation.backfilled:
            return False
        if self.excluded is Reason.CONTENT_TRUNCATED:
            return not self._recorded
        return self.excluded is None

    @property
    def _recorded(self) -> bool:
        """False under `SHADOW_CONTENT=none`, where two silences would look like agreement."""
        content = self.primary.observation.content
        return any((content.request, content.input, content.output)) or bool(
            self.candidate.observation.content.output
        )


def pairs(legs: Iterable[Leg]) -> list[Pair]:
    """Match the legs of one exchange: its primary with every candidate that is there."""
    known = list(legs)
    primary = next((leg for leg in known if leg.observation.role == Role.PRIMARY), None)
    if primary is None:
        return []
    return [Pair(primary, leg) for leg in known if leg.observation.role == Role.CANDIDATE]
