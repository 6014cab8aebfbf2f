from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from shadow_mw.capture.spool import Spool
from shadow_mw.exceptions import StoreError
from shadow_mw.frames import counters_frame
from shadow_mw.runner.__main__ import _needed_again, start_inline, take_lock
from shadow_mw.settings import Settings


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


def test_a_store_that_is_refused_leaves_the_lock_free(tmp_path: Path):
    store = tmp_path / "shadow.db"
    store.write_bytes(b"something else" * 100)
    settings = Settings(
        candidate_url="http://127.0.0.1:9/v1",
        candidate_model="m",
        store=store,
        state_dir=tmp_path / "state",
    )
    with pytest.raises(StoreError):
        start_inline(settings)

    lock = take_lock(settings.directory)
    assert lock is not None, "once the store is mended it can start"
    os.close(lock)
