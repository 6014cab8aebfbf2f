"""In which order two outputs were shown: whoever labels them cannot tell, and cannot choose."""

from __future__ import annotations

import secrets

from shadow_mw.serve.refusals import ConflictError
from shadow_mw.serve.sessions import Signer


class Tickets:
    """One for each time that a pair is shown; they end with the process."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def draw(self, pair: int) -> str:
        """A new one, and with it an order."""
        nonce = secrets.token_urlsafe(18)
        return f"{nonce}.{self._signer.sign('ticket', f'{pair}.{nonce}')}"

    def primary_first(self, pair: int, ticket: str) -> bool:
        """What was drawn; without our key it is as good as a coin.

        Raises:
            ConflictError: it is not a ticket of this pair and process.
        """
        nonce, _, signature = ticket.partition(".")
        text = f"{pair}.{nonce}"
        if not ticket.isascii() or not self._signer.holds("ticket", text, signature):
            raise ConflictError("shown before a restart: show the pair again, then label it")
        return int(self._signer.sign("order", text), 16) % 2 == 0
