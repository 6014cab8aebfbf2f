"""What every wire format can do, and the parts of it that are the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar

from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, Reason, Reply, ToolCall, WireFormat
from shadow_mw.wire import errors, lenient, otel, sse
from shadow_mw.wire.lenient import mapping


@dataclass(frozen=True, slots=True)
class Stream:
    """The objects that a streamed body carried, up to its end or its first failure."""

    chunks: list[Mapping[str, Json]]
    done: bool = False
    failure: errors.Failure | None = None


CREDENTIALS = frozenset(
    {"api_key", "api_base", "base_url", "authorization", "headers", "extra_headers", "extra_query"}
)
"""Fields by which gateways take the caller's own keys: the primary's, wherever they stand."""


class Format(ABC):
    """One wire format: reads requests and replies, writes the candidate's request."""

    name: ClassVar[WireFormat]
    operation: ClassVar[str]
    provider: ClassVar[str]
    path: ClassVar[str]
    """Below a base URL that ends in `/v1`."""
    headers: ClassVar[Mapping[str, str]] = {}
    """What every request says of its format."""
    withheld: ClassVar[frozenset[str]]
    """Request fields that hold state or identity at the primary's provider."""
    stores: ClassVar[bool] = False
    """Whether the API keeps every answer unless told not to."""
    usage_on_request: ClassVar[bool] = False
    """Whether a stream says its usage only when asked."""

    @abstractmethod
    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request; raises WireError where there is nothing to ask a model."""

    @abstractmethod
    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Return why a candidate cannot be asked the same, None where it can."""

    @abstractmethod
    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a JSON reply; None where it is not one of this format."""

    @abstractmethod
    def read_stream(self, stream: Stream) -> Reply | None:
        """Read a streamed reply; None where no chunk is of this format."""

    def candidate_body(
        self,
        body: Mapping[str, Json],
        *,
        model: str,
        params: Mapping[str, Json],
        remove: Sequence[str],
    ) -> dict[str, Json]:
        """Return the same request for the candidate, without the primary's state and identity."""
        kept = {
            name: value
            for name, value in body.items()
            if name not in self.withheld and name not in CREDENTIALS
        }
        changed = kept | {"model": model} | self._forced(body) | dict(params)
        return {name: value for name, value in changed.items() if name not in remove}

    def key_headers(self, key: str | None) -> dict[str, str]:
        """The header that says who calls; none where there is no key."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def _forced(self, body: Mapping[str, Json]) -> dict[str, Json]:
        fields: dict[str, Json] = {"store": False} if self.stores else {}
        if self.usage_on_request and body.get("stream") is True:
            options = {**mapping(body.get("stream_options")), "include_usage": True}
            fields["stream_options"] = options
        return fields

    def read_reply(self, status: int | None, content_type: str, body: bytes) -> Reply:
        """Read a response, whatever its bytes are."""
        return _encodable(self._read_reply(status, content_type, body))

    def _read_reply(self, status: int | None, content_type: str, body: bytes) -> Reply:
        if status is None and not body:
            return Reply(error=errors.NO_RESPONSE, complete=False)
        if status is not None and not 200 <= status < 300:
            return errors.of_status(status, body)
        declared = "text/event-stream" in content_type.lower()
        if sse.looks_like_sse(body) or (declared and sse.is_cut_short(body)):
            return self._read_events(body)
        return self._read_json(body)

    def _read_json(self, body: bytes) -> Reply:
        try:
            data = lenient.parse(body)
        except ValueError:
            return errors.invalid("not JSON")
        reply = self.read_message(mapping(data))
        if failure := errors.stated(data):
            return _failed(reply, failure)
        return reply or errors.invalid(f"not a reply of {self.name}")

    def _read_events(self, body: bytes) -> Reply:
        stream = read_events(body)
        reply = self.read_stream(stream)
        if stream.failure is not None:
            return _failed(reply, stream.failure)
        if reply is None and (stream.chunks or stream.done):
            return errors.invalid(f"not a stream of {self.name}")
        return reply or Reply(complete=False)


def load_request(body: bytes) -> dict[str, Json]:
    """Parse a request body; raises WireError with one line unless it is a JSON object."""
    try:
        data = lenient.well_formed(lenient.parse_strict(body))
    except (ValueError, RecursionError) as error:
        raise WireError(f"the request is not JSON: {error}".splitlines()[0]) from None
    if not isinstance(data, dict):
        raise WireError(f"the request is JSON but not an object: {type(data).__name__}")
    return data


def read_events(body: bytes) -> Stream:
    """Read a streamed body into its objects; a failure that it states, or garbage, ends it."""
    chunks = list[Mapping[str, Json]]()
    for event in sse.events(body):
        if event.data.startswith(sse.DONE):
            return Stream(chunks, done=True)
        if event.event == "ping" or not event.data:
            continue
        try:
            data = lenient.parse(event.data)
        except ValueError:
            return Stream(chunks, failure=_unreadable(event))
        if failure := errors.stated(data):
            return Stream(chunks, failure=failure)
        if event.event == "error":
            return Stream(chunks, failure=errors.described(mapping(data)))
        chunks.append({"type": event.event} | {**mapping(data)})
    return Stream(chunks)


def _failed(reply: Reply | None, failure: errors.Failure) -> Reply:
    """A stated failure is an end of its own: what came before it is kept, and is not partial."""
    before = reply or Reply()
    return replace(before, error=failure.kind, error_message=failure.message, complete=True)


def _unreadable(event: sse.Event) -> errors.Failure:
    if event.event == "error":
        return errors.Failure("error", event.data)
    return errors.Failure(errors.INVALID_RESPONSE, "an event that is not JSON")


def _encodable(reply: Reply) -> Reply:
    """Only strings can fail to encode, and a span that cannot be encoded loses its batch."""
    strings = {
        field.name: lenient.well_formed(value)
        for field in fields(reply)
        if isinstance(value := getattr(reply, field.name), str)
    }
    calls = tuple(
        ToolCall(*lenient.well_formed([call.name, call.arguments, call.id]))
        for call in reply.tool_calls
    )
    return replace(reply, tool_calls=calls, **strings)


def output_messages(reply: Reply) -> list[dict[str, Json]]:
    """Return a reply in the OpenTelemetry GenAI shape; an empty list where there is nothing."""
    parts = [otel.reasoning(reply.reasoning)] if reply.reasoning else []
    if reply.text is not None:
        parts.append(otel.text(reply.text))
    if reply.refusal is not None:
        parts.append({"type": "refusal", "content": reply.refusal})
    parts += [otel.tool_call(call.id, call.name, call.arguments) for call in reply.tool_calls]
    if not parts and reply.finish_reason is None:
        return []
    return [{"role": "assistant", "parts": parts, "finish_reason": reply.finish_reason}]
