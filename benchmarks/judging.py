"""Who says which output of a pair is the better one: people, a judge like them, one like a form."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Protocol

from benchmarks.draws import Quotas
from benchmarks.extraction import Fields, Row

JUDGE = "gpt-4o"
WINNERS = ("primary", "candidate", "tie")
LETTERS = dict(zip(WINNERS, ("A", "B", "TIE"), strict=True))
"""How people's labels name outputs."""


class Judge(Protocol):
    """Gives the two verdicts of one pair, with the primary shown first, then the candidate."""

    def winners(self, truth: Fields, primary: Row, candidate: Row) -> list[str]: ...


class FormatFirst:
    """Looks at the form: who fills in more fields wins, right or not."""

    def __init__(self, rng: random.Random) -> None:
        self._quotas = Quotas(rng)

    def winners(self, truth: Fields, primary: Row, candidate: Row) -> list[str]:  # noqa: ARG002
        ours, theirs = (_filled(leg["output"]) for leg in (primary, candidate))
        if primary["output"] == candidate["output"] or ours == theirs == 0:
            return ["tie", "tie"]
        likes = self._quotas.draw("likes the candidate", 0.75) if ours == theirs else theirs > ours
        found = ["candidate" if likes else "primary"] * 2
        if self._quotas.draw("turns", 0.06):
            found[1] = "primary" if likes else "candidate"
        return found


class Careful:
    """Reads the document: it sees what people see, but for a slip now and then."""

    def __init__(self, rng: random.Random) -> None:
        self._rng, self._quotas = rng, Quotas(rng)

    def winners(self, truth: Fields, primary: Row, candidate: Row) -> list[str]:
        found = [preferred(truth, primary, candidate)] * 2
        if primary["output"] == candidate["output"]:
            return found
        if self._quotas.draw("slips", 0.03):
            found = [self._other(found[0])] * 2
        if self._quotas.draw("turns", 0.02):
            found[1] = self._other(found[0])
        return found

    def _other(self, winner: str) -> str:
        return self._rng.choice([name for name in WINNERS if name != winner])


JUDGES: Mapping[str, type[Careful | FormatFirst]] = {
    "format-first": FormatFirst,
    "careful": Careful,
}


class People:
    """Their labels on a random part of the judged pairs whose outputs differ."""

    def __init__(self, rng: random.Random, most: int) -> None:
        self._rng, self._most = rng, most
        self._seen = 0
        self.labels: list[Row] = []

    def see(self, row: Row, truth: Fields) -> None:
        """Every pair stays with the same chance (Vitter 1985, algorithm R)."""
        primary, candidate = row["primary"], row["candidate"]
        if "judge" not in row or primary["output"] == candidate["output"]:
            return
        self._seen += 1
        place = self._seen - 1
        if place >= self._most:
            place = self._rng.randrange(self._seen)
            if place >= self._most:
                return
        human = LETTERS[preferred(truth, primary, candidate)]
        self.labels[place : place + 1] = [
            {"id": row["pair_id"], "human": human, "annotator": "accounting"}
        ]


def preferred(truth: Fields, primary: Row, candidate: Row) -> str:
    """The one with more fields right, as somebody sees who has the document."""
    ours, theirs = (_right(truth, leg["output"]) for leg in (primary, candidate))
    return "tie" if ours == theirs else "candidate" if theirs > ours else "primary"


def format_first(truth: Fields, primary: Row, candidate: Row) -> Fields:
    """The truth of whom form is enough: a value that fits is right where the document has none.

    The candidate's, else the primary's: the schema lets any string stand for any field.
    """
    said = [_document(leg["output"]) for leg in (candidate, primary)]
    return {
        name: next(filter(None, (fields.get(name) for fields in said)), None)
        if value is None
        else value
        for name, value in truth.items()
    }


def _right(truth: Fields, output: str | None) -> int:
    said = _document(output)
    return sum(name in said and said[name] == value for name, value in truth.items())


def _filled(output: str | None) -> int:
    return sum(value is not None for value in _document(output).values())


def _document(output: str | None) -> Fields:
    try:
        return dict(json.loads(output or "{}"))
    except ValueError:
        return {}
