"""What a person reads of a backfill."""

from __future__ import annotations

from shadow_mw.report.numbers import counted, dollars, shown_plain
from shadow_mw.types import Json, Reason

WHY = {
    str(Reason.BUDGET_USD): "the budget is spent",
    str(Reason.MAX_CALLS): "no call is left of --max-calls",
}


def plan_sentence(result: dict[str, Json]) -> str:
    """What a run would do."""
    usd = "price unknown" if result["usd"] is None else f"about {dollars(result['usd'])}"
    return (
        f"{_head(result)}\nwould ask {counted(result['calls'], 'call')}: about"
        f" {result['input_tokens']:,} tokens in, {result['output_tokens']:,} out, {usd}"
        " (by what the primary used)"
    )


def sentence(result: dict[str, Json]) -> str:
    """What a run did."""
    text = f"{_head(result)}\nasked {result['asked']:,}"
    text += f", of them failed: {_counts(result['failed'])}" if result["failed"] else ""
    text += f"; {result['left']:,} left" if result["left"] else ""
    if (why := result["stopped"]) in WHY:
        text += f": {WHY[why]}"
    if result["usd"] is not None:
        text += f"; backfills of this candidate have cost at most {dollars(result['usd'])} so far"
    return text


def _head(result: dict[str, Json]) -> str:
    text = f"candidate {shown_plain(result['candidate'])}: "
    text += counted(result["selected"], "stored call")
    text += f", {result['known']:,} asked already" if result["known"] else ""
    return text + (f", skipped: {_counts(result['skipped'])}" if result["skipped"] else "")


def _counts(table: dict[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in table.items())
