"""OpenAI's batch results and stored completions, and Anthropic's batch results, one a line.

A result of a batch is `{"custom_id", "response": {"status_code", "request_id", "body"}, "error"}`
(https://platform.openai.com/docs/api-reference/batch/request-output), a stored completion is the
response object itself, with the id in its `metadata.custom_id`
(https://platform.openai.com/docs/api-reference/chat/object). Anthropic's result is `{"custom_id",
"result": {"type", "message"}}` (https://platform.claude.com/docs/en/api/messages/batches/results).
The requests are in the batch's input file, `{"custom_id", "method", "url", "body"}` or
`{"custom_id", "params"}`. Batches have no latencies, and the price list knows no batch discount.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shadow_mw.evaluate.logs.call import Call, Skip, leg_of, reply_of, string, table
from shadow_mw.types import Json, Reply

JOINS = ("custom_id", "request_id")
INPUT_ACCEPTED = 'accepted: {"custom_id": "r-1", "method": "POST", "url": "...", "body": {}}'
FAILED = frozenset({"errored", "canceled", "expired"})


def read(entry: dict[str, Json], body_of: Callable[[str], Json]) -> Call:
    """Read one result.

    Raises:
        Skip: its response is no chat answer.
        ValueError: it is none of these results.
    """
    if "custom_id" in entry:
        name = string(entry["custom_id"])
        if name is None:
            raise ValueError("`custom_id` must be a string that is not empty")
        reply, body = _result(entry)
        ids = {"custom_id": name, "request_id": table(entry.get("response")).get("request_id")}
        asked = body_of(name)
    elif entry.get("object") in ("chat.completion", "response"):
        reply, body, asked = reply_of(entry), entry, None
        ids = {"custom_id": table(entry.get("metadata")).get("custom_id")}
        ids["request_id"] = entry.get("id")
    else:
        raise ValueError("neither a result of a batch nor a stored completion")
    found = {key: str(value) for key, value in ids.items() if value}
    # Where the call failed nothing says which model was asked but the request.
    model = string(table(asked).get("model"))
    return Call(leg_of(reply, time=_created(body)), asked, ids=found, asked_model=model)


def read_input(entry: dict[str, Json]) -> tuple[str, dict[str, Json]]:
    """One request of a batch: its id and its body.

    Raises:
        ValueError: it is none.
    """
    name, body = entry.get("custom_id"), entry.get("body", entry.get("params"))
    if not isinstance(name, str) or not name or not isinstance(body, dict):
        raise ValueError("not a request of a batch")
    return name, body


def _result(entry: dict[str, Json]) -> tuple[Reply, dict[str, Json]]:
    result = entry.get("result")
    if isinstance(result, dict):
        return _anthropic(result)
    if "response" not in entry:
        raise ValueError("neither a `response` nor a `result`; is it a batch's input (--input)?")
    response, error = table(entry["response"]), table(entry.get("error"))
    body, status = table(response.get("body")), response.get("status_code")
    if error or not response or status != 200:
        said = error or table(body.get("error"))
        kind = string(said.get("code")) or string(said.get("type"))
        return Reply(error=kind or f"http_{status}"), body
    return reply_of(body), body


def _anthropic(result: dict[str, Json]) -> tuple[Reply, dict[str, Json]]:
    kind = result.get("type")
    if kind == "succeeded":
        message = table(result.get("message"))
        return reply_of(message), message
    if kind not in FAILED:
        raise Skip("result_type_not_understood")
    error = table(result.get("error"))
    said = string(table(error.get("error")).get("type")) or string(error.get("type"))
    return Reply(error=said if kind == "errored" and said else str(kind)), {}


def _created(body: dict[str, Json]) -> str | None:
    seconds = body.get("created", body.get("created_at"))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
