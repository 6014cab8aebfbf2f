"""Tables of what judges, people and embedding models say of pairs."""

from __future__ import annotations

from typing import Final

OPINION: Final = """    spec TEXT NOT NULL,
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
"""
"""Columns of one answer of a judge."""

OPINIONS: Final = f"""
-- Every answer of a judge: one pair, as it was then, in one order.
CREATE TABLE opinions (
{OPINION}    UNIQUE (spec, pair_id, item, first)
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

ANCHORS: Final = f"""
-- Pairs that a judge is asked about again and again. Round 0 has its verdicts as they were frozen,
-- each later one what it said when it was asked once more.
CREATE TABLE anchors (
    series INTEGER NOT NULL REFERENCES series,
    round INTEGER NOT NULL,
{OPINION}    UNIQUE (series, spec, round, pair_id, first)
);
"""

PREFERENCES: Final = """
-- What a person said of a pair without knowing which output is whose: 'primary', 'candidate' or
-- 'tie'. inclusion is the probability with which the pair was drawn for people, NULL where nobody
-- said one, and 0 where somebody picked the pair by hand.
CREATE TABLE preferences (
    pair INTEGER NOT NULL REFERENCES pairs,
    person TEXT NOT NULL,
    winner TEXT NOT NULL,
    both_bad INTEGER NOT NULL DEFAULT 0,
    inclusion REAL,
    time_ns INTEGER NOT NULL,
    PRIMARY KEY (pair, person)
) WITHOUT ROWID;
"""

EMBEDDINGS: Final = """
-- What an embedding model made of a text, by the text's SHA-256; float32, little-endian.
CREATE TABLE embeddings (
    model TEXT NOT NULL,
    digest BLOB NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, digest)
) WITHOUT ROWID;
-- Cosine of a pair's two outputs.
CREATE TABLE similarities (
    pair INTEGER NOT NULL REFERENCES pairs,
    model TEXT NOT NULL,
    series INTEGER NOT NULL REFERENCES series,
    cosine REAL NOT NULL,
    PRIMARY KEY (pair, model)
) WITHOUT ROWID;
CREATE INDEX similarities_series ON similarities (series, model, cosine);
"""
