"""Rows as Parquet: one column a key, `primary.latency_ms` for a leg's, JSON as text.

Needs pyarrow, which nothing else here does.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.rows import values as v
from shadow_mw.evaluate.rows.keys import LEGS, ROW
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.types import Json

AT_ONCE = 2000
NULLABLE = "nulls"
"""The column with the names of keys that are null, where that is not the same as left out."""


def write(lines: Iterable[str], path: Path) -> None:
    """Write lines of rows as a Parquet file.

    Raises:
        ConfigError: pyarrow is missing.
    """
    arrow, parquet = _pyarrow()
    types = {v.FLAG: arrow.bool_(), v.COUNT: arrow.int64()}
    types |= dict.fromkeys((v.NUMBER, v.SHARE), arrow.float64())
    schema = arrow.schema(
        [(name, types.get(kind, arrow.string())) for name, kind in _columns().items()]
        + [(NULLABLE, arrow.string())]
    )
    rest = iter(lines)
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while batch := list(islice(rest, AT_ONCE)):
            file.write_table(arrow.Table.from_pylist([_flat(line) for line in batch], schema))


def read(path: Path) -> Iterator[dict[str, Json]]:
    """The rows of a file that `write` wrote.

    Raises:
        ConfigError: pyarrow is missing.
        DataError: the file is no Parquet.
    """
    arrow, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=AT_ONCE):
                for flat in batch.to_pylist():
                    yield _nested(flat)
    except (arrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from None


def require() -> None:
    """Say early that pyarrow is missing.

    Raises:
        ConfigError: it is.
    """
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigError("Parquet needs pyarrow: pip install 'shadow-mw[parquet]'") from None


def _columns() -> dict[str, v.Kind]:
    flat = {name: kind for name, kind in ROW.items() if name not in LEGS}
    return flat | {
        f"{role}.{name}": kind for role, leg in LEGS.items() for name, kind in leg.items()
    }


def _flat(line: str) -> dict[str, Json]:
    row = strict_json.loads(line)
    legs = {role: row.pop(role) for role in LEGS}
    flat = row | {f"{role}.{name}": x for role, leg in legs.items() for name, x in leg.items()}
    nulls = [name for name, value in flat.items() if value is None]
    table = {name: _cell(value) for name, value in flat.items()}
    return table | {NULLABLE: strict_json.dumps(nulls) if nulls else None}


def _cell(value: Json) -> Json:
    if isinstance(value, dict | list):
        return strict_json.dumps(value)
    return value if value is None or isinstance(value, str | bool | int) else float(value)


def _nested(flat: dict[str, Json]) -> dict[str, Json]:
    names = flat.pop(NULLABLE, None)
    nulls = strict_json.loads(names) if names else []
    row: dict[str, Json] = {str(role): {} for role in LEGS}
    kinds = _columns()
    for name, value in flat.items():
        if value is None and name not in nulls:
            continue
        role, dot, key = name.partition(".")
        table, key = (row[role], key) if dot and role in row else (row, name)
        is_json = kinds.get(name) in (v.OBJECT, v.OBJECTS) and isinstance(value, str)
        table[key] = strict_json.loads(value) if is_json else value
    return row
