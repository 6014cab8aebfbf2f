"""Which item of an output's list stands for which item of the truth's.

The cost of a pair is its number of unequal leaves, by the rules and never by similarity, those that
the truth's item does not mention among them: else what was made up for one item would go unseen as
another's. Where items of the truth are left over, it is less what they would miss: the most leaves
are right in all. In that count a list inside an item costs the leaves of its items that have no
identical one.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from shadow_mw.evaluate.fields.assignment import assign
from shadow_mw.evaluate.fields.rules import Matching, Node
from shadow_mw.types import Json

MAX_ASSIGNED = 200
"""Items on either side without an identical one; beyond it the rest is paired in order."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One item with its leaves in normal form."""

    form: Json
    identity: Hashable
    """Without the keys that are null."""
    keys: frozenset[str]
    """Of an object, those that are null too."""
    missed: int
    """Its leaves that are wrong where it has no partner."""


NO_KEYS: frozenset[str] = frozenset()

Partners = list[int | None]
"""For each item of the truth its partner's place in the output."""


def align(node: Node, truth: list[Json], output: list[Json]) -> Partners:
    """Pair the items of two lists, as many as the shorter one has unless they have keys.

    Identical items are pairs, in order; of the rest, the pairs with the fewest unequal leaves.
    """
    matching = _matching(node, truth)
    ours, theirs = _items(node, truth), _items(node, output)
    if matching == "ordered":
        return _in_order(ours, theirs)
    if matching == "keyed":
        return _by(
            ours, theirs, lambda item: tuple(_at(node.item, item.form, path) for path in node.by)
        )
    partners: Partners = [None] * len(ours)
    _add(partners, ours, theirs, partial(_by, key=lambda item: (item.identity, item.keys)))
    _add(partners, ours, theirs, partial(_by, key=lambda item: item.identity))
    _add(partners, ours, theirs, _assigned)
    return partners


def _add(
    partners: Partners,
    ours: list[_Item],
    theirs: list[_Item],
    pair: Callable[[list[_Item], list[_Item]], Partners],
) -> None:
    """Pair what has no partner yet."""
    left = [place for place, partner in enumerate(partners) if partner is None]
    if not left:
        return
    taken = set(partners)
    rest = [place for place in range(len(theirs)) if place not in taken]
    found = pair([ours[place] for place in left], [theirs[place] for place in rest])
    for place, partner in zip(left, found, strict=True):
        partners[place] = None if partner is None else rest[partner]


def _matching(node: Node, items: list[Json]) -> Matching:
    """Objects in a list are a set unless told: models and people list them in any order."""
    return node.rule.list or ("set" if all(isinstance(i, dict) for i in items) else "ordered")


def _items(node: Node, values: list[Json]) -> list[_Item]:
    forms = [_form(node.item, value) for value in values]
    return [
        _Item(
            form,
            _identity(node.item, form),
            frozenset(form) if isinstance(form, dict) else NO_KEYS,
            _unequal(form, None),
        )
        for form in forms
    ]


def _form(node: Node, value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _form(node.key(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_form(node.item, item) for item in value]
    return node.normal(value)


def _identity(node: Node, form: Json) -> Hashable:
    """Equal for equal items; a key that is null is as good as absent."""
    if isinstance(form, dict):
        return frozenset(
            (key, _identity(node.key(key), item)) for key, item in form.items() if item is not None
        )
    if isinstance(form, list):
        inner = [_identity(node.item, item) for item in form]
        unordered = _matching(node, form) != "ordered"
        return frozenset(Counter(inner).items()) if unordered else tuple(inner)
    return form  # type: ignore[no-any-return]  # a normal form is hashable


def _by(ours: list[_Item], theirs: list[_Item], key: Callable[[_Item], Hashable]) -> Partners:
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for place, item in enumerate(theirs):
        places[key(item)].append(place)
    return [(found.popleft() if (found := places[key(item)]) else None) for item in ours]


def _at(node: Node, form: Json, path: tuple[str, ...]) -> Hashable:
    for key in path:
        node, form = node.key(key), form.get(key) if isinstance(form, dict) else None
    return _identity(node, form)


def _assigned(ours: list[_Item], theirs: list[_Item]) -> Partners:
    if not ours or not theirs:
        return [None] * len(ours)
    if max(len(ours), len(theirs)) > MAX_ASSIGNED:
        return [place if place < len(theirs) else None for place in range(len(ours))]
    costs = [[_cost(one, other) for other in theirs] for one in ours]
    if len(ours) <= len(theirs):
        return list(assign(costs))
    partners: Partners = [None] * len(ours)
    for partner, place in enumerate(assign(list(zip(*costs, strict=True)))):
        partners[place] = partner
    return partners


def _in_order(ours: list[_Item], theirs: list[_Item]) -> Partners:
    """Place by place; where one list is longer, its surplus is where the fewest leaves differ."""
    shorter = min(len(ours), len(theirs))
    if len(ours) == len(theirs):
        return list(range(shorter))
    start = _common(ours, theirs)
    end = min(_common(ours[::-1], theirs[::-1]), shorter - start)
    left, rest = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    middle = _surplus(left, rest)
    moved = len(theirs) - len(ours)
    return [
        *range(start),
        *(None if partner is None else partner + start for partner in middle),
        *(place + moved for place in range(len(ours) - end, len(ours))),
    ]


def _common(ours: list[_Item], theirs: list[_Item]) -> int:
    n = 0
    for one, other in zip(ours, theirs, strict=False):
        if one.identity != other.identity:
            break
        n += 1
    return n


def _surplus(ours: list[_Item], theirs: list[_Item]) -> Partners:
    if len(ours) <= len(theirs):
        return list(_chosen(ours, theirs, _cost))
    partners: Partners = [None] * len(ours)
    for partner, place in enumerate(_chosen(theirs, ours, lambda other, one: _cost(one, other))):
        partners[place] = partner
    return partners


def _chosen(
    shorter: Sequence[_Item], longer: Sequence[_Item], cost: Callable[[_Item, _Item], int]
) -> list[int]:
    """For each of the shorter list its place in the longer one, ascending, at the least cost."""
    surplus = len(longer) - len(shorter)
    if not shorter or len(longer) > MAX_ASSIGNED:
        return list(range(len(shorter)))
    # best[skipped]: the least cost of all items so far with that many left out before the last.
    best = [0] * (surplus + 1)
    steps: list[list[int]] = []
    for place, item in enumerate(shorter):
        step, least, chosen = [], best[0], 0
        for skipped in range(surplus + 1):
            if best[skipped] < least:
                least, chosen = best[skipped], skipped
            step.append(chosen)
            best[skipped] = least + cost(item, longer[place + skipped])
        steps.append(step)
    skipped = best.index(min(best))
    places = []
    for place in reversed(range(len(shorter))):
        places.append(place + skipped)
        skipped = steps[place][skipped]
    return places[::-1]


def _cost(truth: _Item, output: _Item) -> int:
    cost = _unequal(truth.form, output.form) - truth.missed
    return cost if output.keys <= truth.keys else cost + _unmentioned(truth, output)


def _unmentioned(truth: _Item, output: _Item) -> int:
    """Leaves of the output's item under keys that the truth's does not have."""
    return sum(_unequal(output.form[key], None) for key in output.keys - truth.keys)


def _unequal(truth: Json, output: Json) -> int:
    """How many leaves of the truth's item the output does not have right."""
    if isinstance(truth, dict) and truth:
        if output is None:
            output = {}
        if not isinstance(output, dict):
            return sum(map(_size, truth.values()))
        return sum(_unequal(form, output.get(key)) for key, form in truth.items())
    if isinstance(truth, list) and truth:
        rest = list(map(_bare, output)) if isinstance(output, list) else []
        return sum(_size(form) for form in truth if not _removed(_bare(form), rest))
    return int(truth != output)


def _bare(form: Json) -> Json:
    """Without the keys that are null, as an item's identity is."""
    if isinstance(form, dict):
        return {key: _bare(item) for key, item in form.items() if item is not None}
    return list(map(_bare, form)) if isinstance(form, list) else form


def _removed(form: Json, rest: list[Json]) -> bool:
    if form in rest:
        rest.remove(form)
        return True
    return False


def _size(form: Json) -> int:
    if isinstance(form, dict):
        return sum(map(_size, form.values()))
    if isinstance(form, list) and form:
        return sum(map(_size, form))
    return 1
