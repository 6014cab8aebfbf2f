from __future__ import annotations

from dataclasses import replace

import pytest
from support.exchanges import EXCHANGE

from shadow_mw.runner.retries import Item, Retries, may_be_retried
from shadow_mw.runner.tail import Position


def item(n: int, process: str = "one", **changes: object) -> Item:
    return Item(Position("s", n), replace(EXCHANGE, **changes), process)


def test_a_success_goes_on_at_once():
    good = item(1)

    assert Retries(60).offer(good, 0) == (None, good)


def test_a_failed_attempt_is_replaced_by_the_next_one():
    retries = Retries(60)
    failed, good = item(1, status=500), item(2)

    assert retries.offer(failed, 0) == (None, None)
    assert retries.offer(good, 1) == (failed, good)
    assert list(retries.due(100)) == []


def test_of_three_attempts_the_last_one_counts_though_it_failed_too():
    retries = Retries(60)
    attempts = [item(n, status=503) for n in range(3)]

    answers = [retries.offer(attempt, n) for n, attempt in enumerate(attempts)]

    assert [superseded for superseded, _ in answers] == [None, attempts[0], attempts[1]]
    assert list(retries.due(10)) == []
    assert list(retries.due(62)) == [attempts[2]]


@pytest.mark.parametrize("other", [{"trace_id": "b" * 32}, {"request": b"another"}])
def test_another_trace_or_body_is_another_call(other: dict[str, object]):
    retries = Retries(60)
    retries.offer(item(1, status=500), 0)

    assert retries.offer(item(2, **other), 1)[0] is None


def test_without_a_trace_the_process_is_what_attempts_share():
    retries = Retries(60)
    failed = item(1, status=500, traced=False)
    retries.offer(failed, 0)

    elsewhere = item(2, process="two", traced=False, trace_id="c" * 32)
    again = item(3, traced=False, trace_id="d" * 32)

    assert retries.offer(elsewhere, 1)[0] is None
    assert retries.offer(again, 1)[0] == failed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": 200}, False),
        ({"status": 400}, False),
        ({"status": 429}, True),
        ({"status": 500}, True),
        ({"status": None, "error": "ConnectError"}, True),
        ({"status": None, "error": "ReadTimeout"}, True),
        ({"status": None, "error": "CancelledError"}, False),
        ({"status": 200, "error": "ReadError"}, False),
    ],
)
def test_what_sdks_try_again(changes: dict[str, object], expected: bool):
    assert may_be_retried(replace(EXCHANGE, **changes)) is expected


def test_nothing_is_held_where_holding_is_off():
    failed = item(1, status=500)

    assert Retries(0).offer(failed, 0) == (None, failed)
