"""Win rates over several draws of a growing store, and where a judge does not answer."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from evaluate.test_judge_command import good, judged, stored, variables
from rows.pair_rows import command, lines, printed, row
from support.judge_server import Raw, chat, judge_server, verdict

START = datetime(2026, 11, 2, tzinfo=UTC)
FILTERED = Raw(400, {"error": {"message": "content filter", "code": "content_filter"}})
ALONE = {"SHADOW_JUDGE": '{"concurrency": 1}'}


def pairs(numbers, winner="candidate", **more):
    """One a minute; the winner's output has the word."""
    for number in numbers:
        said = {name: f"{name} {number}" for name in ("primary", "candidate")}
        said[winner] += " GOOD"
        asked = {"input": {"messages": [{"role": "user", "content": f"task {number}"}]}}
        time = (START + timedelta(minutes=number)).isoformat()
        yield row(f"p{number}", **said, **asked, time=time, **more)


def card(path):
    (found,) = printed(command(path, "report", "--json"))["judges"]
    return found


def test_pairs_of_several_draws_count_for_what_they_stand_for(tmp_path):
    """First the candidate wins, later, in four times as many pairs, the primary does."""
    with judge_server(good) as server:
        stored(tmp_path, *pairs(range(40)))
        judged(tmp_path, server, "--sample", 20)
        first = card(tmp_path)
        stored(tmp_path, *pairs(range(40, 200), "primary"))
        late = card(tmp_path)
        last = judged(tmp_path, server, "--sample", 30)["judges"][0]
        both = card(tmp_path)
        judged(tmp_path, server, "--all")
        every = card(tmp_path)
    assert (first["win_rate"]["naive"], first["unjudged"]["share"]) == (1, 0)

    # Nobody knows what the pairs are that no draw could reach.
    assert late["unjudged"] == {"share": pytest.approx(0.8), "pairs": {"not_drawn": 160}}
    assert late["win_rate"]["naive_bounds"][0] < 0.2
    assert late["win_rate"]["naive_bounds"][1] == 1

    # The last draw alone is a random sample of all; with the first one early pairs are too many.
    assert last["pairs"] == 30
    assert last["win_rate"]["naive"] == pytest.approx(0.2, abs=0.1)
    assert both["pairs"] > 40
    assert both["win_rate"]["naive"] == pytest.approx(40 / 200)
    low, high = both["win_rate"]["naive_ci"]
    assert 0 < low < 0.2 < high < 0.5
    assert both["unjudged"]["share"] == 0
    assert every["win_rate"]["naive"] == pytest.approx(0.2)


def test_people_correct_what_the_pairs_stand_for(tmp_path):
    with judge_server(good) as server:
        stored(tmp_path, *pairs(range(40)))
        judged(tmp_path, server, "--all")
        stored(tmp_path, *pairs(range(40, 200), "primary"))
        judged(tmp_path, server, "--sample", 60)
        labels = [{"id": f"p{i}", "human": "B" if i < 40 else "A"} for i in range(200)]
        printed(command(tmp_path, "label", "-", "--json", stdin=lines(*labels)))
    found, alone = card(tmp_path), printed(command(tmp_path, "calibrate", "--json"))
    assert found["win_rate"]["corrected"] == pytest.approx(0.2)
    assert alone["win_rate"]["corrected"] == pytest.approx(0.2)
    assert alone["win_rate"]["labels_only"] == pytest.approx(0.2)
    assert alone["win_rate"]["naive"] == pytest.approx(0.2)


def test_pairs_without_text_that_were_drawn_count_among_those_drawn(tmp_path):
    """Of the early pairs half have an image, which no judge sees: one draws them all the same."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    shown = {"messages": [{"role": "user", "content": [image]}]}
    early = [one | {"input": shown} if n % 2 else one for n, one in enumerate(pairs(range(80)))]
    with judge_server(good) as server:
        stored(tmp_path, *early)
        judged(tmp_path, server, "--all")
        stored(tmp_path, *pairs(range(80, 240), "primary"))
        judged(tmp_path, server, "--sample", 120)
    # 40 early ones can be judged, and all 160 later ones.
    assert card(tmp_path)["win_rate"]["naive"] == pytest.approx(40 / 200)


def filtering(asked):
    """A judge whose server refuses what the candidate says of every other task."""
    if "FORBIDDEN" in asked.texts["answer A"] + asked.texts["answer B"]:
        return FILTERED
    return good(asked)


def test_pairs_that_a_judges_server_refuses_are_told_and_bound_the_win_rate(tmp_path):
    """The candidate's worst outputs are what the judge's content filter refuses."""
    stored(tmp_path, *pairs(range(0, 1440, 14)), *forbidden(range(7, 1440, 14)))
    (tmp_path / "plan.toml").write_text(PLAN)
    labels = lines(*({"id": f"p{i}", "human": "B"} for i in range(0, 1440, 14)))
    with judge_server(filtering) as server:
        found = judged(tmp_path, server, "--all", **ALONE)
        printed(command(tmp_path, "label", "-", "--json", stdin=labels))
        again = judged(tmp_path, server, "--all", **ALONE)
        shown = command(tmp_path, "judge", "--all", **variables(server, **ALONE)).stdout.decode()
    assert found["run"]["failed"] == again["run"]["failed"] == {"http_400": 206}
    (said,) = again["judges"]
    share = 103 / 206
    assert said["unjudged"] == {"share": pytest.approx(share), "pairs": {"http_400": 103}}
    assert said["win_rate"]["corrected"] == pytest.approx(1)
    low, high = said["win_rate"]["corrected_bounds"]
    assert low < 1 - share < high == 1
    assert said["qualified"] is True
    assert card(tmp_path)["unjudged"] == said["unjudged"]
    assert "50.0 % of the pairs have no verdict (http_400 103)" in " ".join(shown.split())
    report = " ".join(command(tmp_path, "report").stdout.decode().split())
    assert re.search(r"\(http_400 103\): with them \d+\.\d % to 100.0 %, whatever they are", report)

    done = command(tmp_path, "verdict", "--json", "--plan", "plan.toml")
    gate = next(g for g in json.loads(done.stdout)["gates"] if g["name"] == "win_rate")
    assert (done.returncode, gate["state"]) == (2, "unproven")
    assert "50 % of all have no verdict (http_400 103)" in gate["reason"]


def forbidden(numbers):
    for one in pairs(numbers, "primary"):
        one["candidate"]["output"] += " FORBIDDEN"
        yield one


PLAN = """name = "judged"
[window]
days = 1
looks = [1.0]
[gates.win_rate]
at_least = 0.55
"""


def test_few_pairs_without_a_verdict_change_nothing_and_are_named(tmp_path):
    stored(tmp_path, *pairs(range(0, 1440, 7)), *forbidden([1, 2, 1439]))
    (tmp_path / "plan.toml").write_text(PLAN)
    labels = lines(*({"id": f"p{i}", "human": "B"} for i in range(0, 1440, 7)))
    printed(command(tmp_path, "label", "-", "--json", stdin=labels))
    with judge_server(filtering) as server:
        judged(tmp_path, server, "--all", **ALONE)
    done = command(tmp_path, "verdict", "--json", "--plan", "plan.toml")
    gate = next(g for g in json.loads(done.stdout)["gates"] if g["name"] == "win_rate")
    assert gate["state"] == "pass"
    assert "1.435 % of all have no verdict (http_400 3)" in gate["method"]


def test_what_is_too_long_or_half_refused_has_no_verdict(tmp_path):
    """One order is refused, and it is no verdict; the other's answer is kept."""
    rambling = [
        one | {"candidate": one["candidate"] | {"output": "GOOD " * 500}}
        for one in pairs(range(20, 30))
    ]
    stored(tmp_path, *pairs(range(20)), *rambling)

    def script(asked):
        first = asked.texts["task"] == "[user]\ntask 3" and "GOOD" in asked.texts["answer A"]
        return FILTERED if first else good(asked)

    short = {"SHADOW_JUDGE": '{"concurrency": 1, "max_chars": 2000}'}
    with judge_server(script) as server:
        (said,) = judged(tmp_path, server, **short)["judges"]
        (stored_,) = [card(tmp_path)]
        longer = judged(tmp_path, server)["judges"][0]
    assert said["unjudged"] == stored_["unjudged"]
    assert said["unjudged"]["pairs"] == {"http_400": 1, "too_large": 10}
    assert said["unjudged"]["share"] == pytest.approx(11 / 30)
    assert said["half"] == 1
    assert longer["unjudged"]["pairs"] == {"http_400": 1}


def test_an_answer_that_comes_later_counts_and_the_failure_is_forgotten(tmp_path):
    stored(tmp_path, *pairs(range(10)))
    refusing = [True]
    with judge_server(lambda asked: FILTERED if hard(asked, refusing) else good(asked)) as server:
        (before,) = judged(tmp_path, server, **ALONE)["judges"]
        refusing[0] = False
        (after,) = judged(tmp_path, server, **ALONE)["judges"]
    assert before["unjudged"]["pairs"] == {"http_400": 1}
    assert after["unjudged"] == {"share": 0, "pairs": {}}


def hard(asked, refusing):
    return refusing[0] and asked.texts["task"].endswith("task 3")


def test_pairs_that_fail_again_and_again_keep_no_other_pair_from_being_asked(tmp_path):
    """A run stops after five failures in a row: those that failed before come last."""
    stored(tmp_path, *pairs(range(20)), *forbidden(range(20, 32)))

    def script(asked):
        return Raw(503) if filtering(asked) is FILTERED else good(asked)

    once = {"SHADOW_JUDGE": '{"concurrency": 1, "tries": 1}'}
    with judge_server(script) as server:
        done = [command(tmp_path, "judge", "--json", **variables(server, **once)) for _ in range(6)]
    assert card(tmp_path)["pairs"] == 20
    assert all(one.returncode in (0, 1) for one in done)


def test_a_firewall_that_refuses_one_text_with_403_stops_no_run(tmp_path):
    stored(tmp_path, *pairs(range(20)), *forbidden(range(20, 23)))

    def script(asked):
        return Raw(403) if filtering(asked) is FILTERED else good(asked)

    with judge_server(script) as server:
        for _ in range(4):
            command(tmp_path, "judge", **variables(server, **ALONE))
    said = card(tmp_path)
    assert (said["pairs"], said["unjudged"]["pairs"]) == (20, {"http_403": 3})


def test_an_invalid_verdict_in_one_order_bounds_what_the_judge_says(tmp_path):
    stored(tmp_path, *pairs(range(20)))

    def script(asked):
        no = asked.texts["task"].endswith("task 3") and "GOOD" in asked.texts["answer A"]
        return Raw(body=chat("no")) if no else good(asked)

    with judge_server(script) as server:
        (said,) = judged(tmp_path, server)["judges"]
    assert said["wins"]["invalid"] == 1
    low, high = said["win_rate"]["naive_bounds"]
    assert low < 19 / 20 * said["win_rate"]["naive_ci"][0] < 0.95 < high


def test_a_model_of_an_arms_family_behind_a_gateways_alias_is_no_judge(tmp_path):
    """Asked as `prod-judge`, it answers as one of the candidate's own family."""
    legs = {"output": "GOOD", "model": "gpt-small"}
    stored(tmp_path, *(one | {"candidate": legs} for one in pairs(range(4))))

    def script(asked):
        return Raw(body=chat(verdict(good(asked)), model="gpt-large-2026"))

    with judge_server(script) as server:
        alias = {"model": "prod-judge"}
        done = command(tmp_path, "judge", "--json", **variables(server, alias, **ALONE))
        assert len(server.asked) == 1
        allowed = printed(
            command(tmp_path, "judge", "--json", "--allow-family", **variables(server, alias))
        )
    assert done.returncode == 78
    assert b"answers as gpt-large-2026, of the candidate model's family" in done.stderr
    assert allowed["judges"][0]["own_family"]["candidate"]["value"] == 1


def test_a_text_that_looks_like_a_call_is_no_call(tmp_path):
    """Neither to the judge, nor as an output that is the same."""
    calls = [{"type": "function", "id": "c", "function": {"name": "pay", "arguments": "{}"}}]
    asked = {"input": {"messages": [{"role": "user", "content": "Pay it."}]}}
    calling = {"output": None, "tool_calls": calls}
    stored(tmp_path, row("p1", calling, "[calls pay]\n{}", **asked))
    with judge_server(lambda asked: "TIE") as server:
        found = judged(tmp_path, server)
    assert (found["sample"]["to_judge"], found["sample"]["identical"]) == (1, 0)
    texts = server.asked[0].texts
    assert {texts["answer A"], texts["answer B"]} == {
        "[calls pay]\n{}",
        "(text, no call) [calls pay]\n{}",
    }


def test_an_alarm_of_one_candidates_anchors_is_one_of_the_judge(tmp_path):
    """The same judge is asked about two candidates; anchors are frozen for the first alone."""
    other = [one | {"candidate": one["candidate"] | {"model": "two"}} for one in pairs(range(16))]
    stored(tmp_path, *pairs(range(16)))
    turned = [False]

    def script(asked):
        slot = good(asked)
        return {"A": "B", "B": "A"}[slot] if turned[0] else slot

    with judge_server(script) as server:
        judged(tmp_path, server, "--freeze-anchors", 12)
        stored(tmp_path, *other)
        names = ["--candidate", "two"]
        before = judged(tmp_path, server, *names)["judges"][0]
        turned[0] = True
        judged(tmp_path, server, "--candidate", "small", "--anchors")
        after = printed(command(tmp_path, "report", "--json", *names))["judges"][0]
    assert before["drift"] is None
    assert after["drift"]["alarm"] is True
    assert after["drift"]["to_primary"] == 12
