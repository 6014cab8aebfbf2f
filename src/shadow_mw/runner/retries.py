"""An SDK's retries are attempts of one call: only the last one is mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from shadow_mw.runner.tail import Position
from shadow_mw.types import Exchange

RETRIED_STATUS = (408, 409, 429)
CANCELLED = ("CancelledError", "GeneratorExit", "KeyboardInterrupt")
MOST_HELD = 1000
MOST_HELD_BYTES = 32 * 2**20
"""Beyond these, a failed attempt is mirrored without waiting for the next one."""


@dataclass(frozen=True, slots=True)
class Item:
    """An exchange of the journal, on its way to the candidates."""

    position: Position
    exchange: Exchange
    process: str


@dataclass(slots=True)
class _Held:
    item: Item
    until: float


class Retries:
    """Holds a failed attempt until the SDK tries again, or long enough that it will not."""

    def __init__(self, hold: float) -> None:
        self._hold = hold
        self._held: dict[tuple[str, bytes], _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held_bytes(self) -> int:
        """Bytes of the requests that are held."""
        return sum(len(held.item.exchange.request) for held in self._held.values())

    def offer(self, item: Item, now: float) -> tuple[Item | None, Item | None]:
        """One more exchange.

        Returns:
            The earlier attempt that this one replaces, and the exchange if it is to be mirrored
            now; either may be None.
        """
        key = _key(item)
        earlier = self._held.pop(self._attempt_before(key, item), None)
        superseded = earlier.item if earlier else None
        room = len(self._held) < MOST_HELD and self.held_bytes < MOST_HELD_BYTES
        if self._hold > 0 and room and may_be_retried(item.exchange):
            self._held[key] = _Held(item, now + self._hold)
            return superseded, None
        return superseded, item

    def _attempt_before(self, key: tuple[str, bytes], item: Item) -> tuple[str, bytes]:
        """Where the SDK says that it tries again, its attempts may not even share a trace."""
        if key in self._held or not item.exchange.retry:
            return key
        return next((held for held in self._held if held[1] == key[1]), key)

    def due(self, now: float) -> Iterator[Item]:
        """Failed attempts that nobody tried again."""
        for key in [key for key, held in self._held.items() if held.until <= now]:
            yield self._held.pop(key).item


def may_be_retried(exchange: Exchange) -> bool:
    """Whether SDKs try again after such an end."""
    if exchange.error is not None:
        return exchange.status is None and exchange.error not in CANCELLED
    status = exchange.status or 0
    return status in RETRIED_STATUS or status >= 500


def _key(item: Item) -> tuple[str, bytes]:
    """The same body in the same trace; without a trace, in the same process."""
    scope = item.exchange.trace_id if item.exchange.traced else item.process
    return scope, blake2b(item.exchange.request, digest_size=16).digest()
