"""Real receipts with their truth, and documents made of them."""

import json
from pathlib import Path

import pytest

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.fields.rules import compile_rules, read_rules

PATH = Path(__file__).parents[3] / "shared" / "data" / "receipts.jsonl"

DECLARED = {
    "company": {"normalise": "text"},
    "date": {"normalise": "date", "order": "dmy"},
    "address": {"normalise": "text"},
    "total": {"normalise": "decimal", "locale": "en"},
    "vendor_tax_id": {"normalise": "identifier"},
}
"""What somebody who knows these receipts would write into `shadow.toml`."""

RULES = compile_rules(read_rules(DECLARED))


def receipts():
    if not PATH.exists():
        pytest.skip(f"the receipts are not at {PATH}")
    return [strict_json.loads(line) for line in PATH.read_text().splitlines()]


def copied(value):
    return json.loads(json.dumps(value))


def item(truth):
    """A receipt as one item of a nested document."""
    return {
        "company": truth["company"],
        "date": truth["date"],
        "total": truth["total"],
        "vendor": {"address": truth["address"], "tax_id": truth["vendor_tax_id"]},
    }


def leaves(item):
    return {
        "company": item["company"],
        "date": item["date"],
        "total": item["total"],
        "vendor.address": item["vendor"]["address"],
        "vendor.tax_id": item["vendor"]["tax_id"],
    }


def put(item, path, value):
    """The item with one leaf changed."""
    changed = copied(item)
    *above, last = path.split(".")
    inner = changed
    for key in above:
        inner = inner[key]
    inner[last] = value
    return changed


def distinct(items, least=3):
    """Of these those that differ from all kept before them in at least so many leaves."""
    kept = []
    for found in items:
        ours = leaves(found)
        if all(sum(ours[k] != leaves(known)[k] for k in ours) >= least for known in kept):
            kept.append(found)
    return kept
