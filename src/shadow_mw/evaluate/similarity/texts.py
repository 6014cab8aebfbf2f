"""The two texts of a pair that are compared, or why there are none."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.refusal import BLOCKED, REFUSED, answer_class
from shadow_mw.evaluate.pair import Pair
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.types import Role

PAIRS = f"""SELECT pairs.id, p.pair_id, excluded, p.has_answer AND c.has_answer,
        p.answered, c.answered
    FROM pairs JOIN observations p ON p.id = primary_row
    JOIN observations c ON c.id = candidate_row WHERE series = {SERIES}"""


@dataclass(frozen=True, slots=True)
class Texts:
    """What both legs said, trimmed."""

    primary: str
    candidate: str

    def of(self, role: Role) -> str:
        """One leg's."""
        return self.primary if role is Role.PRIMARY else self.candidate


def digest(text: str) -> bytes:
    """What a text is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def draw(
    store: Store, series: Series, size: int | None, seed: int, left_out: Counter[str]
) -> tuple[list[int], int]:
    """Rows of pairs, each with the same probability, and how many could have been drawn.

    The draw is that of judges: the same seed draws the same pairs, a larger size those of a smaller
    one among them.

    Args:
        store: whose pairs.
        series: which of them.
        size: how many; None for all.
        seed: of the draw.
        left_out: gets the pairs that cannot be drawn, by reason.
    """
    able = list(_able(store, series, left_out))
    able.sort(key=lambda pair: hashlib.sha256(f"{seed}:{pair[1]}".encode()).digest())
    return [row for row, _ in able[:size]], len(able)


def _able(store: Store, series: Series, left_out: Counter[str]) -> Iterator[tuple[int, str]]:
    rows = store.query(PAIRS, (series.experiment, series.candidate))
    for row, pair_id, excluded, has_answers, primary, candidate in rows:
        if excluded is not None:
            left_out[excluded] += 1
        elif not has_answers:
            left_out["no_answer_expected"] += 1
        elif primary and candidate:
            yield row, pair_id
        elif primary or candidate:
            left_out["candidate_failed" if primary else "primary_failed"] += 1
        else:
            left_out["both_failed"] += 1


def texts_of(pair: Pair) -> Texts | str:
    """Both texts, or the reason why the pair is not compared.

    Two documents have fields, and an embedding of JSON says nothing about them.
    """
    if not pair.comparable:
        return "not_recorded"
    case = Case(pair)
    if case.both_documents:
        return "json_documents"
    reasons = {role: _reason(side) for role, side in _sides(case)}
    without = [role.value for role, reason in reasons.items() if reason]
    if without:
        kinds = "_or_".join(dict.fromkeys(filter(None, reasons.values())))
        return f"{'both' if len(without) > 1 else without[0]}_{kinds}"
    return Texts(case.primary.text, case.candidate.text)


def _sides(case: Case) -> tuple[tuple[Role, Side], tuple[Role, Side]]:
    return (Role.PRIMARY, case.primary), (Role.CANDIDATE, case.candidate)


def _reason(side: Side) -> str | None:
    """Why a leg has no text of its own to compare; refusals are what the refusal check calls so."""
    if answer_class(side) in (REFUSED, BLOCKED):
        return "refused"
    if side.text:
        return None
    return "tool_calls_only" if side.tool_calls else "empty"
