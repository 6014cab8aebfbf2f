"""Numbers of sessions and keys: those that a table by hand gives, whatever the blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.decide.units import clustered
from shadow_mw.evaluate import pair_columns

SESSIONS = st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=60)


def by_hand(sessions):
    known = {}
    return [-1 if s is None else known.setdefault(s, len(known)) for s in sessions]


@given(SESSIONS, st.integers(2, 70))
def test_numbers_are_given_in_the_order_of_appearance(sessions, block):
    before = pair_columns.BLOCK
    pair_columns.BLOCK = block
    try:
        hashes = np.array([hash(None if s is None else f"s{s}") for s in sessions], np.int64)
        assert pair_columns._numbered(hashes).tolist() == by_hand(sessions)
    finally:
        pair_columns.BLOCK = before


@given(SESSIONS, st.integers(0, 60))
def test_clusters_of_a_part_are_numbered_as_they_appear_in_it(sessions, start):
    numbers = np.array(by_hand(sessions), np.int32)[start:]
    found = clustered(numbers)
    known, named = {}, {}
    for place, number in enumerate(numbers.tolist()):
        name = (place,) if number < 0 else number
        named[place] = known.setdefault(name, len(known))
    assert found.count == len(known)
    if found.codes is None:
        assert len(known) == len(numbers)
    else:
        assert found.codes.tolist() == list(named.values())
    assert found.sums(np.ones(len(numbers))).sum() == len(numbers)
