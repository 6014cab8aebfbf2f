"""A candidate's share of the traffic that changes in the window: every figure is of all calls."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from decide.article_stores import Kept

from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.fault_codes import pairs_name
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.store import Store

EARLY, LATE, RATE = 300, 100, 0.1
"""Pairs before and after the share was lowered: 300 calls, and 1,000 that are as the 100."""
WEIGHTED = LATE / RATE / (EARLY + LATE / RATE)
START = datetime(2026, 11, 2, tzinfo=UTC)


def rows(session=False):
    """All that is wrong with the candidate is wrong in the later pairs."""
    for number in range(EARLY + LATE):
        late = number >= EARLY
        bad = late and number % 10 == 0
        yield {
            "pair_id": f"p{number}",
            "time": (START + timedelta(minutes=number)).isoformat(),
            "experiment": "e",
            "key": f"k{number}",
            "sample_rate": RATE if late else 1.0,
            "input": {"messages": [{"role": "user", "content": str(number)}]},
            "primary": {"model": "one", "output": "abcd", "finish_reason": "stop"},
            "candidate": {
                "model": "other",
                "output": "wxyz" if late else "abce",
                "finish_reason": "length" if bad else "stop",
            },
            "judge": {"name": "careful", "winners": ["primary" if late else "candidate"] * 2},
        } | ({"session": f"s{number // 5}"} if session else {})


def documents():
    for row in rows():
        late, bad = row["sample_rate"] < 1, row["candidate"].pop("finish_reason") == "length"
        row["primary"]["output"] = '{"tax_id": null}'
        row["candidate"]["output"] = '{"tax_id": "DE1"}' if bad and late else '{"tax_id": null}'
        yield row | {"truth": {"tax_id": None}, "judge": None}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("texts")
    store = Kept(directory / "shadow.db", signed=())
    store.command("import", written(directory / "rows.jsonl", rows()))
    labels = (
        {"id": row["pair_id"], "human": "B" if row["sample_rate"] == 1 else "A"} for row in rows()
    )
    store.command("label", written(directory / "labels.jsonl", labels))
    return store.verdict()


def written(file, lines):
    kept = ({key: value for key, value in line.items() if value is not None} for line in lines)
    file.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return file


def test_faults_of_checks_are_of_all_calls(texts):
    gate = texts.gate("checks.truncated")

    assert gate["candidate"] == pytest.approx(WEIGHTED / 10)
    assert gate["interval"][0] <= gate["delta"] == gate["candidate"] <= gate["interval"][1]
    assert gate["n"] == EARLY + LATE


def test_likeness_is_of_all_calls(texts):
    assert texts.gate("likeness")["candidate"] == pytest.approx(0.75 * (1 - WEIGHTED))


def test_in_a_win_rate_each_pair_stands_for_its_calls(texts):
    gate = texts.gate("win_rate")

    assert gate["candidate"] == pytest.approx(1 - WEIGHTED)
    assert gate["n"] == EARLY + LATE


def test_single_fields_are_of_all_calls(tmp_path):
    store = Kept(tmp_path / "shadow.db", signed=())
    store.command("import", written(tmp_path / "rows.jsonl", documents()))

    said = store.verdict()

    whole, field = said.gate("hallucination"), said.gate("hallucination.fields")
    assert field["candidate"] == whole["candidate"] == pytest.approx(WEIGHTED / 10)
    assert field["n"] == EARLY + LATE
    assert "tax_id +7.69 points" in field["reason"]


def test_faults_of_checks_come_with_their_sessions(tmp_path):
    """Stored backwards, and a call that failed is not checked: each fault is that of its pair."""
    store = Kept(tmp_path / "shadow.db", signed=())
    alike = [{**row, "sample_rate": 1.0} for row in rows(session=True)]
    alike[7]["candidate"] = {"model": "other", "error": "timeout"}
    store.command("import", written(tmp_path / "rows.jsonl", alike[::-1]))

    gate = store.verdict().gate("checks.truncated")
    with Store.open(store.path) as opened:
        series, _ = choose(opened, None, None)
        codes = gather(opened, series).faults["truncated"]

    assert gate["candidate"] == pytest.approx(LATE / 10 / (EARLY + LATE - 1))
    assert "one luck" not in gate["method"]
    assert codes.tolist() == [
        -1 if n == 7 else 2 * (n >= EARLY and n % 10 == 0) for n in range(EARLY + LATE)
    ]


def test_two_sets_of_pairs_of_one_sum_are_not_taken_for_one():
    assert pairs_name(np.array([1, 4])) != pairs_name(np.array([2, 3]))
