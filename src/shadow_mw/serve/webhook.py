"""Messages go out to a webhook, one after another, until it accepts them; nobody waits for that."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Protocol

import httpx2

from shadow_mw.alarms import Message
from shadow_mw.exceptions import StoreError
from shadow_mw.version import __version__
from shadow_mw.wire.retry_after import seconds

logger = logging.getLogger("shadow_mw")

TIMEOUT: Final = 10.0
DEADLINE: Final = 30.0
"""Seconds for an answer as a whole: also one that comes drop by drop ends."""
SHOWN: Final = 300
"""Bytes of an answer that anybody sees."""
FIRST_REST: Final = 2.0
LONGEST_REST: Final = 3600.0
LONGEST_OBEYED: Final = 86_400.0
"""Of what a server's Retry-After asks for; after that a message is dropped anyway."""
INTERVAL: Final = 1.0
FAULT_REST: Final = 10.0
ABOUT_THIS_ONE: Final = frozenset({400, 413, 422})
"""It is the message that is not taken: those behind it need not wait."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said."""

    status: int | None
    """None where there was no answer."""
    text: str
    """Its beginning, or why there was none."""
    retry_after: float | None = None
    """Seconds."""

    @property
    def accepted(self) -> bool:
        """Nothing more is to be done."""
        return self.status is not None and 200 <= self.status < 300


class Webhook:
    """One endpoint. Its URL is a secret, and in no message or log line."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx2.Client(
            timeout=TIMEOUT,
            headers={"content-type": "application/json", "user-agent": f"shadow-mw/{__version__}"},
        )

    def post(self, body: str, name: str = "") -> Answer:
        """Send one message.

        Args:
            body: JSON.
            name: the same whenever the same message is sent again.
        """
        headers = {"idempotency-key": name.encode("ascii", "backslashreplace").decode()}
        end = time.monotonic() + DEADLINE
        try:
            with self._http.stream(
                "POST", self._url, content=body.encode(), headers=headers if name else {}
            ) as response:
                shown = b""
                for chunk in response.iter_bytes():
                    shown += chunk
                    if len(shown) >= SHOWN or time.monotonic() > end:
                        break
                after = seconds(response.headers.get("retry-after"))
                return Answer(response.status_code, _line(shown), after)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Answer(None, type(error).__name__)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class Outbox(Protocol):
    """Where messages wait."""

    def claim(self) -> Message | None:
        """One that may be sent now, and that nobody else sends meanwhile."""

    def sent(self, message: Message) -> None:
        """It was accepted."""

    def failed(self, message: Message, rest: float, *, others: bool) -> None:
        """It was not; the others wait too where it is not about this one."""


def deliver(outbox: Outbox, hook: Webhook) -> Answer | None:
    """Send the next message; None where none may be sent now."""
    message = outbox.claim()
    if message is None:
        return None
    answer = hook.post(message.body, message.name)
    if answer.accepted:
        outbox.sent(message)
    else:
        others = answer.status not in ABOUT_THIS_ONE
        outbox.failed(message, _rest(answer, message.failures), others=others)
    return answer


def deliver_until(stop: threading.Event, outbox: Outbox, hook: Webhook) -> None:
    """Send whatever waits, until told to stop; what goes wrong is said once."""
    fault = ""
    with closing(hook):
        while not stop.is_set():
            try:
                answer = deliver(outbox, hook)
            except (sqlite3.Error, StoreError) as error:
                logger.warning("messages to the webhook wait: %s", error)
                stop.wait(FAULT_REST)
                continue
            if answer is not None:
                fault = _tell_once(answer, fault)
            if answer is None or not answer.accepted:
                stop.wait(INTERVAL)


def _tell_once(answer: Answer, before: str) -> str:
    if answer.accepted:
        return ""
    fault = f"status {answer.status}" if answer.status else answer.text
    if fault != before:
        logger.warning("webhook: %s; it is tried again for a day", fault)
    return fault


def _rest(answer: Answer, failures: int) -> float:
    """Twice as long each time, not in step with others; a server that names a time gets it."""
    if answer.retry_after is not None:
        return min(max(answer.retry_after, INTERVAL), LONGEST_OBEYED)
    longest = min(FIRST_REST * 2.0 ** min(failures, 20), LONGEST_REST)
    return longest * random.uniform(0.5, 1.0)


def _line(data: bytes) -> str:
    text = data[:SHOWN].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
