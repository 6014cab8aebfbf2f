"""Logs of single calls, as gateways and batch APIs write them, joined to pairs."""

import json

import pytest
from rows.pair_rows import lines, printed

ASKED = {"messages": [{"role": "user", "content": "What is due?"}]}


def chat(text, model="gpt-4o", **more):
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_762_074_845,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 24, "completion_tokens": 15, "total_tokens": 39},
    } | more


def litellm(number, text, model="openai/gpt-4o", **more):
    """As `SELECT row_to_json(t)` prints a row; JSON columns are text or objects."""
    return {
        "request_id": f"chatcmpl-{model}-{number}",
        "call_type": "acompletion",
        "api_key": "88dc28d0",
        "spend": 0.00042,
        "total_tokens": 39,
        "prompt_tokens": 24,
        "completion_tokens": 15,
        "startTime": "2026-11-02T09:14:05.25",
        "endTime": "2026-11-02T09:14:05.75",
        "completionStartTime": "2026-11-02T09:14:05.35",
        "model": model,
        "metadata": {"status": "success"},
        "cache_hit": "False",
        "messages": {},
        "response": json.dumps(chat(text)),
        "session_id": f"s{number}",
        "status": "success",
        "proxy_server_request": {"model": model, **asked(number)},
    } | more


def asked(number):
    return {"messages": [{"role": "user", "content": f"What is due on {number}?"}]}


def bifrost(number, text, model="gpt-4o", **more):
    """As `GET /api/logs` lists an entry."""
    return {
        "id": f"req-{model}-{number}",
        "parent_request_id": f"parent-{number}",
        "provider": "openai",
        "model": model,
        "status": "success",
        "object": "chat.completion",
        "timestamp": "2026-11-02T10:14:05.25+01:00",
        "latency": 480.5,
        "cost": 0.00042,
        "stop_reason": "stop",
        "input_history": asked(number)["messages"],
        "output_message": {"role": "assistant", "content": text},
        "params": {"temperature": 0.5},
        "token_usage": {
            "prompt_tokens": 24,
            "prompt_tokens_details": {"cached_read_tokens": 8},
            "completion_tokens": 15,
        },
    } | more


def batch(number, text, model="gpt-4o", **more):
    response = {"status_code": 200, "request_id": f"req_{number}", "body": chat(text, model)}
    return {
        "id": f"batch_req_{number}",
        "custom_id": f"c{number}",
        "response": response,
        "error": None,
    } | more


def anthropic(number, text):
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "stop_reason": "end_turn",
        "content": [
            {"type": "text", "text": text},
            {"type": "tool_use", "id": "t", "name": "pay", "input": {"amount": 1.5}},
        ],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 2},
    }
    return {"custom_id": f"c{number}", "result": {"type": "succeeded", "message": message}}


@pytest.fixture
def imported(shadow, tmp_path):
    """Import two logs; what the command said and the pairs that came out."""

    def run(form, primary, candidate, *options):
        (tmp_path / "primary.jsonl").write_text(lines(*primary))
        (tmp_path / "candidate.jsonl").write_text(lines(*candidate))
        files = ("--primary", "primary.jsonl", "--candidate", "candidate.jsonl")
        result = printed(shadow("import", "--json", "--format", form, *files, *options))
        return result, [json.loads(line) for line in shadow("export").stdout.splitlines()]

    return run


def test_litellm_by_what_was_asked(imported):
    ours = [litellm(1, "a"), litellm(2, "b"), litellm(2, "b again")]
    theirs = [
        litellm(2, "b", "ollama/llama"),
        litellm(1, "A", "ollama/llama", spend=0.0, completionStartTime="2026-11-02T09:14:05.75"),
        litellm(2, "B", "ollama/llama"),
        litellm(3, "alone", "ollama/llama"),
        litellm(4, "cached", "ollama/llama", cache_hit="True"),
        litellm(5, "", "ollama/llama", call_type="aembedding"),
    ]
    result, pairs = imported("litellm", ours, theirs)
    assert result["new"] == 3
    assert result["skipped"] == {
        "candidate_alone": 1,
        "candidate_cache_hit": 1,
        "candidate_call_type_not_understood": 1,
    }
    said = [(one["primary"]["output"], one["candidate"]["output"]) for one in pairs]
    assert said == [("a", "A"), ("b", "b"), ("b again", "B")]
    first = pairs[0]
    assert first["time"] == "2026-11-02T09:14:05.25Z"
    assert first["session"] == "s1"
    assert first["input"]["messages"] == asked(1)["messages"]
    assert first["primary"]["model"] == "openai/gpt-4o"
    assert (first["primary"]["latency_ms"], first["primary"]["ttft_ms"]) == (500.0, 100.0)
    assert (first["primary"]["cost_usd"], first["primary"]["input_tokens"]) == (0.00042, 24)
    # Nothing was streamed, and a spend of 0 is no price.
    assert "ttft_ms" not in first["candidate"]
    assert "cost_usd" not in first["candidate"]


def test_litellm_by_session_without_contents_and_with_failures(imported, shadow):
    none = {"response": {}, "proxy_server_request": "{}"}
    said = {"error_information": {"error_class": "RateLimitError", "error_code": "429"}}
    cut = chat("long... (litellm_truncated skipped 99 chars) ...end")
    ours = [litellm(1, "", **none), litellm(2, "b"), litellm(3, "c")]
    theirs = [
        litellm(1, "", "m", **none),
        litellm(2, "", "m", status="failure", metadata=json.dumps(said), response={}, spend=0),
        litellm(3, "", "m", response=cut),
    ]
    result, pairs = imported("litellm", ours, theirs, "--join", "session_id")
    assert (result["new"], result["skipped"]) == (3, {})
    assert pairs[1]["candidate"]["error"] == "RateLimitError"
    report = printed(shadow("report", "--json"))
    assert report["funnel"]["reasons"] == {"content_truncated": 2}
    assert report["metrics"]["exact_match"]["n"] == 1
    # Times and costs compare where content was left out on purpose.
    assert report["metrics"]["latency_p50_ms"]["n"] == 2


def test_litellm_responses_and_anthropic_bodies(imported):
    output = [{"type": "message", "content": [{"type": "output_text", "text": "due"}]}]
    responses = {"object": "response", "status": "completed", "output": output}
    ours = litellm(
        1, "", call_type="aresponses", response=responses, proxy_server_request={"input": "hi"}
    )
    theirs = litellm(
        1,
        "",
        "claude",
        call_type="anthropic_messages",
        response=anthropic(1, "due")["result"]["message"],
        proxy_server_request={"messages": [{"role": "user", "content": "hi"}]},
    )
    _, pairs = imported("litellm", [ours], [theirs])
    assert pairs[0]["primary"]["output"] == pairs[0]["candidate"]["output"] == "due"
    call = {"id": "t", "name": "pay", "arguments": {"amount": 1.5}}
    assert pairs[0]["candidate"]["tool_calls"] == [call]
    assert pairs[0]["candidate"]["input_tokens"] == 15


def test_one_log_is_told_apart_by_model(shadow, tmp_path):
    rows = [litellm(n, str(n), model) for n in range(3) for model in ("big", "small", "other")]
    (tmp_path / "log.jsonl").write_text(lines(*rows))
    arguments = ["import", "log.jsonl", "--format", "litellm", "--primary-model", "big"]
    result = printed(shadow(*arguments, "--candidate-model", "small", "--json"))
    assert result["new"] == 3
    assert result["skipped"] == {"candidate_other_model": 6, "primary_other_model": 6}
    done = shadow(*arguments, "--candidate-model", "absent", "--store", "new.db")
    assert done.returncode == 65
    assert (
        b"no two calls with the same input-hash; left out: candidate_other_model 9" in done.stderr
    )
    assert not (tmp_path / "new.db").exists()


def test_bifrost(imported):
    failed = {"status_code": 503, "error": {"message": "overloaded"}}
    ours = [bifrost(1, "a"), bifrost(2, "b"), bifrost(3, "c")]
    theirs = [
        bifrost(1, "A", "llama", cost=0, latency=None),
        bifrost(2, "", "llama", status="error", error_details=failed, output_message=None),
        bifrost(3, "", "llama", status="processing"),
        bifrost(4, "", "llama", cache_debug={"cache_hit": True}),
        bifrost(5, "", "llama", input_history=None, object="embedding"),
        bifrost(6, "", "llama", output_message=None),
    ]
    # The table's own rows have JSON as text.
    texts = ("input_history", "output_message", "token_usage", "error_details", "params")
    theirs[0] |= {name: json.dumps(theirs[0][name]) for name in texts if name in theirs[0]}
    result, pairs = imported("bifrost", ours, theirs)
    assert result["skipped"] == {
        "candidate_cache_hit": 1,
        "candidate_content_not_stored": 1,
        "candidate_no_chat_or_content_not_stored": 1,
        "candidate_not_ended": 1,
        "primary_alone": 1,
    }
    first, second = pairs
    assert first["time"] == "2026-11-02T09:14:05.25Z"
    assert first["input"]["temperature"] == 0.5
    assert (first["primary"]["output"], first["candidate"]["output"]) == ("a", "A")
    assert (first["primary"]["latency_ms"], first["primary"]["cost_usd"]) == (480.5, 0.00042)
    assert first["primary"]["cache_read_tokens"] == first["candidate"]["cache_read_tokens"] == 8
    assert "latency_ms" not in first["candidate"]
    assert second["candidate"]["error"] == "http_503"


def test_bifrost_responses_by_parent(imported):
    output = [{"type": "message", "content": [{"type": "output_text", "text": "due"}]}]
    history = [{"role": "user", "content": "hi"}]
    parts = {"input_history": None, "output_message": None, "responses_output": output}
    ours = bifrost(1, "", responses_input_history=history, **parts)
    result, pairs = imported(
        "bifrost", [ours], [bifrost(1, "due", "m")], "--join", "parent_request_id"
    )
    assert result["new"] == 1
    assert pairs[0]["pair_id"] == "parent-1"
    assert pairs[0]["primary"]["output"] == pairs[0]["candidate"]["output"]


def test_batches_by_custom_id_with_their_requests(imported, tmp_path, shadow):
    requests = [
        {
            "custom_id": f"c{n}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", **asked(n)},
        }
        for n in (1, 2, 3)
    ]
    (tmp_path / "input.jsonl").write_text(lines(*requests))
    ours = [batch(2, "b"), batch(1, "a"), batch(3, "c"), batch(3, "once more")]
    expired = {"code": "batch_expired", "message": "..."}
    theirs = [
        anthropic(1, "A"),
        batch(2, "", response=None, error=expired),
        batch(3, "", response={"status_code": 429, "body": {"error": {"code": "rate_limit"}}}),
        batch(3, "again"),
    ]
    result, pairs = imported("openai", ours, theirs, "--input", "input.jsonl")
    assert result["new"] == 3
    assert result["skipped"] == {"candidate_repeated": 1, "primary_alone": 1}
    found = {one["pair_id"]: one for one in pairs}
    assert list(found) == ["c2", "c1", "c3"]
    assert found["c1"]["key"] == "c1"
    assert found["c1"]["input"]["messages"] == asked(1)["messages"]
    assert found["c1"]["candidate"]["output"] == "A"
    assert found["c2"]["candidate"]["error"] == "batch_expired"
    assert found["c2"]["candidate"]["model"] == "claude-haiku-4-5"
    assert found["c3"]["candidate"]["error"] == "rate_limit"
    assert "latency_ms" not in found["c1"]["primary"]


@pytest.mark.parametrize("options", [(), ("--candidate-model", "llama")])
def test_a_batch_s_failed_calls_are_the_candidate_s_whatever_model_the_requests_name(
    imported, shadow, tmp_path, options
):
    requests = [{"custom_id": f"c{n}", "body": {"model": "gpt-4o", **asked(n)}} for n in range(4)]
    (tmp_path / "input.jsonl").write_text(lines(*requests))
    failed = {"response": {"status_code": 500, "body": {"error": {"code": "server_error"}}}}
    ours = [batch(0, "a", **failed), *(batch(n, "a") for n in (1, 2, 3))]
    theirs = [*(batch(n, "a", **failed) for n in (0, 1, 2)), batch(3, "a", "llama")]
    result, _ = imported("openai", ours, theirs, "--input", "input.jsonl", *options)
    assert result["candidates"] == {"llama": 4}
    reported = printed(shadow("report", "--json"))
    assert reported["metrics"]["error_rate"] == {
        "primary": 0.25,
        "candidate": 0.75,
        "delta": 0.5,
        "n": 4,
    }


def test_stored_completions_by_their_metadata(imported):
    ours = [chat("a", metadata={"custom_id": "m1"}), chat("b")]
    theirs = [chat("A", "other", metadata={"custom_id": "m1"})]
    result, pairs = imported("openai", ours, theirs)
    assert result["skipped"] == {"primary_without_custom_id": 1}
    assert (pairs[0]["pair_id"], pairs[0]["time"]) == ("m1", "2025-11-02T09:14:05Z")


@pytest.mark.parametrize(
    ("form", "bad", "fault"),
    [
        ("litellm", {"id": 1}, "not a row of LiteLLM_SpendLogs: no request_id"),
        ("litellm", litellm(1, "a", startTime="soon"), "`startTime` must be an ISO 8601 time"),
        ("litellm", litellm(1, "a", startTime=None), "`startTime` must be an ISO 8601 time"),
        ("bifrost", {"id": 1}, "not an entry of Bifrost's log: no timestamp"),
        ("bifrost", bifrost(1, "a", timestamp=5), "`timestamp` must be an ISO 8601 time"),
        ("openai", {"id": 1}, "neither a result of a batch nor a stored completion"),
        ("openai", {"custom_id": 7}, "`custom_id` must be a string that is not empty"),
        ("openai", {"custom_id": "c", "body": {}}, "neither a `response` nor a `result`"),
        ("openai", [], "not a JSON object"),
    ],
)
def test_a_line_of_another_format_is_named(shadow, tmp_path, form, bad, fault):
    good = {"litellm": litellm, "bifrost": bifrost, "openai": batch}[form](1, "a")
    (tmp_path / "a.jsonl").write_text(lines(good, bad))
    (tmp_path / "b.jsonl").write_text(lines(good))
    for first, second in (("a", "b"), ("b", "a")):
        files = ["--primary", f"{first}.jsonl", "--candidate", f"{second}.jsonl"]
        done = shadow("import", "--format", form, *files)
        assert (done.returncode, done.stdout) == (65, b"")
        assert done.stderr.decode().startswith(f"shadow-mw: a.jsonl:2: {fault}")
        assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "shadow.db").exists()


@pytest.mark.parametrize("bad", ['{"custom_id": "c1"}', '{"custom_id": "c0", "body": {}}', "x"])
def test_a_wrong_request_is_named(shadow, tmp_path, bad):
    (tmp_path / "in.jsonl").write_text('{"custom_id": "c0", "body": {}}\n' + bad + "\n")
    (tmp_path / "a.jsonl").write_text(lines(batch(1, "a")))
    files = ["--primary", "a.jsonl", "--candidate", "a.jsonl", "--input", "in.jsonl"]
    done = shadow("import", "--format", "openai", *files)
    assert done.returncode == 65
    assert done.stderr.startswith(b"shadow-mw: in.jsonl:2: ")
