"""Tables of what pairs are judged by, and of what was found."""

from __future__ import annotations

from typing import Final

PATHS: Final = """
-- Every path of a field, once.
CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);
"""

META: Final = """
-- What the store, or a series in it, has one of, as JSON by name: declared rules of fields, the
-- choice of checks, contexts, registered plans, ...
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

TRUTH: Final = """
-- What is right, as JSON, by business key.
CREATE TABLE truth (
    key TEXT PRIMARY KEY,
    truth TEXT NOT NULL
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

DIVERGENCES: Final = """
-- Leaves at which the two outputs differ, known without a truth: 'candidate_only', 'primary_only',
-- 'different'. grounded: the candidate's value (the primary's where it is alone) is in the text of
-- the request; NULL where that cannot be said.
CREATE TABLE divergences (
    pair INTEGER NOT NULL REFERENCES pairs,
    path INTEGER NOT NULL REFERENCES paths,
    series INTEGER NOT NULL REFERENCES series,
    kind TEXT NOT NULL,
    grounded INTEGER,
    number INTEGER NOT NULL DEFAULT 0,
    n INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (pair, path, number)
) WITHOUT ROWID;
CREATE INDEX divergences_kinds ON divergences (series, path, kind, grounded, n);
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

CHECK_VALUES: Final = """
-- What a check gave, without reading the table: it has many rows a pair.
CREATE INDEX check_results_values ON check_results (series, label, "primary", candidate);
"""
