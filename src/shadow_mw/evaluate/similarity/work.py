"""What a run has to do: pairs to compare, and the texts that have to be embedded for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from shadow_mw.evaluate.similarity.model import key_of
from shadow_mw.evaluate.similarity.store import (
    AT_ONCE,
    chunks,
    compared,
    known,
    one_compared,
    vectors,
)
from shadow_mw.evaluate.similarity.texts import Texts, digest, draw, texts_of
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import StoreError
from shadow_mw.results import Series
from shadow_mw.settings import Embeddings
from shadow_mw.types import Role

BATCH_BYTES = 600_000
"""Of text in one call: servers limit the tokens of all its texts together."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text is found: many pairs may have it, one is enough."""

    pair: int
    role: Role
    bytes: int


@dataclass(slots=True)
class Share:
    """One series' part of the work."""

    series: Series
    population: int = 0
    """Pairs that both models answered."""
    drawn: int = 0
    recorded: int = 0
    """Pairs whose cosine was there before."""
    identical: list[int] = field(default_factory=list)
    """Rows of pairs with the same text twice: cosine 1, and nobody is asked."""
    pairs: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    """Row, and the digests of both texts."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Pairs by reason."""

    @property
    def inclusion(self) -> float:
        """The probability with which each pair of the population was drawn."""
        return self.drawn / self.population if self.population else 0.0


@dataclass(slots=True)
class Work:
    """All of it; texts are read again when it is their turn."""

    key: str
    shares: list[Share]
    missing: dict[bytes, Source]
    """Texts without a vector, each once, in the order of the draw."""
    cached: int
    """Those with one."""
    probe: tuple[str, bytes] | None
    """A text with its vector, where there is one and anything is missing."""
    batch_size: int

    def batches(self) -> Iterator[list[bytes]]:
        """The calls, each with its texts."""
        batch, size = list[bytes](), 0
        for found, source in self.missing.items():
            if batch and (len(batch) >= self.batch_size or size + source.bytes > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(found)
            size += source.bytes
        if batch:
            yield batch


def plan(
    store: Store,
    settings: Embeddings,
    all_series: Iterable[Series],
    size: int | None,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
    *,
    anew: bool = False,
) -> Work:
    """Look through the pairs that are drawn; nothing is asked, nothing is written.

    Args:
        store: whose pairs.
        settings: which model, and how long a text may be.
        all_series: each is drawn from on its own.
        size: pairs of each; None for all.
        seed: of the draw.
        advance: told how many pairs were read.
        anew: as if nothing were there yet.
    """
    key, sources = key_of(settings), dict[bytes, Source]()
    shares = [Share(series) for series in all_series]
    for share in shares:
        rows, share.population = draw(store, share.series, size, seed, share.left_out)
        share.drawn = len(rows)
        for some in chunks(rows, AT_ONCE):
            done = set() if anew else compared(store, key, some)
            share.recorded += len(done)
            for row in some:
                if row not in done:
                    _add(share, row, texts_of(store.pair(row)), settings.max_chars, sources)
            advance(len(some))
    there = set() if anew else known(store, key, sources)
    missing = {found: source for found, source in sources.items() if found not in there}
    cached = [source for found, source in sources.items() if found in there]
    probe = _probe(store, key, cached) if missing and not anew else None
    return Work(key, shares, missing, len(cached), probe, settings.batch_size)


def text_at(store: Store, source: Source) -> str:
    """The text that was found there."""
    found = texts_of(store.pair(source.pair))
    if isinstance(found, str):
        raise StoreError(f"store {store.path}: pair {source.pair} has lost its texts")
    return found.of(source.role)


def _probe(store: Store, key: str, cached: list[Source]) -> tuple[str, bytes] | None:
    """Of this work, or of any pair that was compared before."""
    sources = cached[:1] + [Source(pair, Role.PRIMARY, 0) for pair in one_compared(store, key)]
    for source in sources:
        text = text_at(store, source)
        found = digest(text)
        if vector := vectors(store, key, [found]).get(found):
            return text, vector
    return None


def _add(
    share: Share, row: int, texts: Texts | str, max_chars: int, sources: dict[bytes, Source]
) -> None:
    if isinstance(texts, str):
        share.left_out[texts] += 1
    elif texts.primary == texts.candidate:
        share.identical.append(row)
    elif max(len(texts.primary), len(texts.candidate)) > max_chars:
        share.left_out["too_long"] += 1
    else:
        digests = {role: digest(texts.of(role)) for role in (Role.PRIMARY, Role.CANDIDATE)}
        for role, found in digests.items():
            if found not in sources:
                size = len(texts.of(role).encode("utf-8", "replace"))
                sources[found] = Source(row, role, size)
        share.pairs.append((row, digests[Role.PRIMARY], digests[Role.CANDIDATE]))
