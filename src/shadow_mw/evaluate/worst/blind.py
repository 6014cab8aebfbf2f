"""A pair as people label it, who do not know which output is whose, and what they say of it."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.calibration.rows import BY_HAND, Choice, Line, Row
from shadow_mw.evaluate.ingest import Content
from shadow_mw.evaluate.judging.items import output_text, task_text
from shadow_mw.evaluate.labelling.preferences import Preferences
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.truths import truth_of
from shadow_mw.evaluate.worst.aligned import aligned
from shadow_mw.evaluate.worst.detail import rules_of, shown
from shadow_mw.harms import Blind, Said

KNOWN: Final = """SELECT p.pair_id, p.segment FROM pairs
    JOIN observations p ON p.id = primary_row WHERE pairs.id = ?"""
INCLUSION: Final = """SELECT inclusion FROM preferences
    WHERE pair = ? AND person = ? AND inclusion > 0"""

_CHOICES: Final = {
    Said.PRIMARY: Choice.A,
    Said.CANDIDATE: Choice.B,
    Said.TIE: Choice.TIE,
    Said.BOTH_BAD: Choice.TIE,
}


def blind(store: Store, pair: int, *, primary_first: bool) -> Blind | None:
    """A pair without names, in this order; None where there is none that can be compared."""
    if not store.query("SELECT 1 FROM pairs WHERE id = ?", (pair,)):
        return None
    found = store.pair(pair)
    if not found.comparable:
        return None
    ours, theirs = (shown(output_text(leg.answer)) for leg in (found.primary, found.candidate))
    truth = truth_of(store, found.key)
    differing = [
        (field.path, field.primary or "", field.candidate or "")
        for field in aligned(found, None, rules_of(store))
        if field.differs
    ]
    # As they come, they are in the primary's order: its keys and items first.
    differing.sort(key=lambda row: (row[0], sorted(row[1:])))
    return Blind(
        pair,
        shown(_task(found.primary.observation.content)),
        (ours, theirs) if primary_first else (theirs, ours),
        None if truth is None else shown(strict_json.readable(truth)),
        tuple(row if primary_first else (row[0], row[2], row[1]) for row in differing),
    )


def said_of(store: Store, pair: int, person: str) -> Said:
    """What a person has said of a pair."""
    rows = store.query(
        "SELECT winner, both_bad FROM preferences WHERE pair = ? AND person = ?", (pair, person)
    )
    if not rows:
        return Said.NONE
    winner, both_bad = rows[0]
    return Said.BOTH_BAD if both_bad else Said(winner)


def keep_said(store: Store, pair: int, person: str, said: Said) -> int | None:
    """Store what a person says of a pair, or take it back; how many people have said something.

    The pair was picked by hand, from a list with the worst first: that it was drawn for somebody
    else makes it no random one here. Who changes an answer to a drawn pair keeps its probability.
    None where there is no such pair.
    """
    known = store.query(KNOWN, (pair,))
    if not known:
        return None
    pair_id, segment = known[0]
    drawn = store.query(INCLUSION, (pair, person))
    humans = () if said is Said.NONE else (_CHOICES[said],)
    row = Row(pair_id, (None, None), humans, segment, drawn[0][0] if drawn else BY_HAND)
    line = Line(row, 0, person, both_bad=said is Said.BOTH_BAD)
    Preferences(store, {pair_id: pair}).keep(line)
    (n,) = store.one("SELECT count(*) FROM preferences WHERE pair = ?", (pair,))
    return int(n)


def _task(content: Content) -> str:
    """The request as text; where it is its body, without the model that it was for."""
    task = task_text(content) or content.request or ""
    body = strict_json.loads_or_none(task) if task == content.request else None
    if not isinstance(body, dict):
        return task
    return strict_json.readable({key: value for key, value in body.items() if key != "model"})
