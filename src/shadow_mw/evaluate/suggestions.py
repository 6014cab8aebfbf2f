"""Rules of fields that the requests' own schemas suggest, for people to look at and declare."""

from __future__ import annotations

import json
from collections.abc import Mapping

from shadow_mw.evaluate.fields.request_schema import RequestSchemas, request_schemas
from shadow_mw.evaluate.fields.rules import FieldRule
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.declared import rules
from shadow_mw.results import Series

MOST_READ = 200
"""The newest pairs; schemas are seldom many."""


def suggestions(store: Store, series: Series) -> dict[str, FieldRule]:
    """What the newest requests' schemas say, where they agree and nothing is declared yet."""
    rows = store.query(
        f"SELECT id FROM pairs WHERE series = {SERIES} ORDER BY id DESC LIMIT {MOST_READ}",
        (series.experiment, series.candidate),
    )
    found: dict[str, set[FieldRule]] = {}
    for (row,) in rows:
        schemas = request_schemas(store.pair(row).primary.observation.content.request)
        for path, rule in _of(schemas):
            found.setdefault(path, set()).add(rule)
    declared = json.loads(rules(store) or "{}")
    return {
        path: rule
        for path, rules in sorted(found.items())
        if path not in declared and len(rules) == 1
        for rule in rules
    }


def as_toml(rules: Mapping[str, FieldRule]) -> str:
    """Tables for `shadow.toml`."""
    lines = []
    for path, rule in rules.items():
        lines.append(f"[fields.{json.dumps(path)}]")
        table = rule.model_dump(mode="json", exclude_defaults=True)
        lines += [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    return "\n".join(lines)


def _of(schemas: RequestSchemas) -> list[tuple[str, FieldRule]]:
    known = [*([schemas.text] if schemas.text else []), *schemas.tools.values()]
    return [item for schema in known for item in schema.rules().items()]
