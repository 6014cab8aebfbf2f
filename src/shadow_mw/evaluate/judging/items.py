"""Stored pairs as judges are to see them: a random sample of those that can be compared."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.answer import Answer
from shadow_mw.evaluate.ingest import Content
from shadow_mw.evaluate.judging.values import Item
from shadow_mw.evaluate.pair import Pair
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.results import Series
from shadow_mw.types import Json
from shadow_mw.wire.lenient import mapping, mappings, string

ASKED_FOR = ("tools", "functions", "tool_choice", "response_format", "text", "output_config")
"""What a request says about the form of its answer, in any wire format."""

LIKE_A_CALL = re.compile(r"^(?=\s*\[calls )", re.MULTILINE)
IN_WORDS = "(text, no call) "

PAIRS = f"""SELECT pairs.id, p.pair_id, excluded,
        p.has_answer AND c.has_answer, p.answered, c.answered
    FROM pairs JOIN observations p ON p.id = primary_row
    JOIN observations c ON c.id = candidate_row WHERE series = {SERIES}"""


@dataclass(slots=True)
class Sample:
    """Pairs that were drawn, and what of a series was not, and why."""

    population: int = 0
    """Pairs that could be drawn: both models answered, and nothing was cut short."""
    items: list[Item] = field(default_factory=list)
    """In the order of the draw, so that a run that stops early has judged a random sample too."""
    identical: int = 0
    """Pairs drawn whose outputs are the same, byte for byte: nobody is asked, both are as good."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Pairs by reason: failed or excluded ones before the draw, the others after it."""
    rows: list[tuple[int, str | None, float]] = field(default_factory=list)
    """For `store.set_judged`: every pair that was drawn."""
    drawn: int = 0
    last_pair: int = 0
    """The newest row that the draw could reach."""

    @property
    def inclusion(self) -> float:
        """The probability with which each pair of the population was drawn."""
        return self.drawn / self.population if self.population else 0.0


def draw(
    store: Store,
    series: Series,
    size: int | None,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Draw pairs without replacement, each with the same probability.

    The same seed draws the same pairs, and a larger size those of a smaller one among them.

    Args:
        store: whose pairs.
        series: which of them.
        size: how many; None for all.
        seed: of the draw.
        advance: told how many were read.
    """
    sample = Sample()
    able = list(_able(store, series, sample))
    sample.population = len(able)
    able.sort(key=lambda pair: hashlib.sha256(f"{seed}:{pair[1]}".encode()).digest())
    chosen = able[:size]
    sample.drawn = len(chosen)
    for row, pair_id in chosen:
        _add(sample, store, row, pair_id)
        advance(1)
    return sample


def _able(store: Store, series: Series, sample: Sample) -> Iterator[tuple[int, str]]:
    key = (series.experiment, series.candidate)
    for row, pair_id, excluded, has_answers, primary, candidate in store.query(PAIRS, key):
        sample.last_pair = max(sample.last_pair, row)
        reason = _reason(excluded, has_answers, primary, candidate)
        if reason is None:
            yield row, pair_id
        else:
            sample.left_out[reason] += 1


def _reason(excluded: str | None, has_answers: int, primary: int, candidate: int) -> str | None:
    if excluded is not None:
        return excluded
    if not has_answers:
        return "no_answer_expected"
    if not (primary and candidate):
        failed = "primary_failed" if candidate else "candidate_failed"
        return failed if primary or candidate else "both_failed"
    return None


def _add(sample: Sample, store: Store, row: int, pair_id: str) -> None:
    pair = store.pair(row)
    outputs = output_text(pair.primary.answer), output_text(pair.candidate.answer)
    if not pair.comparable:
        _leave_out(sample, row, "not_recorded")
        return
    if outputs[0] == outputs[1]:
        sample.identical += 1
        sample.rows.append((row, None, sample.inclusion))
        return
    task, truth = task_text(pair.primary.observation.content), truth_of(store, pair.key)
    if task is None or (not task and truth is None):
        _leave_out(sample, row, "not_text" if task is None else "no_request")
        return
    item = _item(pair, pair_id, task, outputs, truth)
    sample.items.append(item)
    sample.rows.append((row, item.digest, sample.inclusion))


def _leave_out(sample: Sample, row: int, reason: str) -> None:
    sample.left_out[reason] += 1
    sample.rows.append((row, "", sample.inclusion))


def _item(pair: Pair, pair_id: str, task: str, outputs: tuple[str, str], truth: Json) -> Item:
    primary, candidate = pair.primary.observation, pair.candidate.observation
    return Item(
        pair_id,
        task,
        *outputs,
        reference=None if truth is None else strict_json.dumps(truth),
        segment=primary.segment,
        primary_model=primary.model,
        candidate_model=candidate.model,
    )


def item_at(store: Store, row: int, pair_id: str) -> Item:
    """A stored pair as an item, also one that is not drawn for a judge."""
    pair = store.pair(row)
    outputs = output_text(pair.primary.answer), output_text(pair.candidate.answer)
    task = task_text(pair.primary.observation.content) or ""
    return _item(pair, pair_id, task, outputs, truth_of(store, pair.key))


def output_text(answer: Answer) -> str:
    """An answer as text: what it says, then the tools that it calls.

    A text that looks like a call is told from one: saying that one calls is not calling.
    """
    calls = [f"[calls {call.name}]\n{call.arguments}" for call in answer.tool_calls]
    said = [LIKE_A_CALL.sub(IN_WORDS, text) for text in (answer.text, answer.refusal) if text]
    return "\n\n".join([*said, *calls])


def task_text(content: Content) -> str | None:
    """The request as text; None where a part of it is no text, which no judge would see."""
    blocks = list[str]()
    system = strict_json.loads_or_none(content.system or "")
    messages = strict_json.loads_or_none(content.input or "")
    if isinstance(system, list) and system:
        messages = [{"role": "system", "parts": system}, *mappings(messages)]
    for message in mappings(messages):
        parts = [_part(part) for part in mappings(message.get("parts"))]
        if None in parts:
            return None
        said = "\n".join(part for part in parts if part)
        blocks.append(f"[{string(message.get('role')) or 'user'}]\n{said}")
    if not blocks:
        return content.request or ""
    body = mapping(strict_json.loads_or_none(content.request or ""))
    asked = {name: body[name] for name in ASKED_FOR if body.get(name) is not None}
    return "\n\n".join([*blocks, *_form(asked)])


def _form(asked: dict[str, Json]) -> list[str]:
    return [f"[{name}]\n{strict_json.dumps(value)}" for name, value in asked.items()]


def _part(part: Mapping[str, Json]) -> str | None:
    match part.get("type"):
        case "text" | "reasoning" | "refusal":
            return str(part.get("content") or "")
        case "tool_call":
            return f"[calls {part.get('name')}]\n{_plain(part.get('arguments'))}"
        case "tool_call_response":
            return f"[result]\n{_plain(part.get('response'))}"
    return None


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else strict_json.dumps(value)
