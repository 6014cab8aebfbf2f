"""LLM judges against a real, scripted server."""

import asyncio
import json
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from support.judge_server import Raw, chat, chat_tool, judge_server, message, verdict

from shadow_mw.evaluate.judging.fingerprint import epoch_of, spec_of
from shadow_mw.evaluate.judging.judge import judge_pairs, plan
from shadow_mw.evaluate.judging.pools import newest, pools
from shadow_mw.evaluate.judging.store import recording
from shadow_mw.evaluate.judging.values import Item, Judge, JudgeSettings, Winner
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.settings import Price
from shadow_mw.types import Role, WireFormat
from shadow_mw.wire.retry_after import seconds

SETTINGS = JudgeSettings(concurrency=4, timeout=20)
PRICES = PriceTable({"judge-1": Price(input=Decimal(10), output=Decimal(20))})
CALL_USD = Decimal(300 * 10 + 40 * 20) / 1_000_000
"""What one scripted answer costs."""


def pairs(n, **other):
    return [
        Item(f"p{i}", f"task {i}", f"primary says {i}", f"candidate says {i} GOOD", **other)
        for i in range(n)
    ]


def good(asked):
    """Whichever slot holds the word."""
    return "A" if "GOOD" in asked.texts["answer A"] else "B"


def run(items, server, record, settings=SETTINGS, *, judge=None, **options):
    judges = judge if isinstance(judge, list) else [judge or Judge(server.url, "judge-1")]
    return asyncio.run(judge_pairs(items, judges, settings, record, **options))


@pytest.fixture
def record(tmp_path):
    with Store.open(tmp_path / "shadow.db", create=True) as store, recording(store) as opened:
        yield opened


def judged(result):
    (pool,) = pools(result.opinions)
    return {judgement.pair_id: judgement for judgement in pool.judgements}


def test_both_orders_are_sent_swapped_and_read_back_to_roles(record):
    with judge_server(good) as server:
        result = run(pairs(3), server, record)

        by_task = {}
        for asked in server.asked:
            by_task.setdefault(asked.texts["task"], []).append(asked.texts)
    assert (result.asked, result.left, result.calls) == (6, 0, 6)
    for i in range(3):
        one, other = by_task[f"task {i}"]
        assert one["answer A"] == other["answer B"] == f"primary says {i}"
        assert one["answer B"] == other["answer A"] == f"candidate says {i} GOOD"
    assert {j.winner for j in judged(result).values()} == {Winner.CANDIDATE}
    assert {j.score for j in judged(result).values()} == {1.0}


def test_the_judge_is_told_no_role_and_no_model(record):
    items = pairs(1, primary_model="llama-secret-7b", candidate_model="qwen-secret-8b")
    items = [replace(items[0], primary="one answer", candidate="another", reference="the truth")]
    with judge_server(lambda asked: "TIE") as server:
        run(items, server, record)
        said = json.dumps([asked.body for asked in server.asked]).lower()
        headers = json.dumps([asked.headers for asked in server.asked]).lower()
        assert all(asked.texts["reference"] == "the truth" for asked in server.asked)
    for word in ("primary", "candidate", "llama", "qwen", "production", "baseline", "shadow"):
        assert word not in said
    assert "secret" not in headers


def test_the_schema_is_enforced_and_the_analysis_comes_before_the_verdict(record):
    with judge_server(good) as server:
        run(pairs(1), server, record)
        body = server.asked[0].body
        nonces = {asked.nonce for asked in server.asked}
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert list(schema["schema"]["properties"]) == ["analysis", "verdict"]
    assert schema["schema"]["properties"]["verdict"]["enum"] == ["A", "B", "TIE"]
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0.0, 2048, "judge-1")
    assert len(nonces) == 2


def test_ties_inconsistency_and_invalid_verdicts_are_three_things(record):
    items = [Item(name, name, "x", "y") for name in ("tie", "first", "half", "invalid")]

    def script(asked):
        task, swapped = asked.texts["task"], asked.texts["answer A"] == "y"
        if task == "half":
            return "A" if swapped else "TIE"
        if task == "invalid":
            return Raw(body=chat("A is better.")) if swapped else "B"
        return {"tie": "TIE", "first": "A"}[task]

    with judge_server(script) as server:
        found = judged(run(items, server, record))
    assert (found["tie"].winner, found["tie"].inconsistent, found["tie"].score) == (
        "tie",
        False,
        0.5,
    )
    assert (found["first"].winner, found["first"].inconsistent) == ("tie", True)
    assert found["first"].score == 0.5
    assert (found["half"].winner, found["half"].inconsistent, found["half"].score) == (
        "tie",
        True,
        0.75,
    )
    assert (found["invalid"].winner, found["invalid"].score) == ("invalid", None)


def test_an_invalid_verdict_is_counted_with_its_reason_and_not_asked_again(record):
    def script(asked):
        return Raw(body=chat("I prefer B."))

    seen = []
    with judge_server(script) as server:
        result = run(pairs(2), server, record, progress=seen.append)
        again = run(pairs(2), server, record)
        assert len(server.asked) == 4
    assert {(o.winner, o.invalid) for o in result.opinions} == {(Winner.INVALID, "not_json")}
    assert (seen[-1].invalid, seen[-1].done, seen[-1].total) == (4, 4, 4)
    assert (again.asked, len(again.opinions)) == (0, 4)


def test_anthropic_endpoints_are_asked_with_a_forced_tool(record):
    with judge_server(good) as server:
        judge = Judge(server.url, "claude-judge", WireFormat.ANTHROPIC_MESSAGES, api_key="key-1")
        result = run(pairs(2), server, record, judge=judge)
        asked = server.asked[0]
    assert asked.path == "/v1/messages"
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (
        "key-1",
        "2023-06-01",
    )
    assert "authorization" not in asked.headers
    assert asked.body["tool_choice"]["name"] == asked.body["tools"][0]["name"] == "verdict"
    assert [m["role"] for m in asked.body["messages"]] == ["user"]
    assert {j.winner for j in judged(result).values()} == {Winner.CANDIDATE}
    assert {(o.model, o.input_tokens) for o in result.opinions} == {("claude-judge", 300)}


def test_the_other_way_to_enforce_the_schema_in_either_format(record):
    def script(asked):
        if "output_config" in asked.body:
            text = {"type": "text", "text": verdict(good(asked))}
            return Raw(body=message({}) | {"content": [text], "stop_reason": "end_turn"})
        return Raw(body=chat_tool(verdict(good(asked))))

    with judge_server(script) as server:
        judges = [
            Judge(server.url, "judge-1", mode="tool", api_key="key-2"),
            Judge(server.url, "claude-judge", WireFormat.ANTHROPIC_MESSAGES, mode="schema"),
        ]
        result = run(pairs(2), server, record, judge=judges)
        tool = next(a.body for a in server.asked if a.path == "/v1/chat/completions")
        keys = {a.headers.get("authorization") for a in server.asked}
    assert tool["tool_choice"] == {"type": "function", "function": {"name": "verdict"}}
    assert keys == {"Bearer key-2", None}
    for pool in pools(result.opinions):
        assert {j.winner for j in pool.judgements} == {Winner.CANDIDATE}


def test_a_busy_server_is_asked_again_after_the_time_it_names(record):
    times = []

    def script(asked):
        times.append(time.monotonic())
        if len(times) == 1:
            return Raw(429, {"error": {"message": "slow down"}}, {"retry-after": "0.4"})
        if len(times) == 3:
            return Raw(503, {"error": {"message": "overloaded"}}, {"retry-after": "0"})
        return good(asked)

    with judge_server(script) as server:
        result = run(pairs(2), server, record, replace(SETTINGS, concurrency=1))
    assert times[1] - times[0] >= 0.4
    assert (result.asked, result.calls, result.failed) == (4, 6, {})
    assert sorted(o.calls for o in result.opinions) == [1, 1, 2, 2]


def test_both_forms_of_retry_after_are_read():
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert seconds(in_a_minute) == pytest.approx(60, abs=2)
    assert seconds("Sat, 01 Jan 2000 00:00:00 GMT") == 0
    assert (seconds("7"), seconds("0.5")) == (7, 0.5)
    assert [seconds(value) for value in ("", None, "soon", "nan", "-1")] == [None] * 5


def test_what_fails_for_good_is_counted_and_asked_again_by_the_next_run(record):
    broken = {"task 1"}

    def script(asked):
        if asked.texts["task"] in broken:
            return Raw(400, {"error": {"message": "content filter"}})
        return good(asked)

    with judge_server(script) as server:
        first = run(pairs(4), server, record, replace(SETTINGS, concurrency=1))
        broken.clear()
        second = run(pairs(4), server, record)
    assert (first.asked, first.failed, first.stopped) == (6, {"http_400": 2}, {})
    assert (second.asked, second.failed, len(second.opinions)) == (2, {}, 8)


def test_a_judge_that_is_down_or_locked_is_left_alone(record):
    with judge_server(lambda asked: Raw(401, {"error": {"message": "no such key"}})) as server:
        result = run(pairs(50), server, record, replace(SETTINGS, concurrency=2))
        assert len(server.asked) <= 2
    assert result.stopped == {"judge-1": "http_401 (no such key)"}
    assert result.left >= 98

    settings = replace(SETTINGS, concurrency=1, tries=1, longest_rest=0.02)
    with judge_server(lambda asked: Raw(500, {})) as server:
        result = run(pairs(50), server, record, settings)
        assert len(server.asked) == 5
    assert "5 failures in a row" in result.stopped["judge-1"]
    dead = Judge(server.url, "judge-1")
    assert run(pairs(9), server, record, settings, judge=dead).failed == {"unreachable": 5}


def test_calls_are_bounded_and_a_later_run_goes_on(record):
    with judge_server(good) as server:
        first = run(pairs(5), server, record, replace(SETTINGS, max_calls=7))
        assert len(server.asked) == 7
        same = run(pairs(5), server, record, replace(SETTINGS, max_calls=7))
        assert len(server.asked) == 7
        rest = run(pairs(5), server, record, replace(SETTINGS, max_calls=20))
        assert len(server.asked) == 10
    assert (first.asked, first.left) == (7, 3)
    assert first.stopped == {"judge-1": "the budget is spent"}
    assert (same.asked, same.calls) == (0, 7)
    assert (rest.asked, rest.left, rest.calls) == (3, 0, 10)


def test_dollars_are_bounded(record):
    budget = 6 * CALL_USD + Decimal("0.045")
    settings = replace(SETTINGS, budget_usd=budget)
    with judge_server(good) as server:
        result = run(pairs(20), server, record, settings, prices=PRICES)
    assert result.usd <= budget
    # A call is thought to cost at most 4.5 cents, and the rest of the budget is used.
    assert 6 <= result.asked <= 6 + 0.045 / float(CALL_USD)
    assert result.usd == result.asked * CALL_USD
    assert {o.cost_usd for o in result.opinions} == {CALL_USD}
    assert result.left == 40 - result.asked


def test_a_budget_in_dollars_needs_a_price(record):
    with judge_server(good) as server:
        with pytest.raises(ConfigError, match="no price is known for judge judge-1"):
            run(pairs(1), server, record, replace(SETTINGS, budget_usd=Decimal(1)))
        assert server.asked == []


def test_a_plan_says_calls_and_cost_and_makes_none(record):
    with judge_server(good) as server:
        judge = Judge(server.url, "judge-1", max_tokens=100)
        run(pairs(2), server, record, judge=judge)
        found = plan(pairs(5), [judge], SETTINGS, record, PRICES)
        assert len(server.asked) == 4
    assert (found.calls, found.recorded, found.unpriced) == (6, 4, ())
    assert 6 * CALL_USD < found.usd < Decimal("0.1")
    assert plan(pairs(1), [judge], SETTINGS, record).unpriced == ("judge-1",)


def test_an_interrupted_run_goes_on_and_asks_nothing_twice(record):
    release = threading.Event()
    held = 10

    def script(asked):
        if len(server.asked) > held:
            release.wait(20)
        return good(asked)

    async def interrupted(judge):
        task = asyncio.create_task(judge_pairs(pairs(20), [judge], SETTINGS, record))
        spec = spec_of(judge, SETTINGS)
        while len(record.opinions(spec)) < held or len(server.asked) < held + 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with judge_server(script) as server:
        judge = Judge(server.url, "judge-1")
        asyncio.run(interrupted(judge))
        release.set()
        before = len(server.asked)
        assert len(record.opinions(spec_of(judge, SETTINGS))) == held
        result = run(pairs(20), server, record, judge=judge)
        assert len(server.asked) - before == 40 - held
    assert (result.asked, len(result.opinions), result.left) == (40 - held, 40, 0)
    kept = Counter((one.pair_id, one.first) for one in record.opinions(spec_of(judge, SETTINGS)))
    assert (len(kept), set(kept.values())) == (40, {1})


def test_other_texts_under_the_same_id_are_judged_anew(record):
    with judge_server(good) as server:
        run(pairs(1), server, record)
        changed = [replace(pairs(1)[0], candidate="worse now", primary="GOOD")]
        result = run(changed, server, record)
        assert len(server.asked) == 4
    assert judged(result)["p0"].winner is Winner.PRIMARY


def test_another_model_behind_the_same_name_begins_an_epoch(record):
    answers = {"model": "judge-1-may"}

    def script(asked):
        return Raw(body=chat(verdict("TIE"), **answers, system_fingerprint="fp_1"))

    with judge_server(script) as server:
        run(pairs(3), server, record, replace(SETTINGS, max_calls=3, concurrency=1))
        answers["model"] = "judge-1-june"
        result = run(pairs(3), server, record)
    old, new = pools(result.opinions)
    assert (old.model, new.model) == ("judge-1-may", "judge-1-june")
    # The pair between the two has one order in either: in neither pool.
    assert ([j.pair_id for j in old.judgements], old.half) == (["p0"], 1)
    assert ([j.pair_id for j in new.judgements], new.half) == (["p2"], 1)
    assert newest([old, new])["judge-1"] is new


def test_a_system_fingerprint_begins_an_epoch_unless_it_is_not_watched(record):
    drawn = iter(range(100))

    def script(asked):
        return Raw(body=chat(verdict("A"), system_fingerprint=f"fp_{next(drawn)}"))

    with judge_server(script) as server:
        assert len(pools(run(pairs(2), server, record).opinions)) == 4
        calm = replace(SETTINGS, watch_system_fingerprint=False)
        other = Judge(server.url, "judge-1", name="calm")
        assert len(pools(run(pairs(2), server, record, calm, judge=other).opinions)) == 1


def test_everything_that_is_asked_for_is_in_the_fingerprint():
    judge = Judge("http://h/v1", "judge-1", name="one")
    specs = {
        spec_of(replace(judge, **change), SETTINGS)
        for change in (
            {},
            {"url": "http://i/v1"},
            {"model": "judge-2"},
            {"format": WireFormat.ANTHROPIC_MESSAGES},
            {"mode": "tool"},
            {"temperature": None},
            {"top_p": 0.5},
            {"seed": 1},
            {"max_tokens": 9},
            {"params": {"reasoning_effort": "low"}},
        )
    }
    specs.add(spec_of(judge, replace(SETTINGS, rubric="Shorter is better.")))
    assert len(specs) == 11
    assert spec_of(replace(judge, name="two", api_key="k"), SETTINGS) in specs
    assert spec_of(judge, replace(SETTINGS, concurrency=1, max_calls=5)) in specs
    epochs = {epoch_of(judge, SETTINGS, m, f) for m in (None, "a", "b") for f in (None, "f")}
    assert len(epochs) == 6


def test_a_judge_of_an_arms_family_is_refused_unless_told(record):
    items = pairs(2, primary_model="gpt-4o-mini", candidate_model="llama-3.1-8b-extract-v4")
    with judge_server(good) as server:
        judge = Judge(server.url, "openai/gpt-5")
        with pytest.raises(ConfigError, match="of the primary model's family"):
            run(items, server, record, judge=judge)
        assert server.asked == []
        allowed = run(items, server, record, replace(SETTINGS, allow_same_family=True), judge=judge)
        other = run(items, server, record, judge=Judge(server.url, "claude-judge"))
        limits = {name for asked in server.asked for name in asked.body if "max" in name}
    assert allowed.overrides == ("openai/gpt-5 is of the primary model's family",)
    assert other.overrides == ()
    assert limits == {"max_completion_tokens", "max_tokens"}


def test_too_much_text_is_not_judged_and_never_cut(record):
    items = [*pairs(1), Item("long", "task", "x" * 3000, "y")]
    with judge_server(good) as server:
        result = run(items, server, record, replace(SETTINGS, max_chars=2000))
        assert len(server.asked) == 2
    assert result.too_large == ("long",)


def test_names_and_settings_that_cannot_work_are_refused(record):
    judge = Judge("http://127.0.0.1:9/v1", "judge-1")
    for wrong in (
        lambda: Judge("127.0.0.1/v1", "m"),
        lambda: Judge("http://h/v1", "m", WireFormat.OPENAI_EMBEDDINGS),
        lambda: Judge("http://h/v1", "m", WireFormat.ANTHROPIC_MESSAGES, seed=1),
        lambda: run(pairs(1), None, record, judge=[judge, judge]),
        lambda: run(pairs(1) * 2, None, record, judge=judge),
    ):
        with pytest.raises(ConfigError):
            wrong()
    assert "key" not in repr(Judge("http://h/v1", "m", api_key="key"))


def test_a_store_that_fails_stops_the_run(record, monkeypatch):
    def full(opinion):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record, "add", full)
    with judge_server(good) as server, pytest.raises(OSError, match="No space"):
        run(pairs(3), server, record)


def test_a_panel_runs_side_by_side(record):
    seen = []
    with judge_server(good) as server:
        judges = [Judge(server.url, name) for name in ("judge-1", "judge-2", "judge-3")]
        result = run(pairs(4), server, record, judge=judges, progress=seen.append)
    assert result.asked == 24
    assert {(p.judge, p.total) for p in seen} == {
        (name, 8) for name in ("judge-1", "judge-2", "judge-3")
    }
    assert max(p.done for p in seen) == 8
    assert len(pools(result.opinions)) == 3
    assert all(o.first in (Role.PRIMARY, Role.CANDIDATE) for o in result.opinions)
