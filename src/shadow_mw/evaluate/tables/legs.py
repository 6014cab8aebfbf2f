"""Tables of what arrives: one row a leg, what it said, and what processes count and report."""

from __future__ import annotations

from typing import Final

SERIES: Final = """
-- One row for each candidate of an experiment, with the time of its latest call.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    newest_ns INTEGER NOT NULL,
    UNIQUE (experiment, candidate_id)
);
"""

LEGS: Final = """
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
"""

WAITING: Final = """
-- Legs whose other half has not come.
CREATE TABLE waiting (
    observation INTEGER PRIMARY KEY REFERENCES observations
);
"""

NAMES: Final = """
-- Texts that many pairs share: segments and models.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
"""

FUNNEL: Final = """
-- Absolute counters by who counts them: 'app:...' or 'runner:...'.
CREATE TABLE funnel (
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (experiment, candidate_id, source, name)
) WITHOUT ROWID;
"""

GAUGES: Final = """
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
