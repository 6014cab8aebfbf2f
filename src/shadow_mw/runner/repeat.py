"""The primary, asked once more: which exchanges, and as whom."""

from __future__ import annotations

from hashlib import blake2b

from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import REPEAT, Call, Exchange, WireFormat

NOT_COMPARED = frozenset({WireFormat.OPENAI_EMBEDDINGS, WireFormat.OPENAI_COMPLETIONS})
"""Formats whose answers nobody compares: asking again would cost and tell nothing."""


def again(settings: Settings) -> Candidate | None:
    """The primary as a lane sees it; None where nothing is asked again."""
    if settings.repeat_rate <= 0 or settings.primary_url is None:
        return None
    # Each call names its model: see `as_asked`.
    return Candidate(
        id=REPEAT, url=settings.primary_url, model="", api_key=settings.primary_api_key
    )


def as_asked(candidate: Candidate, call: Call) -> Candidate:
    """Who is asked this call: a candidate as it is set, the primary with the call's own model."""
    if candidate.id != REPEAT:
        return candidate
    changes = {"model": call.model} if call.model else {"remove": ("model",)}
    return candidate.model_copy(update=changes)


def chosen(exchange: Exchange, rate: float) -> bool:
    """Whether an exchange is asked again; always the same answer for the same exchange."""
    if exchange.format in NOT_COMPARED:
        return False
    digest = blake2b(exchange.pair_id.encode(), digest_size=8, person=b"shadow.repeat").digest()
    return int.from_bytes(digest) < rate * 2**64
