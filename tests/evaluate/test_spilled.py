"""Columns that lie in files: the same verdict, less memory, and no harm where the disk is full."""

import mmap
import os
from dataclasses import fields

import numpy as np
import pytest
from evaluate.spans import START, leg, store_of

from shadow_mw import spilled
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.registered import plan_name
from shadow_mw.decide.verdict import decide
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.series import all_series
from shadow_mw.evaluate.store import Store

TRUTH = {"total": "9.00", "vendor_tax_id": None}
SECOND = 10**9


def pair(n):
    """Times go back and forth, sessions have three pairs, every fourth pair has none."""
    more = {"shadow__session": f"s{n // 3}"} if n % 4 else {}
    both = {"shadow__key": "invoice", "start": START + (n * 7 % 60) * SECOND, **more}
    output = TRUTH | {"vendor_tax_id": "DE 1"} if n % 9 == 0 else TRUTH
    return [leg("primary", f"p{n}", TRUTH, **both), leg("candidate", f"p{n}", output, **both)]


@pytest.fixture
def store(tmp_path):
    spans = (one for n in range(60) for one in pair(n))
    path = store_of(tmp_path / "shadow.db", *spans, labels=[("invoice", TRUTH)])
    with Store.open(path) as opened:
        yield opened


def found(store):
    (series,) = all_series(store)
    evidence = gather(store, series)
    return evidence, decide(ARTICLES, evidence, plan_name(ARTICLES, None, None, None, "c"))


def of_files(evidence):
    arrays = [getattr(evidence.pairs, column.name) for column in fields(evidence.pairs)]
    return sum(isinstance(base_of(array), spilled.Spilled) for array in arrays)


def base_of(array):
    while getattr(array, "base", None) is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="nothing is put into files here")
def test_columns_in_files_give_the_same_verdict(store, monkeypatch):
    in_memory, verdict = found(store)
    assert of_files(in_memory) == 0
    monkeypatch.setattr(spilled, "MANY", 1)
    in_files, again = found(store)
    assert of_files(in_files) > 3
    assert again == verdict
    assert in_files.data_hash == in_memory.data_hash
    for column in fields(in_memory.pairs):
        ours, theirs = (getattr(e.pairs, column.name) for e in (in_memory, in_files))
        np.testing.assert_array_equal(ours, theirs)


def test_a_full_disk_leaves_them_in_memory(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spilled, "MANY", 1)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    evidence, _ = found(store)
    assert of_files(evidence) == 0
    assert len(evidence.pairs) == 60


def test_what_was_let_go_is_there_when_it_is_read():
    array = np.frombuffer(spilled.room(3 * spilled.MANY), np.int64)
    array[:] = np.arange(len(array))
    spilled.let_go([array[1:], np.zeros(3)])
    array[5] = -1
    spilled.let_go([array])
    assert array[:7].tolist() == [0, 1, 2, 3, 4, -1, 6]
    assert array[-1] == len(array) - 1


def test_few_bytes_are_memory():
    room = spilled.room(0)
    assert isinstance(room, mmap.mmap)
    assert not isinstance(room, spilled.Spilled)
