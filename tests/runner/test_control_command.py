"""`shadow-mw status`, `off`, `on`, `sample`: what a person reads, and what is refused."""

import fcntl
import json
import os

import pytest
from support.cli import run_text
from support.servers import clean_environ

from shadow_mw.control import LOCK, WINDOW, shared, write_json
from shadow_mw.runner.status import Status, write_status


@pytest.fixture
def shadow(tmp_path):
    """Run the command line as the operator of an app that has not started yet."""

    def run(*arguments, **variables):
        env = clean_environ(
            SHADOW_STATE_DIR=str(tmp_path / "state"),
            SHADOW_STORE=str(tmp_path / "shadow.db"),
            SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1",
            SHADOW_CANDIDATE_MODEL="m",
        )
        return run_text(*arguments, cwd=tmp_path, env=env | variables)

    return run


@pytest.fixture
def directory(shadow, tmp_path):
    """Where the app's calls will wait."""
    assert shadow("status").returncode == 0
    (only,) = (tmp_path / "state").iterdir()
    return only


@pytest.mark.parametrize("rate", ["50%", "1.5", "-1", "0,5", "nan", "half", ""])
def test_a_wrong_rate_gets_a_line_that_says_what_is_accepted(shadow, rate):
    done = shadow("sample", rate)
    assert done.returncode == 64
    last = done.stderr.splitlines()[-1]
    assert last == f"Error: RATE {rate}: accepted is a number from 0 to 1, such as 0.5 for one half"


def test_a_rate_is_in_force_at_once_and_shown(shadow):
    done = shadow("sample", "0.25")
    assert done.returncode == 0
    assert "mirroring on, sample 0.25 by `shadow-mw sample`" in done.stdout
    assert json.loads(shadow("sample", "0.5", "--json").stdout)[0]["sample_rate"] == 0.5


def test_a_runner_that_has_not_told_anything_yet_is_starting(shadow, directory):
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shown = shadow("status").stdout
    finally:
        os.close(lock)
    assert "runner    starting\n" in shown
    assert "None" not in shown


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (4_102_444_800, "mirroring on, until 2100-01-01 00:00:00Z\n"),
        (1_577_836_800, "mirroring on, window over since 2020-01-01 00:00:00Z\n"),
    ],
)
def test_the_window_s_end_is_in_force_too(shadow, directory, end, said):
    write_json(shared(directory, WINDOW), {"end": end})
    assert said in shadow("status").stdout


def test_what_a_variable_turned_off_is_not_called_on_without_a_word(shadow, directory):
    shown = shadow("on", SHADOW_ENABLED="false")
    assert shown.returncode == 0
    assert shown.stdout.endswith(
        "SHADOW_ENABLED=false is set here: an app that has it mirrors nothing\n"
    )
    elsewhere = shadow("status", SHADOW_ENABLED="false", SHADOW_STORE="other.db")
    assert elsewhere.returncode == 78
    assert "SHADOW_ENABLED=false is set here" in elsewhere.stderr
    assert "SHADOW_ENABLED" not in shadow("status").stdout


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        ("0.00002", "spent less than $0.0001"),
        ("0.25", "spent about $0.2500"),
        ("0", "nothing spent that has a known price"),
    ],
)
def test_what_was_spent_is_no_zero(shadow, directory, spent, said):
    told = {"experiment": "e", "candidates": ["m"], "target": "s.db", "captured": 1}
    counts = {"in_flight": 0, "waiting": 0, "held": 0, "outcomes": {"m": {"mirrored": 1}}}
    write_status(directory, Status(pid=1, time=0.0, spent_usd={"m": spent}, **told, **counts))
    assert f"  m  mirrored 1, {said}\n" in shadow("status").stdout
