"""The field judge as the pipeline uses it: declared rules, and the pair's own request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shadow_mw.evaluate.answer import Answer
from shadow_mw.evaluate.fields.divergence import (
    Comparison,
    Differing,
    Divergence,
    shape_of,
)
from shadow_mw.evaluate.fields.grounding import Source, grounded, request_text
from shadow_mw.evaluate.fields.judge import FieldScore, Schemas, judge_pair
from shadow_mw.evaluate.fields.request_schema import RequestSchemas, Schema, request_schemas
from shadow_mw.evaluate.fields.rules import PLAIN, Node, canonical, compile_rules, read_rules
from shadow_mw.evaluate.pair import Pair
from shadow_mw.types import Json


@dataclass(frozen=True, slots=True)
class Divergences:
    """Where the outputs of a pair differ, as it is stored."""

    shape: Mapping[str, int]
    """How many leaves were compared at each path."""
    leaves: Mapping[tuple[str, Divergence, bool | None], int]
    """Differing leaves by path, kind, and whether the value is in the request."""


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
        return judge_pair(truth, *pair.documents, self.rules, partial(_schemas, pair))

    def compare(self, pair: Pair) -> Comparison | None:
        """Where both outputs differ, without a truth; None unless both are JSON objects."""
        ours, theirs = pair.documents
        if ours is None or theirs is None:
            return None
        return Comparison(self.rules).of(ours, theirs)

    def divergences(self, pair: Pair, *, same: bool) -> Divergences | None:
        """The same for the store, and whether what differs is in the request.

        Args:
            pair: both legs.
            same: both gave the same answer, so there is nothing to compare.
        """
        if same:
            output = pair.documents[0]
            return None if output is None else Divergences(shape_of(output), {})
        found = self.compare(pair)
        if found is None:
            return None
        source = _source(pair) if found.differing else None
        return Divergences(
            found.shape,
            Counter((leaf.path, leaf.kind, _grounded(leaf, source)) for leaf in found.differing),
        )


def _source(pair: Pair) -> Source | None:
    content = pair.primary.observation.content
    text = request_text(content.input, content.system)
    return Source(text) if text else None


def _grounded(leaf: Differing, source: Source | None) -> bool | None:
    return None if source is None else grounded(leaf.value, source, leaf.node)


def _schemas(pair: Pair) -> Schemas:
    schemas = request_schemas(pair.primary.observation.content.request)
    answers = pair.primary.answer, pair.candidate.answer
    ours, theirs = (_asked(schemas, answer, by_call=pair.by_call) for answer in answers)
    return ours, theirs


def _asked(schemas: RequestSchemas, answer: Answer, *, by_call: bool) -> Schema | None:
    """Where the app reads calls, or there is no text, the only tool call is what was judged."""
    in_tool = len(answer.tool_calls) == 1 and (by_call or not answer.text.strip())
    return schemas.of(answer.tool_calls[0].name if in_tool else None)
