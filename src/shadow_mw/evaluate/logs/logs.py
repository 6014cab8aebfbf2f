"""Pairs out of logs that hold one call a line: read this first.

Two files say whose calls are the primary's and whose the candidate's; a join says which two
belong together. What comes out are pair rows, checked and stored as any other.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from shadow_mw.evaluate.json_line import read_whole
from shadow_mw.evaluate.logs import bifrost as logs_bifrost
from shadow_mw.evaluate.logs import litellm as logs_litellm
from shadow_mw.evaluate.logs import openai as logs_openai
from shadow_mw.evaluate.logs.call import INPUT_HASH, Call, Skip
from shadow_mw.evaluate.rows.json_values import dumps, plain, read_request
from shadow_mw.evaluate.rows.lines import Lines
from shadow_mw.evaluate.rows.read import Reader
from shadow_mw.evaluate.rows.staged import Staged
from shadow_mw.exceptions import DataError
from shadow_mw.types import Json

Body = Callable[[str], Json]
"""The request with an id, where a log has it in a file of its own."""

READERS: dict[str, Callable[[dict[str, Json], Body], Call]] = {
    "litellm": logs_litellm.read,
    "bifrost": logs_bifrost.read,
    "openai": logs_openai.read,
}
JOINS = {
    "litellm": (INPUT_HASH, *logs_litellm.JOINS),
    "bifrost": (INPUT_HASH, *logs_bifrost.JOINS),
    "openai": (*logs_openai.JOINS, INPUT_HASH),
}
"""What two calls may have in common, by format; the first is the default."""

TABLE = """
CREATE TABLE calls (number INTEGER PRIMARY KEY, name BLOB, data BLOB);
CREATE INDEX calls_name ON calls (name, number);
"""


@dataclass(slots=True)
class Side:
    """One leg's calls: a file, and which model's calls of it."""

    role: str
    lines: Lines
    model: str | None = None
    """None takes all of them."""
    alone: bool = False
    """Whether the file has this leg's calls only: one that failed is its own, whoever was asked."""


@dataclass(slots=True)
class Log:
    """How to read one format, and what was left out so far."""

    form: str
    join: str
    bodies: Body = lambda _: None
    skipped: Counter[str] = field(default_factory=Counter)


def stage(primary: Side, candidate: Side, log: Log, reader: Reader, staged: Staged) -> None:
    """Join and check all calls of both files.

    Raises:
        DataError: a line is not of the format, or no two calls belong together.
    """
    with _Calls() as others:
        for call, name in _calls(candidate, log):
            others.add(name, call, repeats=log.join == INPUT_HASH)
        for call, name in _calls(primary, log):
            other = others.take(name)
            if other is None:
                log.skipped["primary_alone"] += 1
                continue
            try:
                staged.add(reader.row(_row(name, call, *other)), primary.lines.number)
            except ValueError as error:
                primary.lines.refuse(error)
        log.skipped["candidate_alone"] += others.left()
        log.skipped["candidate_repeated"] += others.repeated
    if not staged.rows:
        left = ", ".join(f"{reason} {n:,}" for reason, n in sorted((+log.skipped).items()))
        raise DataError(
            f"{primary.lines.name} and {candidate.lines.name}: no two calls with the same"
            f" {log.join}; left out: {left or 'none'}"
        )


def bodies(lines: Lines) -> Body:
    """The requests of a batch's input file, by their id.

    Raises:
        DataError: a line is no request of a batch.
    """
    connection = sqlite3.connect("", isolation_level=None)
    connection.execute("CREATE TABLE bodies (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")
    for line in lines:
        try:
            name, body = logs_openai.read_input(_entry(line, lines))
            done = connection.execute(
                "INSERT INTO bodies VALUES (?, ?) ON CONFLICT DO NOTHING", (name, dumps(body))
            )
            if not done.rowcount:
                raise ValueError(f"`custom_id` {name!r} was there already")
        except ValueError as error:
            lines.refuse(error, logs_openai.INPUT_ACCEPTED)

    def find(name: str) -> Json:
        row = connection.execute("SELECT body FROM bodies WHERE id = ?", (name,)).fetchone()
        return read_whole(row[0].encode(), first=False) if row else None

    return find


def _calls(side: Side, log: Log) -> Iterator[tuple[Call, str]]:
    """The calls of one leg with the name that their other leg has too."""
    for line in side.lines:
        try:
            call = READERS[log.form](_entry(line, side.lines), log.bodies)
            if side.model is not None:
                named = "model" in call.leg or not side.alone
                if named and call.model != side.model:
                    raise Skip("other_model")
                call.leg["model"] = side.model
            yield call, _name(call, log.join)
        except Skip as skip:
            log.skipped[f"{side.role}_{skip}"] += 1
        except ValueError as error:
            side.lines.refuse(error)


def _entry(line: bytes, lines: Lines) -> dict[str, Json]:
    entry: dict[str, Json] = plain(read_whole(line, first=lines.number == 1))
    return entry


def _name(call: Call, join: str) -> str:
    if join != INPUT_HASH:
        name = call.ids.get(join)
        if not name:
            raise Skip(f"without_{join}")
        return name
    asked = read_request(call.input) if isinstance(call.input, dict) else None
    if asked is None or not (asked.input_messages or asked.system_instructions):
        raise Skip("without_input")
    said = [asked.input_messages, asked.system_instructions, asked.tools]
    return blake2b(dumps(said).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _row(name: str, primary: Call, candidate: Mapping[str, Json], turn: int) -> dict[str, Json]:
    row = {
        "pair_id": name if turn == 1 else f"{name}-{turn}",
        "time": primary.leg.get("time"),
        "session": primary.session,
        "input": primary.input if primary.whole else None,
        "primary": {"model": primary.model} | primary.leg,
        "candidate": candidate,
    }
    return {key: value for key, value in row.items() if value is not None}


class _Calls:
    """The candidate's calls, waiting on disk for the primary's."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.executescript(TABLE)
        self._taken: Counter[str] = Counter()
        self._models = Counter[str]()
        self.repeated = 0

    def __enter__(self) -> _Calls:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, name: str, call: Call, *, repeats: bool) -> None:
        """Keep a call; the same question may be asked again, the same id is one call."""
        if not repeats and self._first(name):
            self.repeated += 1
            return
        self._models.update([call.leg["model"]] if "model" in call.leg else [])
        self._connection.execute(
            "INSERT INTO calls (name, data) VALUES (?, ?)",
            (name, pickle.dumps((call.leg, call.model))),
        )

    def take(self, name: str) -> tuple[dict[str, Json], int] | None:
        """The next call of that name, and which one it is."""
        row = self._first(name)
        if row is None:
            return None
        self._connection.execute("DELETE FROM calls WHERE number = ?", (row[0],))
        self._taken[name] += 1
        leg, asked = pickle.loads(row[1])
        # Else a candidate's failures would be another candidate's: the requests' model is often
        # the primary's, or another name of the same.
        model = asked
        if self._models and asked not in self._models:
            ((model, _),) = self._models.most_common(1)
        return {"model": model} | leg, self._taken[name]

    def left(self) -> int:
        """Calls that nobody took."""
        return int(self._connection.execute("SELECT count(*) FROM calls").fetchone()[0])

    def _first(self, name: str) -> Any:
        return self._connection.execute(
            "SELECT number, data FROM calls WHERE name = ? ORDER BY number LIMIT 1", (name,)
        ).fetchone()
