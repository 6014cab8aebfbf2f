"""Pairs sorted by harm as JSON: what the live page asks for, and what the file has in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from shadow_mw.harms import Blind, FieldPair, HarmDetail, HarmPage, HarmRow, ShownLeg, ShownText
from shadow_mw.types import Json


def page_json(page: HarmPage) -> dict[str, Json]:
    """`GET /v1/harm`; every class is in `counts`."""
    return {
        "total": page.total,
        "counts": {harm.value: n for harm, n in page.counts.items()},
        "next": page.next,
        "searched": page.searched,
        "rows": [row_json(row) for row in page.rows],
    }


def row_json(row: HarmRow) -> dict[str, Json]:
    """One line of the list."""
    return {
        "id": row.id,
        "pair_id": row.pair_id,
        "trace_id": row.trace_id,
        "time": _time(row.time_ns),
        "segment": row.segment,
        "harm": row.harm.value,
        "fields": list(row.fields),
        "summary": row.summary,
    }


def detail_json(found: HarmDetail) -> dict[str, Json]:
    """`GET /v1/harm/{id}`; values of fields are JSON text, null where there is none.

    Where a text is cut, the same name with `_left_out` says how many characters it lacks.
    """
    return {
        **row_json(found.row),
        "experiment": found.experiment,
        "candidate_id": found.candidate_id,
        "key": found.key,
        "excluded": found.excluded,
        **_text("truth", found.truth),
        **_text("input", found.input),
        "primary": _leg(found.primary),
        "candidate": _leg(found.candidate),
        "fields": [_field(field) for field in found.fields],
        "fields_left_out": found.fields_left_out,
        "checks": [asdict(check) for check in found.checks],
        "judges": [
            {
                "judge": said.judge,
                "primary_first": said.primary_first,
                "candidate_first": said.candidate_first,
                **_text("analysis", said.analysis),
            }
            for said in found.verdicts
        ],
        "labelled": found.labelled,
    }


def blind_json(found: Blind) -> dict[str, Json]:
    """`GET /v1/label/{id}`, but for the ticket."""
    return {
        "id": found.id,
        **_text("input", found.task),
        "outputs": [text.text for text in found.outputs],
        "outputs_left_out": [text.left_out for text in found.outputs],
        **_text("truth", found.reference),
        "differences": [
            {"path": path, "first": first, "second": second}
            for path, first, second in found.differences
        ],
    }


def _leg(leg: ShownLeg) -> dict[str, Json]:
    return {
        "model": leg.model,
        **_text("output", leg.output),
        "outcome": leg.outcome,
        "error": leg.error,
        "finish_reason": leg.finish_reason,
        "latency_ms": leg.latency_ms,
        "ttft_ms": leg.ttft_ms,
        "input_tokens": leg.input_tokens,
        "output_tokens": leg.output_tokens,
        "cost_usd": leg.cost_usd,
    }


def _field(field: FieldPair) -> dict[str, Json]:
    return asdict(field)


def _text(name: str, shown: ShownText | None) -> dict[str, Json]:
    if shown is None:
        return {name: None}
    return {name: shown.text, f"{name}_left_out": shown.left_out}


def _time(time_ns: int) -> str | None:
    """RFC 3339, UTC, milliseconds; None for a pair that came without a time."""
    if not time_ns:
        return None
    moment = datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
