"""How large a span is, and the same span without what was said."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan

from shadow_mw import semconv

CONTENT = (
    semconv.REQUEST,
    semconv.INPUT_MESSAGES,
    semconv.OUTPUT_MESSAGES,
    semconv.SYSTEM_INSTRUCTIONS,
)


def size_of(span: ReadableSpan) -> int:
    """About the bytes that a span takes in a request."""
    texts = [value for value in (span.attributes or {}).values() if isinstance(value, str)]
    return 1000 + sum(len(t) if t.isascii() else len(t.encode()) for t in texts)


def without_content(span: ReadableSpan) -> ReadableSpan:
    """The same record, which says that its content was left out."""
    kept = {n: v for n, v in (span.attributes or {}).items() if n not in CONTENT}
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=kept | {semconv.CONTENT_TRUNCATED: True},
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
