"""What the first list of the page needs is looked up as the service starts."""

import threading
from contextlib import closing

import pytest
from evaluate.spans import START, leg, store_of
from rows.pair_rows import command, lines, row
from support.lab import until

from shadow_mw.commands.live import LivePage
from shadow_mw.evaluate.watch import Watch
from shadow_mw.evaluate.worst.classes import Scope
from shadow_mw.harms import Filter, Harm


def exchange(name, said="other"):
    return [leg("primary", name, "same", start=START), leg("candidate", name, said, start=START)]


def looked_ahead():
    """Nothing of a page is at work any more."""
    names = {thread.name for thread in threading.enumerate()}
    return "shadow_mw-ahead" not in names


@pytest.fixture
def path(tmp_path):
    return store_of(tmp_path / "shadow.db", *(leg for n in range(3) for leg in exchange(f"p{n}")))


def counts(page):
    return page.rows(page.series(None, None), Filter())["counts"]


def test_the_first_list_finds_its_counts_there(path, monkeypatch):
    with closing(Watch(path)) as watch, closing(LivePage(path, watch)) as page:
        until(looked_ahead, "the counts")
        monkeypatch.setattr(Scope, "plain", None)
        assert counts(page)["differs"] == 3


def test_what_comes_in_afterwards_is_counted(path):
    with closing(Watch(path)) as watch, closing(LivePage(path, watch)) as page:
        until(looked_ahead, "the counts")
        store_of(path, *exchange("p3"), *exchange("p4", "same"))
        until(lambda: counts(page)["differs"] == 4, "the new pairs")
        assert counts(page)["same"] == 1


def test_what_judges_say_is_in_the_counts_of_the_lists_that_know_it(tmp_path):
    for name, winners in {"lost": ["primary"] * 2, "won": ["candidate"] * 2}.items():
        answers = {"output": "one"}, {"output": f"other {name}"}
        line = row(name, *answers, judge={"name": "j", "winners": winners})
        assert command(tmp_path, "import", "-", stdin=lines(line)).returncode == 0
    path = tmp_path / "shadow.db"
    with closing(Watch(path)) as watch, closing(LivePage(path, watch)) as page:
        until(looked_ahead, "the counts")
        found = page.rows(page.series(None, None), Filter())
        assert found["counts"]["judge_loss"] == 1
        assert found["rows"][0]["pair_id"] == "lost"
        assert sum(found["counts"].values()) == len(found["rows"])
        assert Harm(found["rows"][0]["harm"]) is Harm.JUDGE_LOSS


def test_a_store_without_data_is_no_fault(tmp_path):
    path = store_of(tmp_path / "shadow.db")
    with closing(Watch(path)) as watch, closing(LivePage(path, watch)) as page:
        until(looked_ahead, "the start")
        assert sum(counts(page).values()) == 0
