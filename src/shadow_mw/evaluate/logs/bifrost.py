"""Bifrost's request logs, one entry a line.

As `GET /api/logs` lists them (`jq -c '.logs[]'`) or as rows of its table `logs`, where the same
names hold JSON text. Fields: https://docs.getbifrost.ai/api-reference/logging/get-logs and
maximhq/bifrost, framework/logstore/tables.go at 017bbe03. Latencies are milliseconds, costs USD.
"""

from __future__ import annotations

from collections.abc import Mapping

from shadow_mw.evaluate.logs.call import (
    Call,
    Skip,
    decoded,
    leg_of,
    positive,
    reply_of,
    string,
    table,
)
from shadow_mw.evaluate.rows.values import Wrong, nanoseconds, time_text
from shadow_mw.types import Json, Reply

JOINS = ("parent_request_id", "request_id")
REQUIRED = ("id", "timestamp", "provider", "model", "status")
ENDED = frozenset({"success", "error"})


def read(entry: dict[str, Json], _: object = None) -> Call:
    """Read one entry.

    Raises:
        Skip: it is no chat call, has not ended, or was answered from Bifrost's cache.
        ValueError: it is no entry of that log.
    """
    missing = [name for name in REQUIRED if name not in entry]
    if missing:
        raise ValueError(f"not an entry of Bifrost's log: no {missing[0]}")
    if entry["status"] not in ENDED:
        raise Skip("not_ended")
    if table(entry.get("cache_debug")).get("cache_hit") is True:
        raise Skip("cache_hit")
    body = _request(entry)
    if body is None:
        raise Skip("no_chat_or_content_not_stored")
    ids = {"parent_request_id": entry.get("parent_request_id"), "request_id": entry["id"]}
    return Call(
        leg=leg_of(
            _reply(entry),
            model=string(entry["model"]),
            time=_time(entry["timestamp"]),
            latency_ms=positive(entry.get("latency")),
            cost_usd=positive(entry.get("cost")),
        ),
        input=body,
        ids={name: str(value) for name, value in ids.items() if value},
    )


def _request(entry: dict[str, Json]) -> dict[str, Json] | None:
    """The request in OpenAI's shape, of which Bifrost keeps the parts."""
    chat, responses = decoded(entry.get("input_history")), decoded(entry.get(RESPONSES_INPUT))
    if isinstance(chat, list) and chat:
        asked = {"messages": chat}
    elif isinstance(responses, list) and responses:
        asked = {"input": responses}
    else:
        return None
    tools = decoded(entry.get("tools"))
    more = {"tools": tools} if isinstance(tools, list) and tools else {}
    return {"model": entry["model"]} | table(entry.get("params")) | more | asked


RESPONSES_INPUT = "responses_input_history"


def _reply(entry: dict[str, Json]) -> Reply:
    if entry["status"] == "error":
        details = table(entry.get("error_details"))
        said = table(details.get("error"))
        status = details.get("status_code")
        kind = string(said.get("type")) or string(said.get("code"))
        return Reply(error=kind or (f"http_{status}" if isinstance(status, int) else "error"))
    usage = _usage(table(entry.get("token_usage")))
    message = table(entry.get("output_message"))
    output = decoded(entry.get("responses_output"))
    if message:
        choice = {"index": 0, "message": message, "finish_reason": entry.get("stop_reason")}
        return reply_of({"choices": [choice], "usage": usage})
    if isinstance(output, list) and output:
        return reply_of({"output": output, "status": "completed", "usage": usage})
    raise Skip("content_not_stored")


def _usage(usage: Mapping[str, Json]) -> dict[str, Json]:
    """OpenAI's names for the cached tokens."""
    details = table(usage.get("prompt_tokens_details"))
    names = {"cached_read_tokens": "cached_tokens", "cached_write_tokens": "cache_write_tokens"}
    renamed = {names.get(name, name): value for name, value in details.items()}
    return {**usage, "prompt_tokens_details": renamed}


def _time(value: Json) -> str:
    try:
        return time_text(nanoseconds(value, zone=False))
    except Wrong:
        raise ValueError("`timestamp` must be an ISO 8601 time") from None
