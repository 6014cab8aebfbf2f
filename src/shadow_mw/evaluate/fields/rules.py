"""Field rules of `shadow.toml`: what counts as the same value, and how lists are matched.

[fields.total]
normalise = "decimal"
locale = "en"

[fields.items]
list = "keyed"
by = ["sku"]

[fields."items[].price"]
normalise = "decimal"
locale = "de"
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from shadow_mw.evaluate.fields import paths
from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.dates import Order
from shadow_mw.evaluate.fields.decimals import Locale
from shadow_mw.evaluate.fields.normalise import Normal, Normaliser, exact, normaliser
from shadow_mw.exceptions import ConfigError
from shadow_mw.types import Json

Matching = Literal["ordered", "set", "keyed"]


class FieldRule(BaseModel):
    """What is declared about one field path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    normalise: Normaliser = "exact"
    locale: Locale | None = None
    """With `decimal`; without it only what JSON could have as a number is read."""
    order: Order | None = None
    """With `date`; without it only what has one reading is read."""
    values: tuple[str, ...] = ()
    """With `enum`."""
    list: Matching | None = None
    """Lists of objects are sets and all others ordered unless told."""
    by: tuple[str, ...] = ()
    """With `keyed`: paths inside an item that say which item it is."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needs = (
            ("locale", self.locale, self.normalise == "decimal", 'normalise = "decimal"'),
            ("order", self.order, self.normalise == "date", 'normalise = "date"'),
            ("values", self.values, self.normalise == "enum", 'normalise = "enum"'),
            ("by", self.by, self.list == "keyed", 'list = "keyed"'),
        )
        for name, value, fits, needed in needs:
            if value and not fits:
                raise ValueError(f"{name} goes with {needed}")
        if self.normalise == "enum" and not self.values:
            raise ValueError('normalise = "enum" needs values = ["...", "..."]')
        if self.list == "keyed" and not self.by:
            raise ValueError('list = "keyed" needs by = ["..."]')
        if self.list and self.normalise != "exact":
            raise ValueError('a list has no normaliser: declare one for its items, as "items[]"')
        for inside in self.by:
            if paths.ITEM in _split(inside):
                raise ValueError(f"by = {inside!r} goes into a list")
        return self


EXACT = FieldRule()


@dataclass(frozen=True, slots=True)
class Node:
    """The rules at one place of a document and below it."""

    rule: FieldRule = EXACT
    normal: Normal = exact
    by: tuple[tuple[str, ...], ...] = ()
    keys: Mapping[str, Node] = field(default_factory=dict)
    items: Node | None = None
    spoken: frozenset[Hashable] = frozenset()
    """Values of an enum that say elsewhere that there is none, such as `none`; in normal form."""

    def says_nothing(self, value: Json) -> bool:
        """Whether a value is null or a way to say so, and not declared as one of an enum."""
        return is_blank(value) and not self._declares(value)

    def _declares(self, value: Json) -> bool:
        if isinstance(value, dict):
            return any(self.key(key)._declares(item) for key, item in value.items())
        if isinstance(value, list):
            return any(map(self.item._declares, value))
        return bool(self.spoken) and self.normal(value) in self.spoken

    def key(self, key: str) -> Node:
        """The rules for a key of an object."""
        return self.keys.get(key, PLAIN)

    @property
    def item(self) -> Node:
        """The rules for each item of a list."""
        return self.items or PLAIN


PLAIN = Node()
"""No rule here nor below: everything exact."""

Rules = Mapping[str, FieldRule]


def read_rules(table: Mapping[str, Mapping[str, Any]]) -> dict[str, FieldRule]:
    """Check the `fields` table of `shadow.toml`.

    Raises:
        ConfigError: one line that names the rule, the fault and what is accepted.
    """
    rules: dict[str, FieldRule] = {}
    for path, entry in table.items():
        try:
            _split(path)
            rules[path] = FieldRule.model_validate(entry)
        except ValidationError as error:
            raise ConfigError(f"[fields.{_quoted(path)}] {_one_line(error)}") from None
        except ValueError as error:
            raise ConfigError(f"[fields.{_quoted(path)}] {error}") from None
    return rules


def compile_rules(rules: Rules) -> Node:
    """The rules as a tree that a document is walked with."""
    return _node({paths.split(path): rule for path, rule in rules.items()})


def canonical(rules: Rules) -> str:
    """As JSON, the same for rules that judge alike: when it changes, pairs are judged anew."""
    table = {
        path: rule.model_dump(mode="json", exclude_defaults=True) for path, rule in rules.items()
    }
    told = {path: entry for path, entry in table.items() if entry}
    return json.dumps(told, sort_keys=True)


def unused(rules: Rules, seen: Iterable[str]) -> list[str]:
    """Rules for fields that no document had, most likely misspelt.

    Args:
        rules: as declared.
        seen: the leaf paths that were judged.
    """
    known = tuple(seen)
    return [path for path in rules if not any(_within(path, leaf) for leaf in known)]


def _within(path: str, leaf: str) -> bool:
    return leaf == path or leaf.startswith((f"{path}.", f"{path}[]"))


def _node(rules: dict[tuple[object, ...], FieldRule]) -> Node:
    own = rules.get((), EXACT)
    heads = dict.fromkeys(path[0] for path in rules if path)
    below = {
        head: _node({path[1:]: rule for path, rule in rules.items() if path[:1] == (head,)})
        for head in heads
    }
    normal = normaliser(own.normalise, own.locale, own.order, own.values)
    return Node(
        rule=own,
        normal=normal,
        by=tuple(tuple(map(str, paths.split(inside))) for inside in own.by),
        keys={str(head): node for head, node in below.items() if head is not paths.ITEM},
        items=below.get(paths.ITEM),
        spoken=frozenset(normal(value) for value in own.values if is_blank(value)),
    )


def _split(path: str) -> tuple[object, ...]:
    try:
        return paths.split(path)
    except ValueError:
        accepted = 'accepted: "total", "vendor.name", "items[].price"'
        raise ValueError(f"{path!r} is not a field path; {accepted}") from None


def _quoted(path: str) -> str:
    bare = path and all(char.isascii() and (char.isalnum() or char in "_-") for char in path)
    return path if bare else f'"{path}"'


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        accepted = ", ".join(FieldRule.model_fields)
        nested = '; quote a nested path: "vendor.name"' if isinstance(first["input"], dict) else ""
        return f"{name} is not known; accepted: {accepted}{nested}"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{name} = {first['input']!r}: accepted is {message}" if name else message
