"""Vectors and cosines in the store, by the model's key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from shadow_mw.evaluate.store import Store

AT_ONCE = 500
"""Values in one statement, pairs in one transaction."""

T = TypeVar("T")


def known(store: Store, key: str, digests: Collection[bytes]) -> set[bytes]:
    """Those texts of which a vector is there."""
    return {digest for digest, _ in _select(store, key, digests, "length(vector)")}


def vectors(store: Store, key: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
    """The vectors that are there, by text."""
    return dict(_select(store, key, digests, "vector"))


def _select(
    store: Store, key: str, digests: Collection[bytes], column: str
) -> Iterator[tuple[bytes, bytes]]:
    for some in chunks(list(digests), AT_ONCE):
        places = ", ".join("?" * len(some))
        yield from store.query(
            f"SELECT digest, {column} FROM embeddings WHERE model = ? AND digest IN ({places})",
            (key, *some),
        )


def dimension(store: Store, key: str) -> int | None:
    """How many numbers the model's vectors have here; None where there are none."""
    rows = store.query("SELECT length(vector) / 4 FROM embeddings WHERE model = ? LIMIT 1", (key,))
    return rows[0][0] if rows else None


def compared(store: Store, key: str, pairs: Collection[int]) -> set[int]:
    """Those pairs whose cosine is there: legs never change, so neither does it."""
    found = set[int]()
    for some in chunks(list(pairs), AT_ONCE):
        places = ", ".join("?" * len(some))
        rows = store.query(
            f"SELECT pair FROM similarities WHERE model = ? AND pair IN ({places})", (key, *some)
        )
        found.update(row for (row,) in rows)
    return found


def one_compared(store: Store, key: str) -> list[int]:
    """A pair of two texts whose cosine is there; none where there is none."""
    rows = store.query(
        "SELECT pair FROM similarities WHERE model = ? AND cosine < 1 LIMIT 1", (key,)
    )
    return [pair for (pair,) in rows]


def add_vectors(store: Store, key: str, found: Iterable[tuple[bytes, bytes]]) -> None:
    """Keep vectors by text; they are on disk when this returns."""
    with store.transaction():
        store.write(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            ((key, digest, vector) for digest, vector in found),
        )


def add_cosines(store: Store, key: str, found: Iterable[tuple[int, float]]) -> None:
    """Keep cosines by pair."""
    with store.transaction():
        store.write(
            "INSERT OR REPLACE INTO similarities (pair, model, series, cosine)"
            " SELECT id, ?, series, ? FROM pairs WHERE id = ?",
            ((key, cosine, pair) for pair, cosine in found),
        )


def forget(store: Store, key: str) -> None:
    """Drop everything of a model."""
    with store.transaction():
        for table in ("similarities", "embeddings"):
            store.write(f"DELETE FROM {table} WHERE model = ?", [(key,)])


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Parts of a sequence."""
    return (items[start : start + size] for start in range(0, len(items), size))
