"""Pairs for checks, as the store gives them: real observations over real output messages."""

import json

from evaluate.spans import PRICES, leg

from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.ingest import observation, record
from shadow_mw.evaluate.pair import Leg, Pair


def case(primary="yes", candidate="yes", *, request=None, truth=False, context=None, **both):
    """A case from two answers: a text, or a dict of what `spans.leg` takes."""
    body = {"messages": [{"role": "user", "content": "?"}]} if request is None else request
    asked = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    ours, theirs = (
        side if isinstance(side, dict) else {"output": side} for side in (primary, candidate)
    )
    return Case(
        Pair(
            Leg(1, _observed(leg("primary", **{**both, **ours, "shadow__request": asked}))),
            Leg(2, _observed(leg("candidate", **{**both, **theirs}))),
        ),
        truth,
        context,
    )


def finished(text, reason, **more):
    """An answer with a finish reason."""
    return {"output": text, "gen_ai__response__finish_reasons": (reason,), **more}


def failed(error="server_error"):
    """A call that failed with an error type."""
    return {"output": None, "shadow__outcome": "error", "error__type": error}


def refused(text, **more):
    """An answer whose refusal the server marks."""
    parts = [{"type": "refusal", "content": text}]
    messages = [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]
    return {"gen_ai__output__messages": json.dumps(messages), **more}


def _observed(span):
    found = observation(record(span), PRICES)
    assert found is not None
    return found
