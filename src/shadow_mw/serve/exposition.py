"""What Prometheus reads: the store's figures, and how the service itself is doing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from shadow_mw.serve.cache import FigureCache, Watch
from shadow_mw.serve.families import Family, families, family
from shadow_mw.serve.intake import Waiting
from shadow_mw.serve.writer import Writer


class Exposition(Collector):
    """Collects at each scrape."""

    def __init__(
        self,
        cache: FigureCache,
        writer: Writer,
        waiting: Waiting,
        refusals: Mapping[int, int],
        watch: Watch,
    ) -> None:
        self._cache = cache
        self._writer = writer
        self._waiting = waiting
        self._refusals = refusals
        self._watch = watch
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, as the scraper likes it best."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families; those of the store only once they are known."""
        yield from self._service()
        figures = self._cache.get()
        if figures is not None:
            yield from families(figures)

    def _service(self) -> Iterator[Metric]:
        ingest = "shadow_ingest"
        yield _single(CounterMetricFamily, f"{ingest}_spans", "Spans taken", self._writer.spans)
        yield _single(
            CounterMetricFamily,
            f"{ingest}_rejected_spans",
            "Spans that cannot be used",
            self._writer.rejected,
        )
        yield family(
            CounterMetricFamily,
            f"{ingest}_refused_requests",
            "Requests answered with an error",
            ("status",),
            (((str(status),), n) for status, n in self._refusals.items()),
        )
        yield _single(
            GaugeMetricFamily,
            f"{ingest}_waiting_bytes",
            "Bytes received and not yet stored",
            self._waiting.bytes,
        )
        yield _single(
            GaugeMetricFamily,
            f"{ingest}_newest_span_seconds",
            "When a span was stored last, unix time",
            self._writer.newest,
        )
        yield _single(
            GaugeMetricFamily,
            "shadow_store_up",
            "Whether the store can be written to",
            self._watch.fault() is None,
        )


def _single(kind: Family, name: str, text: str, value: float) -> Metric:
    return kind(name, text, value=value)
