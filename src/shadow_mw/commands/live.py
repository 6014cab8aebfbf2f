"""What the page of `serve` shows: the store is read from the side, figures by a process apart."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shadow_mw.commands.live_losses import Losses
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.watch import Watch
from shadow_mw.evaluate.worst.blind import blind, keep_said, said_of
from shadow_mw.evaluate.worst.classes import Scope
from shadow_mw.evaluate.worst.detail import harm_detail
from shadow_mw.evaluate.worst.listing import harm_page
from shadow_mw.exceptions import ShadowError
from shadow_mw.harms import Filter, Harm, Said
from shadow_mw.report.harm_json import blind_json, detail_json, page_json
from shadow_mw.report.html import page
from shadow_mw.results import Series
from shadow_mw.types import Json

logger = logging.getLogger("shadow_mw")

WORK: Final = (sys.executable, "-P", "-m", "shadow_mw.commands.live_work")
REST: Final = 9
"""Times as long as counting took: counts of a large store that is written to are that old."""
NOTHING: Final = Series("", "")
"""Of a store that has no data yet."""
KEPT: Final = 64
"""Parts of the store whose counts are kept."""

Counts = Mapping[Harm, int]
_Part = tuple[Series, str | None, int]
"""A series, a segment of it, and the number of what is known of its judges (`Lost`)."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """Pairs by class, and how long that holds."""

    version: int
    """Of the store: until it changes,"""
    until: float
    """and until this moment (monotonic, s) even where it does."""
    counts: Counts


class LivePage:
    """`serve.page.Page` over a store; any thread may ask.

    Three connections: a search through texts keeps no list waiting, and a label no search.
    """

    def __init__(self, path: Path, watch: Watch) -> None:
        self._path, self._watch = path, watch
        self._quick, self._slow, self._writing = (_Shared(path) for _ in range(3))
        self._counts, self._counting = OrderedDict[_Part, _Counted](), threading.Lock()
        self._at_work = threading.Lock()
        self._losses = Losses(path)
        self._work: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._ahead = threading.Thread(target=self._look_ahead, name="shadow_mw-ahead")
        self._ahead.start()

    def html(self) -> str:
        """The page without any data, all of its scripts in it."""
        return page({"live": True})

    def version(self) -> str:
        """Another one after every change of what is shown."""
        return f"{self._watch.version()}.{self._losses.number}"

    def series(self, experiment: str | None, candidate: str | None) -> Series:
        """The series that is meant, by default the one with the newest data, or `NOTHING`.

        Raises:
            DataError: there is none of that name.
        """
        with self._quick.held() as store:
            found, _ = choose(store, experiment, candidate)
        return found or NOTHING

    def rows(self, series: Series, wanted: Filter) -> Json:
        """Some rows of the list."""
        lost = self._losses.of(series)
        shared = self._slow if wanted.text or wanted.field is not None else self._quick
        with shared.held() as store:
            part = series, wanted.segment, lost.bring_to(store)
            with store.transaction(write=False):
                counts = self._counted(store, part)
                return page_json(harm_page(store, series, wanted, counts))

    def detail(self, pair: int) -> Json:
        """One pair; None where there is none."""
        with self._quick.held() as store, store.transaction(write=False):
            found = harm_detail(store, pair)
        return None if found is None else detail_json(found)

    def blind(self, pair: int, primary_first: bool) -> Json:
        """One pair without names; None where there is none that can be compared."""
        with self._quick.held() as store, store.transaction(write=False):
            found = blind(store, pair, primary_first=primary_first)
        return None if found is None else blind_json(found)

    def said(self, pair: int, person: str) -> Said:
        """What somebody has said of a pair."""
        with self._quick.held() as store:
            return said_of(store, pair, person)

    def say(self, pair: int, person: str, said: Said) -> int | None:
        """Keep what somebody says; how many people have said something, None without the pair."""
        with self._writing.held() as store:
            return keep_said(store, pair, person, said)

    def report(self, series: Series) -> bytes:
        """All but pairs, as a JSON object; a process of its own, which others go before.

        Raises:
            ShadowError: it failed.
        """
        asked = series.experiment, series.candidate
        if self._closed:
            raise ShadowError("the service ends")
        self._work = subprocess.Popen(
            [*WORK, str(self._path), *(() if series == NOTHING else asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        body, said = self._work.communicate()
        if self._work.returncode:
            lines = said.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise ShadowError(f"figures: {lines[-1]}")
        return body

    def close(self) -> None:
        """End what is under way, and close the store."""
        self._closed = True
        if self._work is not None and self._work.poll() is None:
            self._work.kill()
        self._losses.close()
        self._ahead.join()
        for shared in (self._quick, self._slow, self._writing):
            shared.close()

    def _counted(self, store: Store, part: _Part) -> Counts:
        """Pairs by class; of a store that is written to all the time, those of a moment ago."""
        version = self._watch.version()
        if known := self._known(version, part):
            return known.counts
        # Whoever asks for what is being counted waits for it, and counts nothing anew.
        with self._at_work:
            if known := self._known(version, part):
                return known.counts
            series, segment, losses = part
            scope, plain = Scope(store, series, segment), (series, segment, 0)
            found = self._known(version, plain)
            if found is None:
                started = time.monotonic()
                counts = scope.plain()
                until = time.monotonic() + REST * (time.monotonic() - started)
                found = self._keep(plain, _Counted(version, until, counts))
            if losses:
                found = self._keep(part, replace(found, counts=scope.with_lost(found.counts)))
        return found.counts

    def _known(self, version: int, part: _Part) -> _Counted | None:
        with self._counting:
            known = self._counts.get(part)
        fresh = known and (known.version == version or time.monotonic() < known.until)
        return known if fresh else None

    def _keep(self, part: _Part, counted: _Counted) -> _Counted:
        with self._counting:
            self._counts[part] = counted
            while len(self._counts) > KEPT:
                self._counts.popitem(last=False)
        return counted

    def _look_ahead(self) -> None:
        """Find what the first list will want, which of a large store takes longer than a list.

        At first without what judges say, which may take longest. Through a connection of its own,
        so that nobody waits for it.
        """
        try:
            with Store.open(self._path) as store:
                series, _ = choose(store, None, None)
                if series is None:
                    return
                for patience in (0.0, None):
                    lost = self._losses.of(series, patience)
                    part = series, None, lost.bring_to(store)
                    with store.transaction(write=False):
                        self._counted(store, part)
                lost.forget(store)
        except (sqlite3.Error, ShadowError, RuntimeError) as error:
            # Closed meanwhile, or a fault that a list will find by itself, and say to who asks.
            logger.debug("nothing was looked up ahead: %s", error)


class _Shared:
    """A connection that one thread has at a time."""

    def __init__(self, path: Path) -> None:
        self._store, self._lock = Store.open(path), threading.Lock()

    @contextmanager
    def held(self) -> Iterator[Store]:
        with self._lock:
            yield self._store

    def close(self) -> None:
        with self._lock:
            self._store.close()
