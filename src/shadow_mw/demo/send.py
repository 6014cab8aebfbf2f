"""Documents over HTTP to the example web app, as its users would send them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from shadow_mw.demo.documents import Document

CONCURRENCY = 8
TIMEOUT = 60.0


@dataclass(slots=True)
class Sent:
    """What came back."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


def send(
    url: str,
    documents: Sequence[Document],
    schema: dict[str, Any],
    after_each: Callable[[], None],
) -> Sent:
    """Post every document; `after_each` may raise to stop it."""
    return asyncio.run(_send(url, documents, schema, after_each))


async def _send(
    url: str,
    documents: Sequence[Document],
    schema: dict[str, Any],
    after_each: Callable[[], None],
) -> Sent:
    sent, queue = Sent(), iter(documents)
    async with (
        httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(min(CONCURRENCY, len(documents))):
            group.create_task(_post_all(client, url, queue, schema, sent, after_each))
    return sent


async def _post_all(
    client: httpx2.AsyncClient,
    url: str,
    queue: Iterator[Document],
    schema: dict[str, Any],
    sent: Sent,
    after_each: Callable[[], None],
) -> None:
    for document in queue:
        body = {
            "id": document.id,
            "text": document.text,
            "segment": document.segment,
            "schema": schema,
        }
        try:
            answer = await client.post(f"{url}/extract", json=body)
            answer.raise_for_status()
            sent.answered += 1
        except httpx2.HTTPError as error:
            sent.failures.append(f"{document.id}: {str(error) or type(error).__name__}")
        after_each()
