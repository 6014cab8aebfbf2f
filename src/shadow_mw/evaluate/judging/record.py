"""Where opinions are kept, so that an interrupted run asks nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shadow_mw.evaluate.judging.values import Opinion, Unanswered


class Record(Protocol):
    """What a run needs of a store."""

    def opinions(self, spec: str) -> Iterable[Opinion]:
        """What is on record of one judge (`Opinion.spec`)."""

    def add(self, opinion: Opinion) -> None:
        """Keep one more; it is on disk when this returns."""

    def unanswered(self, spec: str) -> Iterable[Unanswered]:
        """Questions of one judge that no answer has come to."""

    def leave(self, questions: Iterable[Unanswered]) -> None:
        """Keep that these have no answer, and why; an answer that comes later counts instead."""
