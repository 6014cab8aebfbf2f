"""The judges of a report: a few lines for each, then what they say together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import NormalDist

from rich.console import Console
from rich.text import Text

from shadow_mw.report.numbers import rate, shown_plain
from shadow_mw.standings import (
    IMPORTED,
    JudgeDrift,
    JudgeStanding,
    PanelStanding,
    Rate,
    Standings,
    Unjudged,
)

NORMAL = NormalDist().inv_cdf(0.975)
"""Standard errors that a 95 % interval reaches to either side."""


def show(standings: Standings, console: Console) -> None:
    """Print every judge of a series; nothing where there is none."""
    for standing in standings.judges:
        console.print()
        console.print(Text(f"judge {_name(standing)}", style="bold"))
        console.print(Text(worth(standing), style="green" if standing.gates else "red"))
        for line in _lines(standing):
            console.print(Text(f"  {line}"))
    if standings.panel:
        console.print()
        for line in panel_lines(standings.panel):
            console.print(Text(line))


def worth(standing: JudgeStanding) -> str:
    """Whether its scores may gate a decision, and if not, why not."""
    why = "; ".join(standing.reasons)
    if standing.qualified is None:
        return f"  not calibrated: {why}; gates nothing"
    if not standing.qualified:
        return f"  unqualified: gates nothing ({why})"
    if standing.gates:
        return f"  qualified by {standing.labels:,} labels: its verdicts may gate a decision"
    return f"  qualified by {standing.labels:,} labels, but it has drifted: gates nothing"


def drift_line(drift: JudgeDrift) -> str:
    """What its anchors say."""
    day = datetime.fromtimestamp(drift.time_ns / 1e9, UTC).date().isoformat()
    text = (
        f"anchors, round {drift.round} of {day}: {drift.changed:,} of {drift.compared:,} verdicts"
        f" changed ({drift.to_candidate:,} to the candidate, {drift.to_primary:,} to the primary)"
    )
    if drift.compared < drift.anchors:
        text += f"; {drift.anchors:,} are frozen"
    return f"{text}; DRIFT: {'; '.join(drift.reasons)}" if drift.alarm else f"{text}; no alarm"


def unjudged_line(unjudged: Unjudged, found: Rate | None) -> str:
    """How many pairs have no verdict and why, and what that leaves of a win rate."""
    why = ", ".join(f"{kind} {n:,}" for kind, n in unjudged.pairs.items())
    text = f"{rate(unjudged.share)} of the pairs have no verdict ({shown_plain(why)})"
    if found is None:
        return text
    low, high = unjudged.bounds(found, NORMAL)
    return f"{text}: with them {rate(low)} to {rate(high)}, whatever they are"


def panel_lines(panel: PanelStanding) -> Iterator[str]:
    """The majority's verdicts, and how often the judges differ."""
    wins = ", ".join(f"{name} {n:,}" for name, n in panel.wins.items())
    yield f"panel of {', '.join(map(shown_plain, panel.judges))} over {panel.pairs:,} pairs: {wins}"
    if panel.win_rate:
        yield f"  candidate wins {_shown(panel.win_rate)}, as the majority says"
    yield f"  unanimous {_shown(panel.unanimous)}"
    if panel.disagreements:
        yield (
            f"  {len(panel.disagreements):,} pairs that they differ on: `shadow-mw label` draws"
            " these more often"
        )


def _name(standing: JudgeStanding) -> str:
    name, model = shown_plain(standing.judge), shown_plain(standing.model)
    if standing.epoch == IMPORTED:
        return f"{name} (verdicts came with rows)"
    return name if model in ("", name) else f"{name} ({model})"


def _lines(standing: JudgeStanding) -> Iterator[str]:
    text = f"{standing.judged:,} pairs judged in both orders"
    if standing.identical:
        text += f", {standing.identical:,} identical ones not sent"
    if standing.inconsistent.n:
        text += f"; the order decides {rate(standing.inconsistent.value)}"
    if standing.invalid.value:
        text += f"; {rate(standing.invalid.value)} of answers without a verdict"
    yield text
    if standing.naive:
        yield f"candidate wins {_shown(standing.naive)}, as the judge says"
    if standing.corrected:
        yield f"candidate wins {_shown(standing.corrected)}, corrected by people"
    if standing.unjudged.share:
        yield unjudged_line(standing.unjudged, standing.corrected or standing.naive)
    if standing.drift:
        yield drift_line(standing.drift)


def _shown(found: Rate) -> str:
    return f"{rate(found.value)} ({rate(found.low)} to {rate(found.high)})"
