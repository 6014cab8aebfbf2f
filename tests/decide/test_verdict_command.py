"""`shadow-mw verdict` as a person, a script and a pipeline call it, on an imported store."""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from decide.earlier import registered_earlier
from support.cli import run_text

ROOT = Path(__file__).parents[2]

PLAN = """
name = "small"
cluster = "session"
[window]
days = 2
weekday_times = 0
hour_share = 0.9
[sample]
pairs = 1000
[gates.hallucination]
margin = 0.03
fields = false
[gates.accuracy]
margin = 0.02
[gates.errors]
margin = 0.02
[gates.latency]
[gates.cost]
"""


def write(path, hallucination):
    """Rows of a small window, as the benchmarks make them."""
    size = ("--pairs", "1200", "--days", "2", "--hallucination-rate", str(hallucination))
    command = [sys.executable, "-m", "benchmarks.window", "--out", str(path), *size]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)


def shadow(directory, *arguments, **variables):
    """The command line in a directory of its own, without any other setting."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SHADOW_")}
    env = clean | {"COLUMNS": "100"} | variables
    return run_text(*arguments, cwd=directory, env=env, timeout=120)


def filled(directory, hallucination, *, plan=True):
    """A store of a window, its plan registered before."""
    (directory / "plan.toml").write_text('experiment = "invoices"' + PLAN)
    if plan:
        done = shadow(directory, "plan", "plan.toml", "--register", "--assumed")
        assert done.returncode == 0, done.stderr
        registered_earlier(directory / "shadow.db", "invoices")
    write(directory / "rows.jsonl", hallucination)
    done = shadow(directory, "import", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("good"), 0.003)


@pytest.fixture(scope="module")
def unplanned(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("unplanned"), 0.2, plan=False)


def test_go_is_exit_code_0_and_json_has_the_promised_shape(good):
    done = shadow(good, "verdict", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert list(found)[:5] == ["verdict", "reason", "plan", "data_hash", "gates"]
    assert found["verdict"] == "GO"
    assert found["plan"]["registered"] is True
    assert found["plan"]["note"].endswith("before any data")
    assert len(found["plan"]["hash"]) == len(found["data_hash"]) == 64
    for gate in found["gates"]:
        keys = ["name", "primary", "candidate", "delta", "interval", "needed", "state", "n"]
        assert list(gate)[:8] == keys
        assert gate["state"] == "pass"
    low, high = next(g["interval"] for g in found["gates"] if g["name"] == "accuracy")
    assert -0.02 < low < high


def test_the_same_data_give_the_same_bytes_in_every_process(good):
    texts = [
        shadow(good, "verdict", option, PYTHONHASHSEED=seed).stdout
        for option in ("--json", "--md")
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1] != ""
    assert texts[2] == texts[3] != ""


def test_people_see_the_decision_its_reason_and_every_gate(good):
    done = shadow(good, "verdict")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "GO  all 10 gates pass"
    assert "plan small" in lines[1]
    heads = next(line for line in lines if line.startswith("gate"))
    assert heads.split() == ["gate", "primary", "candidate", "interval", "needed", "state"]
    assert max(map(len, lines[3 : lines.index("", 4)])) <= 80
    under = lines[1 + next(n for n, line in enumerate(lines) if line.startswith("accuracy"))]
    assert re.fullmatch(r" +[+-]\d+\.\d+ to [+-]\d+\.\d+ *", under)
    assert any(line.startswith("latency") and line.split()[-1] == "PASS" for line in lines)
    assert "window: 2026-11-02T00:00:00Z to 2026-11-04T00:00:00Z (over)" in done.stdout


def test_markdown_is_a_table_of_every_gate(good):
    text = shadow(good, "verdict", "--md").stdout
    assert text.startswith("# GO: invoices/llama-3.1-8b-extract-v4\n")
    assert text.count("| PASS |") == 10


def test_a_candidate_that_fails_has_a_latency_without_end(tmp_path):
    rows = [
        {
            "pair_id": f"p{number}",
            "time": f"2026-11-02T09:{number // 60:02}:{number % 60:02}Z",
            "primary": {"output": "yes", "latency_ms": 480},
            "candidate": {"error": "gone", "latency_ms": 5},
        }
        for number in range(600)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert shadow(tmp_path, "import", "rows.jsonl").returncode == 0
    (line,) = [
        line
        for line in shadow(tmp_path, "verdict", "--md").stdout.splitlines()
        if line.startswith("| latency p95 ")
    ]
    assert line.split(" | ")[1:7] == ["480 ms", "∞", "∞", "∞ to ∞", "≤ 1.2x", "FAIL"]


def test_without_a_plan_the_preset_decides_and_nothing_goes(good, unplanned):
    done = shadow(unplanned, "verdict", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "NO-GO")
    assert (found["plan"]["name"], found["plan"]["registered"]) == ("articles", False)
    assert found["reason"].startswith("hallucination on null fields: +")
    # A plan file that nobody registered decides, and makes no GO either.
    other = (good / "other.toml", PLAN.replace('"small"', '"other"'))
    other[0].write_text(other[1])
    done = shadow(good, "verdict", "--plan", "other.toml", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["reason"].startswith(
        "would be GO; register a plan (unregistered"
    )


def test_a_plan_that_came_after_the_data_does_not_count(unplanned):
    (unplanned / "late.toml").write_text('experiment = "invoices"' + PLAN)
    done = shadow(unplanned, "plan", "late.toml", "--register", "--assumed")
    assert done.returncode == 0, done.stderr
    found = json.loads(shadow(unplanned, "verdict", "--json").stdout)
    assert found["plan"]["registered"] is False
    assert found["plan"]["note"].endswith("after data had come: counts as unregistered")


def test_a_waiver_is_named_recorded_and_checked(good):
    (good / "more.toml").write_text(PLAN + "[gates.likeness]\n[gates.win_rate]\n")
    asked = ("verdict", "--plan", "more.toml", "--json")
    assert json.loads(shadow(good, *asked).stdout)["reason"].startswith("win rate")
    waived = ("--waive", "win_rate=Ann:no labels", "--waive", "likeness=Ann:no A/A pairs")
    found = json.loads(shadow(good, *asked, *waived, "--record").stdout)
    assert found["signoffs"] == {"win_rate": "Ann: no labels", "likeness": "Ann: no A/A pairs"}
    assert found["reason"].startswith("would be GO")
    again = json.loads(shadow(good, *asked).stdout)
    assert again == found
    for wrong, message in (
        (("--waive", "likeness"), "accepted is GATE=NAME:WHY"),
        (("--waive", "nothing=Ann:why"), "no such gate; there are coverage.pairs"),
        (("--waive", "latency=Ann:until 2026-1-5"), "until 2026-1-5, which is no day; accepted is"),
        (("--waive", "latency=Ann:until 31.12.2026"), "accepted is YYYY-MM-DD"),
        (("--sign-off", "errors=Ann:why"), "accepted is cost"),
        (("--record",), "--record goes with"),
        (("--json", "--md"), "does not go with it"),
    ):
        done = shadow(good, "verdict", *wrong)
        assert (done.returncode, message in done.stderr) == (64, True), done.stderr


def test_the_bundle_is_whole_and_its_manifest_right(good):
    done = shadow(good, "verdict", "--evidence", "bundle", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    bundle = good / "bundle"
    listed = dict(
        reversed(line.split("  ")) for line in (bundle / "MANIFEST").read_text().splitlines()
    )
    assert set(listed) == {path.name for path in bundle.iterdir()} - {"MANIFEST"}
    assert {"plan.toml", "verdict.json", "verdict.md", "report.json", "report.html"} <= set(listed)
    assert {"ramp.json", "ramp.md", "prices.json", "judges.json", "versions.json"} <= set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == digest
    assert json.loads((bundle / "verdict.json").read_text()) == json.loads(done.stdout)
    plan = json.loads((bundle / "plan.json").read_text())
    assert plan["hash"] == json.loads(done.stdout)["plan"]["hash"]
    ramp = json.loads((bundle / "ramp.json").read_text())
    kinds = [phase["kind"] for phase in ramp["phases"]]
    assert kinds == ["shadow"] * 3 + ["canary"] * 4
    kill = {row["gate"]: row for row in ramp["kill"]}
    assert (kill["hallucination"]["margin"], kill["latency"]["margin"]) == (0.03, 1.2)
    assert "> 0.03" in kill["hallucination"]["promql"]
    again = shadow(good, "verdict", "--evidence", "bundle")
    assert (again.returncode, "new or empty" in again.stderr) == (78, True)
    assert sorted(path.name for path in good.iterdir() if path.name.startswith(".bundle")) == []


def test_the_bundle_of_the_same_data_is_the_same(good):
    for name in ("one", "two"):
        assert shadow(good, "verdict", "--evidence", name).returncode == 0
    with closing(sqlite3.connect(good / "shadow.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(good / "a-copy.db"),))
    copied = ("--store", "a-copy.db", "--evidence", "three")
    assert shadow(good, "verdict", *copied, TZ="Asia/Kathmandu", LC_ALL="C").returncode == 0
    one, *others = ((good / name / "MANIFEST").read_text() for name in ("one", "two", "three"))
    assert others == [one, one]


def test_a_pipeline_holds_the_ramp_until_a_phase_is_proven(good, unplanned):
    for phase in ("5", "25", "100", "canary"):
        done = shadow(good, "verdict", "--phase", phase, "--json")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["phase"]["decision"] == "GO"
    assert shadow(unplanned, "verdict", "--phase", "5").returncode == 1
    (good / "waiting.toml").write_text(PLAN.replace("pairs = 1000", "pairs = 20000"))
    codes = [
        shadow(good, "verdict", "--plan", "waiting.toml", "--phase", phase).returncode
        for phase in ("5", "25", "100")
    ]
    assert codes == [0, 2, 2]
    (good / "canary.toml").write_text(PLAN.replace('"small"', '"another"'))
    done = shadow(good, "verdict", "--plan", "canary.toml", "--phase", "canary")
    assert done.stdout.startswith("STAY  phase canary: would be GO; register a plan")


def test_an_empty_store_and_an_unknown_candidate_are_bad_data(good, tmp_path):
    assert shadow(tmp_path, "verdict").returncode == 65
    done = shadow(good, "verdict", "--candidate", "x")
    assert (done.returncode, "no data of candidate 'x'" in done.stderr) == (65, True)
