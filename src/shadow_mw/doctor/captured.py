"""What was captured so far: a middleware that sees no call mirrors nothing."""

from __future__ import annotations

from collections import Counter

from shadow_mw.doctor.finding import Finding, broken, holds, skipped
from shadow_mw.report.numbers import counted
from shadow_mw.runner.progress import MIRRORED
from shadow_mw.runner.status import Status, pending_bytes, read_status
from shadow_mw.settings import Settings
from shadow_mw.types import REPEAT

LINK = "captured"
SEEN = {
    "outbound": "calls that the app makes through httpx or httpx2, as the openai and anthropic "
    "SDKs do",
    "inbound": "requests that the app itself receives",
}


def check(settings: Settings, present: bool) -> Finding:
    """Whether calls were seen, and whether any of them got through."""
    status = read_status(settings.directory)
    pending = pending_bytes(settings.directory, status.consumed if status else {})
    if status is None or not status.captured:
        if pending:
            return holds(LINK, f"{pending:,} bytes, which no runner has read yet")
        if status is not None and status.busy:
            return holds(LINK, "the first calls are under way, none is through yet")
        if not present:
            return skipped(LINK, "nothing yet, as there is no app")
        return broken(LINK, "no call yet", _what_is_seen(settings))
    reasons = _reasons(status)
    text = f"{counted(status.captured, 'call')}, {_mirrored(status)}"
    if reasons:
        text += ", " + ", ".join(f"{name} {n:,}" for name, n in reasons.most_common())
    if repeats := status.outcomes.get(REPEAT):
        counts = ", ".join(f"{name} {n:,}" for name, n in sorted(repeats.items()))
        text += f"; asked of the primary again: {counts}"
    if pending or status.busy:
        text += f", more under way, {pending:,} bytes unread"
    return holds(LINK, text)


def _mirrored(status: Status) -> str:
    """Every candidate gets every call: their sum would be more than were captured."""
    counts = {name: n.get(MIRRORED, 0) for name, n in status.outcomes.items() if name != REPEAT}
    if len(counts) < 2:
        return f"{sum(counts.values()):,} mirrored"
    return "mirrored " + ", ".join(f"to {name} {n:,}" for name, n in sorted(counts.items()))


def _what_is_seen(settings: Settings) -> str:
    seams = ("outbound", "inbound") if settings.capture == "auto" else (settings.capture,)
    return (
        "make one LLM call in the app and run this again; if none is seen even so: "
        f"SHADOW_CAPTURE={settings.capture} sees {', and '.join(SEEN[seam] for seam in seams)}, "
        f"as a POST whose path ends as SHADOW_PATHS says: {', '.join(settings.paths)}"
    )


def _reasons(status: Status) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for candidate, counts in status.outcomes.items():
        if candidate != REPEAT:
            reasons.update({name: n for name, n in counts.items() if name != MIRRORED})
    return reasons
