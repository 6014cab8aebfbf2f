"""Against an OpenAI- and Anthropic-compatible server that is not ours, on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import calls, calls_anthropic
from support.foreign import foreign, installed
from support.lab import Agent, Lab, text_of
from support.servers import Server

FIRST, SECOND = "Brave answers from a server that is not ours.", "It says something else here."


@pytest.fixture(scope="module")
def program() -> Any:
    found = installed()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="module")
def theirs(program: Any) -> Iterator[tuple[Server, Server]]:
    with (
        foreign(program, {calls.WORLD: FIRST}) as first,
        foreign(program, {calls.WORLD: SECOND}) as second,
    ):
        yield first, second


@pytest.fixture(scope="module")
def foreign_lab(theirs: tuple[Server, Server], shared_factory: Callable[..., Lab]) -> Lab:
    first, second = theirs
    return shared_factory(
        "foreign",
        OPENAI_BASE_URL=first.url + "/v1",
        ANTHROPIC_BASE_URL=first.url,
        SHADOW_CANDIDATE_URL=second.url + "/v1",
    )


@pytest.fixture(scope="module")
def abroad(foreign_lab: Lab) -> Agent:
    return foreign_lab.agent()


CALLS = (
    calls.openai_sync,
    calls.openai_async,
    calls.openai_stream,
    calls.openai_stream_async,
    calls.openai_responses,
    calls.openai_responses_stream,
    calls_anthropic.anthropic_sync,
    calls_anthropic.anthropic_stream,
    calls.legacy_httpx,
)


@pytest.mark.parametrize("call", CALLS, ids=[call.__name__ for call in CALLS])
def test_both_legs_are_understood(
    call: Callable[..., Any], abroad: Agent, foreign_lab: Lab
) -> None:
    seen = abroad.run(call, key=call.__name__)
    pair = foreign_lab.pair(call.__name__)
    assert seen["text"] == text_of(pair.primary) == FIRST
    assert text_of(pair.candidate) == SECOND
    for leg in (pair.primary, pair.candidate):
        assert (leg.outcome, leg.error_type, leg.partial) == ("ok", None, False)
    usage = seen["usage"]
    assert pair.primary.input_tokens == usage.get("prompt_tokens", usage.get("input_tokens"))
    assert pair.primary.output_tokens == usage.get("completion_tokens", usage.get("output_tokens"))


def test_their_refusal_is_an_error_of_the_leg(abroad: Agent, foreign_lab: Lab) -> None:
    """No fixture matches: they answer with an HTTP error."""
    with pytest.raises(AssertionError, match=r"openai\.\w+Error"):
        abroad.run(calls.ask, texts=["something unheard of"])
    pair = foreign_lab.pair("something unheard of")
    assert (pair.primary.outcome, pair.candidate.outcome) == ("error", "error")
    assert pair.candidate.reason in ("candidate_error_4xx", "candidate_error_5xx")
