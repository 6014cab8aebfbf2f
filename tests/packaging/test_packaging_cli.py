"""What all commands have in common: the exit code of a closed pipe, one of a thing."""

import json
import subprocess
import sys

import pytest
from evaluate.spans import both, store_of
from support.cli import run_text
from support.servers import clean_environ


@pytest.mark.parametrize("command", [["verdict"], ["verdict", "--json"], ["report"], ["status"]])
def test_whoever_stops_reading_gets_no_answer_for_it(tmp_path, command):
    """1 would be NO-GO, and `set -o pipefail` asks."""
    store_of(tmp_path / "shadow.db", *both("p1", {"a": None}, {"a": "x"}))
    env = clean_environ(
        SHADOW_STATE_DIR=str(tmp_path / "state"),
        SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1",
        SHADOW_CANDIDATE_MODEL="m",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=env,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_one_is_not_written_as_many(tmp_path):
    pair = {"pair_id": "p", "time": "2026-11-02T09:14:05Z", "truth": {"a": None}}
    pair["input"] = {"model": "m", "messages": [{"role": "user", "content": "What is due?"}]}
    pair |= {"primary": {"model": "m", "output": "{}"}, "candidate": {"model": "c", "output": "{}"}}
    env = clean_environ(
        SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1", SHADOW_CANDIDATE_MODEL="another"
    )

    def said(*arguments, stdin=""):
        done = run_text(*arguments, cwd=tmp_path, env=env, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert said("import", "-", stdin=json.dumps(pair)) == "1 pair read, 1 new; 1 new label\n"
    assert said("export", "--out", "out.jsonl") == "1 pair written to out.jsonl\n"
    assert "another: 1 stored call\nwould ask 1 call: about" in said("backfill", "--dry-run")
    assert said("plan", "--days", "1", "--assumed").splitlines()[2].startswith("1 day with 15,")
    load = said("load", "--dry-run")
    assert ": 1 call in 10 min (0.0017 per second), " in load
    assert "peak hour is 2026-11-02T09 with 0.00028 calls per second" in load


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("doctor --wait x", "'--wait': x: accepted is a number from 0 to 600"),
        ("plan --days 0", "'--days': 0: accepted is a whole number from 1 to 366"),
        ("plan --days 1.5", "'--days': 1.5: accepted is a whole number from 1 to 366"),
        ("plan --sample-rate 0", "'--sample-rate': 0.0: accepted is a number above 0, 1 at most"),
        ("plan --leaves -1", "'--leaves': -1.0: accepted is a number above 0"),
        (
            "judge --freeze-anchors 3",
            "'--freeze-anchors': 3: accepted is a whole number of 8 or more",
        ),
        ("demo --requests 0", "'--requests': 0: accepted is a whole number from 1 to 100,000"),
        ("plan --preset foo", "'--preset': 'foo' is not one of 'articles', 'strict'."),
    ],
)
def test_a_number_that_is_refused_names_those_that_are_not(tmp_path, words, said):
    done = run_text(*words.split(), cwd=tmp_path, env=clean_environ())
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for {said}"
