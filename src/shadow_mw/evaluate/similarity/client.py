"""One call to an embedding model: vectors, or the kind of failure."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate.endpoint.http import Endpoint, Response
from shadow_mw.evaluate.similarity import vectors
from shadow_mw.evaluate.similarity.model import body_of, headers_of
from shadow_mw.settings import Embeddings
from shadow_mw.types import Usage
from shadow_mw.wire.lenient import count, mapping, parse, string

PATH = "/embeddings"
UNKNOWN = Usage()
BYTES_PER_NUMBER = 32
"""More than any server writes."""
MOST_SAID = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call."""

    vectors: tuple[bytes, ...] = ()
    failure: str | None = None
    """As `endpoint.http.Response` has them, and `invalid_response`."""
    said: str = ""
    """What the server says of it, or what is wrong with its answer."""
    status: int | None = None
    retry_after: float | None = None
    usage: Usage = UNKNOWN


class EmbeddingClient:
    """One model's connection pool."""

    def __init__(self, settings: Embeddings, dimension: int | None) -> None:
        self._settings = settings
        self._dimension = settings.dimensions or dimension
        self._endpoint = Endpoint(
            settings.url + PATH,
            headers_of(settings),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
        )

    async def ask(self, texts: list[str]) -> Answer:
        """Embed texts; either all of them come back, or none."""
        numbers = self._dimension or vectors.MAX_DIMENSION
        most = 2**16 + len(texts) * numbers * BYTES_PER_NUMBER
        response = await self._endpoint.post(body_of(self._settings, texts), most)
        if response.failure is not None:
            return Answer(
                failure=response.failure,
                said=_said(response.content),
                status=response.status,
                retry_after=response.retry_after,
            )
        try:
            found = vectors.read(response.content, len(texts), self._dimension)
        except ValueError as error:
            usage = _usage(response)
            return Answer((), "invalid_response", str(error), response.status, usage=usage)
        self._dimension = len(found[0]) // 4
        return Answer(tuple(found), status=response.status, usage=_usage(response))

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()


def _usage(response: Response) -> Usage:
    try:
        usage = mapping(mapping(parse(response.content)).get("usage"))
    except ValueError:
        return UNKNOWN
    return Usage(input_tokens=count(usage.get("prompt_tokens")), output_tokens=0)


def _said(content: bytes) -> str:
    try:
        body = mapping(parse(content))
    except ValueError:
        return ""
    error = body.get("error")
    said = string(mapping(error).get("message")) or string(error) or string(body.get("message"))
    return (said or "")[:MOST_SAID]
