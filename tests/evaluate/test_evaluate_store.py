"""Opening a store: made when asked, refused untouched when it is not ours."""

import multiprocessing
import sqlite3
import stat
import subprocess
import sys

import pytest
from evaluate.spans import both, store_of, summary

from shadow_mw.evaluate import tables
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.store import file
from shadow_mw.evaluate.store.truths import set_truth
from shadow_mw.exceptions import StoreError


def sqlite_file(path, script):
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def test_a_new_store_is_private_and_in_wal_mode(tmp_path):
    path = tmp_path / "new" / "shadow.db"
    Store.open(path, create=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = sqlite3.connect(path)
    pragmas = ("journal_mode", "page_size", "application_id", "user_version")
    values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    connection.close()
    assert values == ["wal", 8192, file.APPLICATION_ID, tables.VERSION]


def test_a_missing_store_is_not_made_unasked(tmp_path):
    with pytest.raises(StoreError, match=r"no store at .*: nothing has been mirrored yet"):
        Store.open(tmp_path / "shadow.db")
    assert not list(tmp_path.iterdir())


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "shadow.db"
    path.touch()
    with pytest.raises(StoreError, match="no store at"):
        Store.open(path)
    Store.open(path, create=True).close()
    Store.open(path).close()


def test_a_store_opens_again_with_what_it_held(tmp_path):
    path = store_of(tmp_path / "odd ?#%41 name.db", *both())
    Store.open(path, create=True).close()
    assert summary(path).funnel.paired == 1


def garbage(path):
    path.write_bytes(b"not a database, but longer than a header " * 100)


def foreign(path):
    sqlite_file(path, "CREATE TABLE users (name); INSERT INTO users VALUES ('x');")


def foreign_wal(path):
    sqlite_file(path, "PRAGMA journal_mode = WAL; CREATE TABLE users (name);")


def newer(path):
    store_of(path, *both())
    sqlite_file(path, f"PRAGMA user_version = {tables.VERSION + 1};")


def truncated(path):
    store_of(path, *both())
    path.write_bytes(path.read_bytes()[: 3 * file.PAGE_SIZE])


def overwritten(path):
    store_of(path, *both())
    content = bytearray(path.read_bytes())
    content[file.PAGE_SIZE : 4 * file.PAGE_SIZE] = b"\xff" * 3 * file.PAGE_SIZE
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (garbage, "not a SQLite database"),
        (foreign, "another program's SQLite database"),
        (foreign_wal, "another program's SQLite database"),
        (newer, "newer than this shadow-mw reads"),
        (truncated, "damaged"),
        (overwritten, "damaged"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_usable_store_is_refused_and_left_untouched(tmp_path, damage, message, create):
    path = tmp_path / "shadow.db"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(path, create=create)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(StoreError, match="a directory"):
        Store.open(tmp_path, create=True)


def open_and_close(path):
    Store.open(path, create=True).close()


def test_many_processes_may_make_the_same_store(tmp_path):
    path = tmp_path / "shadow.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_and_close, args=(path,)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    Store.open(path).close()


def test_damage_found_while_reading_is_a_store_error(tmp_path):
    path = store_of(tmp_path / "shadow.db", *both())
    with pytest.raises(StoreError, match="no such table"), Store.open(path) as store:
        store.query("SELECT * FROM absent")


def test_a_list_in_the_truth_has_several_leaves_of_one_path(tmp_path):
    truth = {"items": [{"q": 1}, {"q": 2}, {"q": None}]}
    mine = '{"items": [{"q": 2}, {"q": 1}, {"q": null}]}'
    theirs = '{"items": [{"q": 1}, {"q": 3}, {"q": 7}]}'
    legs = both("p1", mine, theirs, shadow__key="k")
    found = summary(store_of(tmp_path / "shadow.db", *legs, labels=[("k", truth)]))
    assert found.fields["items[].q"].primary["correct"] == 2
    assert found.fields["items[].q"].primary["correct_null"] == 1
    assert sum(found.fields["items[].q"].candidate.values()) == 3
    assert found.metrics["field_accuracy"].n == 3
    assert found.metrics["hallucination_rate"].n == 1


def test_another_process_that_closes_the_store_takes_no_log_away(tmp_path):
    path = tmp_path / "shadow.db"
    Store.open(path, create=True).close()
    # As `serve` opens it: whatever the later ones do must leave the first one's lock alone.
    with Store.open(path) as writer, Store.open(path), Store.open(path):
        reader = "import sys; from shadow_mw.evaluate.pipeline import Store as S\n"
        reader += "with S.open(sys.argv[1]) as s: print(s.one('SELECT count(*) FROM truth')[0])"
        seen = []
        for key in ("a", "b"):
            with writer.transaction():
                set_truth(writer, key, {"total": "9.00"})
            command = [sys.executable, "-c", reader, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seen.append(done.stdout.strip())
            assert path.with_name("shadow.db-wal").exists()

    assert seen == ["1", "2"]
