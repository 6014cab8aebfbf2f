"""What is reported besides spans: absolute figures by source, repeated until they are taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shadow_mw.frames import ProcessCounts
from shadow_mw.runner.progress import Progress

logger = logging.getLogger("shadow_mw.runner")

BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one source says; telling it twice, or late, changes nothing."""

    candidate: str
    """Its id; empty where the figures are of no single candidate."""
    source: str
    counts: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)


Counts = dict[str, dict[str, int]]
"""Absolute counters, by process."""
Tell = Callable[[Sequence[Figures]], bool]
"""Says whether they were taken."""


class Retry:
    """When to try again: later and later."""

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    @property
    def due(self) -> bool:
        """Whether the wait is over."""
        return time.monotonic() >= self._not_before

    def failed(self, what: str) -> None:
        """Wait before the next try; the first of several failures is said."""
        if not self._failures:
            logger.warning("%s failed; it is tried again until it is taken, nothing is lost", what)
        self._not_before = time.monotonic() + BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        self._failures += 1

    def succeeded(self) -> None:
        """Try at once next time."""
        self._failures, self._not_before = 0, 0.0


class Reporter:
    """The figures that are still to be told; counters are kept on disk until they are taken.

    Everything but `tell` is for the event loop; `tell` blocks.
    """

    def __init__(self, tell: Tell, progress: Progress) -> None:
        self._tell = tell
        self._progress = progress
        self._counts = progress.processes()
        self._changed = progress.untold()
        self._unkept: set[str] = set()
        self._gauges: dict[tuple[str, str], dict[str, float]] = {}
        self._gauges_due: set[tuple[str, str]] = set()
        self._outcomes_due = True
        self.source = f"runner:{progress.identity}"

    def __len__(self) -> int:
        return len(self._changed) + self._outcomes_due

    @property
    def due(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._changed or self._gauges_due or self._outcomes_due)

    def count_process(self, counters: ProcessCounts) -> None:
        """An app process says how many calls it has seen, and refused."""
        known = self._counts.setdefault(counters.process, {})
        newer = {name: n for name, n in counters.counts.items() if n > known.get(name, -1)}
        if newer:
            known.update(newer)
            self._changed.add(counters.process)
            self._unkept.add(counters.process)

    def outcomes_changed(self) -> None:
        """The runner's own counters have moved."""
        self._outcomes_due = True

    def gauge(self, candidate: str, source: str, values: Mapping[str, float]) -> None:
        """Values as they are now."""
        key = candidate, source
        if self._gauges.get(key) != values:
            self._gauges[key] = dict(values)
            self._gauges_due.add(key)

    def unkept(self) -> Counts:
        """Counters of app processes that are to be on disk before their frames are done."""
        return {process: dict(self._counts[process]) for process in self._unkept}

    def kept(self, processes: Counts) -> None:
        """These are on disk."""
        self._unkept -= {p for p, counts in processes.items() if self._counts[p] == counts}

    def take(self) -> list[Figures]:
        """What is to be told now; `give_back` what was not taken."""
        processes = [Figures("", p, counts=dict(self._counts[p])) for p in self._changed]
        gauges = [Figures(*key, gauges=dict(self._gauges[key])) for key in self._gauges_due]
        outcomes = self._outcomes() if self._outcomes_due else []
        self._changed, self._gauges_due, self._outcomes_due = set(), set(), False
        return processes + gauges + outcomes

    def _outcomes(self) -> list[Figures]:
        table = self._progress.outcomes()
        return [Figures(candidate, self.source, counts=c) for candidate, c in table.items()]

    def give_back(self, figures: Sequence[Figures]) -> None:
        """They were not taken: the newest of each is told again."""
        for item in figures:
            if item.gauges:
                self._gauges_due.add((item.candidate, item.source))
            elif item.source == self.source:
                self._outcomes_due = True
            else:
                self._changed.add(item.source)

    def tell(self, figures: Sequence[Figures]) -> bool:
        """Tell, and remember on disk that it was taken."""
        if not self._tell(figures):
            return False
        self._progress.told({f.source: f.counts for f in figures if not (f.candidate or f.gauges)})
        return True
