"""Tool arguments in one form each, so that equal calls are equal values.

The order of keys never matters; what a schema has a default for is filled in; `5` is `5.0` only
where the schema says `number`; a boolean is never a number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from shadow_mw.types import Json

MAX_REFERENCES: Final = 20

Node = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Parameters:
    """A tool's schema, as far as equality needs it."""

    root: Node = field(default_factory=dict)

    def canonical(self, arguments: Json) -> Hashable:
        """The form of a whole call's arguments."""
        return self._form(arguments, self._shapes(self.root))

    def by_name(self, arguments: Json) -> dict[str, Hashable]:
        """The form of each argument, defaults included; empty where there is no object."""
        if not isinstance(arguments, dict):
            return {}
        shapes = self._shapes(self.root)
        return {
            key: self._form(value, self._of_key(shapes, key))
            for key, value in self._filled(arguments, shapes).items()
        }

    def _form(self, value: Json, shapes: list[Node]) -> Hashable:
        if isinstance(value, dict):
            return (
                "object",
                frozenset(
                    (key, self._form(item, self._of_key(shapes, key)))
                    for key, item in self._filled(value, shapes).items()
                ),
            )
        if isinstance(value, list):
            items = [below for node in shapes for below in self._shapes(node.get("items"))]
            return ("list", *(self._form(item, items) for item in value))
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return type(value).__name__, value
        return _number(value, shapes)

    def _filled(self, value: dict[str, Json], shapes: list[Node]) -> dict[str, Json]:
        """What was left out and has a default, as if it had been written."""
        defaults = {
            key: below["default"]
            for node in shapes
            for key, below in _properties(node)
            if key not in value and "default" in below
        }
        return {**value, **defaults} if defaults else value

    def _of_key(self, shapes: list[Node], key: str) -> list[Node]:
        found: list[Node] = []
        for node in shapes:
            properties = node.get("properties")
            if isinstance(properties, Mapping) and key in properties:
                found += self._shapes(properties[key])
        return found

    def _shapes(self, node: Json) -> list[Node]:
        """A schema and what it is made of, references into itself followed."""
        if not isinstance(node, Mapping):
            return []
        if not any(name in node for name in ("$ref", "anyOf", "oneOf", "allOf")):
            return [node]
        found: list[Node] = []
        waiting: list[Json] = [node]
        while waiting and len(found) < MAX_REFERENCES:
            here = waiting.pop()
            if not isinstance(here, Mapping) or any(here is known for known in found):
                continue
            found.append(here)
            for name in ("anyOf", "oneOf", "allOf"):
                branches = here.get(name)
                waiting += branches if isinstance(branches, list) else []
            waiting.append(self._resolved(here.get("$ref")))
        return found

    def _resolved(self, reference: Json) -> Json:
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        here: Json = self.root
        for part in reference[1:].strip("/").split("/") if len(reference) > 1 else ():
            name = part.replace("~1", "/").replace("~0", "~")
            here = here.get(name) if isinstance(here, Mapping) else None
        return here


def _properties(node: Node) -> Iterator[tuple[str, Node]]:
    properties = node.get("properties")
    if isinstance(properties, Mapping):
        for key, below in properties.items():
            if isinstance(below, Mapping):
                yield key, below


def _number(value: int | Decimal, shapes: list[Node]) -> Hashable:
    if any(_says_number(node.get("type")) for node in shapes):
        return "number", Decimal(value)
    return type(value).__name__, value


def _says_number(kind: Json) -> bool:
    return kind == "number" or (isinstance(kind, list) and "number" in kind)
