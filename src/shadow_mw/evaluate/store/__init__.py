"""The SQLite store: rows in, rows out; what they mean is decided elsewhere.

`file` opens, makes and migrates it, `database` has its transactions and statements, `store` its
legs and pairs; a `scratch` one is not kept. The tables are in `evaluate.tables`.
"""

from __future__ import annotations

from shadow_mw.evaluate.store.store import Store

__all__ = ["Store"]
