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
-- is asked, and '' where there is nothing that can be shown. inclusion is the share that the newest
-- draw took of what it could, 0 where a verdict came with the pair: what a pair stands for over all
-- draws follows from `draws`.
CREATE TABLE judged (
    pair INTEGER PRIMARY KEY REFERENCES pairs,
    item TEXT,
    inclusion REAL NOT NULL
);
"""

DRAWS: Final = """
-- Up to which pair each draw for judges could reach. Pairs between two such ends had the same
-- chance in every draw.
CREATE TABLE draws (
    series INTEGER NOT NULL REFERENCES series,
    last_pair INTEGER NOT NULL,
    PRIMARY KEY (series, last_pair)
) WITHOUT ROWID;
-- Questions to a judge that were put, or were too long to be put, and that no answer came to: why.
CREATE TABLE unanswered (
    spec TEXT NOT NULL,
    pair_id TEXT NOT NULL,
    item TEXT NOT NULL,
    first TEXT NOT NULL,
    kind TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    PRIMARY KEY (spec, pair_id, item, first)
) WITHOUT ROWID;
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
