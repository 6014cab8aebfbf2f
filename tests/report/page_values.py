"""What a report page is given: a report and pairs of a real store, and a verdict's values."""

from shadow_mw.harms import FieldPair, Harm, HarmDetail, HarmRow, ShownCheck, ShownLeg, ShownText
from shadow_mw.report.harm_json import detail_json, row_json
from shadow_mw.report.verdict_json import verdict_json
from shadow_mw.verdicts import (
    Coverage,
    Decision,
    GateResult,
    PlanName,
    SegmentRow,
    State,
    TrendPoint,
    Verdict,
)

SHA = "5f" * 32


def gate(name, title, state, **given):
    values = {
        "primary": None,
        "candidate": None,
        "delta": None,
        "interval": None,
        "margin": None,
        "better": "lower",
        "unit": "points",
        "needed": "at most so much",
        "n": 1000,
        "reason": f"why {title} is so",
        "method": "Tango 1998",
    }
    return GateResult(name=name, title=title, state=state, **(values | given))


GATES = (
    gate("coverage.pairs", "Pairs", State.PASS, candidate=20_000.0, margin=10_000.0,
         better="higher", unit="count"),
    gate("accuracy", "Field accuracy", State.PASS, primary=0.941, candidate=0.973, delta=0.032,
         interval=(0.030, 0.034), margin=-0.005, better="higher"),
    gate("errors", "Errors", State.UNPROVEN, primary=0.0, candidate=0.0, delta=0.0,
         interval=(-0.002, 0.002), margin=0.001),
    gate("hallucination", "Hallucination", State.FAIL, primary=0.003, candidate=0.011,
         delta=0.008, interval=(0.006, 0.010), margin=0.002),
    gate("latency", "Latency p95", State.UNPROVEN, primary=480.0, candidate=190.0,
         interval=(0.3, None), margin=1.2, unit="ratio"),
    gate("win_rate", "Win rate", State.UNPROVEN, candidate=0.63, interval=(0.5, 0.76), margin=0.55,
         better="higher", unit="share", waived_by="ann: read by hand"),
    gate("likeness", "Likeness", State.UNPROVEN, unit="share"),
)  # fmt: skip


def trend(delta):
    return tuple(
        TrendPoint(f"2026-11-{day:02}", 100 * day, delta, delta - 0.01 / day, delta + 0.01 / day)
        for day in range(2, 16)
    )


def verdict(**changed):
    hours = [[10] * 24 for _ in range(7)]
    hours[6][3] = 0
    given = {
        "decision": Decision.NO_GO,
        "reason": "Hallucination: 1.1 % against 0.3 % of null fields",
        "plan": PlanName("articles", SHA, True, "registered 2026-11-01T00:00:00Z, before any data"),
        "data_hash": SHA,
        "version": "1.0",
        "experiment": "invoices",
        "candidate": "small",
        "look": "final",
        "gates": GATES,
        "segments": (
            SegmentRow("monday", 0.5, 6, "regressed", "accuracy", 0.9, 0.8, -0.1, (-0.2, -0.1), 8),
            SegmentRow("friday", 0.5, 9, "ok", "accuracy", 0.9, 0.9, 0.0, (-0.1, 0.1), 8),
        ),
        "coverage": Coverage(
            "2026-11-02T00:00:00Z", "2026-11-16T00:00:00Z", 14, True,
            tuple(map(tuple, hours)), (2,) * 7, 0.99, 1.0, ("Sunday 03:00 has no pair",), 1.0,
        ),
        "trends": {"hallucination": trend(0.008), "accuracy": trend(0.03)},
        "sensitivity": (("hallucination", "without Monday", "fail"),),
        "signoffs": {"cost": "bob: agreed with finance"},
    }  # fmt: skip
    return verdict_json(Verdict(**(given | changed)))


def leg(output, **more):
    given = {
        "model": "small",
        "output": ShownText(output),
        "outcome": "success",
        "error": None,
        "finish_reason": "stop",
        "latency_ms": 190.5,
        "ttft_ms": None,
        "input_tokens": 400,
        "output_tokens": 60,
        "cost_usd": 0.00012,
    }
    return ShownLeg(**(given | more))


def pair_json(number, harm, path="vendor_tax_id", values=("null", "null", '"X-1"'), **more):
    """A row with its detail; `values` are JSON text of truth, primary and candidate."""
    truth, ours, theirs = values
    row = HarmRow(
        id=number,
        pair_id=f"p{number}",
        trace_id=f"{number:032x}",
        time_ns=1_793_610_000_000_000_000 + number * 10**9,
        segment=more.pop("segment", "monday"),
        harm=Harm(harm),
        fields=(path,),
        summary=more.pop("summary", f"{path} {harm}"),
    )
    found = HarmDetail(
        row=row,
        experiment="invoices",
        candidate_id="small",
        key=f"invoice-{number}",
        truth=ShownText(f'{{"{path}": {truth}}}'),
        input=ShownText(more.pop("input", f"Extract invoice {number}")),
        primary=leg(f'{{"{path}": {ours}}}', model="big"),
        candidate=leg(more.pop("output", f'{{"{path}": {theirs}}}')),
        fields=(
            FieldPair(path, truth, ours, theirs, "correct", more.pop("outcome", harm), True),
            FieldPair("total", '"9.00"', '"9.00"', '"9.00"', "correct", "correct", False),
        ),
        fields_left_out=0,
        checks=(ShownCheck("json", "strict/strict", 1.0, 1.0, ""),),
        verdicts=(),
        labelled=0,
        excluded=None,
    )
    assert not more
    return row_json(row) | {"detail": detail_json(found)}


def page_data(report, rows, **more):
    counts = {harm.value: sum(row["harm"] == harm for row in rows) for harm in Harm}
    curve = [[50.0 * 1.1**i, (i + 1) / 30] for i in range(30)]
    return {
        "live": False,
        "verdict": verdict(),
        "report": report,
        "latency": {"primary": [[2 * ms, share] for ms, share in curve], "candidate": curve},
        "pairs": {"total": 20_000, "counts": counts, "rows": rows},
    } | more
