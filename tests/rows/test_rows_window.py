"""The background article's window, made by its seed, imported and reported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from rows.pair_rows import command, printed

ROOT = Path(__file__).parents[2]
PAIRS = 2_000
ARTICLE = {
    "field_accuracy": (0.941, 0.973, 0.0005),
    "hallucination_rate": (0.003, 0.011, 0.0005),
    "latency_p50_ms": (480, 190, 5),
    "cost_per_1k_usd": (0.42, 0.12, 0.005),
}
"""Each leg's figure, and half of the last digit that the article prints."""


def window(file, *arguments, pairs=PAIRS):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.window", "--out", file, "--pairs", str(pairs)]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return file


def rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    return window(tmp_path_factory.mktemp("window") / "rows.jsonl")


@pytest.fixture(scope="module")
def imported(article):
    """What import said, and the report."""
    store = article.with_name("shadow.db")
    said = printed(command(article.parent, "import", article, "--store", store, "--json"))
    return said, printed(command(article.parent, "report", "--store", store, "--json"))


@pytest.mark.parametrize(("metric", "figures"), ARTICLE.items())
def test_the_report_gives_the_articles_figures_back(imported, metric, figures):
    found, (primary, candidate, half) = imported[1]["metrics"][metric], figures

    assert found["primary"] == pytest.approx(primary, abs=half)
    assert found["candidate"] == pytest.approx(candidate, abs=half)


def test_the_slowest_calls_are_the_articles(imported):
    found = imported[1]["metrics"]["latency_p99_ms"]

    assert found["primary"] == pytest.approx(1800, rel=0.03)
    assert found["candidate"] == pytest.approx(410, rel=0.03)


def test_every_pair_is_stored_and_scored(imported):
    said, report = imported

    assert (said["rows"], said["new"], said["labels"]) == (PAIRS, PAIRS, PAIRS)
    assert report["funnel"]["scored"] == PAIRS
    assert report["candidate"] == "llama-3.1-8b-extract-v4"


def test_two_weeks_have_every_hour_of_the_week_twice(article):
    hours = Counter(datetime.fromisoformat(row["time"]).strftime("%A %H") for row in rows(article))

    assert len(hours) == 168
    assert min(hours.values()) >= 2


def test_the_format_first_judge_likes_the_candidate(tmp_path):
    judged = [row for row in rows(window(tmp_path / "w.jsonl", pairs=10_000)) if "judge" in row]
    wins = Counter(winner for row in judged for winner in row["judge"]["winners"])

    assert len(judged) == pytest.approx(10_000 * 5_000 / 218_400, abs=1)
    assert (wins["candidate"] + wins["tie"] / 2) / wins.total() > 0.55


def test_a_seed_gives_the_same_rows_and_another_seed_others(article, tmp_path):
    again = window(tmp_path / "again.jsonl")
    other = window(tmp_path / "other.jsonl", "--seed", 8)

    assert again.read_bytes() == article.read_bytes()
    assert other.read_bytes() != article.read_bytes()


def test_days_can_be_missing_and_judge_and_prices_too(tmp_path):
    options = ("--missing-days", "5", "12", "--judge", "none", "--no-prices")
    found = rows(window(tmp_path / "w.jsonl", *options))

    days = {row["time"][:10] for row in found}
    assert len(days) == 12
    assert not days & {"2026-11-07", "2026-11-14"}
    assert not any("judge" in row or "cost_usd" in row["candidate"] for row in found)


def test_a_segment_can_be_worse_while_the_whole_is_not(tmp_path):
    found = rows(window(tmp_path / "w.jsonl", "--regressed", "monday"))

    assert accuracy(found, "candidate") == pytest.approx(0.973, abs=0.002)
    mondays = [row for row in found if row["segment"] == "monday"]
    assert accuracy(mondays, "candidate") < accuracy(mondays, "primary") - 0.02


def accuracy(found, role):
    """By plain comparison, which is what the rules of no field are."""
    right = total = 0
    for row in found:
        try:
            said = json.loads(row[role]["output"] or "")
        except ValueError:
            said = {}
        total += len(row["truth"])
        right += sum(name in said and said[name] == value for name, value in row["truth"].items())
    return right / total
