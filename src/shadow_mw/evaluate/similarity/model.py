"""Which embedding model it is: what is asked of it, and the name under which vectors are kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from shadow_mw.evaluate import strict_json
from shadow_mw.settings import Embeddings
from shadow_mw.types import Json
from shadow_mw.wire.lenient import well_formed


def key_of(settings: Embeddings) -> str:
    """The model, and everything else that is asked for and makes other vectors."""
    dimensions = f"@{settings.dimensions}" if settings.dimensions else ""
    params = f" {strict_json.dumps(settings.params)}" if settings.params else ""
    return f"{settings.model}{dimensions}{params}"


def body_of(settings: Embeddings, texts: list[str]) -> dict[str, Json]:
    """The request for these texts."""
    body: dict[str, Json] = {
        **settings.params,
        "model": settings.model,
        "input": well_formed(texts),
    }
    if settings.dimensions:
        body["dimensions"] = settings.dimensions
    return body | {"encoding_format": "float"}


def headers_of(settings: Embeddings) -> dict[str, str]:
    """Who we are."""
    key = settings.api_key
    return {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}


def host_of(settings: Embeddings) -> str:
    """Host and port, for messages."""
    return urlsplit(settings.url).netloc
