"""LiteLLM's spend logs, one row of the table `LiteLLM_SpendLogs` a line.

As `GET /spend/logs` lists them (`jq -c '.[]'`), or `SELECT row_to_json(t) FROM "LiteLLM_SpendLogs"
t`; JSON columns may be text. Columns: BerriAI/litellm, litellm/proxy/schema.prisma at 0010143f;
what is in them: litellm/proxy/spend_tracking/spend_tracking_utils.py at 00907c60. Contents are
there only with `store_prompts_in_spend_logs: true`: the response in `response`, the request body
in `proxy_server_request`, both with long texts cut and marked `litellm_truncated`. Without them a
pair has times and costs, and no answers. A spend of 0 is a price that LiteLLM does not know.
"""

from __future__ import annotations

from shadow_mw.evaluate.logs.call import (
    Call,
    Skip,
    leg_of,
    positive,
    reply_of,
    string,
    table,
)
from shadow_mw.evaluate.rows.values import Wrong, nanoseconds, time_text
from shadow_mw.types import Json, Reply, Usage
from shadow_mw.wire.lenient import count

JOINS = ("session_id", "request_id")
CUT = "(litellm_truncated skipped "
CALLS = frozenset(
    {"completion", "acompletion", "responses", "aresponses", "anthropic_messages", ""}
)
REQUIRED = ("request_id", "call_type", "startTime", "endTime", "model")


def read(entry: dict[str, Json], _: object = None) -> Call:
    """Read one row.

    Raises:
        Skip: it is no chat call, or was answered from LiteLLM's cache.
        ValueError: it is no row of that table.
    """
    missing = [name for name in REQUIRED if name not in entry]
    if missing:
        raise ValueError(f"not a row of LiteLLM_SpendLogs: no {missing[0]}")
    if entry["call_type"] not in CALLS:
        raise Skip("call_type_not_understood")
    if str(entry.get("cache_hit")).lower() == "true":
        raise Skip("cache_hit")
    body = table(entry.get("proxy_server_request"))
    start, end = _time(entry, "startTime"), _time(entry, "endTime")
    return Call(
        leg=_leg(entry, start, end),
        input=body or None,
        whole=not _is_cut(body),
        ids={name: str(entry[name]) for name in JOINS if entry.get(name)},
        session=string(entry.get("session_id")),
    )


def _leg(entry: dict[str, Json], start: int, end: int) -> dict[str, Json]:
    first = _time(entry, "completionStartTime") if entry.get("completionStartTime") else end
    reply, truncated = _reply(entry)
    return leg_of(
        reply,
        model=string(entry["model"]),
        time=time_text(start),
        latency_ms=(end - start) / 1e6 if end >= start else None,
        # Not streamed: LiteLLM writes the end there.
        ttft_ms=(first - start) / 1e6 if start <= first < end else None,
        cost_usd=positive(entry.get("spend")),
        truncated=truncated or None,
    )


def _reply(entry: dict[str, Json]) -> tuple[Reply, bool]:
    """The answer, and whether it was cut or not kept."""
    if entry.get("status") == "failure":
        said = table(table(entry.get("metadata")).get("error_information"))
        return Reply(error=string(said.get("error_class")) or "error"), False
    body = table(entry.get("response"))
    if not body:
        counts = (count(entry.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        return Reply(usage=Usage(*(n or None for n in counts))), True
    return reply_of(body), _is_cut(body)


def _is_cut(value: Json) -> bool:
    if isinstance(value, str):
        return CUT in value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_is_cut, items))


def _time(entry: dict[str, Json], name: str) -> int:
    try:
        return nanoseconds(entry[name], zone=False)
    except Wrong:
        raise ValueError(f"`{name}` must be an ISO 8601 time") from None
