-- The tables of store version 1, as the first release made them.
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
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
    stale INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX pairs_series ON pairs (series);
CREATE INDEX pairs_key ON pairs (key) WHERE key IS NOT NULL;
CREATE INDEX pairs_stale ON pairs (id) WHERE stale;
CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);
-- Both legs' outcome for one path of one pair. truth is 'value', 'null' or NULL (not labelled).
CREATE TABLE fields (
    pair INTEGER NOT NULL REFERENCES pairs,
    path INTEGER NOT NULL REFERENCES paths,
    series INTEGER NOT NULL REFERENCES series,
    truth TEXT,
    "primary" TEXT NOT NULL,
    candidate TEXT NOT NULL,
    PRIMARY KEY (pair, path)
) WITHOUT ROWID;
CREATE INDEX fields_outcomes ON fields (series, path, truth, "primary", candidate);
CREATE TABLE truth (
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
PRAGMA application_id = 1397245015;
PRAGMA user_version = 1;
