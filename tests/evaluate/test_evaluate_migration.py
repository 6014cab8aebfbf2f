"""A store of version 1 goes on as one of version 2: migrated once, whole, by whoever opens it."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from evaluate.spans import PRICES, both, leg, store_of, summary

from shadow_mw.evaluate import tables
from shadow_mw.evaluate.pipeline import Evaluator, Store
from shadow_mw.evaluate.store.legs import COLUMNS
from shadow_mw.evaluate.store.unsent_scores import UnsentScores
from shadow_mw.evaluate.tables import migrations
from shadow_mw.exceptions import StoreError

SCRIPT = (Path(__file__).parent / "store_v1.sql").read_text()
SHARED = {
    "observations": ", ".join(("id", *COLUMNS)),
    "pairs": "id, series, primary_row, candidate_row, key, excluded, timed, exact_match,"
    " primary_json, candidate_json, scored, stale",
    "fields": 'pair, path, series, truth, "primary", candidate',
    **dict.fromkeys(("series", "payloads", "paths", "truth", "funnel"), "*"),
}


@pytest.fixture
def path(tmp_path):
    """What a version 1 wrote: two pairs, one of them scored, a leg without its other, counters."""
    source = store_of(
        tmp_path / "source.db",
        *both("p1", '{"a": 1}', '{"a": 2}', shadow__key="k"),
        *both("p2"),
        leg("primary", "p3"),
        labels=[("k", {"a": 1, "b": None})],
    )
    path = tmp_path / "shadow.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCRIPT)
    connection.execute("ATTACH ? AS source", (str(source),))
    for table, columns in SHARED.items():
        names = "" if columns == "*" else f"({columns})"
        connection.execute(f"INSERT INTO {table} {names} SELECT {columns} FROM source.{table}")
    connection.execute("INSERT INTO funnel VALUES ('e', 'c', 'runner:1', 'mirrored', 3)")
    connection.commit()
    connection.close()
    return path


def version(path):
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def shape(path):
    """Tables with their columns, and indexes; the order of columns is nobody's concern."""
    connection = sqlite3.connect(path)
    names = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
    found = {
        (kind, name): sorted(connection.execute(f"PRAGMA table_info({name})").fetchall(), key=str)
        for kind, name in names
    }
    connection.close()
    return {key: sorted(column[1:] for column in columns) for key, columns in found.items()}


def test_a_report_reads_a_store_of_version_1(path):
    found = summary(path)
    assert found.funnel.paired == 2
    assert found.funnel.scored == 1
    assert found.funnel.reasons == {"candidate_leg_missing": 1}
    assert found.metrics["hallucination_rate"].n == 1


def test_a_migrated_store_has_the_shape_of_a_new_one(path, tmp_path):
    Store.open(path).close()
    Store.open(tmp_path / "new.db", create=True).close()
    assert version(path) == tables.VERSION
    assert shape(path) == shape(tmp_path / "new.db")


def test_a_migrated_store_takes_more(path):
    evaluator = Evaluator.open(path, PRICES)
    evaluator.export([*both("p4"), leg("candidate", "p3")])
    evaluator.record_gauges("e", "c", "runner:1", {"spend_usd": 1.5})
    evaluator.shutdown()
    found = summary(path).funnel
    assert (found.paired, found.reasons) == (4, {})
    with Store.open(path) as store:
        assert [scores.pair_id for _, scores in UnsentScores(store).unpublished(9)] == [
            "p1",
            "p2",
            "p4",
            "p3",
        ]


def open_it(path):
    Store.open(path, create=True).close()


def test_of_many_processes_one_migrates(path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_it, args=(path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert summary(path).funnel.paired == 2


def test_a_migration_that_fails_leaves_version_1_as_it_was(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE gauges (somebody_elses TEXT)")
    connection.commit()
    before = shape(path)
    with pytest.raises(StoreError, match="gauges already exists"):
        Store.open(path)
    assert (version(path), shape(path)) == (1, before)
    connection.close()


def test_a_process_of_version_1_that_is_still_open_goes_on_writing(path):
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("SELECT count(*) FROM observations").fetchone()
    Store.open(path).close()
    old.execute(
        f"INSERT INTO observations ({', '.join(COLUMNS)})"
        f" SELECT {', '.join(COLUMNS)} FROM observations WHERE 0"
    )
    old.execute("INSERT INTO pairs (series, primary_row, candidate_row, timed) VALUES (1, 1, 5, 1)")
    assert old.execute("SELECT published FROM pairs WHERE candidate_row = 5").fetchone() == (0,)
    old.close()


def test_what_a_migrated_pair_adds_up_to_is_what_a_new_one_does(path, tmp_path):
    new = store_of(
        tmp_path / "new.db",
        *both("p1", '{"a": 1}', '{"a": 2, "b": 3}', shadow__key="k"),
        *both("p2", "{", "{}", shadow__key="k"),
        *both("p3"),
        labels=[("k", {"a": 1, "b": None, "c": None})],
    )
    wanted = "SELECT id, " + ", ".join(tables.DOCUMENT) + " FROM pairs ORDER BY id"
    with Store.open(new) as store:
        saved = store.query(wanted)
        store.write(
            f"UPDATE pairs SET ({', '.join(tables.DOCUMENT)}) = ({', '.join(['NULL'] * 10)})", [()]
        )
        for statement in filter(str.strip, migrations.DOCUMENTS.split(";\n")):
            store.write(statement, [()])
        assert store.query(wanted) == saved
    assert saved == [
        (1, 3, 2, 3, 1, 0, 1, 0, 0, 0, 0),
        (2, 3, 2, 0, 2, 0, 0, 3, 0, 0, 0),
        (3, *[None] * 10),
    ]
    with Store.open(path) as store:
        assert store.query(wanted)[0][1:5] == (2, 1, 2, 1)
