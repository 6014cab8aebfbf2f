"""How servers say that a call failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shadow_mw.types import Json, Reply
from shadow_mw.wire import lenient, sse
from shadow_mw.wire.lenient import mapping

INVALID_RESPONSE = "invalid_response"
NO_RESPONSE = "no_response"
_KIND_LENGTH = 64
_PAGE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure in the server's own words: a low-cardinality kind, and what it said."""

    kind: str
    message: str | None = None


def invalid(message: str) -> Reply:
    """Return the reply for a body that is not what was asked for."""
    return Reply(error=INVALID_RESPONSE, error_message=message)


def stated(data: Json) -> Failure | None:
    """Return the failure that a body or an event states, None where it states none."""
    body = mapping(data[0] if isinstance(data, list) and data else data)
    if body.get("error"):
        return described(body)
    if "error" in (body.get("type"), body.get("object")):
        return described(body)
    return None


def of_status(status: int, body: bytes) -> Reply:
    """Return the reply for an HTTP status that is not a success."""
    failure = _in_body(body)
    kind = f"http_{status}" if failure is None or failure.kind == "error" else failure.kind
    message = failure.message if failure is not None else None
    return Reply(error=kind, error_message=message or _page_text(body))


def _in_body(body: bytes) -> Failure | None:
    """Any object of a failed call describes the failure, whatever its shape."""
    if sse.looks_like_sse(body):
        body = next((event.data.encode() for event in sse.events(body)), b"")
    try:
        data = lenient.parse(body)
    except ValueError:
        return None
    return stated(data) or (described(data) if isinstance(data, Mapping) else None)


def described(body: Mapping[str, Json]) -> Failure:
    """Return the failure that an object describes, whatever its shape."""
    error = body.get("error")
    inner = error if isinstance(error, Mapping) else body
    said = inner.get("message") or inner.get("detail") or error
    return Failure(_kind(inner), lenient.as_text(said) or None)


def _kind(error: Mapping[str, Json]) -> str:
    for name in ("type", "code", "status"):
        value = error.get(name)
        if isinstance(value, str) and value not in ("", "error"):
            return value[:_KIND_LENGTH]
        if isinstance(value, int) and not isinstance(value, bool):
            return f"http_{value}" if 100 <= value < 600 else "error"
    return "error"


def _page_text(body: bytes) -> str | None:
    text = " ".join(body[: 4 * _PAGE_LENGTH].decode("utf-8", "replace").split())
    return text[:_PAGE_LENGTH] or None
