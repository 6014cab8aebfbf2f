"""OpenAI's older text completions, and embeddings."""

from __future__ import annotations

from collections.abc import Mapping

from shadow_mw.exceptions import WireError
from shadow_mw.types import Call, Json, Reason, Reply, WireFormat
from shadow_mw.wire import openai_common as common
from shadow_mw.wire import otel
from shadow_mw.wire.base import Format, Stream
from shadow_mw.wire.lenient import as_text, string


class OpenAICompletions(Format):
    """`POST /v1/completions`."""

    name = WireFormat.OPENAI_COMPLETIONS
    operation = "text_completion"
    provider = "openai"
    path = "/completions"
    withheld = common.WITHHELD
    usage_on_request = True

    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request; the API itself allows an absent prompt."""
        if body.get("prompt") is None and not string(body.get("model")):
            raise WireError("a completion request without prompt and model")
        return Call(
            model=string(body.get("model")) or "",
            stream=body.get("stream") is True,
            input_messages=_prompts(body.get("prompt")),
            system_instructions=[],
            tools=[],
            expects_json=common.asks_for_json(body.get("response_format")),
            max_tokens=common.max_tokens(body),
            params=otel.sampling(body),
        )

    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Nothing in this format depends on state."""

    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a JSON reply."""
        choice = common.first_choice(data)
        if choice is None or "text" not in choice:
            return None
        return _reply([data], complete=True)

    def read_stream(self, stream: Stream) -> Reply | None:
        """Join the chunks, which have the shape of the whole."""
        chunks = [chunk for chunk in stream.chunks if isinstance(chunk.get("choices"), list)]
        if not chunks:
            return None
        return _reply(chunks, complete=stream.done)


def _reply(chunks: list[Mapping[str, Json]], complete: bool) -> Reply:
    choices = [choice for chunk in chunks if (choice := common.first_choice(chunk))]
    ends = [end for choice in choices if (end := string(choice.get("finish_reason")))]
    finish = ends[-1] if ends else None
    return Reply(
        text=string("".join(as_text(choice.get("text")) for choice in choices)),
        refusal=finish if finish == "content_filter" else None,
        finish_reason=finish,
        usage=common.usage_of(common.last_usage(chunks)),
        model=common.first_string(chunks, "model"),
        response_id=common.first_string(chunks, "id"),
        complete=complete or finish is not None,
    )


class OpenAIEmbeddings(Format):
    """`POST /v1/embeddings`."""

    name = WireFormat.OPENAI_EMBEDDINGS
    operation = "embeddings"
    provider = "openai"
    path = "/embeddings"
    withheld = common.WITHHELD

    def read_request(self, body: Mapping[str, Json]) -> Call:
        """Read a request."""
        if body.get("input") is None:
            raise WireError("an embeddings request without input")
        return Call(
            model=string(body.get("model")) or "",
            stream=False,
            input_messages=_prompts(body["input"]),
            system_instructions=[],
            tools=[],
            expects_json=False,
            max_tokens=None,
            params={},
        )

    def skip_reason(self, body: Mapping[str, Json]) -> Reason | None:
        """Nothing in this format depends on state."""

    def read_message(self, data: Mapping[str, Json]) -> Reply | None:
        """Read a reply for its usage; the vectors are no text."""
        if not isinstance(data.get("data"), list):
            return None
        return Reply(
            usage=common.usage_of(data.get("usage")),
            model=string(data.get("model")),
            response_id=string(data.get("id")),
        )

    def read_stream(self, stream: Stream) -> Reply | None:
        """Embeddings are never streamed."""


def _prompts(prompt: Json) -> list[dict[str, Json]]:
    """One message a prompt; a prompt in tokens is kept as the JSON of its numbers."""
    if prompt is None:
        return []
    batch = isinstance(prompt, list) and any(isinstance(item, str | list) for item in prompt)
    return [otel.message("user", [otel.text(item)]) for item in (prompt if batch else [prompt])]
