"""From a judge's answer to its verdict: from the schema's field, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.judging.request import TOOL
from shadow_mw.types import Reply
from shadow_mw.wire.lenient import well_formed

PARSER_VERSION = 1
"""Part of every fingerprint: raise it with any change of what is read."""

CUT_SHORT = frozenset({"length", "max_tokens", "model_context_window_exceeded"})
SLOTS = ("A", "B", "TIE")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A slot with its analysis, or why there is none."""

    slot: Literal["A", "B", "TIE"] | None
    analysis: str = ""
    invalid: str | None = None


def parse(reply: Reply, enforced: Literal["schema", "tool"]) -> Parsed:
    """Read one answer; anything but exactly the schema is invalid."""
    if reply.refusal is not None:
        return _invalid("refused")
    if reply.finish_reason in CUT_SHORT:
        return _invalid("cut_short")
    if enforced == "schema":
        if reply.tool_calls or reply.text is None:
            return _invalid("no_answer")
        return _read(reply.text)
    if len(reply.tool_calls) != 1 or reply.tool_calls[0].name != TOOL:
        return _invalid("no_answer" if not reply.tool_calls else "not_schema")
    return _read(reply.tool_calls[0].arguments)


def _read(text: str) -> Parsed:
    try:
        value = strict_json.loads(text)
    except strict_json.InvalidJson:
        return _invalid("not_json")
    if not isinstance(value, dict) or value.keys() != {"analysis", "verdict"}:
        return _invalid("not_schema")
    analysis, verdict = value["analysis"], value["verdict"]
    if not isinstance(analysis, str) or not isinstance(verdict, str) or verdict not in SLOTS:
        return _invalid("not_schema")
    return Parsed(verdict, str(well_formed(analysis)))  # type: ignore[arg-type]


def _invalid(reason: str) -> Parsed:
    return Parsed(None, invalid=reason)
