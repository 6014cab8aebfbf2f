"""An alarm as a message: JSON for Slack's incoming webhooks, and for whatever else reads it.

`text` and `blocks` are for people; `metadata` holds the same as values, in the form that Slack
takes with a webhook's message (docs.slack.dev, "Using message metadata": flat values, no null).
Names come from whoever calls the app: they are escaped, or stand where nothing is marked up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from shadow_mw.alarms import Change, Kind

TITLES: Final = {
    Kind.HALLUCINATION: "Invented values for null fields",
    Kind.ERRORS: "Candidate fails more often",
    Kind.JUDGE_DRIFT: "Judge drift",
    Kind.BUDGET_80: "80 % of the budget is spent",
    Kind.BUDGET_100: "The budget is spent",
    Kind.WINDOW_ENDED: "The window has ended",
    Kind.VERDICT: "Verdict",
}
CLEARED: Final = "no longer so"
LONGEST: Final = 1500
"""Characters of a text; Slack takes 3,000 in a block."""
LONGEST_TITLE: Final = 150
EVENT: Final = "shadow_mw_alarm"


def as_message(change: Change, page_url: str | None = None) -> dict[str, Any]:
    """The message that tells of a change.

    Args:
        change: what to tell.
        page_url: where people find more.
    """
    title = _title(change)
    about = _about(change)
    text = _cut(change.alarm.text, LONGEST)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(_cut(title, LONGEST_TITLE))},
        {"type": "section", "text": _plain(f"{about}\n{text}")},
    ]
    link = f" {page_url}" if page_url else ""
    if page_url:
        where = {"type": "mrkdwn", "text": f"<{_escaped(page_url)}|Look at the pairs>"}
        blocks.append({"type": "context", "elements": [where]})
    return {
        "text": _escaped(f"{title}: {about}: {text}") + _escaped(link),
        "blocks": blocks,
        "metadata": {"event_type": EVENT, "event_payload": _payload(change)},
    }


def as_test(page_url: str | None = None) -> dict[str, Any]:
    """A message that says nothing but that messages arrive."""
    text = "A test by shadow-mw alerts --test: messages about alarms arrive here."
    link = f" {page_url}" if page_url else ""
    return {
        "text": text + _escaped(link),
        "blocks": [{"type": "section", "text": _plain(text + link)}],
        "metadata": {"event_type": EVENT, "event_payload": {"alarm": "test", "state": "clear"}},
    }


def _title(change: Change) -> str:
    alarm = change.alarm
    if alarm.kind == Kind.VERDICT:
        return f"Verdict: {alarm.decision}"
    return TITLES[alarm.kind] + ("" if alarm.raised else f": {CLEARED}")


def _about(change: Change) -> str:
    parts = [change.experiment, change.candidate]
    if change.alarm.segment:
        parts.append(f"segment {change.alarm.segment}")
    return _cut(", ".join(part for part in parts if part), 300)


def _payload(change: Change) -> dict[str, str | float]:
    alarm = change.alarm
    values = {
        "id": change.name,
        "experiment": change.experiment,
        "candidate": change.candidate,
        "alarm": alarm.kind.value,
        "segment": alarm.segment,
        "state": alarm.decision,
        "since": datetime.fromtimestamp(change.since_ns // 10**9, UTC).isoformat(),
        "low": alarm.low,
        "high": alarm.high,
    }
    return {name: value for name, value in values.items() if value is not None}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    """Slack's three: a name such as `<!channel>` calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
