"""The pair's way from the exporter to the store, hop by hop."""

from __future__ import annotations

import sqlite3
import time

import httpx2

from shadow_mw.doctor.finding import Finding, broken, holds, skipped
from shadow_mw.doctor.probe import Probe
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.exceptions import StoreError
from shadow_mw.runner.otlp import METRICS, TRACES
from shadow_mw.settings import Settings
from shadow_mw.types import DOCTOR, Role

COLLECTOR, EVALUATOR = "collector", "evaluator"
INTERVAL = 0.2
BOTH = {Role.PRIMARY, Role.CANDIDATE}


def collector(settings: Settings, probe: Probe) -> Finding:
    """Whether the first hop took the pair."""
    if settings.otlp_endpoint is None:
        return skipped(COLLECTOR, "none: SHADOW_OTLP_ENDPOINT is not set, the runner stores")
    fault = probe.faults.get(TRACES) or probe.faults.get(METRICS)
    if probe.exported and fault is None:
        return holds(COLLECTOR, f"{settings.otlp_endpoint} took the probe pair and its counters")
    where = f"{settings.otlp_endpoint}{TRACES if TRACES in probe.faults else METRICS}"
    if fault is None:
        return broken(COLLECTOR, f"{where} refused the probe pair", "see the collector's log")
    seen, _, mend = fault.partition(": ")
    return broken(COLLECTOR, f"{where} {seen}", mend or "is SHADOW_OTLP_ENDPOINT right?")


def evaluator(settings: Settings, probe: Probe, wait: float) -> Finding:
    """Whether both legs arrived where they are compared."""
    if not probe.exported:
        if settings.otlp_endpoint is None:
            mend = "SHADOW_STORE must be a file on a disk with room, which this user may write"
            return broken(EVALUATOR, f"{settings.store} did not take the probe pair", mend)
        return skipped(EVALUATOR, "the collector did not take the probe pair")
    if settings.otlp_endpoint is None or settings.evaluator_url is None:
        return _in_store(settings, probe.ids.pair, wait)
    return _at_service(settings, settings.evaluator_url, probe.ids.pair, wait)


def _in_store(settings: Settings, pair: str, wait: float) -> Finding:
    deadline = time.monotonic() + wait
    while _stored(settings, pair) != BOTH:
        if time.monotonic() > deadline or not settings.store.exists():
            return broken(
                EVALUATOR,
                f"the probe pair is not in {settings.store}",
                "set SHADOW_EVALUATOR_URL to the base URL of `shadow-mw serve`"
                if settings.otlp_endpoint
                else "see SHADOW_STORE",
            )
        time.sleep(INTERVAL)
    return holds(EVALUATOR, f"the probe pair is in {settings.store}")


def _stored(settings: Settings, pair: str) -> set[str]:
    """The roles of the legs that are there; none too where the store cannot be read now."""
    try:
        with Store.open(settings.store) as store:
            rows = store.query(
                "SELECT role FROM observations WHERE experiment = ? AND pair_id = ?", (DOCTOR, pair)
            )
    except (StoreError, sqlite3.Error):
        return set()
    return {str(role) for (role,) in rows}


def _at_service(settings: Settings, url: str, pair: str, wait: float) -> Finding:
    headers = {}
    if settings.otlp_token is not None:
        headers["authorization"] = f"Bearer {settings.otlp_token.get_secret_value()}"
    deadline = time.monotonic() + wait
    with httpx2.Client(headers=headers, timeout=5) as http:
        while True:
            status, seen = _ask(http, f"{url}/v1/pairs/{pair}")
            if seen == "paired":
                return holds(EVALUATOR, f"the probe pair is in the store of {url}")
            if status in (401, 403):
                mend = "SHADOW_OTLP_TOKEN must be the one that `shadow-mw serve` runs with"
                return broken(EVALUATOR, f"{url} answered {status}", mend)
            if time.monotonic() > deadline:
                return _missing(http, url, status, seen, wait)
            time.sleep(INTERVAL)


def _ask(http: httpx2.Client, url: str) -> tuple[int | None, str]:
    """Status, and how far the pair is."""
    try:
        response = http.get(url)
    except httpx2.RequestError as error:
        return None, f"cannot be reached ({error})"
    if response.status_code != 200:
        return response.status_code, f"answered {response.status_code}"
    try:
        paired = response.json()["paired"]
    except (ValueError, KeyError, TypeError):
        return 200, "answered something else than `shadow-mw serve` does"
    return 200, "paired" if paired else "has one leg of the probe pair only"


def _missing(http: httpx2.Client, url: str, status: int | None, seen: str, wait: float) -> Finding:
    if status == 404 and _ask(http, f"{url}/healthz")[0] == 200:
        return broken(
            EVALUATOR,
            f"the collector took the probe pair, and {url} has not seen it in {wait:g} s",
            "SHADOW_MARK differs from the collector's, or EVAL_OTLP_ENDPOINT or SHADOW_OTLP_TOKEN "
            "of the collector is wrong: see its log",
        )
    return broken(
        EVALUATOR,
        f"{url} {seen}",
        "is `shadow-mw serve` up, and SHADOW_EVALUATOR_URL its base URL?",
    )
