"""The table of pairs: a row once both legs are there."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.tables.pair_facts import FACTS, FACTS_TRIGGER

DOCUMENT: Final = (
    "leaves",
    "nulls",
    "primary_correct",
    "candidate_correct",
    "primary_hallucinated",
    "candidate_hallucinated",
    "primary_invalid",
    "candidate_invalid",
    "primary_null_like",
    "candidate_null_like",
)
"""Columns of `pairs`: what `fields` says of the pair's labelled leaves, added up. `correct` holds
correct nulls too; `invalid` counts leaves of an output that is no JSON. NULL: not scored."""

BY_HARM: Final = """
CREATE INDEX pairs_harm ON pairs (series, harm);
CREATE INDEX pairs_segment ON pairs (series, segment, harm) WHERE segment IS NOT NULL;
CREATE INDEX observations_trace ON observations (trace_id) WHERE role = 'primary';
"""

PAIRS: Final = f"""
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
    published INTEGER NOT NULL DEFAULT 0,
    {" INTEGER, ".join(DOCUMENT)} INTEGER,
    shape INTEGER REFERENCES shapes,
    harm INTEGER,
    {", ".join(f"{name} {kind}" for name, (kind, _) in FACTS.items())}
);
{BY_HARM}CREATE INDEX pairs_key ON pairs (key) WHERE key IS NOT NULL;
CREATE INDEX pairs_stale ON pairs (id) WHERE stale;
CREATE INDEX pairs_unpublished ON pairs (id) WHERE NOT published;
{FACTS_TRIGGER}"""

SHAPES: Final = """
-- Which leaves the two outputs of a pair have: {"items[].price": 3}; one row for all alike.
CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    leaves TEXT NOT NULL UNIQUE
);
"""
