"""The tables of the store, and how those of each version became the next one's."""

from __future__ import annotations

from typing import Final

VERSION: Final = 5

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

VALUES: Final = """
-- What a check gave, without reading the table: it has many rows a pair.
CREATE INDEX check_results_values ON check_results (series, label, "primary", candidate);
"""

META: Final = """
-- What the whole store has one of, as JSON: 'field_rules', the declared rules that judge fields,
-- and 'checks', the declared choice of checks.
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

ALARMS: Final = """
-- What alarms say, one row each, so that a restart repeats no message. candidate_id is empty where
-- it is about the whole experiment, segment where it is about all traffic.
CREATE TABLE alarms (
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    alarm TEXT NOT NULL,
    segment TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    low REAL,
    high REAL,
    since_ns INTEGER NOT NULL,
    PRIMARY KEY (experiment, candidate_id, alarm, segment)
) WITHOUT ROWID;
-- What is to be told, and what was: 'waiting', 'sent' or 'dropped'. Whoever sends one leases it.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    made_ns INTEGER NOT NULL,
    not_before_ns INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    sent_ns INTEGER
);
CREATE INDEX messages_waiting ON messages (not_before_ns) WHERE state = 'waiting';
"""

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

SHAPES: Final = """
-- Which leaves the two outputs of a pair have: {"items[].price": 3}; one row for all alike.
CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    leaves TEXT NOT NULL UNIQUE
);
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

NAMES: Final = """
-- Texts that many pairs share: segments and models.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
"""

_NAMED: Final = "(SELECT id FROM names WHERE name = {})"
_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_LEG: Final = {
    "failed": ("INTEGER", "{0}.outcome IN ('error', 'timeout')"),
    # A failed call is infinitely slow, never left out: leaving it out would flatter who fails.
    "latency_ms": ("REAL", "CASE WHEN {0}.answered THEN {0}.latency_ms ELSE 9e999 END"),
    "ttft_ms": ("REAL", "coalesce({0}.ttft_ms, CASE WHEN NOT {0}.answered THEN 9e999 END)"),
    "cost_usd": ("REAL", "{0}.cost_usd"),
    **{name: ("INTEGER", f"{{0}}.{name}") for name in _TOKENS},
    "model": ("INTEGER REFERENCES names", _NAMED.format("{0}.model")),
}
FACTS: Final = {
    "time_ns": ("INTEGER", "p.time_ns"),
    "segment": ("INTEGER REFERENCES names", _NAMED.format("p.segment")),
    "session": ("TEXT", "p.session"),
    "sample_rate": ("REAL", "p.sample_rate"),
    **{
        f"{leg}_{name}": (kind, value.format(leg[0]))
        for name, (kind, value) in _LEG.items()
        for leg in ("primary", "candidate")
    },
}
"""Columns of `pairs`, with type and source: what reports ask of both legs (p, c), so that they
read one table. Latency and ttft are infinite where the call did not end properly."""


def _facts(pair: str, where: str) -> str:
    """Copy them; legs never change, so this is done once."""
    values = ", ".join(value for _, value in FACTS.values())
    return (
        f"UPDATE pairs SET ({', '.join(FACTS)}) = (SELECT {values} FROM observations p"
        f" JOIN observations c ON c.id = {pair}.candidate_row WHERE p.id = {pair}.primary_row)"
        f" WHERE {where}"
    )


_NEW_NAMES: Final = " ".join(
    f"INSERT OR IGNORE INTO names (name) SELECT {column} FROM observations"
    f" WHERE id = NEW.{leg}_row AND {column} IS NOT NULL;"
    for leg, column in (("primary", "segment"), ("primary", "model"), ("candidate", "model"))
)
# A trigger, so that pairs have them whoever adds them: in a rolling deploy also older code.
COPY_FACTS: Final = f"""
CREATE TRIGGER pairs_facts AFTER INSERT ON pairs WHEN NEW.time_ns IS NULL
BEGIN {_NEW_NAMES} {_facts("NEW", "id = NEW.id")}; END;
"""

HARM: Final = """
UPDATE pairs SET harm = CASE
    WHEN EXISTS (SELECT 1 FROM fields WHERE pair = pairs.id AND truth = 'null'
        AND candidate = 'hallucinated' AND "primary" != 'hallucinated') THEN 0
    WHEN EXISTS (SELECT 1 FROM check_results
        JOIN check_labels ON check_labels.id = check_results.label
        WHERE pair = pairs.id AND name IN ('refusal', 'empty')
            AND "primary" = 0 AND candidate = 1) THEN 1
    WHEN exact_match IS NOT NULL AND candidate_latency_ms = 9e999 THEN 1
    WHEN primary_json AND NOT candidate_json OR EXISTS (SELECT 1 FROM fields
        WHERE pair = pairs.id AND truth IS NOT NULL AND "primary" != 'invalid_output'
        AND candidate = 'invalid_output') THEN 2
    WHEN EXISTS (SELECT 1 FROM fields WHERE pair = pairs.id AND truth IS NOT NULL
        AND "primary" IN ('correct', 'correct_null')
        AND candidate IN ('wrong_value', 'null_like')) THEN 3
    WHEN EXISTS (SELECT 1 FROM fields WHERE pair = pairs.id AND truth IS NOT NULL
        AND "primary" IN ('correct', 'correct_null') AND candidate = 'missed') THEN 4
    WHEN exact_match IS NOT NULL THEN 7 - (NOT exact_match)
    END;
"""
"""What `evaluate.harm` says, of pairs that were judged before it was kept."""

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
    published INTEGER NOT NULL DEFAULT 0,
    {" INTEGER, ".join(DOCUMENT)} INTEGER,
    shape INTEGER REFERENCES shapes,
    harm INTEGER,
    {", ".join(f"{name} {kind}" for name, (kind, _) in FACTS.items())}
);
{BY_HARM}CREATE INDEX pairs_key ON pairs (key) WHERE key IS NOT NULL;
CREATE INDEX pairs_stale ON pairs (id) WHERE stale;
CREATE INDEX pairs_unpublished ON pairs (id) WHERE NOT published;
CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);
{NAMES}{COPY_FACTS}{META}{FIELDS}CREATE TABLE truth (
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
{ADDED}{CHECKS}{VALUES}{OPINIONS}{SHAPES}{DIVERGENCES}{EMBEDDINGS}{PREFERENCES}{ANCHORS}{ALARMS}"""

_SUMS: Final = ", ".join(
    [
        "total(n)",
        "total(n) FILTER (WHERE truth = 'null')",
        *(
            f'total(n) FILTER (WHERE "{leg}" IN ({outcomes}))'
            for outcomes in (
                "'correct', 'correct_null'",
                "'hallucinated'",
                "'invalid_output'",
                "'null_like'",
            )
            for leg in ("primary", "candidate")
        ),
    ]
)
DOCUMENTS: Final = f"""
UPDATE pairs SET ({", ".join(DOCUMENT)}) = (
    SELECT {_SUMS} FROM fields WHERE pair = pairs.id AND truth IS NOT NULL
) WHERE scored;
"""

_ALL_FACTS: Final = f"""
INSERT INTO names (name) SELECT segment FROM observations WHERE segment IS NOT NULL
    UNION SELECT model FROM observations WHERE model IS NOT NULL;
{_facts("pairs", "1")};
"""

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
    4: ALARMS
    + "".join(f"ALTER TABLE pairs ADD COLUMN {name} INTEGER;\n" for name in DOCUMENT)
    + "ALTER TABLE pairs ADD COLUMN shape INTEGER REFERENCES shapes;\n"
    + "ALTER TABLE pairs ADD COLUMN harm INTEGER;\n"
    + "".join(f"ALTER TABLE pairs ADD COLUMN {name} {kind};\n" for name, (kind, _) in FACTS.items())
    + f"{DOCUMENTS}{SHAPES}{DIVERGENCES}{EMBEDDINGS}{PREFERENCES}{ANCHORS}{NAMES}{_ALL_FACTS}"
    + f"{COPY_FACTS}{HARM}DROP INDEX pairs_series;\n{BY_HARM}{VALUES}",
}
"""From each version to the next. Columns have defaults: the side of a rolling deploy that opened
the store before goes on writing to it."""
