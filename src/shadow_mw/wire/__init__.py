"""What an LLM call looks like on the wire, one module per format."""

from __future__ import annotations

from shadow_mw.types import WireFormat
from shadow_mw.wire.anthropic_messages import AnthropicMessages
from shadow_mw.wire.base import Format, load_request, output_messages
from shadow_mw.wire.openai_chat import OpenAIChat
from shadow_mw.wire.openai_legacy import OpenAICompletions, OpenAIEmbeddings
from shadow_mw.wire.openai_responses import OpenAIResponses

__all__ = ["Format", "format_of", "load_request", "output_messages"]

_FORMATS: dict[WireFormat, Format] = {
    form.name: form
    for form in (
        OpenAIChat(),
        OpenAIResponses(),
        AnthropicMessages(),
        OpenAICompletions(),
        OpenAIEmbeddings(),
    )
}


def format_of(name: WireFormat) -> Format:
    """Return the reader and writer of one wire format."""
    return _FORMATS[name]
