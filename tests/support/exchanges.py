"""One captured call, for tests that vary it."""

from __future__ import annotations

from shadow_mw.types import Exchange, WireFormat

EXCHANGE = Exchange(
    pair_id="p",
    trace_id="a" * 32,
    parent_span_id=None,
    format=WireFormat.OPENAI_CHAT,
    seam="outbound",
    host=None,
    started_ns=0,
    latency_ns=1,
    ttft_ns=None,
    status=200,
    content_type="application/json",
    content_encoding="",
    end="eof",
    error=None,
    request=b"body",
    response=b"",
)
