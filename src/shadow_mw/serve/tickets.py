"""To whom two outputs were shown, and in which order: who labels them cannot tell, nor choose."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from shadow_mw.serve.refusals import ConflictError
from shadow_mw.serve.sessions import Signer


class Tickets:
    """One for each time that a pair is shown; they end with the process."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def draw(self, pair: int, person: str) -> str:
        """A new one, and with it an order."""
        text = f"{secrets.token_urlsafe(18)}.{urlsafe_b64encode(person.encode()).decode()}"
        return f"{text}.{self._signer.sign('ticket', f'{pair}.{text}')}"

    def primary_first(self, pair: int, ticket: str) -> bool:
        """What was drawn; without our key it is as good as a coin.

        Raises:
            ConflictError: it is not a ticket of this pair and process.
        """
        text = f"{pair}.{self._text(pair, ticket)}"
        return int(self._signer.sign("order", text), 16) % 2 == 0

    def person(self, pair: int, ticket: str) -> str:
        """To whom the pair was shown.

        Raises:
            ConflictError: it is not a ticket of this pair and process.
        """
        return urlsafe_b64decode(self._text(pair, ticket).partition(".")[2]).decode()

    def _text(self, pair: int, ticket: str) -> str:
        text, _, signature = ticket.rpartition(".")
        if not ticket.isascii() or not self._signer.holds("ticket", f"{pair}.{text}", signature):
            raise ConflictError("shown before a restart: show the pair again, then label it")
        return text
