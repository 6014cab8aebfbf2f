"""The whole chain, link by link: read this first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from shadow_mw.capture.presence import living
from shadow_mw.doctor import (
    backend,
    candidate,
    captured,
    configured,
    delivery,
    directory,
    middleware,
    process,
)
from shadow_mw.doctor.finding import Finding, broken, skipped
from shadow_mw.doctor.probe import Probe, send
from shadow_mw.doctor.stand_in import stand_in
from shadow_mw.exceptions import StoreError
from shadow_mw.settings import SECRETS, Settings
from shadow_mw.types import WireFormat

FORMATS = (WireFormat.OPENAI_CHAT, WireFormat.ANTHROPIC_MESSAGES)
"""Of the probe's call: the second one where a candidate does not know the first one's path."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    call_candidate: bool = True
    primary_backend: str | None = None
    wait: float = 20.0
    """Seconds that the pair may take from the collector on."""


def checkup(settings: Settings, options: Options) -> Iterator[Finding]:
    """Look at every link; the last ones by sending a pair of our own over them."""
    hidden = _secrets(settings)
    for finding in _links(settings, options):
        yield replace(
            finding, seen=_without(hidden, finding.seen), mend=_without(hidden, finding.mend)
        )


def _links(settings: Settings, options: Options) -> Iterator[Finding]:
    yield configured.check(settings)
    yield directory.check(settings)
    apps = list(living(settings.directory))
    yield middleware.check(settings, apps)
    yield captured.check(settings, present=bool(apps))
    yield process.check(settings)
    yield from _probe(settings, options)


def _probe(settings: Settings, options: Options) -> Iterator[Finding]:
    owner = directory.other_owner(settings.store)
    if settings.otlp_endpoint is None and owner is not None:
        seen = f"{settings.store} is {owner}'s place: no probe was sent"
        yield broken(delivery.EVALUATOR, seen, f"run this as {owner}, as app and runner do")
        return
    try:
        probe = _sent(settings, options.call_candidate)
    except StoreError as error:
        yield broken(delivery.EVALUATOR, str(error), "see SHADOW_STORE")
        return
    if options.call_candidate:
        yield from candidate.check(settings, probe)
    else:
        yield skipped(candidate.LINK, "not called: --no-candidate; a stand-in answers the probe")
    yield delivery.collector(settings, probe)
    yield delivery.evaluator(settings, probe, options.wait)
    yield backend.check(settings, probe, options.primary_backend, options.wait)


def _sent(settings: Settings, call_candidate: bool) -> Probe:
    with ExitStack() as stack:
        used = settings if call_candidate else stack.enter_context(stand_in(settings))
        probe = send(used, FORMATS[0])
        if not candidate.not_found(probe):
            return probe
        other = send(used, FORMATS[1])
        return probe if candidate.not_found(other) else other


def _secrets(settings: Settings) -> list[str]:
    """Values that are never printed, whoever repeats them to us."""
    values = [value for name in SECRETS if (value := getattr(settings, name, None)) is not None]
    keys = [candidate.api_key for candidate in settings.all_candidates]
    found = [v for v in (*values, *keys) if hasattr(v, "get_secret_value")]
    return [text for v in found if (text := v.get_secret_value())]


def _without(hidden: list[str], text: str) -> str:
    for secret in hidden:
        text = text.replace(secret, "***")
    return text
