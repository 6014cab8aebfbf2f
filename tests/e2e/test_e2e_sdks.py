"""Through the real SDKs: the app sees what it would see without us, the store has both legs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import calls, calls_anthropic
from support.formats import CACHED
from support.lab import Agent, Lab, calls_of, text_of

TEXTS = (*calls.TEXTS, *calls_anthropic.TEXTS)
TOOL_CALLS = (*calls.TOOL_CALLS, calls_anthropic.anthropic_tools)


def names(functions: tuple[Callable[..., Any], ...]) -> list[str]:
    return [function.__name__ for function in functions]


@pytest.mark.parametrize("call", TEXTS, ids=names(TEXTS))
def test_texts_and_usage_are_what_the_sdk_saw(
    call: Callable[..., Any], app: Agent, bare: Agent, shared: Lab
) -> None:
    seen = app.run(call, key=call.__name__)
    assert seen == bare.run(call, key=call.__name__)
    pair = shared.pair(call.__name__)
    for leg in (pair.primary, pair.candidate):
        usage = seen["usage"]
        output = usage.get("completion_tokens") or usage.get("output_tokens")
        assert text_of(leg) == seen["text"]
        assert (leg.outcome, leg.answered, leg.error_type, leg.partial) == ("ok", True, None, False)
        assert (leg.output_tokens, leg.cache_read_tokens) == (output, CACHED)
        assert leg.input_tokens == len(calls.WORLD.split()) + CACHED
        assert leg.latency_ms > 0
    assert (pair.primary.model, pair.candidate.model) == (
        "m:gzip" if "gzip" in call.__name__ else "m",
        "cand",
    )
    streamed = "stream" in call.__name__ and "streaming_response" not in call.__name__
    assert (pair.candidate.ttft_ms is not None) == streamed


@pytest.mark.parametrize("call", TOOL_CALLS, ids=names(TOOL_CALLS))
def test_tool_calls_are_recorded_on_both_legs(
    call: Callable[..., Any], app: Agent, bare: Agent, shared: Lab
) -> None:
    seen = app.run(call, key=call.__name__)
    assert seen == bare.run(call, key=call.__name__)
    pair = shared.pair(call.__name__)
    assert calls_of(pair.primary) == calls_of(pair.candidate)
    assert [name for name, _ in calls_of(pair.primary)] == ["look_up"]
    assert pair.candidate.finish_reason in ("tool_calls", "tool_use")


@pytest.mark.parametrize("call", calls.WITHOUT_ANSWER, ids=names(calls.WITHOUT_ANSWER))
def test_calls_without_an_answer_have_usage_and_latency(
    call: Callable[..., Any], app: Agent, bare: Agent, shared: Lab
) -> None:
    seen = app.run(call, key=call.__name__)
    assert seen == bare.run(call, key=call.__name__)
    pair = shared.pair(call.__name__)
    for leg in (pair.primary, pair.candidate):
        assert leg.answered
        assert not leg.has_answer
        assert leg.input_tokens == seen["usage"]["prompt_tokens"]


def test_an_sdks_retry_is_an_attempt_of_the_same_call(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(SHADOW_RETRY_HOLD="10")
    app = lab.agent()
    seen = (
        app.run(calls.openai_retried, key="a"),
        app.run(calls_anthropic.anthropic_retried, key="b"),
    )
    funnel = lab.funnel(captured=4)
    assert (funnel["mirrored"], funnel["paired"]) == (2, 2)
    assert funnel["reasons"] == {"superseded": 2}
    for pair, answer in zip(lab.pairs(), seen, strict=True):
        assert text_of(pair.primary) == text_of(pair.candidate) == answer["text"]


def test_a_failed_call_that_nobody_repeats_is_mirrored_too(app: Agent, shared: Lab) -> None:
    assert app.run(calls.openai_fails, key="fails") == "500"
    pair = shared.pair("fails")
    assert (pair.primary.outcome, pair.primary.error_type) == ("error", "server_error")
    assert pair.candidate.outcome == "ok"


def test_a_timeout_of_the_primary_is_mirrored_too(app: Agent, shared: Lab) -> None:
    assert app.run(calls.openai_times_out, key="times-out") == "timeout"
    pair = shared.pair("times-out")
    assert (pair.primary.outcome, pair.candidate.outcome) == ("timeout", "ok")


@pytest.mark.parametrize("call", [calls.closed_early, calls.closed_early_async, calls.dropped])
def test_a_stream_that_is_not_read_to_its_end_is_partial(
    call: Callable[..., Any], app: Agent, bare: Agent, shared: Lab
) -> None:
    assert app.run(call, key=call.__name__) == bare.run(call, key=call.__name__)
    pair = shared.pair(call.__name__)
    assert (pair.primary.outcome, pair.primary.partial) == ("cancelled", True)
    assert (pair.candidate.outcome, pair.candidate.partial) == ("ok", False)


def test_a_body_that_can_be_read_once_is_left_alone(lab: Lab) -> None:
    app = lab.agent()
    assert app.run(calls.generator_body, key="a") == 200
    assert app.run(calls.async_generator_body, key="b") == 200
    app.run(calls.openai_sync, key="c")
    funnel = lab.funnel(captured=3)
    assert (funnel["mirrored"], funnel["reasons"]) == (1, {"request_not_readable": 2})
