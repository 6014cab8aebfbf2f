"""What is done to the content of rows before it is kept."""

from __future__ import annotations

from typing import Protocol

from shadow_mw.types import Json


class Redaction(Protocol):
    """What is done to content before it is stored; the runner's `Redactor` is one."""

    def text(self, text: str) -> str:
        """A name or a key."""

    def json(self, value: Json) -> Json:
        """A value with every text in it."""

    def request(self, body: Json) -> Json:
        """A request, without what stands under the name of a credential."""

    def output(self, text: str) -> str:
        """A model's output; where it is JSON it stays JSON."""


class Unchanged:
    """Where nothing is kept there is nothing to hide."""

    def text(self, text: str) -> str:
        """The same."""
        return text

    def json(self, value: Json) -> Json:
        """The same."""
        return value

    request = json
    output = text
