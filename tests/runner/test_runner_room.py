"""What may be in memory, by lanes as a runner has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadow_mw.prices import PriceTable
from shadow_mw.runner.lane import Lane
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.redact import Redactor
from shadow_mw.runner.repeat import again
from shadow_mw.runner.room import MOST_BYTES, Room
from shadow_mw.runner.spans import Spans
from shadow_mw.settings import Candidate, Settings


@pytest.fixture
def lanes(tmp_path: Path):
    """A candidate's, and that of the primary that is asked again."""
    settings = Settings(
        candidate_url="http://x/v1",
        candidate_model="m",
        primary_url="http://y/v1",
        repeat_rate=1,
        store=tmp_path / "shadow.db",
    )
    ledger = Ledger(tmp_path / "abc-0.1.0")
    spans = Spans(settings, Redactor.for_store(settings))

    def lane(asked: Candidate) -> Lane:
        return Lane(settings, asked, PriceTable({}), ledger, spans, lambda _: None)

    yield lane(settings.all_candidates[0]), lane(again(settings))
    ledger.close()


def test_long_answers_that_wait_for_the_primary_leave_room_for_candidates(
    lanes: tuple[Lane, Lane],
):
    candidate, repeat = lanes
    room = Room([candidate], repeat)
    room.take(1000)
    assert not room.sheds(repeat)

    room.grow(MOST_BYTES // 2)

    assert room.sheds(repeat)
    assert not room.sheds(candidate)
    assert not room.is_full(0)


def test_what_waits_for_an_answer_is_bounded(lanes: tuple[Lane, Lane]):
    candidate, repeat = lanes
    room = Room([candidate], repeat)
    room.take(1000)
    room.grow(MOST_BYTES)
    assert room.is_full(0)

    room.give_back(1000 + MOST_BYTES)

    assert not room.is_full(0)
    assert room.exchanges == 0
