"""From one leg of a row to the observation that a store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from shadow_mw.evaluate import recent
from shadow_mw.evaluate.ingest import Content, Observation
from shadow_mw.evaluate.rows.json_values import dumps, quoted, written
from shadow_mw.evaluate.rows.redaction import Redaction
from shadow_mw.prices import PriceTable
from shadow_mw.types import Json, Outcome, Reply, ToolCall, Usage
from shadow_mw.wire import lenient, output_messages
from shadow_mw.wire.lenient import encodable

Leg = Mapping[str, Json]

_NOT_PLAIN = ("messages", "tool_calls", "refusal", "reasoning")
"""Keys of a leg that said more than a text."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which pair."""

    experiment: str
    pair_id: str
    """Both as given."""
    stored: tuple[str, str]
    """The same as stored."""
    trace_id: str
    """Where nobody gives one."""


@dataclass(frozen=True, slots=True)
class Legs:
    """Reads legs under one set of rules."""

    redaction: Redaction
    prices: PriceTable | None

    def names(self, experiment: str, pair_id: str) -> Names:
        """A pair by its names."""
        stored = encodable(experiment), encodable(self.redaction.text(pair_id))
        return Names(experiment, pair_id, stored, _id(16, experiment, pair_id))

    def read(
        self,
        names: Names,
        role: str,
        candidate_id: str,
        leg: Leg,
        content: Content,
        *,
        asks_for_json: bool,
    ) -> Observation:
        """One leg.

        Args:
            names: of its pair.
            role: `primary` or `candidate`.
            candidate_id: empty for the primary.
            leg: its keys, each checked, and those that it shares with its row.
            content: what the request says; empty for the candidate.
            asks_for_json: whether the request does.

        Raises:
            ValueError: what is wrong with it.
        """
        get = leg.get
        model, cost, expects = get("model"), get("cost_usd"), get("expects_json")
        outcome, partial = _outcome(role, leg), bool(get("partial"))
        span_id = get("span_id") or _id(8, role, names.experiment, names.pair_id, candidate_id)
        return Observation(
            *names.stored,
            role,
            encodable(candidate_id),
            get("trace_id") or names.trace_id,
            span_id,
            get("time") or 0,
            model=_whole(model),
            outcome=outcome,
            answered=outcome == "ok" and not partial,
            error_type=self._redacted(get("error")),
            reason=_whole(get("reason")),
            finish_reason=_whole(get("finish_reason")),
            latency_ms=get("latency_ms"),
            ttft_ms=get("ttft_ms"),
            input_tokens=get("input_tokens"),
            output_tokens=get("output_tokens"),
            cache_read_tokens=get("cache_read_tokens"),
            cache_write_tokens=get("cache_write_tokens"),
            reasoning_tokens=get("reasoning_tokens"),
            cost_usd=self._priced(model, leg) if cost is None else cost,
            partial=partial,
            truncated=bool(get("truncated")),
            has_answer=get("has_answer") is not False,
            expects_json=asks_for_json if expects is None else expects,
            key=self._redacted(get("key")),
            segment=self._redacted(get("segment")),
            session=self._redacted(get("session")),
            sample_rate=get("sample_rate"),
            content=Content(content.request, content.system, content.input, self._output(leg)),
        )

    def _redacted(self, text: str | None) -> str | None:
        return encodable(self.redaction.text(text)) if text else None

    def _priced(self, model: str | None, leg: Leg) -> float | None:
        usage = Usage(*(leg.get(name) for name in Usage.__slots__))
        cost = self.prices.cost(model, usage) if self.prices else None
        return None if cost is None else float(cost)

    def _output(self, leg: Leg) -> str | None:
        text = leg.get("output")
        if text is not None and not any(name in leg for name in _NOT_PLAIN):
            return _said(self.redaction.output(text), _whole(leg.get("finish_reason")))
        messages = leg["messages"] if "messages" in leg else output_messages(_reply(leg))
        for message in messages or ():
            parts = message.get("parts")
            for part in parts if isinstance(parts, list) else []:
                self._redact(part)
        return written(messages) if messages else None

    def _redact(self, part: Json) -> None:
        for name, value in part.items() if isinstance(part, dict) else ():
            clean = self.redaction.output if isinstance(value, str) else self.redaction.json
            part[name] = clean(value)


def default_outcome(error: str | None) -> str:
    """How a leg ended of which only its error is known."""
    if error is None:
        return str(Outcome.OK)
    return str(Outcome.TIMEOUT if error == Outcome.TIMEOUT else Outcome.ERROR)


def _outcome(role: str, leg: Leg) -> str:
    error = leg.get("error")
    outcome: str = leg.get("outcome") or default_outcome(error)
    if error and outcome == Outcome.OK:
        raise ValueError(f"`{role}.error` says that the call failed, and `{role}.outcome` is ok")
    return outcome


def _whole(text: str | None) -> str | None:
    return encodable(text) if text else None


def _said(text: str, finish_reason: str | None) -> str:
    """What `dumps` writes of the messages of a plain answer, as almost all are."""
    finish = "null" if finish_reason is None else quoted(finish_reason)
    parts = f'[{{"content":{quoted(text)},"type":"text"}}]'
    output = f'[{{"finish_reason":{finish},"parts":{parts},"role":"assistant"}}]'
    part = {"type": "text", "content": text}
    message = {"role": "assistant", "parts": [part], "finish_reason": finish_reason}
    recent.remember(output, [message])
    return output


def _reply(leg: Leg) -> Reply:
    return Reply(
        text=leg.get("output"),
        refusal=leg.get("refusal"),
        reasoning=leg.get("reasoning"),
        tool_calls=tuple(_tool_call(call) for call in leg.get("tool_calls") or ()),
        finish_reason=_whole(leg.get("finish_reason")),
    )


def _tool_call(call: Mapping[str, Json]) -> ToolCall:
    """`{"id", "name", "arguments"}`, or as OpenAI writes it."""
    function = lenient.mapping(call.get("function")) or call
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("a tool call in `tool_calls` has no `name`")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else dumps(arguments)
    return ToolCall(name, arguments, lenient.string(call.get("id")))


def _id(size: int, *names: str) -> str:
    """An id that the same row always gets."""
    return blake2b("\0".join(names).encode("utf-8", "replace"), digest_size=size).hexdigest()
