"""A run of judges for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.commands import calibrate_card
from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.correction import Estimate
from shadow_mw.evaluate.judging.judge import Plan, Run
from shadow_mw.evaluate.judging.summary import JudgeCard
from shadow_mw.report.numbers import NOTHING, dollars, rate, shown_plain
from shadow_mw.types import Json


def plan_json(plan: Plan) -> dict[str, Json]:
    """What a run would do."""
    return {
        "dry_run": True,
        "plan": {
            "calls": plan.calls,
            "recorded": plan.recorded,
            "usd": None if plan.unpriced and not plan.usd else float(plan.usd),
            "unpriced": list(plan.unpriced),
        },
    }


def run_json(run: Run, cards: Sequence[JudgeCard]) -> dict[str, Json]:
    """What a run did, and what the judges say in the end."""
    return {
        "dry_run": False,
        "run": {
            "asked": run.asked,
            "failed": dict(run.failed),
            "left": run.left,
            "too_large": len(run.too_large),
            "stopped": dict(run.stopped),
            "overrides": list(run.overrides),
            "calls": run.calls,
            "usd": _spent(run),
        },
        "judges": [card_json(card) for card in cards],
    }


def card_json(card: JudgeCard) -> dict[str, Json]:
    """One judge in one epoch; a figure that does not exist is null."""
    bias, result = card.bias, card.calibration
    return {
        "judge": card.judge,
        "model": card.model,
        "system_fingerprint": card.system_fingerprint,
        "fingerprint": card.spec,
        "epoch": card.epoch,
        "newest": card.newest,
        "pairs": bias.pairs if bias else 0,
        "half": card.half,
        "identical": card.identical,
        "wins": dict(card.wins),
        "win_rate": {
            "of": "candidate",
            "naive": card.naive and card.naive.value,
            "naive_ci": _bounds(card.naive),
            "corrected": card.corrected and card.corrected.value,
            "corrected_ci": _bounds(card.corrected),
        },
        **{name: _share(getattr(bias, name) if bias else None) for name in SHARES},
        "own_family": {role: _share(share) for role, share in bias.own_family.items()}
        if bias
        else {},
        "qualified": card.qualified,
        "reasons": list(card.reasons),
        "calibration": calibrate_card.as_json(result) if result else None,
        "calls": card.calls,
        "usd": None if card.usd is None else float(card.usd),
    }


SHARES = {
    "ties": "both orders say tie",
    "inconsistent": "the order decides",
    "invalid": "answers without a verdict",
    "first_slot": "prefers the first slot (0.5 is none)",
    "longer_wins": "the longer output wins",
}


def show_plan(head: dict[str, Json], plan: Plan, console: Console) -> None:
    """Print what a run would do."""
    console.print(Text(_drawn(head)))
    priced = f", {dollars(float(plan.usd))} at most" if plan.usd or not plan.unpriced else ""
    recorded = f" ({plan.recorded:,} answers are on record)" if plan.recorded else ""
    console.print(Text(f"{plan.calls:,} calls{priced}{recorded}; none was made"))
    if plan.unpriced:
        console.print(Text(f"no price is known for {', '.join(plan.unpriced)}"))


def show(head: dict[str, Json], run: Run, cards: Sequence[JudgeCard], console: Console) -> None:
    """Print what was drawn, a card for each judge's newest epoch, and what to know about them."""
    console.print(Text(_drawn(head)))
    for card in cards:
        if card.newest:
            console.print()
            _show_card(card, console)
    console.print()
    for note in _notes(run, cards):
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
    console.print(Text(f"judge {name}" + (f" ({model})" if model != name else ""), style="bold"))
    if card.qualified:
        console.print(Text("qualified: its verdicts may gate a decision", style="bold green"))
    else:
        why = "; ".join(card.reasons)
        console.print(Text(f"not qualified: gates nothing ({why})", style="bold red"))
    console.print(_figures(card))
    counts = ", ".join(f"{name} {n:,}" for name, n in card.wins.items())
    console.print(Text(f"pairs: {counts}, identical {card.identical:,}"))
    console.print(Text(f"fingerprint {card.spec[:16]}, epoch {card.epoch[:16]}"))


def _figures(card: JudgeCard) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    table.add_column("")
    for title in ("value", "95 % interval", "n"):
        table.add_column(title, justify="right")
    judged = f"{sum(card.wins.values()):,}"
    table.add_row("candidate wins, as the judge says", *_estimate(card.naive), judged)
    if card.corrected:
        table.add_row("candidate wins, corrected by people", *_estimate(card.corrected), judged)
    if card.bias is None:
        return table
    shares = {title: getattr(card.bias, name) for name, title in SHARES.items()}
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
    usd = _spent(run)
    spent = "a price is not known" if usd is None else dollars(usd)
    notes = [f"{run.asked:,} answers now; {run.calls:,} calls in all ({spent})"]
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


def _spent(run: Run) -> float | None:
    """Unknown where one answer has no price: never taken as 0."""
    unpriced = any(opinion.cost_usd is None for opinion in run.opinions)
    return None if unpriced else float(run.usd)


def _share(share: Share | None) -> Json:
    if share is None or not share.n:
        return None
    return {"value": share.value, "ci": list(share.interval), "n": share.n}


def _bounds(found: Estimate | None) -> list[float] | None:
    return [found.low, found.high] if found else None
