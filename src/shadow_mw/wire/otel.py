"""The OpenTelemetry GenAI shapes that a request is read into."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shadow_mw import semconv
from shadow_mw.types import Json
from shadow_mw.wire import lenient

Part = dict[str, Json]

_NUMBERS = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "seed": semconv.REQUEST_SEED,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
}


def message(role: Json, parts: Sequence[Part], name: Json = None) -> dict[str, Json]:
    """Return one chat message."""
    named = {"name": name} if isinstance(name, str) else {}
    return {"role": lenient.string(role) or "user", "parts": list(parts)} | named


def text(content: Json) -> Part:
    """Return a text part."""
    return {"type": "text", "content": lenient.as_text(content)}


def reasoning(content: Json) -> Part:
    """Return a reasoning part."""
    return {"type": "reasoning", "content": lenient.as_text(content)}


def tool_call(id: Json, name: Json, arguments: Json) -> Part:
    """Return a tool call part, its arguments as a value where they are JSON."""
    value = arguments_value(arguments) if isinstance(arguments, str) else arguments
    return {"type": "tool_call", "id": id, "name": name or "", "arguments": value}


def tool_response(id: Json, response: Json) -> Part:
    """Return the part for what a tool answered."""
    return {"type": "tool_call_response", "id": id, "response": response}


def uri(address: Json, modality: str) -> Part:
    """Return a part for content by address; a `data:` address is the content itself."""
    url = lenient.as_text(address)
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return blob(head.removeprefix("data:").removesuffix(";base64"), data, modality)
    return {"type": "uri", "modality": modality, "uri": url}


def blob(mime_type: Json, content: Json, modality: str) -> Part:
    """Return a part for content in base64."""
    return {"type": "blob", "mime_type": mime_type, "modality": modality, "content": content}


def file(file_id: Json, modality: str) -> Part:
    """Return a part for content that the provider keeps."""
    return {"type": "file", "modality": modality, "file_id": file_id}


def generic(part: Mapping[str, Json]) -> Part:
    """Return a part of a kind that has no shape of its own, as it was sent."""
    return {**part, "type": lenient.string(part.get("type")) or "unknown"}


def arguments_value(arguments: str) -> Json:
    """Return tool arguments as JSON if they parse, else the text itself."""
    try:
        return lenient.well_formed(lenient.parse_strict(arguments))
    except (ValueError, RecursionError):
        return arguments


def sampling(body: Mapping[str, Json], stop: str = "stop") -> dict[str, Json]:
    """Return the sampling parameters of a request by their attribute name."""
    found = {_NUMBERS[name]: body[name] for name in _NUMBERS if _is_number(body.get(name))}
    if sequences := _stop_sequences(body.get(stop)):
        found[semconv.REQUEST_STOP_SEQUENCES] = sequences
    return found


def _is_number(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 and math.isfinite(value)


def _stop_sequences(stop: Json) -> list[str]:
    listed = stop if isinstance(stop, list) else [stop]
    return [item for item in listed if isinstance(item, str)]
