"""Alarms, verdicts and messages about them as Prometheus has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from shadow_mw.alarms import Change, Kind
from shadow_mw.figures import Figures
from shadow_mw.verdicts import Decision

SERIES: Final = ("experiment", "candidate")
DIFFERENCES: Final = {
    Kind.HALLUCINATION: "Null fields that the candidate fills, less those of the primary: share",
    Kind.ERRORS: "Calls at which the candidate fails, less those of the primary: share",
}


def alarm_families(figures: Figures) -> Iterator[Metric]:
    """One sample an alarm: kinds are few, and segments as many as there may be alarms of."""
    alarm = GaugeMetricFamily(
        "shadow_alarm", "Whether an alarm is raised", labels=(*SERIES, "alarm", "segment")
    )
    verdict = GaugeMetricFamily(
        "shadow_verdict", "1 for the verdict as it is now", labels=(*SERIES, "verdict")
    )
    for change in figures.alarms:
        names, kind = (change.experiment, change.candidate), change.alarm.kind
        if kind != Kind.VERDICT:
            alarm.add_metric((*names, kind, change.alarm.segment), change.alarm.raised)
            continue
        for decision in Decision:
            verdict.add_metric((*names, decision), change.alarm.decision == decision)
    yield alarm
    yield verdict
    for kind, text in DIFFERENCES.items():
        yield from _ends(kind, text, figures.alarms)
    yield from _messages(figures)


def _ends(kind: Kind, text: str, alarms: tuple[Change, ...]) -> Iterator[Metric]:
    """Of all traffic: the interval by which the alarm is decided."""
    for end in ("low", "high"):
        found = GaugeMetricFamily(
            f"shadow_{kind}_difference_{end}", f"{text}, {end} end of its interval", labels=SERIES
        )
        for change in alarms:
            value = getattr(change.alarm, end)
            if change.alarm.kind == kind and not change.alarm.segment and value is not None:
                found.add_metric((change.experiment, change.candidate), value)
        yield found


def _messages(figures: Figures) -> Iterator[Metric]:
    told = figures.told
    messages = CounterMetricFamily(
        "shadow_webhook_messages",
        "Messages about alarms by what became of them",
        labels=("outcome",),
    )
    messages.add_metric(("sent",), told.sent)
    messages.add_metric(("dropped",), told.dropped)
    yield messages
    yield CounterMetricFamily(
        "shadow_webhook_failures", "Attempts that were not accepted", value=told.failed
    )
    yield GaugeMetricFamily(
        "shadow_webhook_waiting", "Messages that are still to be told", value=told.waiting
    )
