"""How pairs are judged: declared in the settings, kept in the store, the same in every process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from shadow_mw.evaluate.checks.checklist import Checklist
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.store import Store, declared
from shadow_mw.settings import Settings

PLAIN = FieldJudge()
"""No rule declared: everything has to be equal as it is."""

EVERY = Checklist()
"""No choice declared: all checks that are installed."""


@dataclass(frozen=True, slots=True)
class Standards:
    """What both legs of a pair are held to."""

    fields: FieldJudge = PLAIN
    checks: Checklist = EVERY
    contexts: Mapping[str, int] = field(default_factory=dict)
    """What candidates can read and write in one call, in tokens, by id."""

    @classmethod
    def declared(cls, used: Settings) -> Standards:
        """As the settings have them.

        Raises:
            ConfigError: one line that names the rule or the check, the fault and what is accepted.
        """
        fields, checks = FieldJudge.declared(used.fields), Checklist.declared(used.checks)
        return cls(fields, checks, used.context_tokens)


BY_DEFAULT = Standards()


def declare(store: Store, ours: Standards) -> tuple[Standards, int]:
    """The standards that count from now on, and how many pairs have to be judged anew for them.

    Declared ones are the store's from then on; who declares none judges by the store's.
    """
    known = current(store, ours)
    fields, checks, changed = known.fields, known.checks, 0
    if ours.fields.table != PLAIN.table:
        fields, changed = ours.fields, declared.set_rules(store, ours.fields.table)
    if ours.checks.is_declared:
        checks = ours.checks
        changed = max(changed, declared.set_checklist(store, checks.table, unsaid=EVERY.table))
    if ours.contexts.items() - known.contexts.items():
        changed += declared.set_contexts(store, {**known.contexts, **ours.contexts})
    return Standards(fields, checks, {**known.contexts, **ours.contexts}), changed


def waits(store: Store, fields: FieldJudge) -> bool:
    """Whether declared rules are not yet those by which the pairs of a store were judged."""
    counting = declared.rules(store) or PLAIN.table
    other = fields.table not in (PLAIN.table, counting)
    return other and bool(store.query("SELECT 1 FROM pairs LIMIT 1"))


def current(store: Store, known: Standards) -> Standards:
    """The store's own standards, which another process may have declared meanwhile."""
    rules, checklist = declared.rules(store), declared.checklist(store)
    fields, checks = known.fields, known.checks
    if rules not in (None, fields.table):
        fields = FieldJudge.declared(json.loads(rules or ""))
    if checklist not in (None, checks.table):
        checks = Checklist.stored(checklist)
    found = Standards(fields, checks, declared.contexts(store))
    return known if found == known else found
