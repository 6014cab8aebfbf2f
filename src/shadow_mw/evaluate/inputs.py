"""Stored inputs: what the primary was asked, for a candidate that was not there then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from shadow_mw.evaluate.ingest import MAX_COUNT, Observation
from shadow_mw.evaluate.rows.json_values import request_format
from shadow_mw.evaluate.series import BACKFILLED, SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.types import CANDIDATE_REASONS, Json, Outcome, Reason, Role, WireFormat

ANTHROPIC_ENDS = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"}
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which stored calls are meant."""

    experiment: str
    from_candidate: str | None = None
    """Only calls that this candidate was asked too."""
    since: datetime | None = None
    sample: float = 1.0
    seed: int = 0
    limit: int | None = None
    """The oldest of the sample."""


@dataclass(frozen=True, slots=True)
class Input:
    """One stored call: to be asked, or the reason why it cannot be."""

    primary: Observation
    body: dict[str, Json]
    format: WireFormat | None
    skip: Reason | None = None


def select(store: Store, wanted: Wanted) -> list[str]:
    """The pair ids that are meant, oldest first; the same ones at every call."""
    since = 0 if wanted.since is None else int(wanted.since.timestamp() * 1e9)
    asked = (
        " AND EXISTS (SELECT 1 FROM observations c WHERE c.pair_id = p.pair_id"
        " AND c.experiment = p.experiment AND c.role = 'candidate' AND c.candidate_id = ?)"
    )
    named = wanted.from_candidate is not None
    rows = store.query(
        "SELECT pair_id FROM observations p"
        " WHERE role = 'primary' AND experiment = ? AND time_ns >= ?"
        f"{asked if named else ''} ORDER BY time_ns, id",
        (wanted.experiment, since, *([wanted.from_candidate] if named else [])),
    )
    drawn = [pair_id for (pair_id,) in rows if _is_drawn(pair_id, wanted)]
    return drawn[: wanted.limit]


def known(store: Store, experiment: str, candidate: str) -> set[str]:
    """The pairs that the candidate was asked already, live or from the store."""
    rows = store.query(
        "SELECT pair_id FROM observations"
        " WHERE role = 'candidate' AND experiment = ? AND candidate_id = ?",
        (experiment, candidate),
    )
    return {pair_id for (pair_id,) in rows}


def inputs(store: Store, experiment: str, pair_ids: list[str]) -> Iterator[Input]:
    """Each call as it is stored, read when it is its turn."""
    for pair_id in pair_ids:
        legs = store.legs(experiment, pair_id, before=MAX_COUNT)
        yield from (_input(leg.observation) for leg in legs if leg.observation.role == Role.PRIMARY)


def backfilled(store: Store, experiment: str, candidate: str) -> dict[str, int]:
    """What is stored of a candidate's backfill, as the funnel counts it."""
    rows = store.query(
        "SELECT answered, reason, count(*) FROM pairs"
        " JOIN observations ON observations.id = candidate_row"
        f" WHERE series = {SERIES} AND {BACKFILLED} GROUP BY 1, 2",
        (experiment, candidate),
    )
    failed = {r: n for answered, r, n in rows if not answered and r in CANDIDATE_REASONS}
    return {"mirrored": sum(n for _, _, n in rows)} | failed


def _is_drawn(pair_id: str, wanted: Wanted) -> bool:
    """By hash, so that a run that goes on later draws the same."""
    digest = blake2b(f"{wanted.seed}:{pair_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < wanted.sample * 2**64


def _input(primary: Observation) -> Input:
    body = _body(primary.content.request)
    form = _format(primary, body) if body is not None else None
    return Input(primary, body or {}, form, _unfit(primary, body, form))


def _unfit(
    primary: Observation, body: dict[str, Json] | None, form: WireFormat | None
) -> Reason | None:
    """Why there is nothing to ask, or nothing to compare an answer with."""
    if primary.content.request is None:
        return Reason.REQUEST_NOT_READABLE
    if primary.truncated:
        return Reason.CONTENT_TRUNCATED
    if primary.partial or primary.outcome == Outcome.CANCELLED:
        return Reason.PRIMARY_PARTIAL
    return Reason.REQUEST_INVALID if body is None or form is None else None


def _body(text: str | None) -> dict[str, Json] | None:
    try:
        body = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _format(primary: Observation, body: Mapping[str, Json]) -> WireFormat | None:
    """The store does not keep it: by the request's shape, and by how the primary ended."""
    form = request_format(body)
    if form is WireFormat.OPENAI_CHAT and primary.finish_reason in ANTHROPIC_ENDS:
        return WireFormat.ANTHROPIC_MESSAGES
    if form is WireFormat.OPENAI_RESPONSES and not primary.has_answer:
        return WireFormat.OPENAI_EMBEDDINGS
    return form
