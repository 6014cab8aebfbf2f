"""From one line of a pair file to the two observations that a store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.judge import check_truth
from shadow_mw.evaluate.ingest import Content, Observation
from shadow_mw.evaluate.json_line import read_whole
from shadow_mw.evaluate.judging.imported import Verdicts
from shadow_mw.evaluate.rows import values as v
from shadow_mw.evaluate.rows.json_values import dumps, read_request
from shadow_mw.evaluate.rows.keys import CANDIDATE, PRIMARY, ROW, SHARED
from shadow_mw.evaluate.rows.requests import Requests
from shadow_mw.prices import PriceTable
from shadow_mw.types import Call, Json, Outcome, Reply, Role, ToolCall, Usage
from shadow_mw.wire import lenient, output_messages
from shadow_mw.wire.lenient import encodable

NO_CONTENT = Content()
WINNERS = frozenset({"primary", "candidate", "tie"})


class Redaction(Protocol):
    """What is done to content before it is stored; the runner's `Redactor` is one."""

    def text(self, text: str) -> str:
        """A name or a key."""

    def json(self, value: Json) -> Json:
        """A value with every text in it."""

    def request(self, body: Json) -> Json:
        """A request, without what stands under the name of a credential."""

    def output(self, text: str) -> str:
        """A model's output; where it is JSON it stays JSON."""


class Unchanged:
    """Where nothing is kept there is nothing to hide."""

    def text(self, text: str) -> str:
        """The same."""
        return text

    def json(self, value: Json) -> Json:
        """The same."""
        return value

    request = json
    output = text


@dataclass(frozen=True, slots=True)
class Row:
    """One pair as it is stored."""

    primary: Observation
    candidate: Observation
    truth: str | None
    """JSON, for the pair's key."""
    judge: Verdicts | None = None
    """A judge's verdicts that it came with."""


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which leg of which pair."""

    role: str
    candidate_id: str
    names: tuple[str, str]
    """Experiment and pair as given, then as stored."""
    stored: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads rows under one set of rules."""

    redaction: Redaction
    prices: PriceTable | None
    """Prices what comes without a cost; None leaves it unpriced."""
    experiment: str = "default"
    """Of rows that name none."""
    _requests: Requests = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_requests", Requests(self.redaction.request))

    def line(self, line: bytes, *, first: bool) -> Row:
        """Read one line.

        Raises:
            ValueError: what is wrong with it.
        """
        return self.row(read_whole(line, first=first))

    def row(self, value: Json) -> Row:
        """Read one row.

        Raises:
            ValueError: what is wrong with it.
        """
        row = v.read_all(value, ROW, "row")
        missing = [key for key in ("pair_id", "primary", "candidate") if row.get(key) is None]
        if missing:
            raise ValueError(f"`{missing[0]}` is missing")
        # A pair of which nobody says a key is known by its own id; a null says it has no key.
        row = {"key": row["pair_id"]} | row
        call, content = self._request(row)
        names = row.get("experiment") or self.experiment, row["pair_id"]
        stored = encodable(names[0]), encodable(self.redaction.text(names[1]))
        shared = {name: row.get(name) for name in SHARED}
        ours = shared | v.read_all(row[Role.PRIMARY], PRIMARY, "primary")
        theirs = shared | v.read_all(row[Role.CANDIDATE], CANDIDATE, "candidate")
        candidate_id = theirs.get("id") or theirs.get("model") or "candidate"
        primary = self._leg(_Identity("primary", "", names, stored), ours, call, content)
        identity = _Identity("candidate", candidate_id, names, stored)
        candidate = self._leg(identity, theirs, None, NO_CONTENT)
        return Row(primary, candidate, self._truth(row), self._judge(row.get("judge")))

    def _judge(self, judge: Json) -> Verdicts | None:
        if judge is None:
            return None
        read = v.read_all(judge, JUDGE, "judge")
        if read.get("name") is None or read.get("winners") is None:
            raise ValueError("`judge` must have a `name` and `winners`")
        return Verdicts(encodable(self.redaction.text(read["name"])), tuple(read["winners"]))

    def _truth(self, row: Mapping[str, Json]) -> str | None:
        truth = row.get("truth")
        if truth is None:
            return None
        if row["key"] is None:
            raise ValueError("`truth` needs a `key`, and this row says that it has none")
        check_truth(truth)
        return strict_json.dumps(self.redaction.json(truth))

    def _request(self, row: Mapping[str, Json]) -> tuple[Call | None, Content]:
        """The request as sent, and what it says in the shape that all formats share."""
        given, text, call, system, messages = row.get("input"), None, None, None, None
        if given is not None:
            body, text = self._requests.read(given)
            call = read_request(body)
        if call is not None:
            system, messages = call.system_instructions or None, call.input_messages
        # A null says that there are none, whatever the request has.
        if "system_instructions" in row:
            system = self.redaction.json(row["system_instructions"])
        if "input_messages" in row:
            messages = self.redaction.json(row["input_messages"])
        said = (None if value is None else dumps(value) for value in (system, messages))
        return call, Content(text, *said)

    def _leg(
        self,
        identity: _Identity,
        leg: Mapping[str, Json],
        call: Call | None,
        content: Content,
    ) -> Observation:
        get = leg.get
        model, cost, expects = get("model"), get("cost_usd"), get("expects_json")
        outcome, partial = _outcome(identity.role, leg), bool(get("partial"))
        experiment, pair_id = identity.stored
        return Observation(
            experiment=experiment,
            pair_id=pair_id,
            role=identity.role,
            candidate_id=encodable(identity.candidate_id),
            trace_id=get("trace_id") or _id(16, *identity.names),
            span_id=get("span_id") or _id(8, identity.role, *identity.names, identity.candidate_id),
            time_ns=get("time") or 0,
            model=_whole(model),
            outcome=outcome,
            answered=outcome == Outcome.OK and not partial,
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
            expects_json=bool(call and call.expects_json) if expects is None else expects,
            key=self._redacted(get("key")),
            segment=self._redacted(get("segment")),
            session=self._redacted(get("session")),
            sample_rate=get("sample_rate"),
            content=Content(content.request, content.system, content.input, self._output(leg)),
        )

    def _redacted(self, text: str | None) -> str | None:
        return encodable(self.redaction.text(text)) if text else None

    def _priced(self, model: str | None, leg: Mapping[str, Json]) -> float | None:
        usage = Usage(*(leg.get(name) for name in Usage.__slots__))
        cost = self.prices.cost(model, usage) if self.prices else None
        return None if cost is None else float(cost)

    def _output(self, leg: Mapping[str, Json]) -> str | None:
        messages = leg["messages"] if "messages" in leg else output_messages(_reply(leg))
        for message in messages or ():
            parts = message.get("parts")
            for part in parts if isinstance(parts, list) else []:
                self._redact(part)
        return dumps(messages) if messages else None

    def _redact(self, part: Json) -> None:
        for name, value in part.items() if isinstance(part, dict) else ():
            clean = self.redaction.output if isinstance(value, str) else self.redaction.json
            part[name] = clean(value)


def _outcome(role: str, leg: Mapping[str, Json]) -> str:
    error = leg.get("error")
    outcome: str = leg.get("outcome") or default_outcome(error)
    if error and outcome == Outcome.OK:
        raise ValueError(f"`{role}.error` says that the call failed, and `{role}.outcome` is ok")
    return outcome


def default_outcome(error: str | None) -> str:
    """How a leg ended of which only its error is known."""
    if error is None:
        return str(Outcome.OK)
    return str(Outcome.TIMEOUT if error == Outcome.TIMEOUT else Outcome.ERROR)


def _whole(text: str | None) -> str | None:
    return encodable(text) if text else None


def _reply(leg: Mapping[str, Json]) -> Reply:
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


def _winners(value: Json) -> list[str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("`judge.winners` must be two verdicts, one for each order")
    if not all(isinstance(item, str) and item in WINNERS for item in value):
        raise ValueError("`judge.winners` must be of primary, candidate, tie")
    return value


JUDGE = {"name": v.FILLED, "winners": v.Kind("a list", _winners)}


def _id(size: int, *names: str) -> str:
    """An id that the same row always gets."""
    return blake2b("\0".join(names).encode("utf-8", "replace"), digest_size=size).hexdigest()
