"""A plan before any data, for people: what each gate needs, what the window has, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.report.numbers import NOTHING, counted, dollars, shown_plain
from shadow_mw.report.plain_table import fitting, plain_table
from shadow_mw.types import Json

MARKS = {"stored": "", "given": "", "assumed": " (assumed)"}


def show(found: dict[str, Json], console: Console) -> None:
    """Print the whole plan.

    Args:
        found: as `shadow-mw plan --json` has it.
        console: where.
    """
    plan, window = found["plan"], found["window"]
    console.print(Text(f"plan {plan['name']}, {plan['file']}", style="bold"))
    console.print(Text(f"hash {plan['hash']}"), soft_wrap=True)
    console.print(
        Text(
            f"{counted(window['days'], 'day')} with {window['pairs']:,.0f} pairs,"
            f" {window['labelled']:,.0f} of them with a ground truth{MARKS[window['basis']]}"
        )
    )
    console.print()
    gates, alpha = found["gates"], window["final_alpha"]
    console.print(fitting(console, lambda gap: _gates(gap, gates, alpha), gap=2))
    console.print()
    for line in _unproven(found["gates"]):
        console.print(Text(line))
    console.print()
    console.print(fitting(console, lambda gap: _costs(gap, found["cost"]), gap=2))
    for line in _money(found["cost"]):
        console.print(Text(line))
    if found["registration"]:
        console.print()
        console.print(Text(found["registration"]["note"], style="bold"), soft_wrap=True)


def _table(gap: int, *titles: str, left: int) -> Table:
    table = plain_table(gap)
    for number, title in enumerate(titles):
        table.add_column(
            title,
            justify="left" if number < left else "right",
            no_wrap=number >= left or number == 0,
            overflow="fold",
        )
    return table


def _gates(gap: int, gates: list[dict[str, Json]], alpha: float) -> Table:
    table = _table(
        gap, "gate", "to prove", "units", "final\nlook", "any\ntime", "window", "", left=3
    )
    for gate in gates:
        table.add_row(
            *(gate["name"], gate["what"], gate["unit"]),
            *(_count(gate["fixed"]), _anytime(gate), _count(gate["window"])),
            Text("ok") if gate["provable"] else Text("too few", style="bold red"),
        )
    table.caption = f"final look at a two-sided level of {alpha:.3g}"
    table.caption_justify = "left"
    return table


def _count(value: float | None) -> str:
    return "∞" if value is None else f"{value:,.0f}"


def _anytime(gate: dict[str, Json]) -> str:
    return _count(gate["anytime"]) if gate["has_anytime"] else NOTHING


def _unproven(gates: list[dict[str, Json]]) -> Iterator[str]:
    for gate in gates:
        if gate["provable"]:
            continue
        head = f"{gate['name']}: {_count(gate['window'])} {gate['unit']} cannot prove"
        need = f"{head} {gate['what']}: {_count(gate['fixed'])} are needed"
        if gate["fixed"] is None:
            need = f"{head} {gate['what']}, and no number would"
        yield need + (f"; provable with these: {gate['instead']}" if gate["instead"] else "")
    assumed = [gate["name"] for gate in gates if gate["basis"] == "assumed"]
    if assumed:
        yield (
            f"assumed traffic is behind {', '.join(assumed)}: options say what yours is, or a store"
            " with traffic does (shadow-mw plan --help)"
        )


def _costs(gap: int, cost: dict[str, Json]) -> Table:
    table = _table(gap, "cost of the window", "model", "calls", "tokens", "USD", left=2)
    for item in cost["items"]:
        unpriced = item["usd"] is None and item["calls"]
        usd = NOTHING if item["usd"] is None else dollars(item["usd"])
        mark = MARKS.get(item["basis"], "") if item["calls"] else ""
        table.add_row(
            f"{item['name']}{mark}",
            shown_plain(item["model"]) or NOTHING,
            f"{item['calls']:,.0f}",
            f"{item['tokens']:,.0f}",
            Text("unpriced", style="bold red") if unpriced else Text(usd),
        )
    table.add_section()
    table.add_row("sum of what is priced", "", "", "", dollars(cost["usd"]))
    return table


def _money(cost: dict[str, Json]) -> Iterator[str]:
    for item in cost["items"]:
        if item["note"]:
            yield f"{item['name']}: {item['note']}"
    if cost["unpriced"]:
        names = ", ".join(cost["unpriced"])
        yield f"no price is known for {names}: name the model, or set its price in SHADOW_PRICES"
    for budget in cost["budgets"]:
        usd = dollars(budget["usd"])
        if budget["holds"] is None:
            yield f"{budget['name']} {usd}: whether it holds is not known, a price is missing"
        elif not budget["holds"]:
            yield f"{budget['name']} {usd} is less than {dollars(budget['of'])}: it ends too early"
