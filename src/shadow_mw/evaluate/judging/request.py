"""The request of one judgement, in either wire format, with the verdict's schema enforced."""

from __future__ import annotations

from shadow_mw.evaluate.judging.family import families
from shadow_mw.evaluate.judging.prompt import SCHEMA, Prompt
from shadow_mw.evaluate.judging.values import Judge
from shadow_mw.types import Json, WireFormat
from shadow_mw.wire import format_of

TOOL = "verdict"
ROLE_HEADER = {"x-shadow-role": "judge"}
"""So that a shadowed app which serves the judge does not mirror it."""
_DESCRIPTION = "Give the analysis, then the verdict."


def body_of(judge: Judge, prompt: Prompt) -> dict[str, Json]:
    """Write the request body."""
    anthropic = judge.format is WireFormat.ANTHROPIC_MESSAGES
    body = _anthropic(judge, prompt) if anthropic else _openai(judge, prompt)
    sampling = {"temperature": judge.temperature, "top_p": judge.top_p, "seed": judge.seed}
    body |= {name: value for name, value in sampling.items() if value is not None}
    return body | dict(judge.params)


def headers_of(judge: Judge) -> dict[str, str]:
    """Our own key, and nobody else's."""
    wire = format_of(judge.format)
    own = ROLE_HEADER | {"accept-encoding": "identity"}
    return {**wire.headers, **own, **wire.key_headers(judge.api_key)}


def _openai(judge: Judge, prompt: Prompt) -> dict[str, Json]:
    body: dict[str, Json] = {
        "model": judge.model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        _limit_name(judge): judge.max_tokens,
    }
    if judge.enforced == "schema":
        schema = {"name": TOOL, "strict": True, "schema": SCHEMA}
        return body | {"response_format": {"type": "json_schema", "json_schema": schema}}
    function = {"name": TOOL, "description": _DESCRIPTION, "strict": True, "parameters": SCHEMA}
    return body | {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": TOOL}},
    }


def _limit_name(judge: Judge) -> str:
    """OpenAI's newer models refuse the older name, many compatible servers the newer one."""
    return "max_completion_tokens" if "gpt" in families(judge.model) else "max_tokens"


def _anthropic(judge: Judge, prompt: Prompt) -> dict[str, Json]:
    body: dict[str, Json] = {
        "model": judge.model,
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
        "max_tokens": judge.max_tokens,
    }
    if judge.enforced == "schema":
        return body | {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    return body | {
        "tools": [{"name": TOOL, "description": _DESCRIPTION, "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True},
    }
