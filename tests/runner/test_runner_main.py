from __future__ import annotations

import fcntl
import os
from pathlib import Path

from shadow_mw.capture.spool import Spool
from shadow_mw.frames import counters_frame
from shadow_mw.runner.__main__ import _needed_again, take_lock


def test_a_runner_that_goes_looks_once_more(tmp_path: Path):
    lock = take_lock(tmp_path)
    assert lock is not None

    assert not _needed_again(tmp_path, lock)

    Spool(tmp_path, 10**6).append(counters_frame("p", {"captured": 1}))
    assert _needed_again(tmp_path, lock)
    assert take_lock(tmp_path) is None, "it has the lock again"
    os.close(lock)


def test_it_goes_where_another_runner_has_come_meanwhile(tmp_path: Path):
    lock = take_lock(tmp_path)
    assert lock is not None
    Spool(tmp_path, 10**6).append(counters_frame("p", {"captured": 1}))
    fcntl.flock(lock, fcntl.LOCK_UN)
    other = take_lock(tmp_path)
    assert other is not None

    assert not _needed_again(tmp_path, lock)

    os.close(lock)
    os.close(other)
