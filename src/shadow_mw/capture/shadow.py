"""Capture, composed: look, decide, keep references, hand over. Everything else is the runner's."""

from __future__ import annotations

import atexit
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shadow_mw.capture import outbound
from shadow_mw.capture.context import RequestContext
from shadow_mw.capture.failsafe import failsafe
from shadow_mw.capture.gate import Counters, Gate
from shadow_mw.capture.recorder import Recording
from shadow_mw.capture.spool import Spool
from shadow_mw.capture.supervise import Supervisor, runner_obstacle
from shadow_mw.capture.trace import new_id, trace_of
from shadow_mw.frames import counters_frame, exchange_frame
from shadow_mw.types import Reason, WireFormat

if TYPE_CHECKING:
    from shadow_mw.settings import Settings

logger = logging.getLogger("shadow_mw")

PAUSE = 1.0
"""Seconds without capture after a slow write."""

_shared: Shadow | None = None  # one spool and one patch per process, whoever mounts it


class Shadow:
    """One experiment in one process: gate, spool, recordings under way, supervisor."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory: Path = settings.directory
        self.inbound = settings.capture in ("auto", "inbound")
        self.response_header = settings.response_header
        self._max_response = settings.max_response_bytes
        self._paths = dict(settings.paths)
        self._endings = tuple(self._paths)
        self._start_process()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.flush)
        if settings.capture in ("auto", "outbound"):
            outbound.install(self)

    @classmethod
    def shared(cls) -> Shadow | None:
        """The one of this process, made at the first call; None where mirroring is off.

        Raises:
            ConfigError: a setting is wrong.
        """
        global _shared
        if _shared is None and not _said_no():
            from shadow_mw.settings import load, unknown_variables

            settings = load()
            for name in unknown_variables():
                logger.warning("shadow_mw: %s is not a setting and does nothing", name)
            if (obstacle := _obstacle(settings)) is not None:
                logger.warning("shadow_mw is off: %s", obstacle)
                return None
            _shared = cls(settings)
            logger.warning("shadow_mw is on: %s", in_force(settings))
        return _shared

    def _start_process(self) -> None:
        """State that belongs to one process id."""
        self.process = f"app:{os.uname().nodename}:{os.getpid()}:{time.time_ns()}"
        self.counters = Counters()
        self.gate = Gate(self.settings, self.directory)
        self.spool = Spool(self.directory, self.settings.queue_bytes, self._slow_write)
        self._under_way: set[Recording] = set()
        self._told = 0
        self._supervisor = Supervisor(self.settings, self.directory, self)

    def _after_fork(self) -> None:
        self.spool.abandon()
        self._start_process()

    def _slow_write(self) -> None:
        self.gate.pause(PAUSE)

    def match(self, path: str) -> WireFormat | None:
        """The wire format of a request path, where it is one of ours."""
        if not path.endswith(self._endings):
            return None
        return next(self._paths[end] for end in self._endings if path.endswith(end))

    def begin(
        self, wire: WireFormat, seam: str, request: bytes, context: RequestContext | None
    ) -> Recording | None:
        """A call starts; None where it is not recorded, counted under its reason."""
        if (refusal := self.refuse()) is not None:
            self.counters.refused(refusal)
            return None
        return self.admit(wire, seam, request, context)

    def refuse(self) -> Reason | None:
        """Count one more call, and what can be said about it before its body is read."""
        self._supervisor.ensure()
        self.counters.seen()
        return self.gate.refuses()

    def admit(
        self, wire: WireFormat, seam: str, request: bytes, context: RequestContext | None
    ) -> Recording | None:
        """Decide with the request's body at hand, for a call that `refuse` let pass."""
        result = self._admit(wire, seam, request, context)
        if isinstance(result, Recording):
            return result
        self.counters.refused(result or Reason.INTERNAL_ERROR)
        return None

    @failsafe
    def _admit(
        self, wire: WireFormat, seam: str, request: bytes, context: RequestContext | None
    ) -> Recording | Reason:
        trace = trace_of(context)
        pair_id = new_id()
        session = context.session if context else None
        refusal = self.gate.refuses_body(request, session, trace.trace_id, pair_id)
        if refusal is not None:
            return refusal
        recording = Recording(
            self._finished, wire, seam, request, trace, pair_id, self._max_response, context
        )
        recording.sample_rate = self.gate.sample_rate
        recording.owner = self.counters
        if context is not None:
            context.trace_id = trace.trace_id
        self._stamp(recording)
        return recording

    def _stamp(self, recording: Recording) -> None:
        """The way from a production trace to its pair; nothing else of ours goes on it."""
        span = recording.trace.span
        if span is not None and span.is_recording():
            span.set_attribute("shadow.pair.id", recording.pair_id)
            span.set_attribute("shadow.experiment.id", self.settings.experiment)

    def watch(self, recording: Recording) -> None:
        """Keep an eye on a call whose end somebody else decides."""
        self._under_way.add(recording)

    def drop(self, recording: Recording, reason: Reason) -> None:
        """Forget a recording, counted."""
        self._under_way.discard(recording)
        self.counters.refused(reason)

    def _finished(self, recording: Recording) -> None:
        if recording.owner is not self.counters:
            return
        self._under_way.discard(recording)
        outcome = self._hand_over(recording)
        if outcome is not True:
            self.counters.refused(outcome or Reason.INTERNAL_ERROR)

    @failsafe
    def _hand_over(self, recording: Recording) -> Reason | Literal[True]:
        """True where the runner will find it, else why not."""
        if recording.overflow:
            return Reason.RESPONSE_TOO_LARGE
        counters = self._counters()
        frame = exchange_frame(recording.meta(counters), recording.request, recording.response)
        if (reason := self.spool.append(frame)) is not None:
            return reason
        self._told = counters["version"]
        return True

    def _counters(self) -> dict[str, Any]:
        version = self.counters.version
        return {"process": self.process, "version": version, "counts": self.counters.snapshot()}

    @failsafe
    def tick(self) -> None:
        """Once in a while, off the request: renew the gate, end idle streams, tell the counters."""
        self.gate.refresh()
        limit = int(self.settings.idle_timeout * 1e9)
        for recording in list(self._under_way):
            if recording.abandoned:
                recording.finish("gc")
            elif recording.idle_ns > limit:
                recording.finish("idle")
        self._tell_counters()

    def _tell_counters(self) -> None:
        counters = self._counters()
        if counters["version"] == self._told:
            return
        # Small, and never refused for want of room: they say how much was.
        if self.spool.append(counters_frame(counters), bounded=False) is None:
            self._told = counters["version"]

    @failsafe
    def flush(self) -> None:
        """The process is about to end: hand over what is under way, and the last counters."""
        for recording in list(self._under_way):
            recording.finish("gc" if recording.abandoned else "exit")
        self._tell_counters()
        self._supervisor.last_look()


def in_force(settings: Settings) -> str:
    """One line for the log: what will happen."""
    ids = ", ".join(f"{c.id} at {c.url}" for c in settings.all_candidates)
    budget = f"${settings.budget_usd}" if settings.budget_usd is not None else "none"
    end = settings.window_end
    window = f"until {end}" if end else f"{settings.window_days:g} days from the first call"
    return (
        f"experiment {settings.experiment}, candidate {ids}, sample {settings.sample_rate:g}, "
        f"window {window}, budget {budget}, runner {settings.runner}, "
        f"to {settings.otlp_endpoint or settings.store}, spool {settings.directory}"
    )


def _said_no() -> bool:
    """Whether SHADOW_ENABLED=false, without importing the settings."""
    return os.environ.get("SHADOW_ENABLED", "").lower() in ("false", "0", "no", "off")


def _obstacle(settings: Settings) -> str | None:
    """Why nothing can be mirrored, and what to set."""
    if not settings.enabled:
        return "SHADOW_ENABLED=false"
    if not settings.all_candidates:
        return "set SHADOW_CANDIDATE_URL and SHADOW_CANDIDATE_MODEL"
    try:
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(settings.directory, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        return f"{settings.state_root} is not writable; set SHADOW_STATE_DIR to a directory that is"
    return runner_obstacle(settings)
