"""`shadow-mw serve`: the evaluator as a service, behind a collector."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import click
from starlette.applications import Starlette

from shadow_mw.commands.alert_threads import looking, sending
from shadow_mw.commands.background import beside
from shadow_mw.commands.live import LivePage
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.evaluate.store.unsent_scores import UnsentScores
from shadow_mw.evaluate.watch import Watch
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.settings import Settings, is_loopback, load, split_host_port

EXTRA = ("prometheus_client", "uvicorn")
GRACE_SECONDS = 30
KEEP_ALIVE_SECONDS = 120
"""Longer than a collector's pause between two batches, so that it never meets a closed one."""

JUDGED_AT_ONCE = 100
"""Pairs that are judged anew in one transaction: what comes in waits for no more."""
REST_SECONDS = 0.01
"""After each, for what waits."""
FAULT_SECONDS = 2.0
"""After one that failed."""


@click.command()
def serve() -> None:
    """Receive spans over OTLP/HTTP, judge and store them, and show the live page, until SIGTERM.

    It listens at SHADOW_LISTEN, by default 127.0.0.1:4319, and beyond this host only with
    SHADOW_OTLP_TOKEN. The page is at its address; it shows a store that was there before, too.
    """
    _require_extra()
    from shadow_mw.serve.app import build  # behind the check, too

    settings = load()
    host, port = split_host_port(settings.listen)
    _require_token(settings, host)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with (
        _listening(settings.listen, host, port) as listener,
        _evaluator(settings) as evaluator,
        contextlib.closing(Watch(settings.store)) as watch,
        contextlib.closing(LivePage(settings.store, watch)) as page,
        _catching_up(evaluator),
        _publishing(settings),
        sending(settings),
        looking(settings),
    ):
        click.echo(_in_force(settings, listener), err=True)
        _run(build(evaluator, watch, _token(settings), page), listener)


def _require_extra() -> None:
    if any(importlib.util.find_spec(name) is None for name in EXTRA):
        raise ConfigError(
            "serve needs prometheus-client and uvicorn: pip install 'shadow-mw[serve]'"
        )


def _require_token(settings: Settings, host: str) -> None:
    if settings.otlp_token is None and not is_loopback(host):
        raise ConfigError(
            f"SHADOW_LISTEN={settings.listen}: others can reach it; accepted is a loopback address,"
            " or any with SHADOW_OTLP_TOKEN"
        )


@contextlib.contextmanager
def _listening(listen: str, host: str, port: int) -> Iterator[socket.socket]:
    """Bound before anything else: a port in use is no reason to touch the store."""
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
        )
    except OSError as error:
        # The error's own text may repeat the address; that of a host without one is only there.
        fault = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConfigError(f"SHADOW_LISTEN={listen}: {fault}") from None
    with listener:
        yield listener


@contextlib.contextmanager
def _evaluator(settings: Settings) -> Iterator[Evaluator]:
    evaluator = Evaluator.open(
        settings.store,
        PriceTable(settings.prices),
        Standards.declared(settings),
        durable=True,
        catches_up=True,
    )
    try:
        yield evaluator
    finally:
        evaluator.shutdown()


def _catching_up(evaluator: Evaluator) -> contextlib.AbstractContextManager[None]:
    """Pairs that have to be judged anew keep nobody from being answered."""

    def work(stop: threading.Event) -> None:
        while not stop.is_set() and (left := evaluator.catch_up(JUDGED_AT_ONCE)) is not False:
            stop.wait(REST_SECONDS if left else FAULT_SECONDS)

    return beside(work, "shadow_mw-rejudge")


@contextlib.contextmanager
def _publishing(settings: Settings) -> Iterator[None]:
    """Scores go back to where `SHADOW_SCORES_ENDPOINT` says, from a thread and store of its own."""
    if settings.scores_endpoint is None:
        yield
        return
    from shadow_mw.serve.scores import Publisher, publish_until

    token = settings.scores_token
    with (
        contextlib.closing(
            Publisher(
                settings.scores_endpoint,
                _mark_of_scores(settings),
                token.get_secret_value() if token else None,
            )
        ) as publisher,
        Store.open(settings.store) as store,
    ):
        unsent = UnsentScores(store)
        with beside(lambda stop: publish_until(stop, unsent, publisher), "shadow_mw-scores"):
            yield


def _mark_of_scores(settings: Settings) -> str | None:
    """The mark is the collector's: where that is known, scores take the mark to no other host."""
    collector, scores = settings.otlp_endpoint, settings.scores_endpoint
    if settings.mark is None or not scores:
        return None
    if collector is not None and _origin(collector) != _origin(scores):
        return None
    return settings.mark.get_secret_value()


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _token(settings: Settings) -> str | None:
    return settings.otlp_token.get_secret_value() if settings.otlp_token else None


def _run(app: Starlette, listener: socket.socket) -> None:
    import uvicorn  # here, behind the check: it needs the [serve] extra

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _in_force(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    token = "token required" if settings.otlp_token else "no token, this host only"
    scores = "nowhere"
    if settings.scores_endpoint is not None:
        mark = "with" if _mark_of_scores(settings) else "without"
        token_of_scores = "a" if settings.scores_token else "no"
        scores = f"to {settings.scores_endpoint} ({mark} the mark, {token_of_scores} token)"
    page = settings.page_url or f"http://{address}/"
    told = "go to the webhook" if settings.webhook_url else "are told to nobody"
    return (
        f"shadow-mw: listening on http://{address} ({token}); page {page}; store {settings.store};"
        f" alarms {told};"
        f" scores go {scores}"
    )


def _leave(_: int, __: FrameType | None) -> NoReturn:
    """After the server has ended in good order, or before it has begun."""
    raise SystemExit(0)
