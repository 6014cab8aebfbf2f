"""What the OpenAI formats share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shadow_mw.types import Json, Usage
from shadow_mw.wire.lenient import count, mapping, mappings, string

WITHHELD = frozenset(
    {
        "store",
        "metadata",
        "user",
        "safety_identifier",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "access_programs",
        "background",
        "conversation",
        "previous_response_id",
    }
)
CLIENT_TOOLS = frozenset({"function", "custom"})
"""Tools that the app runs; the provider runs all others."""


def max_tokens(body: Mapping[str, Json]) -> int | None:
    """Return the output limit of a request, by any of its names."""
    names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    return next((limit for name in names if (limit := count(body.get(name))) is not None), None)


def asks_for_json(response_format: Json) -> bool:
    """Whether a response format is JSON, by mode or by schema."""
    return mapping(response_format).get("type") in ("json_object", "json_schema")


def has_hosted_tool(tools: Json) -> bool:
    """Whether a tool list names one that the provider runs."""
    kinds = (tool.get("type") for tool in mappings(tools))
    return any(isinstance(kind, str) and kind not in CLIENT_TOOLS for kind in kinds)


def usage_of(usage: Json) -> Usage:
    """Read a usage object in the names of either generation of the API."""
    table = mapping(usage)
    read = mapping(table.get("prompt_tokens_details") or table.get("input_tokens_details"))
    wrote = mapping(table.get("completion_tokens_details") or table.get("output_tokens_details"))
    return Usage(
        input_tokens=count(table.get("prompt_tokens", table.get("input_tokens"))),
        output_tokens=count(table.get("completion_tokens", table.get("output_tokens"))),
        cache_read_tokens=count(read.get("cached_tokens")),
        cache_write_tokens=count(read.get("cache_write_tokens")),
        reasoning_tokens=count(wrote.get("reasoning_tokens")),
    )


def first_choice(data: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return the choice with index 0, or without an index."""
    choices = mappings(data.get("choices"))
    return next((choice for choice in choices if choice.get("index") in (0, None)), None)


def last_usage(chunks: Iterable[Mapping[str, Json]]) -> Json:
    """Return the last usage of a stream: its own chunk, or totals repeated in every chunk."""
    found = [chunk["usage"] for chunk in chunks if isinstance(chunk.get("usage"), Mapping)]
    return found[-1] if found else None


def first_string(chunks: Iterable[Mapping[str, Json]], name: str) -> str | None:
    """Return the first value of a field that all chunks repeat."""
    return next((value for chunk in chunks if (value := string(chunk.get(name)))), None)
