"""Where the two outputs differ, leaf by leaf: a sign of invention that needs no truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shadow_mw.breakdown import ErrorRates
from shadow_mw.evaluate.fields.align import align
from shadow_mw.evaluate.fields.paths import join
from shadow_mw.evaluate.fields.rules import PLAIN, Node
from shadow_mw.evaluate.fields.walk import MAX_PATH
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

MAX_PATHS = 200
"""Paths of one pair, the primary's first: what models make up as keys is bounded here."""


class Divergence(StrEnum):
    """How two outputs differ at one leaf."""

    CANDIDATE_ONLY = "candidate_only"
    """The primary is null: the candidate may have invented its value."""
    PRIMARY_ONLY = "primary_only"
    """The candidate is null: it may have missed a value, or the primary invented one."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Differing:
    """One leaf at which the outputs differ."""

    path: str
    kind: Divergence
    node: Node
    value: Json
    """The candidate's; the primary's where it is alone."""


class Comparison:
    """Two outputs held against each other, their lists paired."""

    def __init__(self, rules: Node = PLAIN) -> None:
        self.shape: dict[str, int] = {}
        """How many leaves there are at each path, in either output."""
        self.differing: list[Differing] = []
        self._rules = rules

    def of(self, primary: Json, candidate: Json) -> Comparison:
        """Add all leaves of two JSON objects."""
        self._visit(self._rules, "", primary, candidate)
        return self

    def _visit(self, node: Node, path: str, ours: Json, theirs: Json) -> None:
        if _are(dict, ours, theirs):
            self._objects(node, path, ours or {}, theirs or {})
        elif _are(list, ours, theirs) and (ours or theirs):
            self._lists(node, path, ours or [], theirs or [])
        else:
            self._leaf(node, path, ours, theirs)

    def _objects(
        self, node: Node, path: str, ours: dict[str, Json], theirs: dict[str, Json]
    ) -> None:
        for key, value in ours.items():
            self._visit(node.key(key), join(path, key), value, theirs.get(key))
        if theirs.keys() <= ours.keys():
            return
        for key, value in theirs.items():
            if key not in ours:
                self._visit(node.key(key), join(path, key), None, value)

    def _lists(self, node: Node, path: str, ours: list[Json], theirs: list[Json]) -> None:
        partners = align(node, ours, theirs)
        taken = set(partners)
        below, inside = node.item, f"{path}[]"
        for item, place in zip(ours, partners, strict=True):
            self._visit(below, inside, item, None if place is None else theirs[place])
        for place, item in enumerate(theirs):
            if place not in taken:
                self._visit(below, inside, None, item)

    def _leaf(self, node: Node, path: str, ours: Json, theirs: Json) -> None:
        path = path[:MAX_PATH]
        known = self.shape.get(path, 0)
        if not known and len(self.shape) >= MAX_PATHS:
            return
        self.shape[path] = known + 1
        kind = _kind(node, ours, theirs)
        if kind is not None:
            value = ours if kind is Divergence.PRIMARY_ONLY else theirs
            self.differing.append(Differing(path, kind, node, value))


def shape_of(output: Json) -> dict[str, int]:
    """The shape of a comparison with an equal output."""
    shape: dict[str, int] = {}
    _count(output, "", shape)
    return shape


def divergence_rates(
    rows: Iterable[tuple[FieldOutcome, FieldOutcome, int]],
) -> dict[Divergence, ErrorRates]:
    """How well either kind of divergence shows the candidate's fault, on labelled leaves.

    `CANDIDATE_ONLY` stands for a hallucination and `PRIMARY_ONLY` for a missed value. Leaves where
    a leg has no valid output have no divergence, and are left out.

    Args:
        rows: the primary's outcome, the candidate's, and the number of such leaves.
    """
    known = [row for row in rows if {row[0], row[1]} <= _POPULATED | _EMPTY]
    return {
        Divergence.CANDIDATE_ONLY: ErrorRates.of(
            (
                ours in _EMPTY and theirs in _POPULATED,
                theirs is FieldOutcome.HALLUCINATED,
                n,
            )
            for ours, theirs, n in known
        ),
        Divergence.PRIMARY_ONLY: ErrorRates.of(
            (ours in _POPULATED and theirs in _EMPTY, theirs is FieldOutcome.MISSED, n)
            for ours, theirs, n in known
        ),
    }


_POPULATED = {FieldOutcome.CORRECT, FieldOutcome.WRONG_VALUE, FieldOutcome.HALLUCINATED}
_EMPTY = {FieldOutcome.MISSED, FieldOutcome.CORRECT_NULL, FieldOutcome.NULL_LIKE}


def _are(kind: type, ours: Json, theirs: Json) -> bool:
    """Whether one is of this kind, and the other too or null."""
    if type(ours) is kind:
        return theirs is None or type(theirs) is kind
    return ours is None and type(theirs) is kind


def _kind(node: Node, ours: Json, theirs: Json) -> Divergence | None:
    if type(ours) is type(theirs) and ours == theirs:
        return None
    if node.says_nothing(theirs):
        return None if node.says_nothing(ours) else Divergence.PRIMARY_ONLY
    if node.says_nothing(ours):
        return Divergence.CANDIDATE_ONLY
    mixed = isinstance(ours, dict | list) or isinstance(theirs, dict | list)
    same = not mixed and node.normal(ours) == node.normal(theirs)
    return None if same else Divergence.DIFFERENT


def _count(value: Json, path: str, shape: dict[str, int]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _count(item, join(path, key), shape)
    elif isinstance(value, list) and value:
        for item in value:
            _count(item, f"{path}[]", shape)
    else:
        path = path[:MAX_PATH]
        known = shape.get(path, 0)
        if known or len(shape) < MAX_PATHS:
            shape[path] = known + 1
