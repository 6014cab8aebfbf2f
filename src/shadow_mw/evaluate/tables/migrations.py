"""How the tables of each version became the next one's.

A table that no later version changed has its text beside the others of today; who changes one
gives its old text to the migration that makes it.
"""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.tables.alarms import ALARMS
from shadow_mw.evaluate.tables.judgements import CHECK_VALUES, CHECKS, DIVERGENCES, FIELDS, META
from shadow_mw.evaluate.tables.legs import GAUGES, NAMES, WAITING
from shadow_mw.evaluate.tables.opinions import ANCHORS, DRAWS, EMBEDDINGS, OPINIONS, PREFERENCES
from shadow_mw.evaluate.tables.pair_facts import FACTS, FACTS_TRIGGER, copy_facts
from shadow_mw.evaluate.tables.pairs import BY_HARM, DOCUMENT, SHAPES

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
{copy_facts("pairs", "1")};
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

MIGRATIONS: Final = {
    1: f"""
ALTER TABLE observations ADD COLUMN received_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pairs ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pairs_unpublished ON pairs (id) WHERE NOT published;
{WAITING}{GAUGES}INSERT INTO waiting SELECT id FROM observations
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
    + f"{FACTS_TRIGGER}{HARM}DROP INDEX pairs_series;\n{BY_HARM}{CHECK_VALUES}",
    5: DRAWS,
}
"""From each version to the next. Columns have defaults: the side of a rolling deploy that opened
the store before goes on writing to it."""
