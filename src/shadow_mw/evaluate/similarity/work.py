"""What a run has to do: pairs to compare, and the texts that have to be embedded for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from shadow_mw.evaluate.similarity.model import key_of
from shadow_mw.evaluate.similarity.store import AT_ONCE, chunks, compared, known
from shadow_mw.evaluate.similarity.texts import Texts, digest, draw, texts_of
from shadow_mw.evaluate.store import Store
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
    cached: dict[bytes, Source]
    """Those with one."""
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
) -> Work:
    """Look through the pairs that are drawn; nothing is asked, nothing is written.

    Args:
        store: whose pairs.
        settings: which model, and how long a text may be.
        all_series: each is drawn from on its own.
        size: pairs of each; None for all.
        seed: of the draw.
        advance: told how many pairs were read.
    """
    key, sources = key_of(settings), dict[bytes, Source]()
    shares = [Share(series) for series in all_series]
    for share in shares:
        rows, share.population = draw(store, share.series, size, seed, share.left_out)
        share.drawn = len(rows)
        for some in chunks(rows, AT_ONCE):
            done = compared(store, key, some)
            share.recorded += len(done)
            for row in some:
                if row not in done:
                    _add(share, row, texts_of(store.pair(row)), settings.max_chars, sources)
            advance(len(some))
    there = known(store, key, sources)
    return Work(
        key,
        shares,
        {found: source for found, source in sources.items() if found not in there},
        {found: source for found, source in sources.items() if found in there},
        settings.batch_size,
    )


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
