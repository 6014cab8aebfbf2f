"""The SQLite file: its tables, its mark, and the checks before anything is written to it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from shadow_mw.exceptions import StoreError

APPLICATION_ID: Final = 0x53484457
"""`SHDW`: says in the file's header whose it is."""

VERSION: Final = 4
BUSY_SECONDS: Final = 10.0
PAGE_SIZE: Final = 8192
CHECKED_WHOLE: Final = 32 * 2**20
"""Bytes up to which opening reads every page of the file for damage."""

ADDED: Final = """
-- Legs whose other half has not come.
CREATE TABLE waiting (
    observation INTEGER PRIMARY KEY REFERENCES observations
);
-- The latest values by who reports them.
CREATE TABLE gauges (
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (experiment, candidate_id, source, name)
) WITHOUT ROWID;
"""

CHECKS: Final = """
-- Every label that a check has given, once.
CREATE TABLE check_labels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    UNIQUE (name, label)
);
-- What each check said of a pair. "primary" is NULL where it compares the two legs.
CREATE TABLE check_results (
    pair INTEGER NOT NULL REFERENCES pairs,
    label INTEGER NOT NULL REFERENCES check_labels,
    series INTEGER NOT NULL REFERENCES series,
    "primary" REAL,
    candidate REAL,
    detail TEXT,
    PRIMARY KEY (pair, label)
) WITHOUT ROWID;
"""

META: Final = """
-- What the whole store has one of: 'field_rules', the fingerprint of the rules that judged fields.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

FIELDS: Final = """
-- Both legs' outcome at n leaves of one path of one pair: a path into a list has several, and each
-- combination of outcomes its own number. truth is 'value', 'null' or NULL (not labelled).
CREATE TABLE fields (
    pair INTEGER NOT NULL REFERENCES pairs,
    path INTEGER NOT NULL REFERENCES paths,
    series INTEGER NOT NULL REFERENCES series,
    truth TEXT,
    "primary" TEXT NOT NULL,
    candidate TEXT NOT NULL,
    number INTEGER NOT NULL DEFAULT 0,
    n INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (pair, path, number)
) WITHOUT ROWID;
CREATE INDEX fields_outcomes ON fields (series, path, truth, "primary", candidate, n);
"""

OPINIONS: Final = """
-- Every answer of a judge: one pair, as it was then, in one order.
CREATE TABLE opinions (
    spec TEXT NOT NULL,
    pair_id TEXT NOT NULL,
    item TEXT NOT NULL,
    first TEXT NOT NULL,
    judge TEXT NOT NULL,
    epoch TEXT NOT NULL,
    winner TEXT NOT NULL,
    invalid TEXT,
    analysis TEXT NOT NULL,
    model TEXT,
    system_fingerprint TEXT,
    primary_length INTEGER NOT NULL,
    candidate_length INTEGER NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd TEXT,
    calls INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    latency_ms REAL NOT NULL,
    UNIQUE (spec, pair_id, item, first)
);
CREATE INDEX opinions_item ON opinions (item, pair_id);
-- What judges were last shown of a pair; item is NULL where both outputs are the same, and nobody
-- is asked. inclusion is the probability with which the pair was drawn.
CREATE TABLE judged (
    pair INTEGER PRIMARY KEY REFERENCES pairs,
    item TEXT,
    inclusion REAL NOT NULL
);
"""

TABLES: Final = f"""
-- One row for each candidate of an experiment, with the time of its latest call.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    newest_ns INTEGER NOT NULL,
    UNIQUE (experiment, candidate_id)
);
-- One row a leg. candidate_id is empty on the primary, which all candidates share.
CREATE TABLE observations (
    id INTEGER PRIMARY KEY,
    experiment TEXT NOT NULL,
    pair_id TEXT NOT NULL,
    role TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    model TEXT,
    outcome TEXT NOT NULL,
    answered INTEGER NOT NULL,
    error_type TEXT,
    reason TEXT,
    finish_reason TEXT,
    latency_ms REAL,
    ttft_ms REAL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens INTEGER,
    cost_usd REAL,
    partial INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    has_answer INTEGER NOT NULL,
    expects_json INTEGER NOT NULL,
    key TEXT,
    segment TEXT,
    session TEXT,
    sample_rate REAL,
    received_ns INTEGER NOT NULL DEFAULT 0,
    UNIQUE (pair_id, experiment, role, candidate_id)
);
-- Apart, so that a scan over the numbers reads no text: a version byte, then zlib over JSON.
CREATE TABLE payloads (
    observation INTEGER PRIMARY KEY REFERENCES observations,
    data BLOB NOT NULL
);
-- One row once both legs are there, with the results of the checks.
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series,
    primary_row INTEGER NOT NULL REFERENCES observations,
    candidate_row INTEGER NOT NULL UNIQUE REFERENCES observations,
    key TEXT,
    excluded TEXT,
    timed INTEGER NOT NULL,
    exact_match INTEGER,
    primary_json INTEGER,
    candidate_json INTEGER,
    scored INTEGER NOT NULL DEFAULT 0,
    stale INTEGER NOT NULL DEFAULT 1,
    published INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pairs_series ON pairs (series);
CREATE INDEX pairs_key ON pairs (key) WHERE key IS NOT NULL;
CREATE INDEX pairs_stale ON pairs (id) WHERE stale;
CREATE INDEX pairs_unpublished ON pairs (id) WHERE NOT published;
CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);
{META}{FIELDS}CREATE TABLE truth (
    key TEXT PRIMARY KEY,
    truth TEXT NOT NULL
) WITHOUT ROWID;
-- Absolute counters by who counts them: 'app:...' or 'runner:...'.
CREATE TABLE funnel (
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (experiment, candidate_id, source, name)
) WITHOUT ROWID;
{ADDED}{CHECKS}{OPINIONS}"""

MIGRATIONS: Final = {
    1: f"""
ALTER TABLE observations ADD COLUMN received_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pairs ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pairs_unpublished ON pairs (id) WHERE NOT published;
{ADDED}INSERT INTO waiting SELECT id FROM observations
    WHERE id NOT IN (SELECT primary_row FROM pairs UNION ALL SELECT candidate_row FROM pairs);
""",
    # Pairs that are there keep what they have; they get results of checks when judged anew.
    2: f"""
{CHECKS}{META}DROP INDEX fields_outcomes;
ALTER TABLE fields RENAME TO old_fields;
{FIELDS}INSERT INTO fields (pair, path, series, truth, "primary", candidate)
    SELECT pair, path, series, truth, "primary", candidate FROM old_fields;
DROP TABLE old_fields;
""",
    3: OPINIONS,
}
"""From each version to the next. Columns have defaults: the side of a rolling deploy that opened
the store before goes on writing to it."""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the store, creating it only when asked to.

    Raises:
        StoreError: there is none, or the file is not one that this code can use; it was then
            not written to.
    """
    try:
        exists = path.stat().st_size > 0
        if exists:
            _inspect(path)
    except FileNotFoundError:
        exists = False
    except OSError as error:
        raise StoreError(f"store {path}: cannot be read ({error.strerror})") from None
    if not exists and not create:
        raise StoreError(f"no store at {path}: nothing has been mirrored yet, or set SHADOW_STORE")
    try:
        return _open(path) if exists else _create(path)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"store {path}: cannot be opened ({error})") from None


def _inspect(path: Path) -> None:
    """Refuse a file that is damaged or not ours, through a connection that cannot write.

    Through SQLite alone: closing the file ourselves would drop the locks that this process has on
    it, and whoever closed it next elsewhere would remove the log that we go on writing to.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS
        )
    except sqlite3.Error as error:
        raise _refusal(path, f"cannot be opened ({error})") from None
    try:
        fault = _fault(connection, whole=path.stat().st_size <= CHECKED_WHOLE)
    except sqlite3.Error as error:
        none = error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
        fault = "not a SQLite database" if none else f"damaged or unreadable ({error})"
    finally:
        connection.close()
    if fault:
        raise _refusal(path, fault)


def _fault(connection: sqlite3.Connection, *, whole: bool) -> str | None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    if application != APPLICATION_ID:
        # A store whose creation was interrupted has neither mark nor tables yet.
        return "another program's SQLite database" if application or tables or version else None
    if version > VERSION:
        return f"of version {version}, newer than this shadow-mw reads ({VERSION}); upgrade it"
    if whole:
        result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        return None if result == "ok" else f"damaged ({' '.join(result.split())})"
    return None


def _refusal(path: Path, fault: str) -> StoreError:
    return StoreError(
        f"store {path}: {fault}; it was left untouched, set SHADOW_STORE to another path"
    )


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) == 0:
            _make_tables(connection)
        elif _version(connection) < VERSION:
            _migrate(connection)
        _write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # It will hold what users said.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return _open(path)


def _make_tables(connection: sqlite3.Connection) -> None:
    """One transaction, so that of several processes one makes them and none sees a half."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) == 0:
        _run(connection, TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    """One transaction again: the store is of the old version or of the new one."""
    connection.execute("BEGIN IMMEDIATE")
    for version in range(_version(connection), VERSION):
        _run(connection, MIGRATIONS[version])
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Statement by statement: `executescript` would commit first."""
    for statement in script.split(";\n"):
        connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Needs the file alone for a moment, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
