"""Who may look: a browser cannot send a bearer header, so the token is given once, for a cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from typing import Final

SESSION_SECONDS: Final = 12 * 3600
TRIES: Final = 10
"""Wrong tokens of one address within `TRY_SECONDS`; of all together, ten times as many."""
TRY_SECONDS: Final = 60.0
ADDRESSES: Final = 1_000
"""That are remembered; whoever has more of them meets the limit for all."""


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


class Attempts:
    """Counts wrong tokens; an address with too many has to wait, with the right one too."""

    def __init__(self, most: int = TRIES, seconds: float = TRY_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self, address: str) -> float:
        """Seconds until it may try again; 0 where it may now."""
        with self._lock:
            now = time.monotonic()
            of_one = self._left(self._failed.get(address, deque()), self._most, now)
            return max(of_one, self._left(self._all, 10 * self._most, now))

    def failed(self, address: str) -> None:
        """Another wrong one."""
        with self._lock:
            times = self._failed.setdefault(address, deque(maxlen=self._most))
            self._failed.move_to_end(address)
            while len(self._failed) > ADDRESSES:
                self._failed.popitem(last=False)
            for one in (times, self._all):
                one.append(time.monotonic())
            while len(self._all) > 10 * self._most:
                self._all.popleft()

    def _left(self, times: deque[float], most: int, now: float) -> float:
        recent = [one for one in times if now - one < self._seconds]
        return recent[-most] + self._seconds - now if len(recent) >= most else 0.0


def _until(text: str) -> float:
    return float(text.rpartition(".")[2])
