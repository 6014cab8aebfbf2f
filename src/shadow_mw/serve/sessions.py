"""Who may look: a browser cannot send a bearer header, so the token is given once, for a cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Final

SESSION_SECONDS: Final = 12 * 3600


def same(one: bytes, other: bytes) -> bool:
    """In a time that tells nothing of either, not even how long it is."""
    return hmac.compare_digest(hashlib.sha256(one).digest(), hashlib.sha256(other).digest())


class Signer:
    """Signs short texts with a key that this process made, and that ends with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, purpose: str, text: str) -> str:
        """The signature in hex; another one for each purpose."""
        mac = hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256)
        return mac.hexdigest()

    def holds(self, purpose: str, text: str, signature: str) -> bool:
        """Whether it is that of this text."""
        return same(self.sign(purpose, text).encode(), signature.encode(errors="replace"))


class Sessions:
    """Cookies of those who have given the token; they end with the process, or after a time."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._ended: dict[str, float] = {}

    def begin(self) -> str:
        """A cookie's value."""
        text = f"{secrets.token_urlsafe(18)}.{int(time.time()) + SESSION_SECONDS}"
        return f"{text}.{self._signer.sign('session', text)}"

    def known(self, cookie: str) -> bool:
        """Whether it is one of ours that has not ended."""
        text, _, signature = cookie.rpartition(".")
        if not cookie.isascii() or not self._signer.holds("session", text, signature):
            return False
        return text not in self._ended and time.time() < _until(text)

    def end(self, cookie: str) -> None:
        """Let it be of no more use."""
        if self.known(cookie):
            text = cookie.rpartition(".")[0]
            now = time.time()
            self._ended = {one: end for one, end in self._ended.items() if end > now}
            self._ended[text] = _until(text)


def _until(text: str) -> float:
    return float(text.rpartition(".")[2])
