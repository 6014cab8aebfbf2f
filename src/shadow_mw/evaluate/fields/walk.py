"""One walk over a truth and the outputs that are held against it, leaf by leaf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TypeAlias

from shadow_mw.evaluate.fields.align import align
from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.outcomes import (
    CORRECT_NULL,
    HALLUCINATED,
    INVALID,
    NO_OUTPUT,
    NOT_LABELLED,
    NULL_LIKE,
    UNEXPECTED,
    Misplaced,
    fitting,
    null_leaf,
    placeholder_leaf,
    says_null,
    value_leaf,
)
from shadow_mw.evaluate.fields.paths import join, split
from shadow_mw.evaluate.fields.request_schema import Schema
from shadow_mw.evaluate.fields.rules import Node
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

MAX_UNLABELLED = 50
"""Paths of one output that the truth does not mention: what a model invents is bounded here."""

MAX_EXTRA = 1000
"""Leaves of one output's items that the truth lacks, for the same reason."""

MAX_PATH = 200

Outcomes: TypeAlias = tuple[FieldOutcome, ...]
"""One for each output."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One labelled leaf: what the truth and every output have there, and what that is."""

    path: str
    node: Node
    truth: Json
    values: tuple[Json, ...]
    outcomes: Outcomes
    is_null: bool
    """The truth says that there is no value."""


class Walk:
    """Holds outputs against a truth; what they have beyond it is kept apart."""

    def __init__(self, truth: Json, outputs: Iterable[Json], rules: Node) -> None:
        legs = tuple(value if isinstance(value, dict) else NO_OUTPUT for value in outputs)
        self._legs = legs
        self._beyond = [dict[str, bool]() for _ in legs]
        self._extra = [list[tuple[str, FieldOutcome]]() for _ in legs]
        self.leaves: list[Leaf] = []
        self._visit(rules, "", truth, legs)

    @property
    def beyond(self) -> bool:
        """Whether any output has keys that the truth does not mention."""
        return any(self._beyond)

    def unlabelled(
        self, schemas: Iterable[Schema | None]
    ) -> Iterator[tuple[str, list[FieldOutcome]]]:
        """Each path that the truth does not mention, once, with the outcome in every output."""
        tables = [
            {
                path[:MAX_PATH]: _beyond(path, blank, schema)
                for path, blank in islice(sorted(known.items()), MAX_UNLABELLED)
            }
            for known, schema in zip(self._beyond, schemas, strict=True)
        ]
        for path in sorted(set().union(*tables)):
            yield path, [table.get(path, NOT_LABELLED) for table in tables]

    def extra(self) -> Iterator[tuple[str, list[FieldOutcome]]]:
        """Each leaf of an item that the truth's list lacks: there it is null, in every output."""
        tables = [_by_path(found[:MAX_EXTRA]) for found in self._extra]
        absent = [INVALID if leg is NO_OUTPUT else CORRECT_NULL for leg in self._legs]
        for path in sorted(set().union(*tables)):
            for row in zip_longest(*(table.get(path, ()) for table in tables)):
                yield (
                    path[:MAX_PATH],
                    [found or none for found, none in zip(row, absent, strict=True)],
                )

    def _visit(self, node: Node, path: str, truth: Json, legs: tuple[Json, ...]) -> None:
        if isinstance(truth, dict):
            self._object(node, path, truth, legs)
        elif isinstance(truth, list):
            self._list(node, path, truth, legs)
        else:
            self._leaf(node, path, truth, legs)

    def _leaf(self, node: Node, path: str, truth: Json, legs: tuple[Json, ...]) -> None:
        is_null = truth is None or says_null(node, truth)
        if truth is None:
            outcomes = tuple([null_leaf(node, value) for value in legs])
        elif is_null:
            outcomes = tuple([placeholder_leaf(node, truth, value) for value in legs])
        else:
            outcomes = tuple([value_leaf(node, truth, value) for value in legs])
        self.leaves.append(Leaf(path, node, truth, legs, outcomes, is_null))

    def _object(
        self, node: Node, path: str, truth: dict[str, Json], legs: tuple[Json, ...]
    ) -> None:
        for number, leg in enumerate(legs):
            if isinstance(leg, dict) and not leg.keys() <= truth.keys():
                self._unknown(number, path, truth, leg)
        known = [fitting(leg, dict) for leg in legs]
        for key, value in truth.items():
            below = tuple([leg.get(key) if type(leg) is dict else leg for leg in known])
            self._visit(node.key(key), join(path, key), value, below)

    def _list(self, node: Node, path: str, truth: list[Json], legs: tuple[Json, ...]) -> None:
        inside = f"{path}[]"
        columns = []
        for number, leg in enumerate(legs):
            if not isinstance(leg, list):
                columns.append([fitting(leg, list)] * len(truth))
                continue
            partners = align(node, truth, leg)
            columns.append([None if place is None else leg[place] for place in partners])
            if len(leg) > len(truth) or None in partners:
                taken = set(partners)
                for place, item in enumerate(leg):
                    if place not in taken:
                        self._surplus(number, node.item, inside, item)
        if not truth:
            self._leaf(node, path, truth, legs)
            for number, leg in enumerate(legs):
                # What stands in an empty list's place was made up as its items would have been.
                if not (isinstance(leg, list | Misplaced) or leg is NO_OUTPUT or is_blank(leg)):
                    self._surplus(number, node.item, inside, leg)
        for item, below in zip(truth, zip(*columns, strict=True), strict=True):
            self._visit(node.item, inside, item, below)

    def _surplus(self, number: int, node: Node, path: str, value: Json) -> None:
        """An item that the truth's list lacks: nothing belongs at any of its leaves."""
        found = self._extra[number]
        if len(found) >= MAX_EXTRA:
            return
        if isinstance(value, dict) and value:
            for key, item in value.items():
                self._surplus(number, node.key(key), join(path, key), item)
        elif isinstance(value, list) and value:
            for item in value:
                self._surplus(number, node.item, f"{path}[]", item)
        elif value is not None:
            found.append((path, NULL_LIKE if node.says_nothing(value) else HALLUCINATED))

    def _unknown(
        self, number: int, path: str, truth: dict[str, Json], output: dict[str, Json]
    ) -> None:
        """Keys that only the output has; what stands in a labelled leaf's place is judged there."""
        for key, value in output.items():
            if key in truth:
                continue
            below = join(path, key)
            if isinstance(value, dict) and value:
                self._unknown(number, below, {}, value)
            else:
                known = self._beyond[number]
                known[below] = known.get(below, True) and is_blank(value)


def _beyond(path: str, blank: bool, schema: Schema | None) -> FieldOutcome:
    """A key that the request asked for is only not labelled; any other is a surprise."""
    asked = blank or (schema is not None and schema.declares(split(path)))
    return NOT_LABELLED if asked else UNEXPECTED


def _by_path(found: Iterable[tuple[str, FieldOutcome]]) -> dict[str, list[FieldOutcome]]:
    table: defaultdict[str, list[FieldOutcome]] = defaultdict(list)
    for path, outcome in found:
        table[path].append(outcome)
    return table
