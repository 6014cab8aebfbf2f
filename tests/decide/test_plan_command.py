"""`shadow-mw plan` as people run it."""

import json
import sqlite3

import pytest
from support.cli import run_text
from support.servers import clean_environ

from shadow_mw.decide.presets import ARTICLES, STRICT


class Desk:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments, stdin="", **variables):
        used = {"SHADOW_STATE_DIR": str(self.path / "state"), "COLUMNS": "120"} | variables
        return run_text(*arguments, cwd=self.path, env=clean_environ(**used), stdin=stdin)

    def plan(self, *arguments, code=0, **variables):
        done = self.run("plan", "--json", *arguments, **variables)
        assert done.returncode == code, (done.stdout, done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def fill(self, *rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        done = self.run("import", "-", stdin=text)
        assert done.returncode == 0, done.stderr

    def registered(self, experiment="default"):
        with sqlite3.connect(self.path / "shadow.db") as db:
            sql = "SELECT value FROM meta WHERE name = ?"
            return json.loads(db.execute(sql, (f"plan:{experiment}",)).fetchone()[0])


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def row(number, experiment="e"):
    return {
        "pair_id": f"p{number}",
        "time": f"2026-11-0{2 + number % 5}T09:00:{number % 60:02}Z",
        "experiment": experiment,
        "key": f"k{number}",
        "truth": {"id": None, "total": "9"},
        "primary": {
            "model": "big",
            "output": '{"id": null, "total": "9"}',
            "latency_ms": 480,
            "input_tokens": 1000,
            "output_tokens": 100,
        },
        "candidate": {
            "model": "small",
            "output": '{"id": null, "total": "8"}'
            if number % 10 == 0
            else '{"id": null, "total": "9"}',
            "latency_ms": 100,
            "input_tokens": 1000,
            "output_tokens": 50,
        },
    }


def test_a_plan_is_written_once(desk):
    first = desk.plan("--preset", "strict", "--experiment", "e")
    path = desk.path / "shadow-plan.toml"
    text = path.read_text()
    assert 'experiment = "e"' in text
    assert first["plan"]["name"] == "strict"
    assert first["plan"]["hash"] != STRICT.hash, "it names an experiment"
    assert first["registration"] is None
    assert "--force overwrites it" in desk.plan(code=64)
    assert path.read_text() == text
    assert desk.plan("shadow-plan.toml")["plan"]["hash"] == first["plan"]["hash"]
    assert desk.plan("--force")["plan"]["hash"] == ARTICLES.hash
    assert not (desk.path / "shadow.db").exists()


def test_what_five_thousand_pairs_prove(desk):
    found = desk.plan("--pairs-per-day", str(5_000 / 14 / 0.98), "--labelled-share", "1")
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert found["window"]["pairs"] == pytest.approx(5_000)
    assert gates["hallucination"]["provable"] is False
    assert gates["hallucination"]["fixed"] > 25_000
    assert gates["hallucination"]["instead"] == "at most 0.51 points worse"
    assert gates["latency"]["provable"] is True
    shown = desk.run(
        "plan", "shadow-plan.toml", "--pairs-per-day", "364.43", "--labelled-share", "1"
    )
    assert (
        "hallucination: 5,000 null leaves cannot prove at most 0.2 points worse: 31,691 are needed;"
        in shown.stdout
    )
    assert "provable with these: at most 0.51 points worse" in " ".join(shown.stdout.split())
    assert f"hash {ARTICLES.hash}" in shown.stdout


def test_a_plan_registered_before_any_data(desk):
    found = desk.plan("--experiment", "e", "--register")["registration"]
    assert (found["before_data"], found["legs"], found["replaced"]) == (True, 0, [])
    kept = desk.registered("e")
    assert kept["hash"] == found["hash"]
    assert kept["plan"]["gates"]["hallucination"]["margin"] == 0.002
    desk.fill(row(1))
    again = desk.plan("shadow-plan.toml", "--register", "--assumed")["registration"]
    assert again == found, "registering the same plan again changes nothing"


def test_a_plan_registered_after_data_says_so(desk):
    desk.fill(row(1), row(2))
    found = desk.plan("--experiment", "e", "--register", "--assumed")["registration"]
    assert (found["before_data"], found["legs"]) == (False, 4)
    assert "after 4 legs had come: verdicts count it as not registered" in found["note"]
    other = desk.plan("--experiment", "new", "--out", "b.toml", "--register", "--assumed")
    assert other["registration"]["before_data"] is True


def test_another_plan_is_refused_or_replaces_and_is_noted(desk):
    first = desk.plan("--register")["plan"]["hash"]
    refused = desk.run("plan", "--preset", "strict", "--out", "b.toml", "--register")
    assert refused.returncode == 78
    assert f"plan {first[:12]} is registered for experiment default" in refused.stderr
    assert desk.registered()["hash"] == first
    found = desk.plan("b.toml", "--register", "--replace")["registration"]
    assert found["hash"] == STRICT.hash
    assert found["replaced"] == [first]
    assert desk.registered()["replaced"] == [first]


def test_costs_name_what_is_unpriced_and_what_a_budget_does_not_hold(desk):
    prices = json.dumps({"small": {"input": 1, "output": 1}})
    found = desk.plan(
        *("--candidate-model", "small", "--input-tokens", "900", "--output-tokens", "100"),
        *("--budget-usd", "5"),
        SHADOW_PRICES=prices,
        SHADOW_BUDGET_USD="1000",
    )["cost"]
    items = {item["name"]: item for item in found["items"]}
    pairs = 15_600 * 14 * 0.98
    assert items["candidate"]["usd"] == pytest.approx(pairs * 1000 / 1e6)
    assert items["candidate"]["basis"] == "given"
    assert items["primary again (A/A)"]["usd"] is None
    assert found["unpriced"] == ["primary again (A/A)"]
    plan, live = found["budgets"]
    assert (plan["name"], plan["holds"]) == ("the plan's budget", False)
    assert (live["name"], live["holds"]) == ("SHADOW_BUDGET_USD", None)
    shown = desk.run("plan", "shadow-plan.toml", "--candidate-model", "small").stdout
    assert "unpriced" in shown
    assert "no judge is set, and the plan needs one" in shown


def test_costs_of_the_articles_window(desk):
    found = desk.plan(
        *("--primary-model", "gpt-4o-mini", "--candidate-usd-per-1k", "0.12"),
        *("--judge-usd-per-1k", "5"),
        SHADOW_JUDGES=json.dumps([{"model": "judge-1", "url": "http://127.0.0.1:9/v1"}]),
    )["cost"]
    items = {item["name"]: item for item in found["items"]}
    pairs = 15_600 * 14 * 0.98
    assert items["candidate"]["usd"] == pytest.approx(pairs * 0.12 / 1000)
    assert items["primary again (A/A)"]["usd"] == pytest.approx(0.05 * pairs * 0.42 / 1000)
    primary = {"SHADOW_REPEAT_RATE": "0.1", "SHADOW_PRIMARY_URL": "http://127.0.0.1:9/v1"}
    twice = desk.plan("shadow-plan.toml", "--primary-model", "big", **primary)
    assert twice["cost"]["items"][1]["calls"] == pytest.approx(0.1 * pairs)
    assert items["judge judge-1"]["calls"] == 10_000
    assert items["judge judge-1"]["usd"] == pytest.approx(50)


def test_a_judge_s_price_counts_before_a_judge_is_set(desk):
    items = desk.plan("--judge-usd-per-1k", "5", "--judged", "2000")["cost"]["items"]
    (judge,) = [item for item in items if item["name"].startswith("judge")]
    assert (judge["name"], judge["model"]) == ("judge", None)
    assert (judge["calls"], judge["usd"]) == pytest.approx((4_000, 20))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere.toml",), 78, "nowhere.toml: No such file"),
        (("--discordance", "speed=0.1"), 64, "accepted is GATE=SHARE such as hallucination=0.012"),
        (("--discordance", "errors=2"), 64, "accepted is GATE=SHARE"),
        (("--pairs-per-day", "5", "--requests-per-day", "5"), 64, "not both"),
        (("--requests-per-day", "nan"), 64, "nan: accepted is a number above 0"),
        (("--null-leaves", "inf"), 64, "inf: accepted is a number of 0 or more"),
        (("--replace",), 64, "--replace goes with --register"),
        (("--budget-usd", "-3"), 64, 'budget_usd="-3": accepted is an amount of 0 or more'),
        (("x.toml", "--days", "3"), 64, "--days: x.toml says it itself"),
    ],
)
def test_what_is_refused(desk, arguments, code, said):
    done = desk.run("plan", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert not (desk.path / "shadow-plan.toml").exists()


def test_stored_traffic_sizes_the_next_plan(desk):
    desk.fill(*map(row, range(300)))
    prices = json.dumps({"small": {"input": 1, "output": 1}, "big": {"input": 10, "output": 10}})
    found = desk.plan("--experiment", "next", SHADOW_PRICES=prices)
    assert found["traffic_of"] == "e/small"
    assert found["window"]["basis"] == "stored"
    # 300 calls on five mornings: the store spans four days.
    assert found["window"]["pairs"] == pytest.approx(300 / 4 * 14 * 0.98, rel=0.01)
    assert found["window"]["labelled"] == pytest.approx(found["window"]["pairs"])
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert gates["accuracy"]["basis"] == "stored"
    assert gates["accuracy"]["window"] == pytest.approx(2 * found["window"]["pairs"])
    assert gates["win_rate"]["basis"] == "assumed"
    items = {item["name"]: item for item in found["cost"]["items"]}
    assert (items["candidate"]["model"], items["candidate"]["basis"]) == ("small", "stored")
    assert items["candidate"]["usd"] == pytest.approx(found["window"]["pairs"] * 1050 / 1e6)
    again = found["window"]["pairs"] * 0.05
    assert items["primary again (A/A)"]["usd"] == pytest.approx(again * 1100 * 10 / 1e6)
    unlooked = desk.plan("shadow-plan.toml", "--assumed")
    assert unlooked["window"]["basis"] == "assumed"
    assert "no data of experiment 'x'" in desk.plan("--force", "--from-experiment", "x", code=65)
