from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw.exceptions import ExportRefused
from shadow_mw.frames import ProcessCounts
from shadow_mw.runner.figures import Figures, Reporter
from shadow_mw.runner.outbox import Outbox, Parcel
from shadow_mw.runner.progress import Progress
from shadow_mw.runner.tail import Position

SPAN = object()
BAD = object()


class Exporter(SpanExporter):
    def __init__(self, *answers: SpanExportResult) -> None:
        self.answers = list(answers)
        self.batches: list[list[object]] = []

    def export(self, spans):
        self.batches.append(list(spans))
        return self.answers.pop(0) if self.answers else SpanExportResult.SUCCESS


class Desk:
    """An outbox with everything around it."""

    def __init__(self, directory: Path, exporter: Exporter) -> None:
        self.told: list[Figures] = []
        self.takes = True
        self.waiting: list[int] = []
        """What the outbox says is still to go, each time while it is telling."""
        self.done: list[Position] = []
        self.progress = Progress(directory)
        self.reporter = Reporter(self.tell, self.progress)
        self.outbox = Outbox(exporter, self.reporter, self.progress, self.done.extend)

    def tell(self, figures: Sequence[Figures]) -> bool:
        self.waiting.append(len(self.outbox))
        if self.takes:
            self.told += figures
        return self.takes

    def close(self) -> None:
        self.outbox.shutdown()
        self.progress.close()


def parcel(n: int) -> Parcel:
    return Parcel(Position("s", n), [SPAN, SPAN], Counter({("c", "mirrored"): 1}))


def run(desk: Desk, *parcels: Parcel) -> bool:
    async def work() -> bool:
        for item in parcels:
            desk.outbox.put(item)
        return await desk.outbox.flush()

    try:
        return asyncio.run(work())
    finally:
        desk.close()


def test_a_frame_is_done_only_once_its_spans_are_exported(tmp_path: Path):
    desk = Desk(tmp_path, Exporter(SpanExportResult.FAILURE))

    assert run(desk, parcel(1)) is False

    assert desk.done == []
    again = Progress(tmp_path)
    assert again.done("s") == set()
    assert again.outcomes() == {}
    again.close()
    assert len(desk.outbox) == 1, "the pair is kept"


def test_done_frames_and_outcomes_are_kept_and_told_as_absolute_counters(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())

    assert run(desk, parcel(1), parcel(2)) is True

    again = Progress(tmp_path)
    assert again.done("s") == {1, 2}
    again.close()
    assert desk.done == [Position("s", 1), Position("s", 2)]
    assert desk.told == [Figures("c", desk.reporter.source, {"mirrored": 2})]


def test_batches_are_bounded(tmp_path: Path):
    exporter = Exporter()
    desk = Desk(tmp_path, exporter)

    run(desk, *(parcel(n) for n in range(100)))

    assert sum(map(len, exporter.batches)) == 200
    assert max(map(len, exporter.batches)) <= 64


def test_an_old_counter_does_not_replace_a_newer_one(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())
    desk.reporter.count_process(ProcessCounts("p", {"captured": 5, "off": 1}))
    desk.reporter.count_process(ProcessCounts("p", {"captured": 4}))

    run(desk)

    assert desk.told == [Figures("", "p", {"captured": 5, "off": 1})]


def test_counters_are_told_until_they_are_taken_and_no_longer(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())
    desk.takes = False
    desk.reporter.count_process(ProcessCounts("p", {"captured": 5}))
    assert run(desk, parcel(1)) is False
    assert desk.done == [Position("s", 1)], "the pair is out all the same"

    desk = Desk(tmp_path, Exporter())
    assert len(desk.outbox) > 0
    assert run(desk) is True
    taken = {(f.candidate, f.source): f.counts for f in desk.told}
    assert taken == {("", "p"): {"captured": 5}, ("c", desk.reporter.source): {"mirrored": 1}}
    assert len(desk.outbox) == 0

    desk = Desk(tmp_path, Exporter())
    run(desk)
    assert [f.source for f in desk.told] == [desk.reporter.source], "p has been taken before"


def test_gauges_are_told_when_they_change(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())

    async def work() -> None:
        for spend in (1.0, 1.0, 2.0):
            desk.reporter.gauge("c", "s", {"spend_usd": spend})
            await desk.outbox.flush()

    asyncio.run(work())
    desk.close()

    assert [f.gauges["spend_usd"] for f in desk.told] == [1.0, 2.0]


def test_a_pair_that_a_collector_refuses_for_good_is_counted_and_stops_no_other(tmp_path: Path):
    class Refusing(Exporter):
        def export(self, spans):
            if BAD in spans:
                raise ExportRefused("too large")
            return super().export(spans)

    desk = Desk(tmp_path, Refusing())
    bad = Parcel(Position("s", 9), [BAD], Counter({("c", "mirrored"): 1, ("d", "off"): 1}))

    assert run(desk, parcel(1), bad, parcel(2)) is True

    again = Progress(tmp_path)
    assert again.outcomes() == {
        "c": {"mirrored": 2, "export_refused": 1},
        "d": {"off": 1},
    }
    assert again.done("s") == {1, 2, 9}
    again.close()


def test_a_pair_that_the_exporter_cannot_take_stops_no_other(tmp_path: Path):
    class Picky(Exporter):
        def export(self, spans):
            if BAD in spans:
                raise ValueError("cannot")
            return super().export(spans)

    desk = Desk(tmp_path, Picky())
    bad = Parcel(Position("s", 9), [BAD], Counter({("c", "mirrored"): 1}))

    assert run(desk, parcel(1), bad, parcel(2)) is True

    again = Progress(tmp_path)
    assert again.outcomes() == {"c": {"mirrored": 2, "internal_error": 1}}
    assert again.done("s") == {1, 2, 9}
    again.close()


def test_figures_that_are_being_told_are_not_yet_gone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Exporter())
    assert run(desk, parcel(0))
    assert desk.waiting
    assert all(desk.waiting)
    assert len(desk.outbox) == 0
    desk.close()
