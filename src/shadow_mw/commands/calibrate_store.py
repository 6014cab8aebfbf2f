"""What `shadow-mw calibrate` compares where no file is given: the store's verdicts and labels."""

from __future__ import annotations

from pathlib import Path

from shadow_mw.evaluate.calibration.rows import Row
from shadow_mw.evaluate.judging.pools import Pool, newest, pools
from shadow_mw.evaluate.judging.reach import drawn_of, weighed_of
from shadow_mw.evaluate.judging.store import opinions_of
from shadow_mw.evaluate.labelling.preferences import people
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import DataError
from shadow_mw.report.numbers import shown_plain
from shadow_mw.types import Json


def stored_rows(
    path: Path, experiment: str | None, candidate: str | None, judge: str | None
) -> tuple[list[Row], dict[str, Json]]:
    """One judge's newest verdicts with people's labels, and what they are of.

    Raises:
        DataError: no such series or judge, several judges, or nothing to compare.
    """
    from shadow_mw.evaluate.judging.summary import calibration_rows

    with Store.open(path) as store:
        series, _ = choose(store, experiment, candidate)
        if series is None:
            raise DataError(f"store {path}: no pair in it yet")
        opinions = opinions_of(store, series)
        pool = _chosen(newest(pools(opinions)), judge, path)
        labels = people(store, series)
        drawn = drawn_of(store, series, {opinion.spec for opinion in opinions})
        weighed = weighed_of(drawn, pool, opinions)
        rows = calibration_rows(pool.judgements, labels, weighed)
    if not any(row.humans for row in rows):
        raise DataError(
            f"store {path}: nothing to compare: none of the {len(labels):,} labelled pairs was"
            f" judged by {pool.judge}; `shadow-mw label --terminal` draws such pairs"
        )
    head: dict[str, Json] = {
        "experiment": series.experiment,
        "candidate": series.candidate,
        "judge": pool.judge,
        "epoch": pool.epoch,
    }
    return rows, head


def title(head: dict[str, Json]) -> str:
    """Whose verdicts, on what."""
    names = (shown_plain(str(head[name])) for name in ("judge", "experiment", "candidate"))
    return "judge {} on {}/{} (A is the primary's output, B the candidate's)".format(*names)


def _chosen(found: dict[str, Pool], judge: str | None, path: Path) -> Pool:
    names = ", ".join(found) or "none"
    if judge is not None and judge not in found:
        raise DataError(f"store {path}: no verdict of judge {judge!r}; it has {names}")
    if not found:
        raise DataError(f"store {path}: no judge was asked yet; `shadow-mw judge` asks")
    if judge is None and len(found) > 1:
        raise DataError(f"store {path}: name one judge with --judge, it has {names}")
    return found[judge or next(iter(found))]
