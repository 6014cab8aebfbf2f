"""People's labels in the store: they follow the file, and files of others come in."""

import sqlite3

import pytest
from evaluate.test_label_terminal import PROMPT, key_for, labelling, pair, stored, written
from rows.pair_rows import command, lines, printed


def preferences(path):
    connection = sqlite3.connect(path / "shadow.db")
    found = connection.execute(
        "SELECT observations.pair_id, person, winner, both_bad, preferences.inclusion"
        " FROM preferences JOIN pairs ON pairs.id = pair"
        " JOIN observations ON observations.id = primary_row ORDER BY 1, 2"
    ).fetchall()
    connection.close()
    return found


@pytest.fixture
def store(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(6)))
    return tmp_path


def test_an_answer_is_in_the_store_and_gone_where_it_is_taken_back(store):
    with labelling(store, "--n", 3) as terminal:
        for _ in range(2):
            terminal.press(key_for(terminal.until(PROMPT), "new"))
        terminal.until(PROMPT)
        terminal.press("u")
        terminal.until(PROMPT)
        terminal.press("q")
        assert terminal.end() == 0
    (first,) = (row["id"] for row in written(store) if row.get("order") == 1)
    assert preferences(store) == [(first, "ann", "candidate", 0, 0.5)]


def test_what_the_store_lacks_of_a_file_comes_with_the_next_start(store):
    with labelling(store, "--n", 3) as terminal:
        terminal.press(key_for(terminal.until(PROMPT), "old"))
        terminal.until(PROMPT)
        terminal.press("q")
        assert terminal.end() == 0
    (kept,) = preferences(store)
    connection = sqlite3.connect(store / "shadow.db")
    connection.execute("DELETE FROM preferences")
    connection.commit()
    connection.close()
    with labelling(store, annotator="bob") as terminal:
        terminal.until(PROMPT)
        terminal.press("q")
        assert terminal.end() == 0
    assert preferences(store) == [kept]
    assert kept[1:3] == ("ann", "primary")


def test_a_file_of_choices_comes_in_by_pair_id_and_twice_is_once(store):
    rows = [
        {"id": "p0", "human": ["A", "TIE"], "judge": ["A", "A"]},
        {"id": "p0", "human": "B"},
        {"id": "p1", "human": "A", "annotator": "ann", "inclusion": 0.25, "both_bad": False},
        {"id": "p2", "human": None},
        {"id": "elsewhere", "human": "A"},
    ]
    for _ in range(2):
        found = printed(command(store, "label", "-", "--json", stdin=lines(*rows)))
        assert found == {"stored": 4, "taken_back": 0, "unmatched": 1}
        assert preferences(store) == [
            ("p0", "anonymous", "primary", 0, None),
            ("p0", "anonymous 2", "tie", 0, None),
            ("p0", "anonymous 3", "candidate", 0, None),
            ("p1", "ann", "primary", 0, 0.25),
        ]
    text = command(store, "label", "-", stdin=lines(*rows)).stdout.decode()
    assert "4 people's choices stored; 1 pair is not in the store: left out" in text


def test_a_pair_id_with_personal_data_is_found_under_its_pseudonym(tmp_path):
    name = "jane.doe@example.org"
    stored(tmp_path, pair(1) | {"pair_id": name})
    choice = lines({"id": name, "human": "A"})
    found = printed(command(tmp_path, "label", "-", "--json", stdin=choice))
    assert (found["stored"], found["unmatched"]) == (1, 0)
    assert preferences(tmp_path)[0][0] != name


def test_choices_are_for_one_series(store):
    choice = lines({"id": "p1", "human": "A"})
    done = command(store, "label", "-", "--candidate", "none", stdin=choice)
    assert (done.returncode, b"no data of candidate 'none'" in done.stderr) == (65, True)
    truth = lines({"key": "p1", "truth": {"a": 1}})
    done = command(store, "label", "-", "--candidate", "x", stdin=truth)
    assert (done.returncode, b"--candidate needs --terminal or --web" in done.stderr) == (64, True)
    assert command(store, "calibrate", "x.jsonl", "--judge", "j").returncode == 64
