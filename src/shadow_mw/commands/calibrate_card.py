"""A calibration for people and for programs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.evaluate.calibration.agreement import INVALID, Share
from shadow_mw.evaluate.calibration.calibrate import NEEDED, Calibration
from shadow_mw.evaluate.calibration.correction import Estimate
from shadow_mw.evaluate.calibration.rows import Choice
from shadow_mw.report.numbers import NOTHING, rate, shown_plain
from shadow_mw.report.plain_table import plain_table
from shadow_mw.types import Json

ADVISED_LABELS = 200


def as_json(result: Calibration) -> dict[str, Json]:
    """The same as `show`, by name; a figure that does not exist is null."""
    checked = result.qualification
    return {
        "n": result.agreement.n,
        "agreement": result.agreement.value,
        "agreement_ci": _interval(result.agreement),
        "agreement_lb": checked.lower,
        "kappa": result.kappa,
        "ac1": result.ac1,
        "position_consistency": result.consistency.value,
        "qualified": checked.qualified,
        "win_rate": _win_rate(result),
        "reasons": list(checked.reasons),
        "right_in_both_orders": checked.right,
        "tpr": _share(result.tpr),
        "tnr": _share(result.tnr),
        "position_consistency_ci": _interval(result.consistency),
        "first_slot": _share(result.first_slot),
        "human_ceiling": _share(result.ceiling),
        "confusion": {human: _columns(result, human) for human in Choice},
        "items": result.items,
        "labelled": result.agreement.n + result.split,
        "split": result.split,
        "only_qualify": result.only_qualify,
        "invalid": result.invalid,
        "segments": {name: _share(share) for name, share in result.segments.items()},
    }


def _win_rate(result: Calibration) -> dict[str, Json]:
    corrected = result.correction.estimate
    return {
        "of": result.win,
        "naive": result.naive.value,
        "naive_ci": [result.naive.low, result.naive.high],
        "corrected": corrected.value,
        "corrected_ci": [corrected.low, corrected.high],
        "labels_only": result.people.value,
        "labels_only_ci": [result.people.low, result.people.high],
        "strata": [
            {
                "segments": list(stratum.segments),
                "n": stratum.n,
                "labelled": stratum.labelled,
                "lambda": stratum.lam,
                "corrected": stratum.theta,
            }
            for stratum in result.correction.strata
        ],
        "unlabelled_segments": list(result.correction.unlabelled_segments),
    }


def _share(share: Share) -> Json:
    if not share.n:
        return None
    return {"value": share.value, "ci": _interval(share), "n": share.n}


def _interval(share: Share) -> list[float] | None:
    return list(share.interval) if share.n else None


def _columns(result: Calibration, human: Choice) -> dict[str, int]:
    return {judge: result.confusion.get((human, judge), 0) for judge in (*Choice, INVALID)}


def show(result: Calibration, console: Console) -> None:
    """Print the card: the verdict, what it rests on, the win rate, what to know about them."""
    checked = result.qualification
    style = "bold green" if checked.qualified else "bold red"
    text = "qualified: its verdicts may gate a decision"
    if not checked.qualified:
        text = f"not qualified: {'; '.join(checked.reasons)}"
    console.print(Text(text, style=style))
    console.print()
    console.print(_figures(result))
    console.print()
    console.print(_confusion(result))
    console.print()
    console.print(_win_rates(result))
    console.print()
    for note in _notes(result):
        console.print(Text(note))


def _figures(result: Calibration) -> Table:
    table = _table("judge against people", "value", "95 % interval", "n")
    for title, share in {
        "agreement, mean of both orders": result.agreement,
        f"says {result.win} where people do (TPR)": result.tpr,
        "says the other where people do (TNR)": result.tnr,
        "same verdict in both orders": result.consistency,
        "prefers the first slot (0.5 is none)": result.first_slot,
        "two people agree": result.ceiling,
    }.items():
        if share.n:
            table.add_row(title, *_cells(share))
    for title, value in {"Cohen's kappa": result.kappa, "Gwet's AC1": result.ac1}.items():
        table.add_row(title, NOTHING if value is None else f"{value:.3f}", "", "")
    for name, share in result.segments.items():
        table.add_row(Text(f"  agreement in {shown_plain(name)}"), *_cells(share))
    return table


def _cells(share: Share) -> tuple[str, str, str]:
    low, high = share.interval
    return rate(share.k / share.n), f"{rate(low)} to {rate(high)}", f"{share.n:,}"


def _confusion(result: Calibration) -> Table:
    table = _table("people \\ judge", *Choice, "no verdict")
    for human in Choice:
        table.add_row(human, *(f"{n:,}" for n in _columns(result, human).values()))
    return table


def _win_rates(result: Calibration) -> Table:
    table = _table(f"win rate of {result.win}", "value", "95 % interval", "n")
    labelled = sum(stratum.labelled for stratum in result.correction.strata)
    rows: dict[str, tuple[Estimate, str]] = {
        "corrected by the labels": (result.correction.estimate, f"{labelled:,} + judge"),
        "labels alone": (result.people, f"{labelled:,}"),
        "judge taken at its word": (result.naive, f"{result.items:,}"),
    }
    for title, (estimate, n) in rows.items():
        interval = f"{rate(estimate.low)} to {rate(estimate.high)}"
        table.add_row(title, rate(estimate.value), interval, n)
    return table


def _notes(result: Calibration) -> list[str]:
    notes = [
        "the corrected win rate holds where the labelled items are a random sample of their"
        " segment, or carry `inclusion`; items picked by hand only qualify a judge"
    ]
    labelled = result.agreement.n + result.split
    if labelled < ADVISED_LABELS:
        notes.append(f"{labelled:,} labels: {ADVISED_LABELS} random ones are advised for it")
    if result.ceiling.n and result.ceiling.k / result.ceiling.n < NEEDED:
        notes.append(
            f"two people agree on less than {rate(NEEDED)}: no judge can prove {rate(NEEDED)} here;"
            " rely on the corrected interval"
        )
    if result.only_qualify:
        notes.append(
            f"{result.only_qualify:,} labels of pairs that were picked by hand: they qualify the"
            " judge, and are not in the win rate"
        )
    if result.split:
        notes.append(f"{result.split:,} items without a majority of people: only in the win rate")
    if result.invalid:
        notes.append(f"{result.invalid:,} judgements were no valid verdict: counted as wrong")
    if bare := result.correction.unlabelled_segments:
        names = ", ".join(shown_plain(name) or "(none)" for name in bare)
        notes.append(f"no labels in segment {names}: taken to be like the rest")
    return notes


def _table(first: str, *others: str) -> Table:
    table = plain_table(gap=2)
    table.add_column(Text(first))
    for title in others:
        table.add_column(title, justify="right")
    return table
