"""Evidence is of its window alone, and the same whenever it is asked for."""

import json
import sqlite3
from contextlib import closing

from click.testing import CliRunner
from evaluate.spans import START, both, leg, store_of

from shadow_mw import semconv
from shadow_mw.commands.verdict import verdict
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evidence import Bounds, PairedCount
from shadow_mw.results import Series

SECOND = 10**9
DAY = 86_400 * SECOND
SERIES = Series("e", "c")


def evidence(path, *bounds):
    """Of these bounds, or of everything."""
    with Store.open(path) as store:
        return gather(store, SERIES, (lambda _: Bounds(*bounds)) if bounds else None)


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


def test_pairs_without_a_time_are_lost_not_the_start_of_the_window(tmp_path):
    path = store_of(tmp_path / "s.db", *both("p1"), *both("p2", start=START + DAY))
    change(path, "UPDATE pairs SET time_ns = 0 WHERE id = (SELECT max(id) FROM pairs)")
    found = evidence(path)
    assert found.pairs.time_s.tolist() == [START / SECOND]
    assert (found.paired, found.lost) == (1, {"no_time": 1})


def test_counts_are_of_the_pairs_before_the_look(tmp_path):
    truth = {"tax_id": None}
    right, wrong = '{"tax_id": null}', '{"tax_id": "DE1"}'
    asked = {"shadow__key": "k", "shadow__expects_json": True}
    unknown = {semconv.REQUEST_MODEL.replace(".", "__"): "unheard-of"}
    late = {"start": START + DAY, **asked}
    before = [leg("primary", "p1", right, **asked), leg("candidate", "p1", right, **asked)]
    after = [leg("primary", "p2", right, **late), leg("candidate", "p2", wrong, **late, **unknown)]
    path = store_of(tmp_path / "s.db", *before, *after, labels=[("k", truth)])
    whole = evidence(path)
    bound = START / SECOND + 3600.0
    cut = evidence(path, START / SECOND, bound, bound)
    assert len(cut.pairs) == len(whole.pairs) == 2
    assert (whole.paired, cut.paired) == (2, 1)
    assert (whole.unpriced, cut.unpriced) == (1, 0)
    assert whole.fields == (PairedCount("tax_id", 2, 0, 0, 1),)
    assert cut.fields == (PairedCount("tax_id", 1, 0, 0, 0),)
    assert {fault.n for fault in whole.checks} == {2}
    assert {fault.n for fault in cut.checks} == {1}
    alone = store_of(tmp_path / "alone.db", *before, labels=[("k", truth)])
    assert cut.data_hash != whole.data_hash
    # But for losses, captured and mirrored calls, later data change nothing.
    assert evidence(alone).fields == cut.fields
    assert evidence(alone).checks == cut.checks


def test_a_bundle_without_content_says_nothing_of_what_was_said(tmp_path):
    path = store_of(tmp_path / "s.db", *both("p1", "a secret", "another secret"))

    def written(name, *more):
        where = tmp_path / name
        asked = ["--store", str(path), "--evidence", str(where), *more]
        done = CliRunner().invoke(verdict, asked)
        assert done.exit_code == 2, done.output
        return "".join(file.read_text() for file in where.iterdir())

    assert "another secret" in written("all")
    assert "secret" not in written("less", "--no-content")
    alone = CliRunner().invoke(verdict, ["--store", str(path), "--no-content"])
    assert "--no-content goes with --evidence" in alone.output


def test_a_reading_inside_of_another_sees_the_same_state(tmp_path):
    path = store_of(tmp_path / "s.db", *both("p1"))
    with Store.open(path) as store, store.transaction(write=False):
        before = gather(store, SERIES)
        store_of(path, *both("p2"))
        assert gather(store, SERIES).data_hash == before.data_hash
    assert len(evidence(path).pairs) == 2


def test_what_was_lost_at_another_time_is_not_lost_to_the_window(tmp_path):
    """A leg or a cut text months away counts for nothing; what has no time counts."""
    away, cut = 90 * DAY, {"shadow__content__truncated": True}
    path = store_of(
        tmp_path / "s.db",
        *both("p1"),
        *both("cut", **cut),
        *both("cut before", start=START - away, **cut),
        leg("primary", "lone", "yes"),
        leg("primary", "lone before", "yes", start=START - away),
        leg("candidate", "lone after", "yes", start=START + away),
        leg("primary", "no time", "yes"),
        *both("p2"),
    )
    change(path, "UPDATE observations SET received_ns = 1000000000 WHERE pair_id != 'p2'")
    change(path, "UPDATE observations SET time_ns = 0 WHERE pair_id = 'no time'")
    later = "INSERT INTO funnel VALUES ('e', '', ?, 'queue_full', ?)"
    change(path, later, f"app:host:1:{START - away}", 5)
    change(path, later, f"app:host:2:{START + away}", 70)

    window = evidence(path, *(START / SECOND + day * 86_400.0 for day in (0, 14, 14)))

    assert evidence(path).lost == {
        "candidate_leg_missing": 3,
        "content_truncated": 2,
        "primary_leg_missing": 1,
        "queue_full": 75,
    }
    assert window.lost == {"candidate_leg_missing": 2, "content_truncated": 1, "queue_full": 5}


def test_losses_after_the_window_do_not_undo_its_verdict(tmp_path):
    """From the command line: the window's completion is that of its own calls."""
    hours = [START + hour * 3600 * SECOND for hour in range(14 * 24)]
    path = store_of(
        tmp_path / "s.db",
        *(one for n, time in enumerate(hours) for one in both(f"p{n}", start=time)),
        *(leg("primary", f"late{n}", "yes", start=START + 60 * DAY) for n in range(50)),
    )
    change(path, "UPDATE observations SET received_ns = 1000000000 WHERE pair_id LIKE 'late%'")

    done = CliRunner().invoke(verdict, ["--store", str(path), "--json"])

    gates = {gate["name"]: gate for gate in json.loads(done.stdout)["gates"]}
    assert gates["coverage.completion"]["state"] == "pass"
    assert gates["coverage.completion"]["n"] == len(hours)
