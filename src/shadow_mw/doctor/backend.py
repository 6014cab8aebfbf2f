"""The primary backend: an app's span arrives there, the two legs do not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from shadow_mw.doctor.finding import Finding, broken, holds, skipped
from shadow_mw.doctor.probe import Probe
from shadow_mw.exceptions import ExportRefused
from shadow_mw.runner.otlp import Otlp, OtlpSpans
from shadow_mw.settings import Settings

LINK = "primary backend"
NAME = "shadow-mw-doctor"
INTERVAL = 0.5
SETTLE = 2.0
"""Seconds in which a leg that took the same way would have come too."""


def check(settings: Settings, probe: Probe, url: str | None, wait: float) -> Finding:
    """Whether the backend has of the probe's trace what it should, and nothing else."""
    if settings.otlp_endpoint is None:
        return skipped(LINK, "spans of both legs go to the store only, no collector sees them")
    if not probe.exported:
        return skipped(LINK, "the collector did not take the probe pair")
    trace = probe.ids.trace
    if url is None:
        return skipped(
            LINK,
            f"not looked at: give --primary-backend URL, or look there for trace {trace} by hand: "
            "it must not be found",
        )
    # After the legs: once it has arrived, they would have.
    if not _send_ordinary(settings, probe):
        return skipped(LINK, "the collector did not take a span of the doctor's own")
    return _look(url.rstrip("/"), probe, wait)


def _look(url: str, probe: Probe, wait: float) -> Finding:
    trace, ordinary = probe.ids.trace, probe.ids.parent
    deadline = time.monotonic() + wait
    with httpx2.Client(timeout=5, follow_redirects=True) as http:
        while True:
            try:
                found = _span_ids(http, url, trace)
            except (httpx2.HTTPError, ValueError) as error:
                seen = f"{url} cannot be asked for trace {trace} ({error})"
                return broken(LINK, seen, "--primary-backend must be Jaeger's query URL")
            if found & probe.span_ids:
                return broken(
                    LINK,
                    f"{url} has {len(found & probe.span_ids)} of the 2 legs in trace {trace}",
                    "SHADOW_OTLP_ENDPOINT must be a collector that runs collector/shadow.yaml, "
                    "and its pipelines to the backend the ones in there",
                )
            if ordinary in found:
                break
            if time.monotonic() > deadline:
                return broken(
                    LINK,
                    f"{url} has not got a span of the doctor's own in {wait:g} s (trace {trace})",
                    "PRIMARY_OTLP_ENDPOINT of the collector must be this backend; where the "
                    "collector samples traces, it may have left this one out",
                )
            time.sleep(INTERVAL)
        time.sleep(SETTLE)
        late = _span_ids(http, url, trace) & probe.span_ids
    if late:
        return broken(LINK, f"{url} has {len(late)} of the 2 legs", "see collector/shadow.yaml")
    return holds(LINK, f"{url} has the doctor's own span of trace {trace}, and neither leg")


def _send_ordinary(settings: Settings, probe: Probe) -> bool:
    """What an app's span looks like: none of our names on it; the primary leg's parent."""
    now = time.time_ns()
    sampled = TraceFlags(TraceFlags.SAMPLED)
    ids = SpanContext(int(probe.ids.trace, 16), int(probe.ids.parent, 16), False, sampled)
    span = ReadableSpan(
        name=NAME,
        context=ids,
        resource=Resource({SERVICE_NAME: NAME}),
        attributes={},
        kind=SpanKind.INTERNAL,
        start_time=now - 1_000_000,
        end_time=now,
        instrumentation_scope=InstrumentationScope(NAME),
    )
    exporter = OtlpSpans(Otlp(settings))
    try:
        return exporter.export([span]) is SpanExportResult.SUCCESS
    except ExportRefused:
        return False
    finally:
        exporter.shutdown()


def _span_ids(http: httpx2.Client, url: str, trace: str) -> set[str]:
    """The ids of a trace's spans; empty where the trace is not there, or not yet."""
    response = http.get(f"{url}/api/v3/traces/{trace}")
    if response.status_code == 200:
        return set(_otlp_ids(response.text))
    legacy = http.get(f"{url}/api/traces/{trace}")
    if legacy.status_code == 404:
        return set()
    legacy.raise_for_status()
    return {span["spanID"] for data in legacy.json()["data"] or [] for span in data["spans"]}


def _otlp_ids(text: str) -> Iterator[str]:
    """Of one or several JSON objects, as a stream of them has no commas."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        yield from _ids_in(value)


def _ids_in(value: Any) -> Iterator[str]:
    match value:
        case {"spanId": str(span_id)}:
            yield span_id
        case dict():
            for item in value.values():
                yield from _ids_in(item)
        case list():
            for item in value:
                yield from _ids_in(item)
