from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.capture.spool import Spool
from shadow_mw.frames import FrameError, Incomplete, Kind, counters_frame, read_frame
from shadow_mw.runner.tail import Tail


def frame(n: int) -> list[bytes]:
    return counters_frame("p", {"captured": n})


def spool_of(directory: Path, count: int) -> Spool:
    spool = Spool(directory, 10**6)
    for n in range(count):
        spool.append(frame(n))
    return spool


def reader(data: bytes):
    return lambda size, offset: data[offset : offset + size]


def test_new_frames_are_found_once(tmp_path: Path):
    spool = spool_of(tmp_path, 2)
    tail = Tail(tmp_path, lambda _: set())

    assert len(list(tail.read())) == 2
    spool.append(frame(3))
    assert len(list(tail.read())) == 1
    assert len(list(tail.read())) == 0


def test_a_reader_that_stops_in_between_loses_and_repeats_nothing(tmp_path: Path):
    spool_of(tmp_path, 5)
    tail = Tail(tmp_path, lambda _: set())

    seen = []
    while len(seen) < 5:
        seen.append(next(iter(tail.read())).position.offset)

    assert len(set(seen)) == 5
    assert list(tail.read()) == []


def test_what_an_earlier_runner_finished_is_not_found_again(tmp_path: Path):
    spool_of(tmp_path, 3)
    first = [found.position for found in Tail(tmp_path, lambda _: set()).read()]

    again = Tail(tmp_path, lambda _: {first[1].offset})

    assert [found.position for found in again.read()] == [first[0], first[2]]


def test_a_segment_stays_until_all_of_it_is_accounted_for(tmp_path: Path):
    spool = spool_of(tmp_path, 2)
    spool.close()
    tail = Tail(tmp_path, lambda _: set())
    one, two = [found.position for found in tail.read()]

    assert tail.finished([one]) == []
    assert tail.finished([two]) == [one.segment]
    assert tail.empty
    assert list(tmp_path.glob("*.seg")) == []


@pytest.mark.parametrize("cut", [3, 20])
def test_a_torn_last_frame_is_found_as_such_once_the_writer_is_gone(tmp_path: Path, cut: int):
    spool = spool_of(tmp_path, 2)
    path = next(tmp_path.glob("*.seg"))
    os.truncate(path, path.stat().st_size - cut)
    tail = Tail(tmp_path, lambda _: set())

    assert [found.frame is None for found in tail.read()] == [False]
    spool.close()
    assert [found.frame is None for found in tail.read()] == [True]
    assert list(tail.read()) == []


def test_damaged_bytes_are_counted_once_and_what_follows_is_found(tmp_path: Path):
    spool = spool_of(tmp_path, 3)
    path = next(tmp_path.glob("*.seg"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    tail = Tail(tmp_path, lambda _: set())

    found = list(tail.read())
    spool.append(frame(4))
    found += tail.read()
    spool.close()
    found += tail.read()

    assert [item.frame is None for item in found] == [False, True, False, False]
    assert tail.finished([item.position for item in found]) == [path.name]


def test_leftovers_of_many_processes_need_few_descriptors(tmp_path: Path):
    for _ in range(50):
        spool_of(tmp_path, 1).close()
    before = len(os.listdir("/proc/self/fd"))
    tail = Tail(tmp_path, lambda _: set())

    assert len(list(tail.read())) == 50
    assert len(os.listdir("/proc/self/fd")) <= before


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_none_or_an_error(data: bytes):
    try:
        found = read_frame(reader(data), 0)
    except FrameError:
        return
    assert found is None


@given(st.integers(0, 10**6), st.data())
def test_a_changed_or_cut_frame_is_never_taken_for_one(version: int, draw: st.DataObject):
    whole = b"".join(frame(version))
    at = draw.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    with pytest.raises(FrameError):
        read_frame(reader(changed), 0)
    if at:
        with pytest.raises(Incomplete):
            read_frame(reader(whole[:at]), 0)
    found = read_frame(reader(whole), 0)
    assert found is not None
    assert (found.kind, found.end) == (Kind.COUNTERS, len(whole))
