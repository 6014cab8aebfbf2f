"""Every leaf of a pair beside one another: the truth's value and both models'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.divergence import Comparison
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.fields.outcomes import NO_OUTPUT, Misplaced
from shadow_mw.evaluate.fields.paths import ITEM, split
from shadow_mw.evaluate.fields.rules import Node
from shadow_mw.evaluate.fields.walk import Walk
from shadow_mw.evaluate.pair import Pair
from shadow_mw.harms import FieldPair
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

LONGEST: Final = 2_000
"""Characters of one value."""
ABSENT: Final = object()


def aligned(pair: Pair, truth: Json, fields: FieldJudge) -> list[FieldPair]:
    """The leaves of a pair, in the truth's order, or in the primary's where there is no truth.

    Without a truth only two JSON objects can be aligned; of anything else there is no leaf.
    """
    ours, theirs = pair.documents
    if isinstance(truth, dict):
        return list(_by_truth(truth, (ours, theirs), fields.rules))
    if ours is None or theirs is None:
        return []
    both = _Both(fields.rules)
    both.of(ours, theirs)
    return [
        _field(path, (ABSENT, one, other), (None, None), differs)
        for path, one, other, differs in both.rows
    ]


class _Both(Comparison):
    """Keeps both values of every leaf, also of those that do not differ."""

    def __init__(self, rules: Node) -> None:
        super().__init__(rules)
        self.rows: list[tuple[str, Json, Json, bool]] = []

    def _leaf(self, node: Node, path: str, ours: Json, theirs: Json) -> None:
        known = len(self.differing)
        super()._leaf(node, path, ours, theirs)
        self.rows.append((path, ours, theirs, len(self.differing) > known))


class _Shown(Walk):
    """Keeps what an item has that the truth's list lacks, beside the outcome."""

    def __init__(self, truth: Json, outputs: Iterable[Json], rules: Node) -> None:
        self.surplus: list[dict[str, list[Json]]] = [{}, {}]
        super().__init__(truth, outputs, rules)

    def _surplus(self, number: int, node: Node, path: str, value: Json) -> None:
        super()._surplus(number, node, path, value)
        if value is not None and not (isinstance(value, dict | list) and value):
            self.surplus[number].setdefault(path, []).append(value)


def _by_truth(truth: Json, outputs: tuple[Json, Json], rules: Node) -> Iterator[FieldPair]:
    walk = _Shown(truth, outputs, rules)
    for leaf in walk.leaves:
        values = leaf.truth, *(_shown(value) for value in leaf.values)
        yield _field(leaf.path, values, leaf.outcomes, leaf.outcomes[0] is not leaf.outcomes[1])
    for path, outcomes in walk.extra():
        values = ABSENT, *(_next(table, path) for table in walk.surplus)
        yield _field(path, values, outcomes, True)
    for path, outcomes in walk.unlabelled((None, None)):
        found = [_at(output, split(path)) for output in outputs]
        yield _field(path, (ABSENT, *found), outcomes, found[0] != found[1])


def _field(
    path: str,
    values: Iterable[object],
    outcomes: Iterable[FieldOutcome | None],
    differs: bool,
) -> FieldPair:
    texts = [None if value is ABSENT else strict_json.readable(value) for value in values]
    cut = any(text is not None and len(text) > LONGEST for text in texts)
    truth, ours, theirs = (None if text is None else text[:LONGEST] for text in texts)
    one, other = (None if outcome is None else outcome.value for outcome in outcomes)
    # What differs in a way that no outcome tells: two wrong values.
    return FieldPair(path, truth, ours, theirs, one, other, differs or ours != theirs, cut)


def _shown(value: Json) -> object:
    if value is NO_OUTPUT:
        return ABSENT
    return value.value if isinstance(value, Misplaced) else value


def _next(table: dict[str, list[Json]], path: str) -> object:
    values = table.get(path)
    return values.pop(0) if values else ABSENT


def _at(value: Json, keys: tuple[object, ...]) -> object:
    """What an output has at a path; a list of all, where the path goes into lists."""
    for place, key in enumerate(keys):
        if key is ITEM:
            found = [_at(item, keys[place + 1 :]) for item in value or ()]
            return [one for one in found if one is not ABSENT]
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value
