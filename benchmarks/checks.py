"""What the checks of a pair cost, each and all: `python -m benchmarks.checks`."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.results import Part, Target, say, show, show_targets
from shadow_mw.demo.invoices import generate
from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import Check
from shadow_mw.evaluate.checks.run import all_checks, check, run_checks
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.ingest import Content, Observation
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.types import Json, Reply, ToolCall, Usage
from shadow_mw.wire import output_messages

PAIRS = 218_400
BUDGET_S = 90.0
BUDGET_MB = 500

Asked = tuple[dict[str, Json], Reply, Reply, Json]
"""Request, both replies, and the truth where there is one."""


def measure(path: Path | None = None, *, quick: bool = False) -> Part:  # noqa: ARG001
    """Per check, per workload, in microseconds a pair."""
    count, rounds = (200, 3) if quick else (600, 7)
    workloads = {name: _pairs(make, count) for name, make in WORKLOADS.items()}
    part = Part(
        title="K. Checks of a pair",
        how=f"µs a pair on one core, median of {rounds} rounds over {count} pairs; every row reads"
        " the request anew, 'all' reads everything once, from the stored text on",
        columns=["check", *workloads],
    )
    for name, work in _rows().items():
        part.rows.append([name, *(f"{_time(work, p, rounds):.1f}" for p in workloads.values())])
    totals = {name: _time(_everything, pairs, rounds) for name, pairs in workloads.items()}
    part.rows.append(["all, fields included", *(f"{each:.1f}" for each in totals.values())])
    for name, each in totals.items():
        seconds = each * PAIRS / 1e6
        wanted = f"<= {BUDGET_S:.0f} s"
        shown = f"{seconds:.0f} s ({each:.0f} µs a pair)"
        target = Target(f"{PAIRS:,} pairs of {name}", wanted, shown, seconds <= BUDGET_S)
        part.targets.append(target)
    part.figures = {"us_a_pair": totals}
    return part


def _rows() -> dict[str, Callable[[tuple[Pair, Json]], object]]:
    """Every check by itself, with the answers read already."""
    rows: dict[str, Callable[[tuple[Pair, Json]], object]] = {"reading both answers": _read}
    for each in all_checks():
        rows[each.name] = partial(_alone, each)
    rows["same answer, divergence"] = lambda p: _divergences(p[0])
    rows["fields against the truth"] = lambda p: FIELDS.score(p[0], p[1]) if p[1] else None
    return rows


FIELDS = FieldJudge()


def _alone(each: Check, of: tuple[Pair, Json]) -> object:
    return each.run(Case(of[0]))


def _read(of: tuple[Pair, Json]) -> object:
    pair = _fresh(of[0])
    return pair.primary.answer.structured, pair.candidate.answer.structured


def _everything(of: tuple[Pair, Json]) -> object:
    pair, truth = _fresh(of[0]), of[1]
    results = run_checks(pair, has_truth=truth is not None)
    return results, _divergences(pair), None if truth is None else FIELDS.score(pair, truth)


def _divergences(pair: Pair) -> object:
    return FIELDS.divergences(pair, same=bool(check(pair, has_truth=False).exact_match))


def _fresh(pair: Pair) -> Pair:
    """The same legs with nothing read yet."""
    return Pair(
        Leg(pair.primary.row, pair.primary.observation),
        Leg(pair.candidate.row, pair.candidate.observation),
    )


def _time(
    work: Callable[[tuple[Pair, Json]], object],
    pairs: Sequence[tuple[Pair, Json]],
    rounds: int,
) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        for each in pairs:
            work(each)
        times.append((time.process_time() - started) / len(pairs) * 1e6)
    return median(times)


def _pairs(make: Callable[[random.Random, int], Asked], count: int) -> list[tuple[Pair, Json]]:
    rng = random.Random(7)
    found = []
    for number in range(count):
        request, primary, candidate, truth = make(rng, number)
        legs = [_leg(row, request, reply) for row, reply in enumerate((primary, candidate))]
        found.append((Pair(*legs), truth))
    return found


def _leg(row: int, request: dict[str, Json], reply: Reply) -> Leg:
    text = json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    output = json.dumps(output_messages(reply), ensure_ascii=False, separators=(",", ":"))
    asked = [
        {"role": message["role"], "parts": [{"type": "text", "content": message["content"]}]}
        for message in request["messages"]
    ]
    content = Content(
        request=None if row else text,
        input=None if row else json.dumps(asked, ensure_ascii=False),
        output=output,
    )
    named: dict[str, Any] = dict.fromkeys(Observation.__slots__)
    named |= {"answered": True, "outcome": "ok", "partial": False, "truncated": False}
    named |= {"has_answer": True, "expects_json": "response_format" in request}
    named |= {"input_tokens": reply.usage.input_tokens, "finish_reason": reply.finish_reason}
    return Leg(row, Observation(**{**named, "content": content}))


# Extraction: the demo's invoices, asked for by a schema.

_INVOICES = generate(600, 7)
_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": ["string", "null"]} for key in _INVOICES[0].truth},
    "required": list(_INVOICES[0].truth),
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "invoice", "schema": _SCHEMA}}
_USAGE = Usage(input_tokens=700, output_tokens=150)


def extraction(_: random.Random, number: int) -> Asked:
    """Eight fields of an invoice; every tenth candidate invents one, every fiftieth is fenced."""
    invoice = _INVOICES[number]
    request = {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Extract the fields of the invoice. " * 10},
            {"role": "user", "content": invoice.text},
        ],
        "response_format": _FORMAT,
    }
    said = dict(invoice.truth)
    if number % 10 == 0:
        said["vendor_tax_id"] = "DE123456789"
    answer = json.dumps(said, indent=2)
    if number % 50 == 0:
        answer = f"```json\n{answer}\n```"
    replies = json.dumps(invoice.truth, indent=2), answer
    return request, *(_reply(text) for text in replies), invoice.truth  # type: ignore[return-value]


# Answers in prose, from numbered sources.

_WORDS = (
    *("the", "policy", "covers", "water", "damage", "in", "the", "cellar", "unless", "the", "pump"),
    *("was", "not", "serviced", "during", "the", "last", "year", "and", "the", "report", "names"),
    *("the", "date", "on", "which", "the", "insurer", "was", "told", "of", "it", "in", "writing"),
)


def prose(rng: random.Random, number: int) -> Asked:
    """About 900 characters an answer, with numbers, dates, negations and citations."""
    sources = "\n".join(f"[{n}] {_sentences(rng, 6)}" for n in range(1, 9))
    request = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": f"{sources}\n\nWhat does the policy cover?"}],
    }
    answer = _sentences(rng, 8)
    other = answer.replace("cellar", "basement") if number % 2 else _sentences(rng, 8)
    if number % 20 == 0:
        other = "I'm sorry, but I can't help with that."
    return request, _reply(answer), _reply(other), None


def _sentences(rng: random.Random, count: int) -> str:
    return " ".join(
        f"{' '.join(rng.choices(_WORDS, k=16)).capitalize()} by {rng.randint(1, 28)} March"
        f" {rng.randint(2019, 2026)} for {rng.randint(100, 9999):,}.50 EUR [{rng.randint(1, 8)}]."
        for _ in range(count)
    )


# Tool calls of an agent with six tools.

_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": f"{verb}_{noun}",
            "description": "Looks after what the user asks for. " * 4,
            "parameters": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "amount": {"type": "number"},
                    "limit": {"type": "integer", "default": 10},
                    "unit": {"type": "string", "enum": ["EUR", "USD"], "default": "EUR"},
                },
                "required": ["id"],
                "additionalProperties": False,
            },
        },
    }
    for verb in ("find", "update", "cancel")
    for noun in ("order", "invoice")
]


def tools(rng: random.Random, number: int) -> Asked:
    """One to three calls; every tenth candidate invents a tool or breaks a schema."""
    request = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": _sentences(rng, 6)}],
        "tools": _TOOLS,
    }
    calls = [
        ToolCall(
            rng.choice(_TOOLS)["function"]["name"],  # type: ignore[index]
            json.dumps({"id": f"A-{rng.randint(1, 99)}", "amount": rng.randint(1, 900) / 10}),
        )
        for _ in range(rng.randint(1, 3))
    ]
    other = [replace(call, arguments=call.arguments[:-1] + ', "limit": 10}') for call in calls]
    if number % 10 == 0:
        other[0] = ToolCall("find_everything", '{"id": 1}')
    return request, _reply(None, calls), _reply(None, other[::-1]), None


WORKLOADS = {"extraction": extraction, "prose": prose, "tools": tools}


def _reply(text: str | None, calls: Sequence[ToolCall] = ()) -> Reply:
    reason = "tool_calls" if calls else "stop"
    return Reply(text=text, tool_calls=tuple(calls), finish_reason=reason, usage=_USAGE)


def whole(count: int = PAIRS) -> tuple[float, float]:
    """Seconds and MB for this many pairs of extraction, one after the other, with progress."""
    pairs = _pairs(extraction, len(_INVOICES))
    process = psutil.Process()
    started = time.process_time()
    for number in range(count):
        _everything(pairs[number % len(pairs)])
        if number % (count // 10) == 0:
            say(f"{number:,} pairs, {time.process_time() - started:.0f} s")
    return time.process_time() - started, process.memory_info().rss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks")
    parser.add_argument("--quick", action="store_true", help="seconds, wider errors")
    parser.add_argument("--whole", action="store_true", help=f"run all {PAIRS:,} pairs")
    args = parser.parse_args()
    part = measure(quick=args.quick)
    if args.whole:
        seconds, megabytes = whole()
        shown = f"{seconds:.0f} s, {megabytes:.0f} MB"
        met = seconds <= BUDGET_S and megabytes < BUDGET_MB
        wanted = f"<= {BUDGET_S:.0f} s, < {BUDGET_MB} MB"
        part.targets.append(Target(f"{PAIRS:,} pairs in one run", wanted, shown, met))
    show(part)
    show_targets([part])


if __name__ == "__main__":
    main()
