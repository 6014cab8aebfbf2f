"""The SQLite store: rows in, rows out; what they mean is decided elsewhere."""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from shadow_mw.evaluate import schema, strict_json
from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.checks.run import Checks
from shadow_mw.evaluate.fields.document import document_sums
from shadow_mw.evaluate.fields.field_judge import Divergences
from shadow_mw.evaluate.fields.judge import FieldScore
from shadow_mw.evaluate.ingest import NO_COLUMNS, Content, Observation
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.evaluate.scores import FINE, scores
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.exceptions import StoreError
from shadow_mw.records import Reading
from shadow_mw.results import FieldOutcome, PairScores
from shadow_mw.types import DOCTOR, Json, Role

PAYLOAD_VERSION = b"\x01"
FAST = 1
"""A third less work than zlib's default, for a twentieth more bytes."""

COLUMNS = tuple(f.name for f in fields(Observation) if f.name not in NO_COLUMNS)
COLUMN_VALUES = attrgetter(*COLUMNS)
TEXTS = tuple(f.name for f in fields(Content))
BOOLEANS = frozenset({"answered", "partial", "truncated", "has_answer", "expects_json"})

INSERT_OBSERVATION = (
    f"INSERT INTO observations (received_ns, {', '.join(COLUMNS)})"
    f" VALUES (?, {', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING RETURNING id"
)
INSERT_CHECK = "INSERT INTO check_results VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
LATEST_NS = 2**63 - 1
"""What a span may end at; a leg says what it likes."""
INSERT_DIVERGENCE = (
    "INSERT INTO divergences (pair, path, series, kind, grounded, number, n)"
    " SELECT pairs.id, paths.id, series, ?, ?, ?, ? FROM paths, pairs"
    " WHERE path = ? AND pairs.id = ?"
)
MOST_LABELS = 10_000
"""Kept in memory: a check whose labels never repeat is somebody's mistake."""
MOST_SHAPES = 1_000
"""Kept in memory; lists of any length make many."""
SELECT_SCORED = (
    "SELECT pairs.id, exact_match, candidate_json, time_ns, latency_ms,"
    " experiment, candidate_id, pair_id, trace_id, span_id"
    " FROM pairs JOIN observations ON observations.id = candidate_row"
)
SELECT_PAIR = "SELECT id, primary_row, candidate_row FROM pairs"
SELECT_LEGS = (
    f"SELECT id, data, {', '.join(COLUMNS)} FROM observations"
    " LEFT JOIN payloads ON observation = id"
)


class Store:
    """One open store; not safe for two threads at once, safe for any number of processes."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._labels: dict[tuple[str, str], int] = {}
        self._shapes: dict[tuple[tuple[str, int], ...], int] = {}
        self.path = path
        status = path.stat()
        self._file = status.st_dev, status.st_ino

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> Store:
        """Open the store at `path`; a missing one is made only where `create` says so.

        Raises:
            StoreError: it is missing, damaged, newer than this code or no store; it is untouched.
        """
        return cls(schema.connect(Path(path), create=create), Path(path))

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
        """All or nothing; a reading one sees one state of the store throughout."""
        self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
            self._connection.commit()
        except BaseException:
            # Not every failure leaves a transaction open; a failed commit does.
            if self._connection.in_transaction:
                self._connection.rollback()
            self._labels.clear()
            self._shapes.clear()
            raise

    def query(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        """All rows of a reading statement."""
        return self._connection.execute(sql, tuple(values)).fetchall()

    def one(self, sql: str, values: Iterable[Any] = ()) -> tuple[Any, ...]:
        """The only row of a reading statement that always has one."""
        row: tuple[Any, ...] = self.query(sql, values)[0]
        return row

    def write(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Run a writing statement for every row of values."""
        self._connection.executemany(sql, map(tuple, rows))

    # Legs and pairs

    def add(self, leg: Observation) -> int | None:
        """Store a leg; its row number, None where it is known already: the first one stays."""
        row = self._connection.execute(
            INSERT_OBSERVATION, (time.time_ns(), *COLUMN_VALUES(leg))
        ).fetchone()
        if row is None:
            return None
        self._connection.execute("INSERT INTO payloads VALUES (?, ?)", (row[0], _pack(leg.content)))
        if leg.role == Role.CANDIDATE:
            self._touch_series(leg)
        return int(row[0])

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

    def set_waiting(self, rows: Sequence[int], *, no_more: Sequence[int]) -> None:
        """Note which legs came alone, and which others are alone no more."""
        for row in rows:
            self._connection.execute("INSERT INTO waiting VALUES (?)", (row,))
        for row in no_more:
            self._connection.execute("DELETE FROM waiting WHERE observation = ?", (row,))

    def add_pair(self, pair: Pair) -> int | None:
        """Store a pair, unless it is known already; its row number where it is new."""
        row = self._connection.execute(
            "INSERT INTO pairs (series, primary_row, candidate_row, key, excluded, timed)"
            " SELECT id, ?, ?, ?, ?, ? FROM series WHERE experiment = ? AND candidate_id = ?"
            " ON CONFLICT DO NOTHING RETURNING id",
            (
                pair.primary.row,
                pair.candidate.row,
                pair.key,
                pair.excluded,
                pair.timed,
                pair.candidate.observation.experiment,
                pair.candidate.observation.candidate_id,
            ),
        ).fetchone()
        return None if row is None else int(row[0])

    def stale_pairs(self, limit: int) -> list[tuple[int, Pair]]:
        """Pairs whose truth changed since they were judged."""
        rows = self.query(f"{SELECT_PAIR} WHERE stale LIMIT ?", (limit,))
        return [(row, Pair(self._leg(one), self._leg(other))) for row, one, other in rows]

    def _leg(self, row: int) -> Leg:
        return _leg(self.query(f"{SELECT_LEGS} WHERE id = ?", (row,))[0])

    def _touch_series(self, leg: Observation) -> None:
        self._connection.execute(
            "INSERT INTO series (experiment, candidate_id, newest_ns) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET newest_ns = max(newest_ns, excluded.newest_ns)",
            (leg.experiment, leg.candidate_id, leg.time_ns),
        )

    # Results

    def save(
        self,
        pair: int,
        checks: Checks,
        scores: list[FieldScore] | None,
        results: Sequence[CheckResult] = (),
        divergences: Divergences | None = None,
    ) -> None:
        """Replace a pair's results; `scores` is None where it could not be scored."""
        execute = self._connection.execute
        execute(
            "UPDATE pairs SET exact_match = ?, primary_json = ?, candidate_json = ?, scored = ?,"
            f" stale = 0, published = ?, shape = ?, ({', '.join(DOCUMENT)}) ="
            f" ({', '.join('?' * len(DOCUMENT))}) WHERE id = ?",
            (
                *(checks.exact_match, checks.primary_json, checks.candidate_json),
                *(scores is not None, checks == Checks() and not results),
                None if divergences is None else self._shape(divergences.shape),
                *document_sums(scores),
                pair,
            ),
        )
        execute("DELETE FROM fields WHERE pair = ?", (pair,))
        for number, (score, n) in enumerate(Counter(scores or ()).items()):
            execute("INSERT INTO paths (path) VALUES (?) ON CONFLICT DO NOTHING", (score.path,))
            execute(
                'INSERT INTO fields (pair, path, series, truth, "primary", candidate, number, n)'
                " SELECT pairs.id, paths.id, series, ?, ?, ?, ?, ? FROM paths, pairs"
                " WHERE path = ? AND pairs.id = ?",
                (score.truth, score.primary, score.candidate, number, n, score.path, pair),
            )

        self._save_divergences(pair, divergences)
        self._save_checks(pair, results)

    def _save_divergences(self, pair: int, divergences: Divergences | None) -> None:
        execute = self._connection.execute
        execute("DELETE FROM divergences WHERE pair = ?", (pair,))
        rows = divergences.leaves.items() if divergences else ()
        for number, ((path, kind, grounded), n) in enumerate(rows):
            execute("INSERT INTO paths (path) VALUES (?) ON CONFLICT DO NOTHING", (path,))
            execute(INSERT_DIVERGENCE, (kind, grounded, number, n, path, pair))

    def _shape(self, leaves: Mapping[str, int]) -> int:
        """The number of a shape; never another one once it is committed."""
        key = tuple(sorted(leaves.items()))
        known = self._shapes.get(key)
        if known is not None:
            return known
        if len(self._shapes) > MOST_SHAPES:
            self._shapes.clear()
        text = json.dumps(dict(key), ensure_ascii=False)
        self._connection.execute(
            "INSERT INTO shapes (leaves) VALUES (?) ON CONFLICT DO NOTHING", (text,)
        )
        (number,) = self.one("SELECT id FROM shapes WHERE leaves = ?", (text,))
        self._shapes[key] = int(number)
        return int(number)

    def _save_checks(self, pair: int, results: Sequence[CheckResult]) -> None:
        self._connection.execute("DELETE FROM check_results WHERE pair = ?", (pair,))
        if not results:
            return
        (series,) = self.one("SELECT series FROM pairs WHERE id = ?", (pair,))
        self._connection.executemany(
            INSERT_CHECK,
            [
                (
                    pair,
                    self._label(r.name, r.label),
                    series,
                    r.primary,
                    r.candidate,
                    r.detail or None,
                )
                for r in results
            ],
        )

    def _label(self, name: str, label: str) -> int:
        """The number of a check's label; never another one once it is committed."""
        known = self._labels.get((name, label))
        if known is not None:
            return known
        if len(self._labels) > MOST_LABELS:
            self._labels.clear()
        self._connection.execute(
            "INSERT INTO check_labels (name, label) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (name, label),
        )
        (number,) = self.one(
            "SELECT id FROM check_labels WHERE name = ? AND label = ?", (name, label)
        )
        self._labels[name, label] = number
        return int(number)

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
        self._connection.execute(
            "INSERT INTO truth VALUES (?, ?) ON CONFLICT DO UPDATE SET truth = excluded.truth",
            (key, strict_json.dumps(truth)),
        )
        changed = self._connection.execute("UPDATE pairs SET stale = 1 WHERE key = ?", (key,))
        return changed.rowcount

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


def _pack(content: Content) -> bytes:
    known = {name: text for name in TEXTS if (text := getattr(content, name)) is not None}
    return PAYLOAD_VERSION + zlib.compress(json.dumps(known).encode(), FAST)


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
