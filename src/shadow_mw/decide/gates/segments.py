"""No segment may be proven worse, and few of the traffic may lie in segments too small to say."""

from __future__ import annotations

from collections.abc import Sequence

from shadow_mw.decide import words
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import LOWER, lacking
from shadow_mw.decide.plan import Segments
from shadow_mw.decide.segments import INSUFFICIENT, REGRESSED
from shadow_mw.verdicts import GateResult, SegmentRow, State

NAME, TITLE = "segments", "segments"


def segments_gate(case: Case, plan: Segments, rows: Sequence[SegmentRow]) -> list[GateResult]:
    """Of the rows of `segment_rows`."""
    needed = f"none proven worse, at most {words.share(plan.unknown_share)} too small to say"
    if not rows:
        return [lacking(NAME, TITLE, "no pair yet", needed=needed, unit="share")]
    bad = [row for row in rows if row.state == REGRESSED]
    small = [row for row in rows if row.state == INSUFFICIENT]
    unknown = sum(row.share for row in small)
    state = State.FAIL if bad else State.PASS if unknown <= plan.unknown_share else State.UNPROVEN
    over = "Holm over segments and measures"
    if not case.look.planned:
        over = "e-BH over segments and measures (Wang & Ramdas 2022)"
    return [
        GateResult(
            name=NAME,
            title=TITLE,
            primary=None,
            candidate=unknown,
            delta=None,
            interval=None,
            margin=plan.unknown_share,
            better=LOWER,
            unit="share",
            needed=needed,
            state=state,
            n=len(rows),
            reason=_reason(bad, small, unknown, plan, len(rows)),
            method=f"{over} (accuracy, hallucination, errors)",
        )
    ]


def _reason(
    bad: list[SegmentRow], small: list[SegmentRow], unknown: float, plan: Segments, n: int
) -> str:
    if bad:
        shown = ", ".join(map(_shown, bad[:3]))
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        return f"proven worse in {words.calls(len(bad), 'segment')} of {n:,}: {shown}{more}"
    text = f"none of {words.calls(n, 'segment')} is proven worse"
    if not small:
        return text
    return (
        f"{text}; {words.calls(len(small), 'segment')} with {words.share(unknown)} of the traffic"
        f" {'has' if len(small) == 1 else 'have'} too few pairs to say"
        f" ({plan.smallest:,} are needed, with a truth where there are any)"
    )


def _shown(row: SegmentRow) -> str:
    delta = "" if row.delta is None else f" {words.points(row.delta)} points"
    return f"{row.name} ({row.measure}{delta})"
