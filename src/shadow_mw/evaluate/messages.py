"""Messages about alarms, from when they are to be told until they were, or nobody wants them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from shadow_mw.alarms import Message, Told
from shadow_mw.evaluate.store import Store

logger = logging.getLogger("shadow_mw")

SECOND: Final = 10**9
LEASE_NS: Final = 120 * SECOND
"""Whoever took a message to send it and is heard of no more after this is gone."""
KEPT_NS: Final = 86_400 * SECOND
"""Older messages are dropped: they would be no news."""
MOST: Final = 10
"""Messages in `SPAN_NS`; more wait."""
SPAN_NS: Final = 600 * SECOND


class Messages:
    """The table `messages` of one open store."""

    def __init__(self, store: Store, clock: Callable[[], int] = time.time_ns) -> None:
        self._store = store
        self._clock = clock

    def claim(self) -> Message | None:
        """The next message that may be sent now; nobody else gets it for `LEASE_NS`."""
        now = self._clock()
        due = "state = 'waiting' AND not_before_ns <= ?"
        if not self._store.query(f"SELECT 1 FROM messages WHERE {due} LIMIT 1", (now,)):
            return None
        with self._store.transaction():
            self._drop(now)
            (busy,) = self._store.one(
                "SELECT count(*) FROM messages WHERE sent_ns > ?", (now - SPAN_NS,)
            )
            rows = self._store.query(
                f"SELECT id, name, body, failures FROM messages WHERE {due} ORDER BY id LIMIT 1",
                (now,),
            )
            if not rows or busy >= MOST:
                return None
            message = Message(*rows[0])
            self._store.write(
                "UPDATE messages SET not_before_ns = ? WHERE id = ?",
                [(now + LEASE_NS, message.row)],
            )
        return message

    def _drop(self, now: int) -> None:
        old = f"state = 'waiting' AND not_before_ns <= {now} AND made_ns < {now - KEPT_NS}"
        for (name,) in self._store.query(f"SELECT name FROM messages WHERE {old}"):
            logger.warning("webhook: given up after a day, nobody was told: %s", name)
        self._store.query(f"UPDATE messages SET state = 'dropped' WHERE {old}")

    def sent(self, message: Message) -> None:
        """It was accepted."""
        self._store.write(
            "UPDATE messages SET state = 'sent', sent_ns = ? WHERE id = ?",
            [(self._clock(), message.row)],
        )

    def failed(self, message: Message, rest: float, *, others: bool) -> None:
        """Try it again later.

        Args:
            message: which one.
            rest: seconds.
            others: whether those behind it have to wait as well: it is not about this one.
        """
        until = self._clock() + int(rest * SECOND)
        with self._store.transaction():
            self._store.write(
                "UPDATE messages SET failures = failures + 1, not_before_ns = ? WHERE id = ?",
                [(until, message.row)],
            )
            if others:
                self._store.write(
                    "UPDATE messages SET not_before_ns = max(not_before_ns, ?)"
                    " WHERE state = 'waiting'",
                    [(until,)],
                )

    def told(self) -> Told:
        """How many there are by what became of them."""
        rows = self._store.query(
            "SELECT state, count(*), total(failures) FROM messages GROUP BY state"
        )
        counts = {state: n for state, n, _ in rows}
        return Told(
            counts.get("sent", 0),
            int(sum(failures for *_, failures in rows)),
            counts.get("dropped", 0),
            counts.get("waiting", 0),
        )
