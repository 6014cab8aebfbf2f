"""A wrong setting as one line: what, where, what is accepted."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shadow_mw.settings.models import Candidate, CheckChoice, Embeddings, JudgeEndpoint, JudgeRun
from shadow_mw.settings.settings import Settings

FILE = "shadow.toml"
"""What documents call the file that SHADOW_CONFIG names."""
SECRETS = (
    "candidate_api_key",
    "candidate_params",
    "candidates",
    "embeddings",
    "judges",
    "mark",
    "otlp_token",
    "primary_api_key",
    "redact_key",
    "scores_token",
    "webhook_url",
)
"""Settings whose values are, or may hold, credentials: never printed."""


def one_line(error: ValidationError, values: dict[str, Any]) -> str:
    """The first fault; `values` are those of the file. Secrets are never shown."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    name = location[0].lower().removeprefix("shadow_") if location else ""
    variable = f"SHADOW_{name.upper()}"
    if first["type"] == "extra_forbidden":
        model = _NESTED.get(name, Settings) if len(location) > 1 else Settings
        source = variable if variable in os.environ else os.environ.get("SHADOW_CONFIG", FILE)
        near = get_close_matches(location[-1], list(model.model_fields), 1)
        meant = f", did you mean {near[0]}?" if near else ""
        accepted = ", ".join(sorted(model.model_fields))
        return f"{'.'.join(location)} in {source} is not a setting{meant}; accepted: {accepted}"
    if name in ("checks", "embeddings", "judge", "judges") and len(location) > 1:
        return _one_line_in(variable if variable in os.environ else name, first)
    value = os.environ.get(variable, first.get("input"))
    shown = "***" if name in SECRETS or _has_credentials(value) else value
    where = variable if variable in os.environ or name not in values else ".".join(location)
    return f"{where}={shown!s}: accepted is {_accepted(name, first['msg'])}"


def _has_credentials(value: Any) -> bool:
    """A URL may be refused for having them."""
    return isinstance(value, str) and "//" in value and bool(set(value) & set("@?"))


def _one_line_in(table: str, error: ErrorDetails) -> str:
    """Of a value within a table: its place, and what is accepted there."""
    where = ".".join([table, *map(str, error["loc"][1:])])
    if error["type"] == "missing":
        who = "every judge" if error["loc"][0] == "judges" else f"[{error['loc'][0]}]"
        return f"{where} is not set: {who} needs it"
    secret = error["loc"][-1] in ("api_key", "url") or "params" in error["loc"]
    shown = "***" if secret else error["input"]
    return f"{where}={shown!s}: accepted is {_accepted('', error['msg'])}"


_ACCEPTED = {
    "enabled": "true or false",
    "response_header": "true or false",
    "candidate_url": "a base URL such as https://host/v1",
    "candidate_params": 'a JSON object such as {"temperature": 0}',
    "candidates": "a JSON list of objects with id, url and model",
    "judges": "a JSON list of objects with url and model",
    "judge": 'a JSON object such as {"concurrency": 4}',
    "checks": 'a JSON object such as {"without": ["length"]}, with one of only and without',
    "primary_url": "a base URL such as https://host/v1",
    "embeddings": "a JSON object with url and model",
    "sample_rate": "a number from 0 to 1",
    "repeat_rate": "a number from 0 to 1",
    "window_start": "an ISO 8601 time with its zone, such as 2026-11-02T00:00:00Z",
    "window_end": "an ISO 8601 time with its zone, such as 2026-11-16T00:00:00Z",
    "budget_usd": "an amount of 0 or more, such as 25.00",
    "max_calls": "a whole number of 0 or more",
    "max_concurrency": "a whole number from 1 to 1000",
    "timeout": "seconds above 0",
    "experiment": "1 to 80 letters, digits or . _ : -",
    "prices": 'a JSON object such as {"my-model": {"input": 0.15, "output": 0.60}}',
}


_NESTED: dict[str, type[BaseModel]] = {
    "candidates": Candidate,
    "embeddings": Embeddings,
    "judges": JudgeEndpoint,
    "judge": JudgeRun,
    "checks": CheckChoice,
}


def _accepted(name: str, message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return _ACCEPTED.get(name, text)
