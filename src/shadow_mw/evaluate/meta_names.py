"""Names under which the store's `meta` table keeps things of one series."""

from __future__ import annotations

import json


def meta_name(kind: str, experiment: str, candidate: str) -> str:
    """`load:["e", "c"]`: as a list, so that `a/b` and `c` are not `a` and `b/c`."""
    return f"{kind}:{json.dumps([experiment, candidate])}"
