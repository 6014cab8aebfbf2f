"""The SQLite store: rows in, rows out; what they mean is decided elsewhere."""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from shadow_mw.evaluate import schema, strict_json
from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.ingest import NO_COLUMNS, Content, Observation
from shadow_mw.evaluate.judgement import COLUMNS as JUDGEMENT_COLUMNS
from shadow_mw.evaluate.judgement import Judgement, JudgementRows, Numbers
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.evaluate.scores import FINE, scores
from shadow_mw.exceptions import StoreError
from shadow_mw.records import Reading
from shadow_mw.results import FieldOutcome, PairScores
from shadow_mw.types import DOCTOR, Json, Role

PAYLOAD_VERSION = b"\x01"
FAST = 1
"""A third less work than zlib's default, for a twentieth more bytes."""
NONE = 0

COLUMNS = tuple(f.name for f in fields(Observation) if f.name not in NO_COLUMNS)
COLUMN_VALUES = attrgetter(*COLUMNS)
TEXTS = tuple(f.name for f in fields(Content))
BOOLEANS = frozenset({"answered", "partial", "truncated", "has_answer", "expects_json"})

INSERT_OBSERVATION = (
    f"INSERT INTO observations (id, received_ns, {', '.join(COLUMNS)})"
    f" VALUES (?, ?, {', '.join('?' * len(COLUMNS))})"
)
_PAIR_COLUMNS = (
    *("id", "series", "primary_row", "candidate_row", "key", "excluded", "timed"),
    *JUDGEMENT_COLUMNS,
)
INSERT_PAIR = (
    f"INSERT INTO pairs ({', '.join(_PAIR_COLUMNS)}) VALUES ({', '.join('?' * len(_PAIR_COLUMNS))})"
)
UPDATE_PAIR = (
    f"UPDATE pairs SET {', '.join(f'{name} = ?' for name in JUDGEMENT_COLUMNS)} WHERE id = ?"
)
TOUCH_SERIES = (
    "INSERT INTO series (experiment, candidate_id, newest_ns) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET newest_ns = max(newest_ns, excluded.newest_ns)"
)
LATEST_NS = 2**63 - 1
"""What a span may end at; a leg says what it likes."""
SELECT_SCORED = (
    "SELECT pairs.id, exact_match, candidate_json, observations.time_ns, latency_ms,"
    " experiment, candidate_id, pair_id, trace_id, span_id"
    " FROM pairs JOIN observations ON observations.id = candidate_row"
)
SELECT_PAIR = "SELECT id, primary_row, candidate_row FROM pairs"
SELECT_LEGS = (
    f"SELECT id, data, {', '.join(COLUMNS)} FROM observations"
    " LEFT JOIN payloads ON observation = id"
)
LOOKED_UP = 64
"""Keys in one statement."""
SELECT_KNOWN = (
    f"WITH wanted (pair, name) AS (VALUES {', '.join(['(?, ?)'] * LOOKED_UP)})"
    f" SELECT id, data, {', '.join(COLUMNS)} FROM wanted CROSS JOIN observations"
    " ON pair_id = pair AND experiment = name LEFT JOIN payloads ON observation = id"
)
SELECT_TRUTHS = (
    f"WITH wanted (name) AS (VALUES {', '.join(['(?)'] * LOOKED_UP)})"
    " SELECT key, truth FROM wanted CROSS JOIN truth ON key = name"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is stored of one exchange: the legs that were there, and those that are new."""

    known: list[Leg]
    new: list[Leg]


class Store:
    """One open store; not safe for two threads at once, safe for any number of processes."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, compression: int = FAST
    ) -> None:
        self._connection = connection
        self._compression = compression
        self._judgements = JudgementRows(connection)
        self._series_numbers = Numbers(connection, "series", "experiment", "candidate_id")
        self.path = path
        status = path.stat()
        self._file = status.st_dev, status.st_ino

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False, compression: int = FAST) -> Store:
        """Open the store at `path`; a missing one is made only where `create` says so.

        Args:
            path: the file.
            create: whether to make it.
            compression: zlib's level for what is added; `NONE` for a store that is not kept.

        Raises:
            StoreError: it is missing, damaged, newer than this code or no store; it is untouched.
        """
        connection = schema.connect(Path(path), create=create)
        return cls(connection, Path(path), compression=compression)

    def make_durable(self, patience: float) -> None:
        """Wait for the disk at every commit; without it a power cut may take the last ones.

        Args:
            patience: seconds to wait for a lock that another process holds.
        """
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")

    @property
    def is_there(self) -> bool:
        """False where the file was removed or replaced: what is stored then is gone on closing."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"store {self.path}: {error}") from error

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[None]:
        """All or nothing; a reading one sees one state of the store throughout.

        A reading one inside of another is a part of it.
        """
        if not write and self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
            self._connection.commit()
        except BaseException:
            # Not every failure leaves a transaction open; a failed commit does.
            if self._connection.in_transaction:
                self._connection.rollback()
            self._judgements.forget()
            self._series_numbers.forget()
            raise

    def query(self, sql: str, values: Iterable[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows of a reading statement; values in their order, or by name."""
        given = values if isinstance(values, Mapping) else tuple(values)
        return self._connection.execute(sql, given).fetchall()

    def chunks(
        self, sql: str, values: Iterable[Any] | Mapping[str, Any], size: int
    ) -> Iterator[list[Any]]:
        """The rows of a reading statement, so many at a time: for more than memory has room for.

        Use it inside a reading transaction: others write in between otherwise.
        """
        given = values if isinstance(values, Mapping) else tuple(values)
        cursor = self._connection.execute(sql, given)
        while rows := cursor.fetchmany(size):
            yield rows

    def one(self, sql: str, values: Iterable[Any] | Mapping[str, Any] = ()) -> tuple[Any, ...]:
        """The only row of a reading statement that always has one."""
        row: tuple[Any, ...] = self.query(sql, values)[0]
        return row

    def write(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Run a writing statement for every row of values."""
        self._connection.executemany(sql, map(tuple, rows))

    # Legs and pairs

    def add(self, legs: Iterable[Observation]) -> list[Exchange]:
        """Store legs: every exchange that gets a new one. What is known stays as it is."""
        wanted: dict[tuple[str, str], dict[tuple[str, str], Observation]] = {}
        for leg in legs:
            exchange = wanted.setdefault((leg.experiment, leg.pair_id), {})
            exchange.setdefault((leg.role, leg.candidate_id), leg)
        known = self._known(wanted)
        (row,) = self.one("SELECT coalesce(max(id), 0) FROM observations")
        found = []
        for names, by_name in wanted.items():
            there = known.get(names, [])
            taken = {(leg.observation.role, leg.observation.candidate_id) for leg in there}
            fresh = [leg for name, leg in by_name.items() if name not in taken]
            if fresh:
                found.append(Exchange(there, [Leg(row + n, leg) for n, leg in enumerate(fresh, 1)]))
                row += len(fresh)
        self._insert_legs([leg for exchange in found for leg in exchange.new])
        return found

    def _known(self, exchanges: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Leg]]:
        found: dict[tuple[str, str], list[Leg]] = {}
        for row in self._looked_up(SELECT_KNOWN, [names[::-1] for names in exchanges], 2):
            leg = _leg(row)
            names = leg.observation.experiment, leg.observation.pair_id
            found.setdefault(names, []).append(leg)
        return found

    def _looked_up(self, sql: str, keys: Sequence[tuple[str, ...]], width: int) -> Iterator[Any]:
        """The rows of many keys: a statement of one length is compiled once."""
        for start in range(0, len(keys), LOOKED_UP):
            values = [text for key in keys[start : start + LOOKED_UP] for text in key]
            yield from self.query(sql, values + [None] * (width * LOOKED_UP - len(values)))

    def _insert_legs(self, legs: Sequence[Leg]) -> None:
        now = time.time_ns()
        write = self._connection.executemany
        write(INSERT_OBSERVATION, [(x.row, now, *COLUMN_VALUES(x.observation)) for x in legs])
        write(
            "INSERT INTO payloads VALUES (?, ?)",
            [(x.row, _pack(x.observation.content, self._compression)) for x in legs],
        )
        newest: dict[tuple[str, str], int] = {}
        for leg in (leg.observation for leg in legs):
            if leg.role == Role.CANDIDATE:
                name = leg.experiment, leg.candidate_id
                newest[name] = max(newest.get(name, leg.time_ns), leg.time_ns)
        write(TOUCH_SERIES, [(*name, time_ns) for name, time_ns in newest.items()])

    def pair(self, row: int) -> Pair:
        """The pair of a row number."""
        return Pair(*map(self._leg, self.one(f"{SELECT_PAIR} WHERE id = ?", (row,))[1:]))

    def legs(self, experiment: str, pair_id: str, before: int) -> list[Leg]:
        """The legs of one exchange that were stored before a row."""
        rows = self.query(
            f"{SELECT_LEGS} WHERE pair_id = ? AND experiment = ? AND id < ?",
            (pair_id, experiment, before),
        )
        return [_leg(row) for row in rows]

    def set_waiting(self, rows: Iterable[int], *, no_more: Iterable[int]) -> None:
        """Note which legs came alone, and which others are alone no more."""
        self.write("INSERT INTO waiting VALUES (?)", [(row,) for row in rows])
        self.write("DELETE FROM waiting WHERE observation = ?", [(row,) for row in no_more])

    def add_pairs(self, judged: Sequence[tuple[Pair, Judgement]]) -> None:
        """Store pairs that are new, with what is known of them."""
        (last,) = self.one("SELECT coalesce(max(id), 0) FROM pairs")
        rows = [
            (number, self._series(pair), pair, said)
            for number, (pair, said) in enumerate(judged, last + 1)
        ]
        self._connection.executemany(
            INSERT_PAIR,
            [
                (
                    *(number, series, pair.primary.row, pair.candidate.row, pair.key),
                    *(pair.excluded, pair.timed, *self._judgements.columns(said)),
                )
                for number, series, pair, said in rows
            ],
        )
        self._judgements.insert([(number, series, said) for number, series, _, said in rows])

    def _series(self, pair: Pair) -> int:
        """Its number; never another one once it is committed."""
        candidate = pair.candidate.observation
        return self._series_numbers.of(candidate.experiment, candidate.candidate_id)

    def stale_pairs(self, limit: int) -> list[tuple[int, Pair]]:
        """Pairs whose truth changed since they were judged."""
        rows = self.query(f"{SELECT_PAIR} WHERE stale LIMIT ?", (limit,))
        return [(row, Pair(self._leg(one), self._leg(other))) for row, one, other in rows]

    def _leg(self, row: int) -> Leg:
        return _leg(self.query(f"{SELECT_LEGS} WHERE id = ?", (row,))[0])

    # Results

    def save(self, pair: int, said: Judgement) -> None:
        """Replace what is known of a pair."""
        self._connection.execute(UPDATE_PAIR, (*self._judgements.columns(said), pair))
        (series,) = self.one("SELECT series FROM pairs WHERE id = ?", (pair,))
        self._judgements.delete([pair])
        self._judgements.insert([(pair, series, said)])

    def unpublished(self, limit: int) -> list[tuple[int, PairScores]]:
        """Judged pairs whose scores have not been sent back yet, oldest first."""
        rows = self.query(
            f"{SELECT_SCORED} WHERE NOT published AND NOT stale AND experiment != ?"
            " ORDER BY pairs.id LIMIT ?",
            (DOCTOR, limit),
        )
        return [self._pair_scores(row) for row in rows]

    def mark_published(self, rows: Sequence[tuple[int, PairScores]]) -> None:
        """Note what was sent, but for pairs that have been judged anew meanwhile."""
        with self.transaction():
            for sent in rows:
                known = self.query(f"{SELECT_SCORED} WHERE pairs.id = ?", sent[:1])
                if [self._pair_scores(row) for row in known] == [sent]:
                    self._connection.execute(
                        "UPDATE pairs SET published = 1 WHERE id = ?", sent[:1]
                    )

    def _pair_scores(self, row: tuple[Any, ...]) -> tuple[int, PairScores]:
        number, exact, json_valid, time_ns, latency_ms, *names = row
        fields = self.query(
            "SELECT paths.path, truth, candidate, n FROM fields"
            " JOIN paths ON paths.id = fields.path"
            " WHERE pair = ? AND truth IS NOT NULL ORDER BY paths.path, number",
            (number,),
        )
        found = scores(
            None if exact is None else bool(exact),
            None if json_valid is None else bool(json_valid),
            [
                field
                for path, truth, outcome, n in fields
                for field in [(path, truth, FieldOutcome(outcome))] * n
            ],
            self._verdicts(number),
        )
        ended = min(time_ns + int((latency_ms or 0) * 1e6), LATEST_NS)
        experiment, candidate, pair_id, trace_id, span_id = names
        return number, PairScores(experiment, candidate, pair_id, trace_id, span_id, ended, found)

    def _verdicts(self, pair: int) -> list[CheckResult]:
        rows = self.query(
            f"""SELECT name, "primary", candidate, check_labels.label, detail
            FROM check_results JOIN check_labels ON check_labels.id = check_results.label
            WHERE pair = ? AND name IN ({", ".join("?" * len(FINE))})""",
            (pair, *FINE),
        )
        return [
            CheckResult(name, ours, theirs, label, detail or "")
            for name, ours, theirs, label, detail in rows
        ]

    # Truth and counters

    def truths(self, keys: Iterable[str | None]) -> dict[str, Json]:
        """The ground truths of those keys that have one."""
        wanted = dict.fromkeys(key for key in keys if key)
        return {key: strict_json.loads(text) for key, text in self.truth_texts(wanted).items()}

    def truth_texts(self, keys: Iterable[str]) -> dict[str, str]:
        """The same as JSON text."""
        return dict(self._looked_up(SELECT_TRUTHS, [(key,) for key in keys], 1))

    def truth(self, key: str | None) -> Json:
        """The ground truth under a business key; None where there is none."""
        rows = self.query("SELECT truth FROM truth WHERE key = ?", (key,)) if key else []
        return strict_json.loads(rows[0][0]) if rows else None

    def rules(self) -> str | None:
        """The rules of fields that count in this store, as JSON; None where none were ever."""
        return self._declared("field_rules")

    def set_rules(self, table: str) -> int:
        """Have other rules count; the number of pairs that have to be judged anew."""
        if self.rules() == table:
            return 0
        self._declare("field_rules", table)
        # The same answer differs nowhere, by whatever rules.
        differing = "shape IS NOT NULL AND NOT exact_match"
        return self._connection.execute(
            f"UPDATE pairs SET stale = 1 WHERE scored OR {differing}"
        ).rowcount

    def checklist(self) -> str | None:
        """Which checks count in this store, as JSON; None where nobody ever chose."""
        return self._declared("checks")

    def set_checklist(self, table: str, *, unsaid: str) -> int:
        """Have other checks count; the number of pairs that have to be judged anew.

        Args:
            table: the choice.
            unsaid: the choice that counts where there is none.
        """
        if (self.checklist() or unsaid) == table:
            return 0
        self._declare("checks", table)
        return self._connection.execute(
            "UPDATE pairs SET stale = 1 WHERE excluded IS NULL"
        ).rowcount

    def contexts(self) -> dict[str, int]:
        """What candidates can read and write in one call, by id, as far as anybody said it."""
        found: dict[str, int] = json.loads(self._declared("context_tokens") or "{}")
        return found

    def set_contexts(self, table: Mapping[str, int]) -> int:
        """Have other contexts count; the number of pairs that have to be judged anew."""
        known = self.contexts()
        changed = sorted({name for name, _ in table.items() ^ known.items()})
        self._declare("context_tokens", json.dumps(dict(table), sort_keys=True))
        return sum(
            self._connection.execute(
                "UPDATE pairs SET stale = 1 WHERE excluded IS NULL"
                " AND series IN (SELECT id FROM series WHERE candidate_id = ?)",
                (name,),
            ).rowcount
            for name in changed
        )

    def _declared(self, name: str) -> str | None:
        rows = self.query("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def _declare(self, name: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def set_truth(self, key: str, truth: Json) -> int:
        """Store or replace a truth; the number of pairs that have to be judged anew."""
        self.add_truths([(key, strict_json.dumps(truth))])
        return int(self.one("SELECT count(*) FROM pairs WHERE key = ?", (key,))[0])

    def add_truths(self, truths: Iterable[tuple[str, str]]) -> None:
        """Store or replace truths, each as JSON under its key; their pairs wait to be judged."""
        rows = list(truths)
        self._connection.executemany(
            "INSERT INTO truth VALUES (?, ?) ON CONFLICT DO UPDATE SET truth = excluded.truth", rows
        )
        self._connection.executemany(
            "UPDATE pairs SET stale = 1 WHERE key = ?", [(key,) for key, _ in rows]
        )

    def set_reading(self, reading: Reading) -> None:
        """Bring one source's numbers up to date; counters only grow, so an old state is no news."""
        key = reading.experiment, reading.candidate_id, reading.source
        self._connection.executemany(
            "INSERT INTO funnel VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET n = excluded.n WHERE excluded.n > n",
            [(*key, name, n) for name, n in reading.counts.items()],
        )
        self._connection.executemany(
            "INSERT INTO gauges VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            [(*key, name, value) for name, value in reading.values.items()],
        )


def _pack(content: Content, compression: int) -> bytes:
    known = {name: text for name in TEXTS if (text := getattr(content, name)) is not None}
    return PAYLOAD_VERSION + zlib.compress(json.dumps(known).encode(), compression)


def _unpack(data: bytes | None) -> Content:
    if data is None:
        return Content()
    if data[:1] != PAYLOAD_VERSION:
        raise StoreError(f"a payload of version {data[0]} is newer than this shadow-mw reads")
    return Content(**json.loads(zlib.decompress(data[1:])))


def _leg(row: tuple[Any, ...]) -> Leg:
    number, data, *values = row
    columns: dict[str, Any] = {
        name: bool(value) if name in BOOLEANS else value
        for name, value in zip(COLUMNS, values, strict=True)
    }
    return Leg(number, Observation(**columns, content=_unpack(data)))
