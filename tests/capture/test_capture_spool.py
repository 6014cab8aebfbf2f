from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from pathlib import Path

from support.waiting import WAIT

from shadow_mw.capture import spool as spool_module
from shadow_mw.capture.spool import Spool
from shadow_mw.frames import counters_frame
from shadow_mw.runner.tail import Tail
from shadow_mw.types import Reason

FRAME = counters_frame("p", {"captured": 1})


def read(directory: Path) -> int:
    tail = Tail(directory, lambda _: set())
    found = list(tail.read())
    tail.close()
    assert all(item.frame for item in found)
    return len(found)


def test_frames_come_out_as_they_went_in_and_only_their_owner_reads_them(tmp_path: Path):
    spool = Spool(tmp_path / "s", 10**6)

    for _ in range(3):
        assert spool.append(FRAME) is None

    segment = next((tmp_path / "s").glob("*.seg"))
    assert read(tmp_path / "s") == 3
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(segment.parent.stat().st_mode) == 0o700


def test_a_full_segment_is_followed_by_another(tmp_path: Path):
    spool = Spool(tmp_path, 10**6, segment_bytes=100)

    for _ in range(5):
        spool.append(FRAME)

    assert len(list(tmp_path.glob("*.seg"))) == 3
    assert read(tmp_path) == 5


def test_what_the_runner_has_not_consumed_is_bounded(tmp_path: Path):
    spool = Spool(tmp_path, 300, segment_bytes=100)
    answers = [spool.append(FRAME) for _ in range(10)]

    assert answers[0] is None
    assert answers[-1] is Reason.QUEUE_FULL
    assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) <= 300


def test_there_is_room_again_once_segments_are_gone(tmp_path: Path, monkeypatch):
    spool = Spool(tmp_path, 300, segment_bytes=100)
    while spool.append(FRAME) is None:
        pass

    for path in tmp_path.glob("*.seg"):
        path.unlink()
    monkeypatch.setattr(spool, "_pruned", 0.0)

    assert spool.append(FRAME) is None


def test_a_short_write_leaves_no_torn_frame(tmp_path: Path, monkeypatch):
    spool = Spool(tmp_path, 10**6)
    spool.append(FRAME)

    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, parts: real(fd, [parts[0][:5]]))
    assert spool.append(FRAME) is Reason.SPOOL_ERROR
    monkeypatch.setattr(os, "writev", real)

    assert spool.append(FRAME) is None
    assert read(tmp_path) == 2


def test_a_full_disk_drops_and_goes_on_later(tmp_path: Path, monkeypatch):
    spool = Spool(tmp_path, 10**6)
    spool.append(FRAME)

    def full(fd: int, parts: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        assert spool.append(FRAME) is Reason.SPOOL_ERROR

    assert spool.append(FRAME) is None
    assert read(tmp_path) == 2


def test_a_real_full_file_system(tmp_path: Path):
    spool = Spool(Path("/dev/full/none"), 10**6)

    assert spool.append(FRAME) is Reason.SPOOL_ERROR


def test_a_slow_write_is_told(tmp_path: Path, monkeypatch):
    told = []
    spool = Spool(tmp_path, 10**6, lambda: told.append(1))
    monkeypatch.setattr(spool_module, "SLOW_WRITE", 0.0)

    spool.append(FRAME)

    assert told == [1]


def test_a_forked_child_writes_to_a_segment_of_its_own(tmp_path: Path):
    spool = Spool(tmp_path, 10**6)
    spool.append(FRAME)

    def child() -> None:
        spool.abandon()
        os._exit(0 if Spool(tmp_path, 10**6).append(FRAME) is None else 1)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(WAIT)

    assert process.exitcode == 0
    assert len(list(tmp_path.glob("*.seg"))) == 2
    assert read(tmp_path) == 2


def test_a_segment_is_complete_once_its_writer_is_gone(tmp_path: Path):
    spool = Spool(tmp_path, 10**6)
    spool.append(FRAME)
    tail = Tail(tmp_path, lambda _: set())
    first = [found.position for found in tail.read()]
    assert tail.finished(first) == []

    spool.close()
    list(tail.read())

    assert len(tail.finished([])) == 1
    assert list(tmp_path.glob("*.seg")) == []
