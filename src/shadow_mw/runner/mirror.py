"""One exchange, asked of everybody: every candidate, and the primary again where it is chosen.

The pair goes out once, when the last of them is through with it.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan

from shadow_mw.exceptions import WireError
from shadow_mw.prices import PriceTable
from shadow_mw.runner.lane import Job, Lane
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.outbox import Outbox, Parcel
from shadow_mw.runner.primary import primary_leg
from shadow_mw.runner.progress import MIRRORED
from shadow_mw.runner.redact import Redactor
from shadow_mw.runner.repeat import again, chosen
from shadow_mw.runner.retries import Item
from shadow_mw.runner.room import Room
from shadow_mw.runner.span_content import size_of
from shadow_mw.runner.spans import Spans
from shadow_mw.runner.window import Window
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Call, Exchange, Json, Reason
from shadow_mw.wire import format_of, load_request

logger = logging.getLogger("shadow_mw.runner")


class Mirror:
    """The lanes of one runner; what comes of an exchange is put into the outbox."""

    def __init__(self, settings: Settings, ledger: Ledger, window: Window, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._spans = Spans(settings, Redactor.for_store(settings))
        prices = PriceTable(settings.prices)

        def lane(asked: Candidate) -> Lane:
            return Lane(settings, asked, prices, ledger, self._spans, window.refuses)

        self.lanes = [lane(candidate) for candidate in settings.all_candidates]
        """The candidates'."""
        primary = again(settings)
        self._repeat = lane(primary) if primary else None
        self.room = Room(self.lanes, self._repeat)

    @property
    def all_lanes(self) -> list[Lane]:
        """The candidates', and that of the primary where it is asked again."""
        return self.lanes if self._repeat is None else [*self.lanes, self._repeat]

    def admit(self, item: Item) -> None:
        """Read the request and queue it for every candidate, or say why not."""
        exchange = item.exchange
        wire = format_of(exchange.format)
        try:
            body = load_request(exchange.request)
            call = wire.read_request(body)
        except WireError:
            self.settle(Parcel(item.position), Reason.REQUEST_INVALID, exchange)
            return
        if (reason := wire.skip_reason(body)) is not None:
            self.settle(Parcel(item.position), reason, exchange)
            return
        try:
            self._mirror(item, call, body)
        except Exception:
            logger.exception("exchange %s was skipped", exchange.pair_id)
            self.settle(Parcel(item.position), Reason.INTERNAL_ERROR, exchange)

    def settle(self, parcel: Parcel, reason: Reason, exchange: Exchange | None = None) -> None:
        """An exchange that goes to no candidate; None where it could not be read."""
        for lane in self._lanes_of(exchange) if exchange else self.lanes:
            parcel.outcomes[lane.candidate.id, reason] += 1
        self._outbox.put(parcel)

    def _lanes_of(self, exchange: Exchange) -> list[Lane]:
        if self._repeat is None or not chosen(exchange, self._settings.repeat_rate):
            return self.lanes
        return [*self.lanes, self._repeat]

    def _mirror(self, item: Item, call: Call, body: dict[str, Json]) -> None:
        exchange = item.exchange
        leg = primary_leg(exchange, self._settings.max_response_bytes)
        primary = self._spans.primary(exchange, call, body, leg)
        size = len(exchange.request) + len(exchange.response)
        lanes = self._lanes_of(exchange)
        pair = _Pair(Parcel(item.position, [primary], size=size), len(lanes))
        self.room.take(size)
        for lane in lanes:
            report = functools.partial(self._report, pair, lane.candidate.id)
            if self.room.sheds(lane):
                report(None, Reason.QUEUE_FULL)
            else:
                lane.put(Job(exchange, call, body, primary, report))

    def _report(
        self, pair: _Pair, candidate: str, span: ReadableSpan | None, reason: Reason | None
    ) -> None:
        """One candidate is through with an exchange; after the last one the pair goes out."""
        outcomes = pair.parcel.outcomes
        if span is not None:
            pair.parcel.spans.append(span)
            pair.parcel.size += size_of(span)
            self.room.grow(size_of(span))
            outcomes[candidate, MIRRORED] += 1
        if reason is not None:
            outcomes[candidate, reason] += 1
        pair.missing -= 1
        if pair.missing:
            return
        self.room.give_back(pair.parcel.size)
        if len(pair.parcel.spans) == 1:
            # No candidate was called: a primary alone compares with nothing.
            pair.parcel.spans.clear()
        self._outbox.put(pair.parcel)


@dataclass(slots=True)
class _Pair:
    """An exchange under way: what is missing before it can go out."""

    parcel: Parcel
    missing: int
