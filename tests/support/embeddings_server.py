"""An embedding model on loopback: the same text, the same vector, and every way to fail.

Words are directions: two texts are as alike as the words that they share. The script gets each
request before it is answered, and may answer in the model's place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support import json_server
from support.json_server import Raw, Scripted

DIMENSION = 64


class Asked(json_server.Asked):
    """One request for vectors."""

    @property
    def texts(self) -> list[str]:
        return list(self.body["input"])


Script = Callable[[Asked], "Raw | None"]


def vector(text: str, dimension: int = DIMENSION) -> list[float]:
    """Each word adds to one direction; never all zeros."""
    numbers = [0.0] * dimension
    numbers[0] = 0.1
    for word in text.split():
        numbers[hashlib.sha256(word.encode()).digest()[0] % dimension] += 1.0
    return numbers


def answer(asked: Asked, **more: Any) -> dict[str, Any]:
    """What an OpenAI-compatible server says, the embeddings in any order but theirs."""
    dimension = asked.body.get("dimensions") or DIMENSION
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text, dimension)}
        for index, text in enumerate(asked.texts)
    ]
    tokens = sum(len(text.split()) for text in asked.texts)
    return {
        "object": "list",
        "data": data[::-1],
        "model": asked.body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    } | more


class EmbeddingsServer(Scripted):
    """What it was asked, and answers by the script."""

    @property
    def texts(self) -> list[str]:
        return [text for asked in self.asked for text in asked.texts]


@contextmanager
def embeddings_server(script: Script = lambda _: None) -> Iterator[EmbeddingsServer]:
    """Serve until the block ends; `url` is the base URL up to /v1."""
    served = EmbeddingsServer(script)

    def reply(path: str, headers: dict[str, str], body: dict[str, Any]) -> Raw:
        asked = Asked(path, headers, body)
        served.keep(asked)
        return served.script(asked) or Raw(body=answer(asked))

    with json_server.json_server(reply) as url:
        served.url = url
        yield served
