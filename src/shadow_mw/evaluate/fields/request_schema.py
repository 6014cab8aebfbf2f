"""The JSON schemas that a request itself asks its answer to follow, in every wire format.

| where | format |
|---|---|
| `response_format.json_schema.schema`, `response_format.schema` | chat completions |
| `text.format.schema` | responses |
| `output_config.format.schema`, `output_format.schema` | messages |
| `guided_json`, `structured_outputs.json` | vLLM's own |
| the parameters of tools | see `evaluate.offered` |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.paths import ITEM, join
from shadow_mw.evaluate.fields.rules import FieldRule
from shadow_mw.evaluate.offered import tools_of
from shadow_mw.types import Json
from shadow_mw.wire.lenient import mapping, mappings

MAX_DEPTH = 20
"""Levels below which a schema that refers to itself is no longer followed."""

Node = Mapping[str, Json]


@dataclass(frozen=True)
class Schema:
    """One JSON schema, as far as fields go: their names, values and formats."""

    root: Node

    @cached_property
    def text(self) -> str:
        """As JSON, the same for equal schemas."""
        return json.dumps(self.root, default=float, sort_keys=True)

    def declares(self, path: Sequence[object]) -> bool:
        """Whether the schema has a place for this path."""
        nodes = [self.root]
        for part in path:
            found = [below for node in self._all(nodes) for below in _below(node, part)]
            if any(below is True for below in found):
                return True
            nodes = [below for below in found if isinstance(below, Mapping)]
        return bool(nodes)

    def rules(self) -> dict[str, FieldRule]:
        """Rules that the schema suggests: enums without case, ISO dates, numbers in strings.

        Nobody declared them.
        """
        return {path: rule for path, node in self._leaves() if (rule := _rule(node)) is not None}

    def _leaves(self) -> Iterator[tuple[str, Node]]:
        waiting: list[tuple[str, Node]] = [("", self.root)]
        for _ in range(MAX_DEPTH):
            level, waiting = waiting, []
            for path, start in level:
                for node in self._all([start]):
                    if path:
                        yield path, node
                    waiting += [
                        (join(path, key), below)
                        for key, below in mapping(node.get("properties")).items()
                        if isinstance(below, Mapping)
                    ]
                    if isinstance(node.get("items"), Mapping):
                        waiting.append((f"{path}[]", node["items"]))

    def _all(self, nodes: Iterable[Node]) -> list[Node]:
        """These schemas and those that they are made of; each once, however they refer."""
        found: list[Node] = []
        waiting = list(nodes)
        while waiting:
            node = waiting.pop(0)
            if any(node is known for known in found):
                continue
            found.append(node)
            for name in ("anyOf", "oneOf", "allOf"):
                waiting += mappings(node.get(name))
            waiting += [
                branch
                for name in ("if", "then", "else")
                if isinstance(branch := node.get(name), Mapping)
            ]
            if isinstance(reference := node.get("$ref"), str):
                waiting += self._resolved(reference)
        return found

    def _resolved(self, reference: str) -> list[Node]:
        """Only references into the schema itself."""
        if not reference.startswith("#"):
            return []
        here: Json = self.root
        for part in reference[1:].strip("/").split("/") if len(reference) > 1 else ():
            name = part.replace("~1", "/").replace("~0", "~")
            here = mapping(here).get(name)
        return [here] if isinstance(here, Mapping) else []


@dataclass(frozen=True, slots=True)
class RequestSchemas:
    """What a request asks for: the shape of the answer's text, and of each tool's arguments."""

    text: Schema | None = None
    tools: Mapping[str, Schema] = field(default_factory=dict)

    def of(self, tool: str | None) -> Schema | None:
        """The schema of an answer: of a tool's arguments, or of the text where `tool` is None."""
        return self.text if tool is None else self.tools.get(tool)


NOTHING = RequestSchemas()


def request_schemas(request: str | None) -> RequestSchemas:
    """Read a stored request; one that is not there, or no JSON object, asks for nothing."""
    body = strict_json.loads_or_none(request or "")
    return schemas_of(body) if isinstance(body, dict) else NOTHING


def text_schema(request: str) -> Schema | None:
    """The schema of the answer's text: a request's end has it, which many requests share."""
    at = request.rfind(_MARK)
    end = request[at:] if at > 0 and request[at - 1] in "{," else ""
    found = _at_end(end) if 0 < len(end) <= MAX_END else None
    return found or request_schemas(request).text


_MARK = '"response_format":'
"""As canonical JSON has the key, and nothing else: in a string its quotes are escaped."""

MAX_END = 32_000


@lru_cache(maxsize=256)
def _at_end(end: str) -> Schema | None:
    """None where a deeper object has the key: what follows closes more than the request."""
    return request_schemas("{" + end).text


def schemas_of(body: Node) -> RequestSchemas:
    """The schemas in a request's body."""
    return RequestSchemas(
        text=next(map(Schema, _response_schemas(body)), None),
        tools={
            tool.name: Schema(tool.parameters)
            for tool in tools_of(body)
            if tool.name and tool.parameters is not None
        },
    )


def _response_schemas(body: Node) -> Iterator[Node]:
    wanted = mapping(body.get("response_format"))
    places = (
        mapping(wanted.get("json_schema")).get("schema"),
        wanted.get("schema"),
        mapping(mapping(body.get("text")).get("format")).get("schema"),
        mapping(mapping(body.get("output_config")).get("format")).get("schema"),
        mapping(body.get("output_format")).get("schema"),
        body.get("guided_json"),
        mapping(body.get("structured_outputs")).get("json"),
    )
    return (place for place in places if isinstance(place, Mapping))


def _below(node: Node, part: object) -> list[Any]:
    """The schemas of a key, or of a list's items; `True` where anything may be there."""
    if part is ITEM:
        places = [node.get("items"), node.get("additionalItems"), *_listed(node, "prefixItems")]
        return [place for place in places if place is True or isinstance(place, Mapping)]
    known = mapping(node.get("properties"))
    if part in known:
        place = known[str(part)]
        return [place if isinstance(place, Mapping) and place else True]
    if node.get("type") == "object" and not known and "additionalProperties" not in node:
        return [True]
    others = [node.get("additionalProperties"), *mapping(node.get("patternProperties")).values()]
    return [place for place in others if place is True or isinstance(place, Mapping)]


def _listed(node: Node, name: str) -> list[Json]:
    value = node.get(name)
    return value if isinstance(value, list) else []


def _rule(node: Node) -> FieldRule | None:
    values = [value for value in _listed(node, "enum") if isinstance(value, str)]
    if values:
        return FieldRule(normalise="enum", values=tuple(values))
    if node.get("format") == "date":
        return FieldRule(normalise="date")
    kinds = node.get("type")
    if {"number", "integer"} & set(kinds if isinstance(kinds, list) else [kinds]):
        return FieldRule(normalise="decimal")
    return None
