"""A run of judges for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.commands.judge_json import spent
from shadow_mw.commands.judge_run import Done
from shadow_mw.evaluate.calibration.correction import Estimate
from shadow_mw.evaluate.judging.judge import Plan, Run
from shadow_mw.evaluate.judging.summary import JudgeCard
from shadow_mw.report.judge_table import drift_line, panel_lines, unjudged_line
from shadow_mw.report.numbers import NOTHING, dollars, rate, shown_plain
from shadow_mw.report.plain_table import plain_table
from shadow_mw.standings import PanelStanding, Rate
from shadow_mw.types import Json

TITLES = {
    "ties": "both orders say tie",
    "inconsistent": "the order decides",
    "invalid": "answers without a verdict",
    "first_slot": "prefers the first slot (0.5 is none)",
    "longer_wins": "the longer output wins",
}


def show_plan(head: dict[str, Json], plan: Plan, anchors: Sequence[Plan], console: Console) -> None:
    """Print what a run would do."""
    console.print(Text(_drawn(head)))
    priced = f", {dollars(float(plan.usd))} at most" if plan.usd or not plan.unpriced else ""
    recorded = f" ({plan.recorded:,} answers are on record)" if plan.recorded else ""
    console.print(Text(f"{plan.calls:,} calls{priced}{recorded}; none was made"))
    if calls := sum(one.calls for one in anchors):
        usd = float(sum(one.usd for one in anchors))
        cost = f", {dollars(usd)} at most" if usd or not plan.unpriced else ""
        console.print(Text(f"{calls:,} more about anchors{cost}"))
    if plan.unpriced:
        console.print(Text(f"no price is known for {', '.join(plan.unpriced)}"))


def show(
    head: dict[str, Json],
    done: Done,
    cards: Sequence[JudgeCard],
    panel: PanelStanding | None,
    console: Console,
) -> None:
    """Print what was drawn, a card for each judge's newest epoch, and what to know about them."""
    console.print(Text(_drawn(head)))
    for card in cards:
        if card.newest:
            console.print()
            _show_card(card, console)
    if panel:
        console.print()
        for line in panel_lines(panel):
            console.print(Text(line))
    console.print()
    for note in (*_notes(done.run, cards), *_anchor_notes(done)):
        console.print(Text(note))


def _drawn(head: dict[str, Json]) -> str:
    sample = head["sample"]
    text = (
        f"{shown_plain(head['experiment'])}/{shown_plain(head['candidate'])}:"
        f" {sample['drawn']:,} of {sample['population']:,} pairs drawn (seed {sample['seed']}),"
        f" {sample['to_judge']:,} to judge"
    )
    if sample["identical"]:
        text += f", {sample['identical']:,} with identical outputs: ties, not sent"
    if sample["left_out"]:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sample["left_out"].items())
        text += f"\nleft out: {reasons}"
    return text


def _show_card(card: JudgeCard, console: Console) -> None:
    name, model = shown_plain(card.judge), shown_plain(card.model)
    console.print(
        Text(f"judge {name}" + (f" ({model})" if model not in ("", name) else ""), style="bold")
    )
    if card.gates:
        console.print(Text("qualified: its verdicts may gate a decision", style="bold green"))
    elif card.qualified:
        console.print(Text("qualified, but it has drifted: gates nothing", style="bold red"))
    else:
        why = "; ".join(card.reasons)
        console.print(Text(f"not qualified: gates nothing ({why})", style="bold red"))
    console.print(_figures(card))
    counts = ", ".join(f"{name} {n:,}" for name, n in card.wins.items())
    console.print(Text(f"pairs: {counts}, identical {card.identical:,}"))
    if card.unjudged.share:
        found = card.corrected or card.naive
        n = sum(card.wins.values())
        known = Rate(found.value, found.low, found.high, n) if found else None
        console.print(Text(unjudged_line(card.unjudged, known)))
    if card.drift:
        console.print(Text(drift_line(card.drift), style="bold red" if card.drift.alarm else ""))
    console.print(Text(f"fingerprint {card.spec[:16]}, epoch {card.epoch[:16]}"))


def _figures(card: JudgeCard) -> Table:
    table = plain_table(gap=2)
    table.add_column("")
    for title in ("value", "95 % interval", "n"):
        table.add_column(title, justify="right")
    judged = f"{sum(card.wins.values()):,}"
    table.add_row("candidate wins, as the judge says", *_estimate(card.naive), judged)
    if card.corrected:
        table.add_row("candidate wins, corrected by people", *_estimate(card.corrected), judged)
    if card.bias is None:
        return table
    shares = {title: getattr(card.bias, name) for name, title in TITLES.items()}
    for role, share in card.bias.own_family.items():
        shares[f"its own family, the {role}, wins"] = share
    for title, share in shares.items():
        if share.n:
            low, high = share.interval
            table.add_row(title, rate(share.value), f"{rate(low)} to {rate(high)}", f"{share.n:,}")
    return table


def _estimate(found: Estimate | None) -> tuple[str, str]:
    if found is None:
        return NOTHING, ""
    return rate(found.value), f"{rate(found.low)} to {rate(found.high)}"


def _notes(run: Run, cards: Sequence[JudgeCard]) -> list[str]:
    notes = [f"{run.asked:,} answers now; {run.calls:,} calls in all ({_amount(run)})"]
    notes += [
        f"judge {shown_plain(card.judge)}: {sum(card.wins.values()):,} pairs were judged in an"
        f" earlier epoch ({shown_plain(card.model)}, {card.epoch[:16]}), and are in no figure above"
        for card in cards
        if not card.newest
    ]
    if half := sum(card.half for card in cards):
        notes.append(f"{half:,} pairs have one order only in an epoch: in no figure")
    if run.left:
        why = "; ".join(f"{shown_plain(judge)}: {text}" for judge, text in run.stopped.items())
        notes.append(f"{run.left:,} answers were not asked for ({shown_plain(why)})")
    if run.failed:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in run.failed.items())
        notes.append(f"answers that did not come: {kinds}; the next run asks again")
    if run.too_large:
        notes.append(f"{len(run.too_large):,} pairs have more text than is judged")
    notes += [f"allowed: {shown_plain(text)}" for text in run.overrides]
    return notes


def _anchor_notes(done: Done) -> Iterator[str]:
    for found in done.rounds:
        text = f"judge {shown_plain(found.judge)}: {found.run.asked:,} answers about anchors"
        text += f" in round {found.number} ({_amount(found.run)})"
        yield f"{text}; {found.run.left:,} were not asked for" if found.run.left else text
    for judge, n in done.frozen.items():
        yield (
            f"judge {shown_plain(judge)}: {n:,} anchors are frozen; later runs ask about them"
            " again, once a day at most, or with --anchors"
        )


def _amount(run: Run) -> str:
    usd = spent(run)
    return "a price is not known" if usd is None else dollars(usd)
