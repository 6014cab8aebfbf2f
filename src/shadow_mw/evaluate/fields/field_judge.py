"""The field judge as the pipeline uses it: declared rules, and the pair's own request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shadow_mw.evaluate.answer import Answer
from shadow_mw.evaluate.fields.divergence import Divergence, divergence
from shadow_mw.evaluate.fields.grounding import Source, grounding, request_text
from shadow_mw.evaluate.fields.judge import FieldScore, Schemas, judge_pair
from shadow_mw.evaluate.fields.request_schema import RequestSchemas, Schema, request_schemas
from shadow_mw.evaluate.fields.rules import PLAIN, Node, canonical, compile_rules, read_rules
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.types import Json


@dataclass(frozen=True, slots=True)
class Grounding:
    """For both legs, each leaf that has to be in the request's text, and whether it is."""

    primary: list[tuple[str, bool]] | None
    """None where the output is no JSON object."""
    candidate: list[tuple[str, bool]] | None


@dataclass(frozen=True, slots=True)
class FieldJudge:
    """Judges the fields of pairs whose legs may be compared."""

    rules: Node = PLAIN
    table: str = "{}"
    """The declared rules as JSON: what was judged by others has to be judged anew."""

    @classmethod
    def declared(cls, table: Mapping[str, Mapping[str, Any]]) -> FieldJudge:
        """With the `fields` table of `shadow.toml`.

        Raises:
            ConfigError: one line that names the rule, the fault and what is accepted.
        """
        rules = read_rules(table)
        return cls(compile_rules(rules), canonical(rules))

    def score(self, pair: Pair, truth: Json) -> list[FieldScore]:
        """Hold both outputs against the truth, leaf by leaf."""
        ours, theirs = pair.primary.answer, pair.candidate.answer
        asked = partial(_schemas, pair)
        return judge_pair(truth, ours.structured, theirs.structured, self.rules, asked)

    def divergence(self, pair: Pair) -> list[tuple[str, Divergence]] | None:
        """How both outputs stand to each other, without a truth; None unless both are JSON."""
        ours, theirs = pair.primary.answer, pair.candidate.answer
        return divergence(ours.structured, theirs.structured, self.rules)

    def grounding(self, pair: Pair) -> Grounding | None:
        """Whether both outputs' values are in the request; None where it is not all text."""
        content = pair.primary.observation.content
        text = request_text(content.input, content.system)
        if not text:
            return None
        source = Source(text)
        found = [self._grounded(leg, source) for leg in (pair.primary, pair.candidate)]
        return Grounding(*found)

    def _grounded(self, leg: Leg, source: Source) -> list[tuple[str, bool]] | None:
        return grounding(leg.answer.structured, source, self.rules)


def _schemas(pair: Pair) -> Schemas:
    schemas = request_schemas(pair.primary.observation.content.request)
    return _asked(schemas, pair.primary.answer), _asked(schemas, pair.candidate.answer)


def _asked(schemas: RequestSchemas, answer: Answer) -> Schema | None:
    """Where there is no text, the only tool call is what was judged."""
    in_tool = not answer.text.strip() and len(answer.tool_calls) == 1
    return schemas.of(answer.tool_calls[0].name if in_tool else None)
