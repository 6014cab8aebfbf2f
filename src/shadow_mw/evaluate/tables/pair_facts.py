"""Columns of `pairs` that stand in for its two legs, so that reports read one table."""

from __future__ import annotations

from typing import Final

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
"""Columns with type and source: what reports ask of both legs (p, c). Latency and ttft are infinite
where the call did not end properly."""


def copy_facts(pair: str, where: str) -> str:
    """The statement that fills them in; legs never change, so this is done once."""
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
FACTS_TRIGGER: Final = f"""
CREATE TRIGGER pairs_facts AFTER INSERT ON pairs WHEN NEW.time_ns IS NULL
BEGIN {_NEW_NAMES} {copy_facts("NEW", "id = NEW.id")}; END;
"""
