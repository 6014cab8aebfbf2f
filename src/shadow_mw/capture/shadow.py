"""Capture, composed: look, decide, keep references, hand over. Everything else is the runner's."""

from __future__ import annotations

import atexit
import logging
import os
from pathlib import Path
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from shadow_mw.capture import outbound
from shadow_mw.capture.context import RequestContext
from shadow_mw.capture.failsafe import failsafe
from shadow_mw.capture.gate import Counters, Gate
from shadow_mw.capture.presence import leave_sign
from shadow_mw.capture.recorder import Recording
from shadow_mw.capture.spool import Spool
from shadow_mw.capture.supervise import Supervisor
from shadow_mw.capture.trace import active_span, new_ids, request_trace
from shadow_mw.frames import FORMATS, counters_frame
from shadow_mw.types import Reason

if TYPE_CHECKING:
    from opentelemetry.trace import Span

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
        self._wires = [(e.encode(), FORMATS.index(w)) for e, w in settings.paths.items()]
        self.endings = tuple(settings.paths)
        self._start_process()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.flush)
        if settings.capture in ("auto", "outbound"):
            outbound.install(self)

    @classmethod
    def shared(cls, kind: str = "script") -> Shadow | None:
        """The one of this process, made at the first call; None where mirroring is off.

        Args:
            kind: what asks for it: `asgi`, `wsgi`, `django` or `script`.

        Raises:
            ConfigError: a setting is wrong.
        """
        global _shared
        if _shared is None and _said_no():
            logger.warning("shadow_mw is off: SHADOW_ENABLED=%s", os.environ["SHADOW_ENABLED"])
        elif _shared is None:
            from shadow_mw.capture.starting import in_force, obstacle
            from shadow_mw.settings import load, unknown_variables

            settings = load()
            for name in unknown_variables():
                logger.warning("shadow_mw: %s is not a setting and does nothing", name)
            if (reason := obstacle(settings)) is not None:
                logger.warning("shadow_mw is off: %s", reason)
                return None
            _shared = cls(settings)
            leave_sign(settings.directory, kind, settings.identity)
            logger.warning("shadow_mw is on: %s", in_force(settings))
        return _shared

    def _start_process(self) -> None:
        """State that belongs to one process id."""
        self.process = f"app:{os.uname().nodename}:{os.getpid()}:{time_ns()}"
        self.counters = Counters()
        self.gate = Gate(self.settings, self.directory)
        self.spool = Spool(self.directory, self.settings.queue_bytes, self._slow_write)
        self._under_way: set[Recording] = set()
        self._name = self.process.encode()
        self._told: dict[str, int] = {"captured": 0}
        self._supervisor = Supervisor(self.settings, self.directory, self)

    def _after_fork(self) -> None:
        self.spool.abandon()
        self._start_process()

    def _slow_write(self) -> None:
        self.gate.pause(PAUSE)

    def wire_of(self, path: bytes) -> int | None:
        """The number of a request path's wire format in `FORMATS`, where it is one of ours."""
        for ending, wire in self._wires:
            if path.endswith(ending):
                return wire
        return None

    def begin(self, wire: int, request: bytes, context: RequestContext | None) -> Recording | None:
        """A call starts; None where it is not recorded, counted under its reason."""
        if (refusal := self.refuse()) is not None:
            self.counters.refused(refusal)
            return None
        return self.admit(wire, request, context)

    def refuse(self) -> Reason | None:
        """Count one more call, and what can be said about it before its body is read."""
        if not self._supervisor.started:
            self._supervisor.start()
        counters = self.counters
        with counters.lock:
            counters.captured += 1
        return None if self.gate.plain else self.gate.refuses()

    def admit(self, wire: int, request: bytes, context: RequestContext | None) -> Recording | None:
        """Decide with the request's body at hand, for a call that `refuse` let pass.

        Every mirrored call's way: few and long steps, since each call of a function costs here
        several times what it costs in a loop.
        """
        gate = self.gate
        recording = Recording()
        ids = new_ids()
        recording.pair_id = ids[:16]
        found = active_span()
        if found is not None:
            recording.trace_id, recording.parent_id, span = found
        elif context is not None:
            recording.trace_id, recording.parent_id = request_trace(context, ids[16:])
        else:
            recording.trace_id, recording.flags = ids[16:], 0
        refusal = Reason.REQUEST_TOO_LARGE if len(request) > gate.max_request else None
        if not gate.plain:
            refusal = refusal or self._sampled_out(recording, request, context)
        if refusal is not None:
            self.counters.refused(refusal)
            return None
        recording.wire, recording.request = wire, request
        recording.owner, recording.limit = self.counters, self._max_response
        recording.on_finish = self._finished
        if context is not None:
            recording.context = context
            recording.labels = (context.key, context.segment, context.session)
            context.trace_id = recording.trace_id
        if found is not None and span.is_recording():
            self._stamp(span, recording.pair_id)
        recording.wall_ns = time_ns()
        recording.started_ns = recording.last_ns = perf_counter_ns()
        return recording

    def _sampled_out(
        self, recording: Recording, request: bytes, context: RequestContext | None
    ) -> Reason | None:
        recording.sample_rate = self.gate.sample_rate
        session = context.session if context else None
        trace_id, pair_id = recording.trace_id.hex(), recording.pair_id.hex()
        return self.gate.refuses_body(request, session, trace_id, pair_id)

    def _stamp(self, span: Span, pair_id: bytes) -> None:
        """The way from a production trace to its pair; nothing else of ours goes on it."""
        span.set_attribute("shadow.pair.id", pair_id.hex())
        span.set_attribute("shadow.experiment.id", self.settings.experiment)

    def watch(self, recording: Recording) -> None:
        """Keep an eye on a call whose body comes in pieces, and whose end others decide."""
        recording.chunks = []
        recording.pending = [True]
        self._under_way.add(recording)

    def drop(self, recording: Recording, reason: Reason) -> None:
        """Forget a recording, counted."""
        self._under_way.discard(recording)
        self.counters.refused(reason)

    def _finished(self, recording: Recording) -> None:
        """Hand over to the runner, or count why not."""
        if recording.owner is not self.counters:
            return
        self._under_way.discard(recording)
        if recording.overflow:
            self.counters.refused(Reason.RESPONSE_TOO_LARGE)
            return
        frame = recording.frame(self._name, self.counters.captured)
        reason = self.spool.append(frame)
        if reason is not None:
            self.counters.refused(reason)

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
        counts = self.counters.snapshot()
        if counts == self._told:
            return
        # Small, and never refused for want of room: they say how much was.
        if self.spool.append(counters_frame(self.process, counts), bounded=False) is None:
            self._told = counts

    @failsafe
    def flush(self) -> None:
        """The process is about to end: hand over what is under way, and the last counters."""
        for recording in list(self._under_way):
            recording.finish("gc" if recording.abandoned else "exit")
        self._tell_counters()
        self._supervisor.last_look()


def _said_no() -> bool:
    """Whether SHADOW_ENABLED=false, without importing the settings."""
    return os.environ.get("SHADOW_ENABLED", "").lower() in ("false", "0", "no", "off")
