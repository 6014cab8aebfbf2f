"""What makes a judge the same judge: a hash of all that was asked for, and of who answered."""

from __future__ import annotations

import hashlib
import json

from shadow_mw.evaluate.judging.parse import PARSER_VERSION
from shadow_mw.evaluate.judging.prompt import FENCED, SCHEMA, SYSTEM
from shadow_mw.evaluate.judging.request import TOOL
from shadow_mw.evaluate.judging.values import Judge, JudgeSettings
from shadow_mw.types import Json
from shadow_mw.wire import format_of


def asked_for(judge: Judge, settings: JudgeSettings) -> dict[str, Json]:
    """Everything that is known before the first answer."""
    return {
        "provider": format_of(judge.format).provider,
        "host": judge.host,
        "model": judge.model,
        "template": [SYSTEM, FENCED],
        "rubric": settings.rubric,
        "schema": SCHEMA,
        "enforced": [judge.enforced, TOOL],
        "temperature": judge.temperature,
        "top_p": judge.top_p,
        "seed": judge.seed,
        "max_tokens": judge.max_tokens,
        "params": dict(judge.params),
        "orders": "both",
        "parser": PARSER_VERSION,
    }


def spec_of(judge: Judge, settings: JudgeSettings) -> str:
    """Hash of what is asked for: an interrupted run goes on under the same one."""
    return _digest(asked_for(judge, settings))


def epoch_of(
    judge: Judge, settings: JudgeSettings, model: str | None, system_fingerprint: str | None
) -> str:
    """Hash of what was asked for and who answered; another one begins another epoch."""
    watched = settings.watch_system_fingerprint
    return _digest(
        asked_for(judge, settings)
        | {
            "returned_model": model,
            "system_fingerprint": system_fingerprint if watched else "not watched",
        }
    )


def _digest(value: dict[str, Json]) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
