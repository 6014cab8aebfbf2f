"""What a person reads of a load run."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.report.numbers import NOTHING, counted, dollars, milliseconds, rate, shown_plain
from shadow_mw.report.plain_table import plain_table
from shadow_mw.types import Json

PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")
MOST_REPEATS = 2
"""Times that an input goes out, above which a cache may be what is measured."""


def intention(head: dict[str, Json]) -> str:
    """What a run would send, and what that may cost."""
    usd = "price unknown" if head["usd"] is None else f"about {dollars(head['usd'])}"
    text = (
        f"candidate {shown_plain(head['candidate'])} at {head['url']}:"
        f" {counted(head['planned'], 'call')} in {head['minutes']:g} min"
        f" ({_rate(head['planned_per_s'])} per second), {usd}\n"
        f"arrivals of {head['hour']} (UTC) at factor {head['factor']:g}: production's peak hour is"
        f" {head['peak_hour']} with {_rate(head['peak_per_s'])} calls per second"
    )
    if head["planned"] > MOST_REPEATS * head["inputs"]:
        text += (
            f"\n{counted(head['inputs'], 'different input')}: each is sent"
            f" {head['planned'] / head['inputs']:.1f} times, so a cache of the candidate may answer"
        )
    if head["skipped"]:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in head["skipped"].items())
        text += f"\ncannot be asked, others are sent instead: {reasons}"
    return text


def _rate(calls: float) -> str:
    """A second's; a few in an hour are not none."""
    return f"{calls:.2f}" if calls >= 0.1 or not calls else f"{calls:.2g}"


def show(result: dict[str, Json], console: Console) -> None:
    """Print what a run found."""
    console.print()
    console.print(_latencies(result))
    console.print()
    console.print(_slices(result))
    console.print()
    for line in _lines(result):
        console.print(Text(line))


def _table(*titles: str) -> Table:
    table = plain_table(gap=2)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left", no_wrap=bool(number))
    return table


def _latencies(result: dict[str, Json]) -> Table:
    table = _table("latency", "calls", "p50", "p95", "p99")
    rows = {
        f"candidate at {result['share_of_peak']:g} times peak": result["latency"],
        "candidate at shadow's rate": result["candidate_in_shadow"],
        "primary in the peak hour": result["primary_in_peak_hour"],
    }
    for title, found in rows.items():
        table.add_row(title, f"{found['n']:,}", *(_ms(found, name) for name in PERCENTILES))
    return table


def _slices(result: dict[str, Json]) -> Table:
    table = _table("until", "calls", "in flight", "p50", "p95")
    for part in result["queue"]["slices"]:
        found = part["latency"]
        table.add_row(
            _seconds(part["until_s"]),
            *(f"{found['n']:,}", f"{part['in_flight']:,}"),
            *(_ms(found, name) for name in PERCENTILES[:2]),
        )
    return table


def _seconds(value: float) -> str:
    """A short run has no ten whole seconds to be cut into."""
    return f"{value:,.0f} s" if value >= 10 else f"{value:.2g} s"


def _ms(found: dict[str, Json], name: str) -> str:
    if not found["n"]:
        return NOTHING
    return milliseconds(float("inf") if found[name] is None else found[name])


def _lines(result: dict[str, Json]) -> list[str]:
    failed = sum(result["failed"].values())
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in result["failed"].items())
    lines = [
        f"offered {_rate(result['offered_per_s'])} calls per second, answered"
        f" {_rate(result['served_per_s'])} while they came",
        f"failed {failed:,} of {result['calls']:,}"
        + (f" ({rate(failed / result['calls'])}): {reasons}" if failed else ""),
        _queue_line(result["queue"]),
    ]
    if result["scheduling"]["late"]:
        lines.append(
            f"{counted(result['scheduling']['late'], 'call')} could not be sent in time (up to"
            f" {result['scheduling']['most_ms']:,.0f} ms late): this machine or --concurrency was"
            " the bound, and their latency holds it"
        )
    if result["spent_usd"] is not None:
        lines.append(f"load runs have cost at most {dollars(result['spent_usd'])} so far")
    if result["not_kept"]:
        lines.append(f"not kept: {result['not_kept']}")
    return lines


def _queue_line(queue: dict[str, Json]) -> str:
    most = f"at most {counted(queue['most_in_flight'], 'call')} in flight"
    if queue["grows"]:
        return f"the queue grows: the candidate does not keep up with this rate ({most})"
    return f"no growing queue ({most})"
