"""The tools that a request offers, in every wire format.

| where | format |
|---|---|
| `tools[].function`, `tools[].custom`, `functions[]` | chat completions |
| `tools[].name` with `parameters`, or of type `custom` | responses |
| `tools[].name` with `input_schema` | messages |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shadow_mw.types import Json
from shadow_mw.wire.lenient import mapping, mappings, string

Node = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool by its name."""

    name: str
    parameters: Node | None
    """The JSON schema of its arguments, where it has one."""
    free_text: bool = False
    """Its argument is any text, not JSON."""


class Offered(dict[str, Tool]):
    """Tools by name; `.`, `-` and `_` are the same in a name, since servers rename."""

    def find(self, name: str) -> Tool | None:
        """The tool that a call means."""
        return self.get(name) or self.get(plain(name))


def plain(name: str) -> str:
    """A name in the characters that every server takes."""
    return name.replace(".", "_").replace("-", "_")


def offered(request: Node) -> Offered:
    """All tools of a request; none is an empty table."""
    tools = Offered()
    for tool in tools_of(request):
        tools[tool.name] = tool
        tools.setdefault(plain(tool.name), tool)
    return tools


def tools_of(request: Node) -> Iterator[Tool]:
    """Each tool with a name, in the request's order."""
    for tool in (*mappings(request.get("functions")), *mappings(request.get("tools"))):
        inner = mapping(tool.get("function") or tool.get("custom")) or tool
        name = string(inner.get("name"))
        if name is None:
            continue
        schema = inner.get("parameters", inner.get("input_schema"))
        known = schema if isinstance(schema, Mapping) else None
        custom = tool.get("type") == "custom" and known is None
        yield Tool(name, known, free_text=custom)
