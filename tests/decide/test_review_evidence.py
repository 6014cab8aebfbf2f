"""Evidence is of its window alone, and the same whenever it is asked for."""

import sqlite3
from contextlib import closing

from evaluate.spans import both, leg, store_of

from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.results import Series

SECOND = 10**9
SERIES = Series("e", "c")


def evidence(path, **bounds):
    with Store.open(path) as store:
        return gather(store, SERIES, **bounds)


def change(path, sql, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def test_a_leg_is_missing_by_the_clock_of_the_store(tmp_path):
    path = store_of(tmp_path / "s.db", leg("primary", "alone", "yes"), *both("p1"))
    change(path, "UPDATE observations SET received_ns = 1000 * 1000000000")
    # Hours ago by any clock; but nothing has come since.
    assert evidence(path).lost == {}
    newest = "(SELECT max(id) FROM observations)"
    change(path, f"UPDATE observations SET received_ns = 1901 * 1000000000 WHERE id = {newest}")
    assert evidence(path).lost == {"candidate_leg_missing": 1}
