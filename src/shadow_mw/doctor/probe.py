"""One pair on the whole way: spool, runner, candidate, exporter, under an experiment of its own."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw import semconv
from shadow_mw.doctor.exchange import Ids, put
from shadow_mw.runner.__main__ import open_exporter
from shadow_mw.runner.figures import Figures, Tell
from shadow_mw.runner.otlp import OtlpSpans
from shadow_mw.runner.runner import Runner
from shadow_mw.settings import REDACTIONS, Settings
from shadow_mw.types import DOCTOR, Role, WireFormat

PATIENCE = 3.0
"""Seconds of failing exports after which the target counts as not taking them."""
OVERHEAD = 15.0
"""Seconds that the probe may take, beyond the candidate's own timeout."""
LINGER = 0.3


@dataclass(frozen=True, slots=True)
class Probe:
    """What became of the pair on this side of the exporter."""

    ids: Ids
    legs: Sequence[ReadableSpan]
    """As they were exported, or would have been."""
    exported: bool
    faults: Mapping[str, str] = field(default_factory=dict)
    """What the target said, by path."""

    def candidates(self) -> Iterator[Mapping[str, object]]:
        """The attributes of the candidates' legs, and what their status says."""
        for span in self.legs:
            attributes = span.attributes or {}
            if attributes.get(semconv.ROLE) == Role.CANDIDATE:
                yield {**attributes, "message": span.status.description or ""}

    @property
    def span_ids(self) -> set[str]:
        """Of both legs, in hex."""
        ids = [span.get_span_context() for span in self.legs]
        return {f"{one.span_id:016x}" for one in ids if one is not None}


class Witness(SpanExporter):
    """The real exporter, and what passed through it."""

    def __init__(self, exporter: SpanExporter, tell: Tell) -> None:
        self._exporter = exporter
        self._tell = tell
        self._failing_since: float | None = None
        self.legs: list[ReadableSpan] = []
        self.exported = False

    @property
    def failing_for(self) -> float:
        """Seconds since the first failure after which nothing was taken."""
        since = self._failing_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def faults(self) -> Mapping[str, str]:
        """What an OTLP endpoint said."""
        return self._exporter.faults if isinstance(self._exporter, OtlpSpans) else {}

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export, and remember."""
        self.legs = list(spans)
        result = self._exporter.export(spans)
        self.exported = result is SpanExportResult.SUCCESS
        self._note(self.exported)
        return result

    def tell(self, figures: Sequence[Figures]) -> bool:
        """Tell, and remember."""
        taken = self._tell(figures)
        self._note(taken)
        return taken

    def _note(self, taken: bool) -> None:
        if taken:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = time.monotonic()

    def shutdown(self) -> None:
        """End the real exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As the real exporter."""
        return self._exporter.force_flush(timeout_millis)


def send(settings: Settings, wire: WireFormat) -> Probe:
    """Put a call through everything that the runner does.

    Raises:
        StoreError: the store cannot be used as it is.
        OSError: there is no place for a temporary directory.
    """
    with tempfile.TemporaryDirectory(prefix="shadow-mw-doctor-") as directory, _quiet():
        used = probe_settings(settings, Path(directory))
        ids = put(used, wire)
        witness = Witness(*open_exporter(used.model_copy(update={"store": settings.store})))
        asyncio.run(_run(used, witness))
    return Probe(ids, witness.legs, witness.exported, dict(witness.faults))


def probe_settings(settings: Settings, directory: Path) -> Settings:
    """The same settings, apart from the experiment and from what would keep it from being made."""
    return settings.model_copy(
        update={
            "experiment": DOCTOR,
            "state_dir": directory,
            # The key of the pseudonyms stands beside the store: it is not ours to make.
            "store": directory / "shadow.db",
            "window_start": None,
            "window_end": None,
            "budget_usd": None,
            "max_calls": None,
            "replicas": 1,
            # The probe's model is none of the primary's.
            "repeat_rate": 0.0,
            # What a candidate says goes to the terminal.
            "redact": REDACTIONS,
        }
    )


async def _run(settings: Settings, witness: Witness) -> None:
    runner = Runner(settings, witness, witness.tell)
    deadline = time.monotonic() + settings.timeout + OVERHEAD
    task = asyncio.create_task(runner.run(LINGER))
    while not task.done():
        if time.monotonic() > deadline or witness.failing_for > PATIENCE:
            runner.stop()
        await asyncio.wait({task}, timeout=0.1)
    task.result()


@contextmanager
def _quiet() -> Iterator[None]:
    """The findings say it; its log would say it twice."""
    logger = logging.getLogger("shadow_mw")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
