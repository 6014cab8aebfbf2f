"""`shadow-mw judge` from outside: real processes, a real store, a scripted judge on loopback."""

import json
import signal
import sqlite3
import threading
from collections import Counter

import pytest
from rows.pair_rows import command, environment, lines, printed, row
from support.interrupted import Hold, end_there
from support.judge_server import Raw, chat, judge_server, verdict

PRICES = json.dumps({"judge-1": {"input": 10, "output": 20}})
CALL_USD = (300 * 10 + 40 * 20) / 1_000_000
"""What one scripted answer costs."""


def good(asked):
    """Whichever slot holds the word."""
    return "A" if "GOOD" in asked.texts["answer A"] else "B"


def asking(text):
    return {"input": {"messages": [{"role": "user", "content": text}]}}


def pair(i, **more):
    return row(f"p{i}", f"primary {i}", f"candidate {i} GOOD", **asking(f"task {i}"), **more)


def stored(path, *rows):
    printed(command(path, "import", "-", "--json", stdin=lines(*rows)))


def variables(server, *judges, **more):
    """One judge, unless others are given; the same endpoint for all of them."""
    table = [{"url": server.url} | judge for judge in judges or [{"model": "judge-1"}]]
    return {"SHADOW_JUDGES": json.dumps(table), "SHADOW_PRICES": PRICES} | more


def judged(path, server, *arguments, **more):
    return printed(command(path, "judge", "--json", *arguments, **variables(server, **more)))


def refused(done, code):
    """The one line on stderr."""
    assert done.returncode == code, done.stderr.decode()
    (line,) = done.stderr.decode().splitlines()
    return line


def keys(server):
    """What was asked, by what makes it the same question."""
    return Counter((a.texts["task"], a.texts["answer A"]) for a in server.asked)


@pytest.fixture
def store(tmp_path):
    stored(tmp_path, *(pair(i) for i in range(10)))
    return tmp_path


def test_a_whole_run_and_its_card(tmp_path):
    left_out = [
        row("f1", "x", {"output": None, "error": "timeout"}, **asking("t")),
        row("f2", {"output": None, "error": "timeout"}, "x", **asking("t")),
        row("i1", "x", "y", input={"messages": [{"role": "user", "content": [IMAGE]}]}),
        row("n1", "x", "y"),
    ]
    same = [row(f"s{i}", "same", "same", **asking("t")) for i in range(2)]
    stored(tmp_path, *(pair(i) for i in range(6)), *same, *left_out)

    with judge_server(good) as server:
        found = judged(tmp_path, server)

    assert found["sample"] == {
        "seed": 0,
        "population": 10,
        "drawn": 10,
        "inclusion": 1.0,
        "to_judge": 6,
        "identical": 2,
        "left_out": {"candidate_failed": 1, "no_request": 1, "not_text": 1, "primary_failed": 1},
    }
    assert len(server.asked) == found["run"]["asked"] == 12
    (card,) = found["judges"]
    assert card["wins"] == {
        "candidate": 6,
        "primary": 0,
        "tie": 0,
        "inconsistent": 0,
        "invalid": 0,
    }
    assert (card["judge"], card["model"], card["pairs"], card["identical"]) == (
        "judge-1",
        "judge-1",
        6,
        2,
    )
    assert card["win_rate"]["naive"] == pytest.approx(7 / 8)
    low, high = card["win_rate"]["naive_ci"]
    assert low < 7 / 8 < high
    assert (card["qualified"], card["win_rate"]["corrected"]) == (False, None)
    assert card["usd"] == found["run"]["usd"] == pytest.approx(12 * CALL_USD)
    assert len(card["fingerprint"]) == len(card["epoch"]) == 64


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def test_the_card_for_people_says_that_it_gates_nothing(store):
    with judge_server(good) as server:
        done = command(store, "judge", **variables(server))
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    assert "not qualified: gates nothing (no pair that it judged has a label by people)" in text
    for title in ("as the judge says", "the order decides", "first slot", "longer output", "epoch"):
        assert title in text
    assert done.stderr == b""


def test_the_judge_sees_request_tools_answers_calls_and_truth(tmp_path):
    call = {"type": "function", "id": "c", "function": {"name": "get", "arguments": '{"id": 7}'}}
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Which total?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "total 9.00"},
        ],
        "tools": [{"type": "function", "function": {"name": "get", "parameters": {}}}],
    }
    calling = {"output": None, "tool_calls": [call]}
    stored(tmp_path, row("p1", '{"total": "9.00"}', calling, input=body, truth={"total": "9.00"}))
    with judge_server(lambda asked: "TIE") as server:
        judged(tmp_path, server)
    texts = server.asked[0].texts
    for said in ("Be brief.", "Which total?", "[calls get]", "total 9.00", "[tools]"):
        assert said in texts["task"]
    assert texts["reference"] == '{"total":"9.00"}'
    answers = {texts["answer A"], texts["answer B"]}
    assert '{"total": "9.00"}' in answers
    assert any(answer.startswith("[calls get]") and '"id"' in answer for answer in answers)


def test_a_dry_run_says_calls_and_cost_and_makes_none(store):
    with judge_server(good) as server:
        found = judged(store, server, "--dry-run", "--sample", 4)
        text = command(store, "judge", "--dry-run", **variables(server)).stdout.decode()
        assert server.asked == []
    assert (found["dry_run"], found["plan"]["calls"], found["plan"]["recorded"]) == (True, 8, 0)
    assert 8 * CALL_USD < found["plan"]["usd"] < 1
    assert found["sample"]["inclusion"] == 0.4
    assert "20 calls" in text
    assert "none was made" in text


def test_the_same_seed_draws_the_same_pairs_and_more_of_them(store):
    with judge_server(good) as server:
        judged(store, server, "--sample", 3)
        three = {task for task, _ in keys(server)}
        more = judged(store, server, "--sample", 5)
        five = {task for task, _ in keys(server)}
        assert (len(three), len(five), more["run"]["asked"]) == (3, 5, 4)
        other = judged(store, server, "--sample", 5, "--seed", 7)
        assert other["run"]["asked"] > 0
        every = judged(store, server, "--all")
    assert every["judges"][0]["pairs"] == 10
    assert set(keys(server).values()) == {1}


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_after_an_interruption_nothing_is_asked_twice(store, end):
    """Answers that were under way are lost; those that came are on disk."""
    held = 6
    hold = Hold(after=held)

    def script(asked):
        hold.here(len(server.asked))
        return good(asked)

    with judge_server(script) as server:
        used = variables(server, SHADOW_JUDGE='{"concurrency": 1}')
        end_there("judge", "--json", hold=hold, number=end, cwd=store, env=environment(**used))
        before = keys(server)
        found = printed(command(store, "judge", "--json", **used))
    assert found["run"]["asked"] == 20 - held
    # Only the question that had no answer yet was put twice.
    assert sorted(keys(server).values()) == [1] * 19 + [2]
    assert sum(before.values()) == held + 1
    assert found["judges"][0]["pairs"] == 10


def test_two_runs_at_once_do_not_ask_the_same(store):
    hold, done = Hold(), []

    def script(asked):
        hold.here(len(server.asked))
        return good(asked)

    with judge_server(script) as server:
        first = threading.Thread(target=lambda: done.append(judged(store, server)))
        first.start()
        assert hold.reached()
        second = command(store, "judge", **variables(server))
        hold.release()
        first.join(60)
    assert "another run of judges" in refused(second, 65)
    assert done[0]["run"]["asked"] == len(server.asked) == 20


def test_a_budget_stops_a_run_and_a_larger_one_goes_on(store):
    with judge_server(good) as server:
        cut = judged(store, server, "--max-calls", 7)
        assert (len(server.asked), cut["run"]["left"]) == (7, 13)
        assert cut["run"]["stopped"] == {"judge-1": "the budget is spent"}
        again = judged(store, server, "--max-calls", 7)
        assert (again["run"]["asked"], again["run"]["calls"]) == (0, 7)

        dollars = judged(store, server, "--budget-usd", "0.1")
        assert dollars["run"]["usd"] <= 0.1
        assert 0 < dollars["run"]["asked"] < 13
        whole = judged(store, server)
    assert (whole["run"]["left"], len(server.asked)) == (0, 20)


def test_identical_outputs_weigh_as_they_are_drawn_where_not_all_is_judged(tmp_path):
    same = [row(f"s{i}", "same", "same", **asking("t")) for i in range(10)]
    stored(tmp_path, *(pair(i) for i in range(10)), *same)
    with judge_server(good) as server:
        alone = {"SHADOW_JUDGE": '{"concurrency": 1}'}
        (card,) = judged(tmp_path, server, "--max-calls", 4, **alone)["judges"]
    assert (card["pairs"], card["identical"]) == (2, 10)
    assert card["win_rate"]["naive"] == pytest.approx(0.75)


def test_a_judge_of_an_arms_family_is_refused_unless_told(tmp_path):
    legs = {"output": "GOOD", "model": "judge-mini"}
    stored(tmp_path, row("p1", "x", legs | {"model": "gpt-small"}, **asking("t")))
    with judge_server(good) as server:
        used = variables(server, {"model": "gpt-judge", "name": "g"})
        line = refused(command(tmp_path, "judge", **used), 78)
        dry = refused(command(tmp_path, "judge", "--dry-run", **used), 78)
        assert server.asked == []
        found = printed(command(tmp_path, "judge", "--json", "--allow-family", **used))
    assert "judge g is of the candidate model's family" in line
    assert line == dry
    assert found["run"]["overrides"] == ["g is of the candidate model's family"]
    assert found["judges"][0]["own_family"]["candidate"]["value"] == 1


def test_when_another_model_answers_its_verdicts_are_an_epoch_of_their_own(store):
    model = ["judge-1-may"]

    def script(asked):
        return Raw(body=chat(verdict(good(asked)), model=model[0]))

    with judge_server(script) as server:
        (first,) = judged(store, server, "--sample", 4)["judges"]
        model[0] = "judge-1-june"
        found = judged(store, server, "--all")
        text = command(store, "judge", "--all", **variables(server)).stdout.decode()
        report = printed(command(store, "report", "--json"))
    may, june = found["judges"]
    assert (may["model"], may["pairs"], may["newest"]) == ("judge-1-may", 4, False)
    assert (june["model"], june["pairs"], june["newest"]) == ("judge-1-june", 6, True)
    assert may["epoch"] == first["epoch"] != june["epoch"]
    assert may["fingerprint"] == june["fingerprint"]
    assert "4 pairs were judged in an earlier epoch (judge-1-may" in " ".join(text.split())
    assert [card["epoch"] for card in report["judges"]] == [may["epoch"], june["epoch"]]
    assert [card["pairs"] for card in report["judges"]] == [4, 6]


def test_another_judge_or_rubric_judges_the_same_outputs_anew(store):
    (store / "rubric.txt").write_text("Only the tone counts.")
    (store / "empty.txt").write_text("\n")
    with judge_server(good) as server:
        judged(store, server)
        two = variables(
            server, {"model": "judge-1"}, {"model": "judge-1", "name": "again", "seed": 1}
        )
        again = printed(command(store, "judge", "--json", **two))
        assert again["run"]["asked"] == 20
        assert [card["judge"] for card in again["judges"]] == ["judge-1", "again"]
        toned = judged(store, server, "--rubric", "rubric.txt")
        assert toned["run"]["asked"] == 20
        assert "Only the tone counts." in server.asked[-1].system
        line = refused(command(store, "judge", "--rubric", "empty.txt", **two), 65)
        assert "empty.txt: empty" in line
        assert len(server.asked) == 60
    assert len(printed(command(store, "report", "--json"))["judges"]) == 3


def test_an_unreachable_judge_is_one_clear_line(store):
    with judge_server(good) as server:
        pass
    quick = {"SHADOW_JUDGE": '{"tries": 1}'}
    line = refused(command(store, "judge", "--json", **variables(server, **quick)), 78)
    host = server.url.split("/")[2]
    assert line.startswith(f"shadow-mw: judge judge-1 at {host}: ")
    assert line.endswith("unreachable")
    few = command(store, "judge", "--sample", 1, **variables(server, **quick))
    assert refused(few, 78) == "shadow-mw: no judge answered: unreachable 2"


def test_a_judge_that_goes_away_leaves_what_it_said(store):
    def script(asked):
        if len(server.asked) > 4:
            return Raw(401, {"error": {"message": "key \x1b[31mexpired"}})
        return good(asked)

    with judge_server(script) as server:
        used = variables(server, SHADOW_JUDGE='{"concurrency": 1}')
        done = command(store, "judge", "--json", **used)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert "http_401 (key ?[31mexpired); what was answered is kept, run again to go on" in line
    found = json.loads(done.stdout)
    assert found["judges"][0]["pairs"] == 2
    assert found["run"]["left"] == 15


def test_labels_of_people_correct_the_win_rate_and_qualify(tmp_path):
    """A judge that is right on 88 of 88 labelled pairs, in both orders."""
    stored(tmp_path, *(pair(i) for i in range(100)))
    with judge_server(good) as server:
        judged(tmp_path, server, "--out", "rows.jsonl")
        rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
        assert {(row["human"], *row["judge"]) for row in rows} == {(None, "B", "B")}
        people = lines(*(row | {"human": "B"} for row in rows[:88]))
        (tmp_path / "people.jsonl").write_text(people)
        (card,) = judged(tmp_path, server, "--labels", "people.jsonl")["judges"]
        few = lines(*(row | {"human": "A" if i % 2 else "B"} for i, row in enumerate(rows[:60])))
        (tmp_path / "people.jsonl").write_text(few)
        (other,) = judged(tmp_path, server, "--labels", "people.jsonl")["judges"]
        assert "is there already" in refused(
            command(tmp_path, "judge", "--out", "rows.jsonl", **variables(server)), 78
        )
        assert len(server.asked) == 200
    assert (card["qualified"], card["reasons"]) == (True, [])
    assert card["win_rate"]["corrected"] == pytest.approx(1)
    assert card["calibration"]["n"] == 88
    assert other["qualified"] is False
    assert other["win_rate"]["naive"] == pytest.approx(1)
    assert other["win_rate"]["corrected"] == pytest.approx(0.5)


def test_opinions_survive_in_the_store_with_everything_that_was_said(store):
    with judge_server(good) as server:
        judged(store, server, "--sample", 1)
    connection = sqlite3.connect(store / "shadow.db")
    found = connection.execute(
        "SELECT first, winner, analysis, model, cost_usd, calls, input_tokens FROM opinions"
        " ORDER BY first"
    ).fetchall()
    connection.close()
    said = ("candidate", "Both were read.", "judge-1", "0.0038", 1, 300)
    assert found == [("candidate", *said), ("primary", *said)]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({}, 78, "no judge is set"),
        ({"SHADOW_JUDGES": "no"}, 78, "SHADOW_JUDGES=***: accepted is a JSON list"),
        (
            {"SHADOW_JUDGES": '[{"url": "ftp://k", "model": "m", "api_key": "sesame"}]'},
            78,
            "SHADOW_JUDGES.0.url=***: accepted is a base URL",
        ),
        (
            {"SHADOW_JUDGES": '[{"model": "m"}]'},
            78,
            "SHADOW_JUDGES.0.url is not set",
        ),
        (
            {"SHADOW_JUDGES": '[{"url": "http://h/v1", "model": "m", "format": "x"}]'},
            78,
            "SHADOW_JUDGES.0.format=x: accepted is",
        ),
        ({"SHADOW_JUDGE": '{"concurrency": 0}'}, 78, "SHADOW_JUDGE.concurrency=0: accepted is"),
    ],
)
def test_wrong_settings_are_one_line(store, given, code, said):
    line = refused(command(store, "judge", **given), code)
    assert said in line
    assert "sesame" not in line


def test_judges_of_a_file(store):
    with judge_server(good) as server:
        (store / "shadow.toml").write_text(
            f"""[judge]
            concurrency = 2
            rubric = "Short is good."

            [[judges]]
            url = "{server.url}"
            model = "judge-1"
            name = "first"
            api_key = "sesame"
            temperature = "default"

            [[judges]]
            url = "{server.url}"
            model = "claude-judge"
            format = "anthropic_messages"
            """
        )
        done = command(store, "judge", "--json", "--judge", "first", SHADOW_CONFIG="shadow.toml")
        found = printed(done)
        line = refused(command(store, "judge", "--judge", "x", SHADOW_CONFIG="shadow.toml"), 78)
    assert [card["judge"] for card in found["judges"]] == ["first"]
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer sesame"}
    assert "temperature" not in server.asked[0].body
    assert "Short is good." in server.asked[0].system
    assert "no judge is called 'x': there are first, claude-judge" in line
    assert b"sesame" not in done.stdout + done.stderr


def test_usage_and_a_store_without_pairs(tmp_path):
    with judge_server(good) as server:
        assert command(tmp_path, "judge", "--sample", 0, **variables(server)).returncode == 64
        assert (
            command(tmp_path, "judge", "--budget-usd", "nan", **variables(server)).returncode == 64
        )
        assert "no store" in refused(command(tmp_path, "judge", **variables(server)), 65)
        stored(tmp_path, row("p1", "x", {"output": None, "error": "timeout"}))
        line = refused(command(tmp_path, "judge", **variables(server)), 65)
    assert "no pair that could be judged: candidate_failed 1" in line


def test_an_unknown_price_is_no_price_and_one_answer_proves_little(store):
    with judge_server(good) as server:
        unpriced = variables(server, SHADOW_PRICES="{}")
        dry = printed(command(store, "judge", "--json", "--dry-run", **unpriced))
        found = printed(command(store, "judge", "--json", **unpriced))
        line = refused(command(store, "judge", "--all", "--budget-usd", "1", **unpriced), 78)
    assert (dry["plan"]["usd"], dry["plan"]["unpriced"]) == (None, ["judge-1"])
    assert found["run"]["usd"] is found["judges"][0]["usd"] is None
    assert "no price is known for judge judge-1" in line
    low, high = found["judges"][0]["win_rate"]["naive_ci"]
    assert (low, high) == (pytest.approx(0.69, abs=0.01), 1)
