"""What is in memory at once, and how much of it one lane may hold; the rest waits on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shadow_mw.runner.lane import Lane

MOST: Final = 256
"""Exchanges in memory."""
MOST_BYTES: Final = 64 * 2**20
"""Of their bodies, and of the answers that have come so far."""


class Room:
    """Counts what is in memory, and says when to read on and who sheds.

    Each of several lanes may hold as much that all others together still have room. Nobody reads on
    while every candidate has half of its share to do: so of candidates that are about as fast as
    one another none comes to its whole share. One that does is slower than the others, and sheds
    rather than hold them up.
    """

    def __init__(self, candidates: Sequence[Lane], repeat: Lane | None) -> None:
        self.exchanges = 0
        self._bytes = 0
        self._candidates, self._repeat = candidates, repeat
        self._several = len(candidates) > 1 or repeat is not None
        lanes = max(len(candidates) + (repeat is not None), 2)
        self._share, self._share_bytes = MOST // lanes, MOST_BYTES // lanes

    def take(self, size: int) -> None:
        """One exchange more, of so many bytes."""
        self.exchanges += 1
        self._bytes += size

    def grow(self, size: int) -> None:
        """An answer has come."""
        self._bytes += size

    def give_back(self, size: int) -> None:
        """One exchange less, with its answers."""
        self.exchanges -= 1
        self._bytes -= size

    def is_full(self, held: int) -> bool:
        """Whether nothing more is to be read now.

        Args:
            held: bytes that are in memory elsewhere.
        """
        if self.exchanges >= MOST or self._bytes + held >= MOST_BYTES:
            return True
        return self._several and not any(map(self._has_little, self._candidates))

    def sheds(self, lane: Lane) -> bool:
        """Whether one more exchange is too much for this lane.

        For the primary, asked again, also where half of the memory is taken: answers of candidates
        wait with it, and how long these are nobody knows before.
        """
        late = lane is self._repeat and self._bytes >= MOST_BYTES // 2
        return self._several and (late or self._holds(lane, 1))

    def _has_little(self, lane: Lane) -> bool:
        return not self._holds(lane, 2)

    def _holds(self, lane: Lane, part: int) -> bool:
        waiting, held = self._share // part, self._share_bytes // part
        return len(lane) >= waiting or lane.held_bytes >= held
