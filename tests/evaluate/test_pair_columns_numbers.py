"""Numbers of sessions and keys: those that a table by hand gives, whatever the blocks."""

from __future__ import annotations

import numpy as np
from evaluate.spans import START, both, store_of
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.decide.units import clustered
from shadow_mw.evaluate import pair_columns
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.tables import DOCUMENT

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


def test_counts_are_those_of_the_store_however_large_a_document_is(tmp_path):
    small, large = {"a": 1, "b": None}, {f"k{n}": n if n % 3 else None for n in range(4_100)}
    truths = {"small": small, "large": large, "none": None}
    spans = [
        one
        for n, (key, truth) in enumerate(list(truths.items()) * 2)
        for one in both(
            f"p{n}", truth or "text", dict(truth or {}) | {"b": 2}, shadow__key=key, start=START + n
        )
    ]
    labels = [("small", small), ("large", large)]
    with Store.open(store_of(tmp_path / "shadow.db", *spans, labels=labels)) as store:
        pairs, _, ids = pair_columns.pair_columns(store, ("e", "c"))
        for name in DOCUMENT:
            known = dict(store.query(f"SELECT id, coalesce({name}, 0) FROM pairs"))
            assert getattr(pairs, name).tolist() == [known[i] for i in ids.tolist()], name
    assert sorted(pairs.leaves.tolist()) == [0, 0, 2, 2, 4_100, 4_100]
