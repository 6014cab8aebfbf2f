"""From a stored pair to the line that `read` reads back to the same observations.

Content is spliced in as the JSON text that the store has. Every line is read again before it is
given out; what a short form would not bring back is written in full.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.ingest import MAX_COUNT, Observation
from shadow_mw.evaluate.judging.imported import has_any, verdicts_of
from shadow_mw.evaluate.pair import pairs
from shadow_mw.evaluate.rows.json_values import same_leg
from shadow_mw.evaluate.rows.keys import SHARED
from shadow_mw.evaluate.rows.legs import default_outcome
from shadow_mw.evaluate.rows.lines import Advance, nothing
from shadow_mw.evaluate.rows.read import Reader, Row
from shadow_mw.evaluate.rows.redaction import Unchanged
from shadow_mw.evaluate.rows.values import time_text
from shadow_mw.evaluate.series import BACKFILLED
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.results import Series
from shadow_mw.types import Json, Outcome

AT_ONCE = 500
AS_THEY_ARE = (
    "span_id",
    "model",
    "finish_reason",
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_usd",
    "reason",
)
"""Columns that are keys of a leg under the same name."""
PART_KEYS = {"reasoning": "reasoning", "text": "output", "refusal": "refusal"}

READER = Reader(Unchanged(), None)

Texts = dict[str, str]
"""Key to value, as JSON text."""


@dataclass(slots=True)
class Written:
    """How an export went."""

    rows: int = 0
    inexact: int = 0
    """Pairs with content that no row can carry as it is: it was left out."""


def rows(
    store: Store, series: Sequence[Series], written: Written, advance: Advance = nothing
) -> Iterator[str]:
    """One line for every pair of these series, in the order in which they were stored."""
    wanted = {(one.experiment, one.candidate) for one in series}
    judged = has_any(store)
    for number, names, backfilled in _exchanges(store):
        advance(1)
        if names[::2] not in wanted:
            continue
        row = _row(store, *names)
        if row is not None and judged:
            row = replace(row, judge=verdicts_of(store, number))
        if row is not None and backfilled:
            # A row cannot say that its legs are of two times; without latency none is compared.
            row = replace(row, candidate=replace(row.candidate, latency_ms=None, ttft_ms=None))
        if row is not None:
            written.rows += 1
            line, exact = _line(row)
            written.inexact += not exact
            yield line


def count(store: Store) -> int:
    """Pairs in the store."""
    return int(store.one("SELECT count(*) FROM pairs")[0])


def _exchanges(store: Store) -> Iterator[tuple[int, tuple[str, str, str], bool]]:
    """Row, experiment, pair and candidate of every pair, and whether it was backfilled."""
    last = 0
    while True:
        found = store.query(
            f"SELECT pairs.id, experiment, pair_id, candidate_id, {BACKFILLED} FROM pairs"
            " JOIN observations ON observations.id = candidate_row"
            " WHERE pairs.id > ? ORDER BY pairs.id LIMIT ?",
            (last, AT_ONCE),
        )
        if not found:
            return
        for number, experiment, pair_id, candidate_id, backfilled in found:
            yield number, (experiment, pair_id, candidate_id), bool(backfilled)
        last = found[-1][0]


def _row(store: Store, experiment: str, pair_id: str, candidate_id: str) -> Row | None:
    for pair in pairs(store.legs(experiment, pair_id, before=MAX_COUNT)):
        candidate = pair.candidate.observation
        if candidate.candidate_id == candidate_id:
            truth = truth_of(store, pair.key)
            text = None if truth is None else strict_json.dumps(truth)
            return Row(pair.primary.observation, candidate, text)
    return None


def _line(row: Row) -> tuple[str, bool]:
    """The shortest line that says the whole row, and whether it does."""
    for write in (_short, _full):
        line = _joined(_texts(row, write))
        if _reads_as(line, row):
            return line, True
    return _joined(_texts(row, _without_content)), False


def _reads_as(line: str, row: Row) -> bool:
    try:
        read = READER.line(line.encode(), first=False)
    except (ValueError, RecursionError):
        return False
    return (
        same_leg(read.primary, row.primary)
        and same_leg(read.candidate, row.candidate)
        and (read.truth, read.judge) == (row.truth, row.judge)
    )


def _texts(row: Row, write: _Content) -> Texts:
    primary, candidate = row.primary, row.candidate
    ours, theirs = _shared(primary), _shared(candidate)
    differing = {name: text for name, text in theirs.items() if text != ours[name]}
    legs = {
        "primary": _leg(primary) | write.leg(primary),
        "candidate": {"id": _text(candidate.candidate_id)}
        | differing
        | _leg(candidate)
        | write.leg(candidate),
    }
    return (
        {"pair_id": _text(primary.pair_id), "experiment": _text(primary.experiment)}
        # A row that says nothing of a key has its pair_id as key.
        | {name: text for name, text in ours.items() if text != "null" or name == "key"}
        | write.request(primary)
        | ({} if row.truth is None else {"truth": row.truth})
        | {role: _joined(leg) for role, leg in legs.items()}
        | ({} if row.judge is None else {"judge": _text(asdict(row.judge))})
    )


def _shared(leg: Observation) -> Texts:
    values = {name: getattr(leg, name) for name in SHARED if name != "time"}
    values["time"] = time_text(leg.time_ns) if leg.time_ns else None
    return {name: _text(values[name]) for name in SHARED}


def _leg(leg: Observation) -> Texts:
    table = {name: getattr(leg, name) for name in AS_THEY_ARE} | {"error": leg.error_type}
    if leg.outcome != default_outcome(leg.error_type):
        table["outcome"] = leg.outcome
    table |= {name: True for name in ("partial", "truncated") if getattr(leg, name)}
    if not leg.has_answer:
        table["has_answer"] = False
    failed = leg.outcome != Outcome.OK
    return {n: _text(x) for n, x in table.items() if x is not None or (n == "error" and failed)}


class _Content:
    """How content is written."""

    def request(self, leg: Observation) -> Texts:
        """Keys of the row."""
        return _readable({"input": leg.content.request})

    def leg(self, leg: Observation) -> Texts:
        """Keys of a leg."""
        messages = strict_json.loads_or_none(leg.content.output or "")
        message = messages[0] if isinstance(messages, list) and messages else None
        parts = message.get("parts") if isinstance(message, dict) else None
        if not isinstance(parts, list):
            return {}
        calls = [_call(part) for part in parts if _kind(part) == "tool_call"]
        texts = {
            PART_KEYS[_kind(part)]: _text(part.get("content"))
            for part in parts
            if _kind(part) in PART_KEYS
        }
        return texts | ({"tool_calls": strict_json.dumps(calls)} if calls else {})


class _Full(_Content):
    def request(self, leg: Observation) -> Texts:
        content = leg.content
        given = {
            "input": content.request,
            "system_instructions": content.system or "null",
            "input_messages": content.input or "null",
        }
        return _readable(given)

    def leg(self, leg: Observation) -> Texts:
        flags = {"expects_json": _text(leg.expects_json)}
        return _readable({"messages": leg.content.output or "null"}) | flags


class _WithoutContent(_Content):
    def request(self, leg: Observation) -> Texts:  # noqa: ARG002
        return {}

    def leg(self, leg: Observation) -> Texts:
        return {"expects_json": _text(leg.expects_json)}


_short, _full, _without_content = _Content(), _Full(), _WithoutContent()


def _kind(part: Json) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else ""


def _call(part: dict[str, Json]) -> dict[str, Json]:
    return {name: part.get(name) for name in ("id", "name", "arguments")}


def _readable(given: Mapping[str, str | None]) -> Texts:
    """Those that are JSON, each on one line."""
    return {
        name: strict_json.dumps(strict_json.loads(text)) if "\n" in text or "\r" in text else text
        for name, text in given.items()
        if text is not None and strict_json.is_valid(text)
    }


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _joined(texts: Texts) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}"
