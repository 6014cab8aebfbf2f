"""`shadow-mw report` and `shadow-mw label`, as a person or a script calls them."""

import json
import os
import re
import sqlite3

import pytest
from evaluate.spans import both, leg, store_of
from support.cli import run_text

from shadow_mw.results import METRICS, FieldOutcome
from shadow_mw.types import REPEAT

RIGHT = {"total": "9.00", "tax_id": None}
INVENTED = {"total": "9.00", "tax_id": "X-1"}


@pytest.fixture
def shadow(tmp_path):
    """Run the command line in a directory of its own, without any other setting."""

    def run(*arguments, stdin="", **variables):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SHADOW_")}
        env = clean | {"COLUMNS": "80"} | variables
        return run_text(*arguments, cwd=tmp_path, env=env, stdin=stdin)

    return run


@pytest.fixture
def store(tmp_path):
    legs = both("p1", RIGHT, INVENTED, shadow__key="k1") + both("p2", RIGHT, RIGHT)
    return store_of(tmp_path / "shadow.db", *legs)


def line(key="k1", truth=RIGHT):
    return json.dumps({"key": key, "truth": truth}) + "\n"


def test_report_json_has_the_promised_shape(shadow, store):
    assert shadow("label", "-", stdin=line()).returncode == 0
    done = shadow("report", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["funnel"] == {
        "captured": 2,
        "mirrored": 2,
        "paired": 2,
        "scored": 1,
        "reasons": {},
    }
    assert list(report["metrics"]) == list(METRICS)
    assert report["metrics"]["hallucination_rate"] == {
        "primary": 0.0,
        "candidate": 1.0,
        "delta": 1.0,
        "n": 1,
    }
    counts = report["fields"]["tax_id"]
    assert set(counts["primary"]) == set(FieldOutcome)
    assert (counts["primary"]["correct_null"], counts["candidate"]["hallucinated"]) == (1, 1)


def test_an_infinite_percentile_is_null_in_json(shadow, tmp_path):
    failed = leg("candidate", output=None, shadow__outcome="error")
    store_of(tmp_path / "shadow.db", leg("primary", output="x"), failed)
    latency = json.loads(shadow("report", "--json").stdout)["metrics"]["latency_p50_ms"]
    assert latency == {"primary": 100.0, "candidate": None, "delta": None, "n": 1}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_missing_store_is_one_line_and_bad_data(shadow, tmp_path, options):
    done = shadow("report", *options)
    assert (done.returncode, done.stdout) == (65, "")
    store = tmp_path / "shadow.db"
    message = f"no store at {store}: nothing has been mirrored yet, or set SHADOW_STORE\n"
    assert done.stderr == f"shadow-mw: {message}"
    assert not list(tmp_path.iterdir())


def test_the_store_is_named_by_variable_or_option(shadow, store):
    moved = store.rename(store.with_name("other.db"))
    assert shadow("report").returncode == 65
    assert shadow("report", SHADOW_STORE=str(moved)).returncode == 0
    assert shadow("report", "--store", str(moved), SHADOW_TIMEOUT="wrong").returncode == 0


def test_an_unknown_candidate_is_refused_with_those_there_are(shadow, store):
    done = shadow("report", "--candidate", "x")
    assert done.returncode == 65
    assert done.stderr.endswith("no data of candidate 'x'; it has e/c (experiment/candidate)\n")


def test_a_foreign_file_is_one_line_and_bad_data(shadow, tmp_path):
    (tmp_path / "shadow.db").write_text("my notes, not a database")
    done = shadow("report")
    assert done.returncode == 65
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "shadow.db").read_text() == "my notes, not a database"


def test_a_directory_is_no_store(shadow, tmp_path):
    done = shadow("report", "--store", str(tmp_path))
    assert done.returncode == 65
    assert done.stderr == (
        f"shadow-mw: store {tmp_path}: a directory; it was left untouched, set SHADOW_STORE to"
        " another path\n"
    )


def test_markdown_has_the_names_that_waivers_take(shadow, store):
    said = shadow("verdict", "--md").stdout.replace("\\", "")
    for gate in json.loads(shadow("verdict", "--json").stdout)["gates"]:
        assert f"| {gate['title']} ({gate['name']}) |" in said


def test_an_ascii_terminal_gets_a_report_too(shadow, store):
    done = shadow("report", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_narrow_terminal_cuts_no_state_and_no_figure(shadow, store):
    done = shadow("verdict", COLUMNS="64")
    assert (done.returncode, done.stderr) == (2, "")
    assert "UNPROVEN" in done.stdout
    assert "…" not in done.stdout


def test_eighty_columns_fold_no_name_of_a_gate_and_no_state(shadow, store):
    """Where output goes to a file or another program, there are no more."""
    shadow("label", "-", stdin=line())
    shown = shadow("verdict").stdout
    gates = {gate["name"] for gate in json.loads(shadow("verdict", "--json").stdout)["gates"]}
    assert {"hallucination.fields", "coverage.completion"} <= gates
    firsts = {row.split(" ")[0] for row in shown.splitlines()}
    assert gates <= firsts
    assert re.search(r"^\S+ .* insufficient *$", shown, re.M)
    assert max(map(len, shown.splitlines())) <= 80


def test_a_gate_that_passes_beyond_its_margin_says_why(shadow, store):
    """One invented value of one null is drawn far out, and proves nothing."""
    shadow("label", "-", stdin=line())
    shown = " ".join(shadow("verdict").stdout.split())
    assert re.search(r"hallucination\.fields 0\.0 % 100\.0 % \S+ pp ≤ \+0\.2 pp PASS", shown)
    assert "hallucination.fields: none of 1 field is proven worse; tax_id +100.00 points" in shown


def test_who_labels_or_registers_elsewhere_is_told_where(shadow, tmp_path):
    """Another directory than the app's has another store."""
    done = shadow("label", "-", stdin=line())
    path = tmp_path / "shadow.db"
    assert done.returncode == 0
    assert done.stdout.endswith(f"; the store was not there and was made: {path}\n")
    assert "made" not in shadow("label", "-", stdin=line()).stdout
    registered = shadow("plan", "--register").stdout
    assert f"registered for experiment default in {path} at " in registered


def test_a_file_that_is_not_there_leaves_nothing_behind(shadow, tmp_path):
    done = shadow("import", "nope.jsonl")
    assert done.returncode == 65
    assert done.stderr == "shadow-mw: nope.jsonl: cannot be read (No such file or directory)\n"
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_was_written_first_is_registered_by_what_the_message_says(shadow, tmp_path):
    assert shadow("plan").returncode == 0
    done = shadow("plan", "--register")
    assert done.returncode == 64
    command = re.search(r"`shadow-mw (.+?)`", done.stderr.rpartition("Error")[2])[1]
    done = shadow(*command.split())
    assert done.returncode == 0, done.stderr
    assert "before any data" in done.stdout


def test_label_says_what_it_did(shadow, store, tmp_path):
    (tmp_path / "truth.jsonl").write_text(line("k1") + "\n" + line("later"))
    done = shadow("label", "truth.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "2 labels stored, 1 pair scored; no pair has the key of 1 of them yet, they wait for it\n"
    )
    done = shadow("label", "truth.jsonl", "--json")
    found = {"stored": 2, "scored": 1, "unmatched": 1, "replaced": 0, "narrowed": 0}
    assert json.loads(done.stdout) == found


def test_labels_that_contradict_earlier_ones_are_said_to(shadow, store):
    assert shadow("label", "-", stdin=line("k1")).returncode == 0
    truth = json.loads(line("k1"))["truth"]
    value = next(name for name in truth if truth[name] is not None)
    other = json.dumps({"key": "k1", "truth": truth | {value: "another"}})
    done = shadow("label", "-", stdin=other)
    assert done.stdout == "1 label stored, 1 pair scored; 1 in place of another truth\n"
    fewer = json.dumps({"key": "k1", "truth": {value: "another"}})
    assert shadow("label", "-", stdin=fewer).stdout == (
        "1 label stored, 1 pair scored; 1 in place of another truth,"
        " 1 of which no longer label a field that was labelled\n"
    )
    found = json.loads(shadow("label", "-", "--json", stdin=line("k1")).stdout)
    assert (found["replaced"], found["narrowed"]) == (1, 0)


def test_the_primary_s_second_answer_is_no_pair_that_was_scored(shadow, store):
    again = leg("candidate", "p1", RIGHT, shadow__candidate__id=REPEAT, shadow__key="k1")
    store_of(store, again)
    done = shadow("label", "-", stdin=line("k1"))
    assert (done.returncode, done.stdout) == (0, "1 label stored, 1 pair scored\n")


def test_labels_may_come_before_anything_is_mirrored(shadow, tmp_path):
    assert shadow("label", "-", stdin=line("k1")).returncode == 0
    store_of(tmp_path / "shadow.db", *both("p1", RIGHT, INVENTED, shadow__key="k1"))
    assert json.loads(shadow("report", "--json").stdout)["funnel"]["scored"] == 1


def test_personal_data_in_a_label_is_a_pseudonym_in_the_store(shadow, store):
    done = shadow("label", "-", stdin=line("k1", {"mail": "jane@example.com"}))
    assert done.returncode == 0
    connection = sqlite3.connect(store)
    truth = connection.execute("SELECT truth FROM truth").fetchone()[0]
    connection.close()
    assert "jane" not in truth
    assert "<email:" in truth


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"key": "k", "truth": {"a": 1, "a": 2}}', 'not JSON (key "a" appears twice)'),
        ('{"key": "k", "truth": {"a": NaN}}', "not JSON (NaN is not JSON)"),
        ('{"key": "k", "truth": {"a": 1}, "extra": 1}', "unknown key 'extra'"),
        ('{"truth": {"a": 1}}', "`key` must be a string that is not empty"),
        ('{"key": 17, "truth": {"a": 1}}', "`key` must be a string that is not empty"),
        ('{"key": "k"}', "`truth` must be an object"),
        ('{"key": "k", "truth": null}', "`truth` must be an object"),
        ('{"key": "k", "truth": {"vendor": {}}}', "`truth` labels no field"),
        ('{"key": "k1", "truth": {"a": 1}}', "key 'k1' was on line 1 already"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_applied(shadow, store, tmp_path, bad, fault):
    (tmp_path / "truth.jsonl").write_text(line("k1") + bad + "\n" + line("k2"))
    before = shadow("report", "--json").stdout
    done = shadow("label", "truth.jsonl")
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith(f"shadow-mw: truth.jsonl:2: {fault}")
    assert 'accepted: {"key": "invoice-17", "truth": {' in done.stderr
    assert done.stderr.count("\n") == 1
    assert shadow("report", "--json").stdout == before


def test_bytes_that_are_no_utf8_an_empty_and_a_missing_file_are_bad_data(shadow, store, tmp_path):
    (tmp_path / "latin.jsonl").write_bytes(b'{"key": "\xe9", "truth": {"a": 1}}\n')
    (tmp_path / "empty.jsonl").write_bytes(b"\n\n")
    for name, fault in (
        ("latin.jsonl", "latin.jsonl:1: 'utf-8' codec"),
        ("empty.jsonl", "empty.jsonl: no labels in it"),
        ("absent.jsonl", "absent.jsonl: cannot be read (No such file or directory)"),
    ):
        done = shadow("label", name)
        assert done.returncode == 65
        assert done.stderr.startswith(f"shadow-mw: {fault}")
