from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw.frames import ProcessCounts
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
        self.told: list[tuple[str, str, dict[str, int]]] = []
        self.done: list[Position] = []
        self.progress = Progress(directory)
        self.outbox = Outbox(exporter, self.tell, self.progress, "runner:x", self.done.extend)

    def tell(self, candidate: str, source: str, counts: dict[str, int]) -> bool:
        self.told.append((candidate, source, dict(counts)))
        return True

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
    assert len(desk.outbox) == 1


def test_done_frames_and_outcomes_are_kept_and_told_as_absolute_counters(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())

    assert run(desk, parcel(1), parcel(2)) is True

    again = Progress(tmp_path)
    assert again.done("s") == {1, 2}
    again.close()
    assert desk.done == [Position("s", 1), Position("s", 2)]
    assert desk.told[-1] == ("c", "runner:x", {"mirrored": 2})


def test_batches_are_bounded(tmp_path: Path):
    exporter = Exporter()
    desk = Desk(tmp_path, exporter)

    run(desk, *(parcel(n) for n in range(100)))

    assert sum(map(len, exporter.batches)) == 200
    assert max(map(len, exporter.batches)) <= 64


def test_an_old_counter_does_not_replace_a_newer_one(tmp_path: Path):
    desk = Desk(tmp_path, Exporter())
    desk.outbox.count_process(ProcessCounts("p", {"captured": 5, "off": 1}))
    desk.outbox.count_process(ProcessCounts("p", {"captured": 4}))

    run(desk)

    assert desk.told == [("", "p", {"captured": 5, "off": 1})]


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
