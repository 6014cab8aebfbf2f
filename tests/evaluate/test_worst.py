"""Pairs sorted by harm, straight from a store."""

import json
from dataclasses import replace

import pytest
from evaluate.spans import both, leg, store_of
from rows.pair_rows import command, lines, row

from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.worst import search
from shadow_mw.evaluate.worst.detail import harm_detail
from shadow_mw.evaluate.worst.listing import harm_page, refresh_lost
from shadow_mw.harms import Filter, Harm
from shadow_mw.results import Series

SERIES = Series("e", "c")


def page(store, series=SERIES, **wanted):
    return harm_page(store, series, Filter(**wanted))


def ids(found):
    return [row.pair_id for row in found.rows]


@pytest.fixture
def many(tmp_path):
    """Pairs 0 to 249; every fifth differs at `b`, the others at `a` too, none has a truth."""
    spans = []
    for n in range(250):
        ours = {"a": f"x{n}", "b": "yes"}
        theirs = ours | {"b": f"no {n}"} | ({} if n % 5 == 0 else {"a": "y"})
        more = {"shadow__segment": "monday"} if n % 2 else {}
        spans += both(f"p{n:03}", json.dumps(ours), json.dumps(theirs), **more)[:1]
        spans += both(f"p{n:03}", candidate=json.dumps(theirs), **more)[1:]
    with Store.open(store_of(tmp_path / "shadow.db", *spans)) as store:
        yield store


def walked(store, **wanted):
    """All pages, one after the other."""
    seen, found = [], page(store, limit=30, **wanted)
    while True:
        seen += ids(found)
        if found.next is None:
            return seen
        found = page(store, limit=30, offset=found.next, **wanted)


def test_within_a_class_the_newest_come_first(many):
    assert walked(many) == [f"p{n:03}" for n in reversed(range(250))]
    assert page(many).total == 250
    assert page(many, offset=240).next is None


@pytest.mark.parametrize("most", [search.MOST_HITS, 10])
def test_a_field_that_differs_often_is_looked_for_pair_by_pair(many, monkeypatch, most):
    monkeypatch.setattr(search, "MOST_HITS", most)
    assert walked(many, field="a") == [f"p{n:03}" for n in reversed(range(250)) if n % 5]
    monday = [f"p{n:03}" for n in reversed(range(1, 250, 2)) if n % 5]
    assert walked(many, field="a", segment="monday") == monday
    assert page(many, field="a").total == (200 if most > 10 else None)


@pytest.mark.parametrize("most", [search.MOST_NAMED, 10])
def test_a_name_that_many_begin_with_is_looked_for_pair_by_pair(many, monkeypatch, most):
    monkeypatch.setattr(search, "MOST_NAMED", most)
    assert walked(many, text="p1") == [f"p{n}" for n in reversed(range(100, 200))]
    assert walked(many, text="p1", segment="monday") == [f"p{n}" for n in range(199, 99, -2)]


def test_a_search_that_takes_too_long_says_how_far_it_got(many):
    found = harm_page(many, SERIES, Filter(text="nobody said this"), patience=-1)
    assert (found.rows, found.total, found.searched, found.next) == ((), None, 0, 0)
    found = harm_page(many, SERIES, Filter(text="NO 7", limit=3))
    assert ids(found) == ["p079", "p078", "p077"]
    assert found.total is None
    found = harm_page(many, SERIES, Filter(text="NO 7", offset=found.next))
    assert ids(found)[:2] == ["p076", "p075"]
    assert found.searched == 250


def test_characters_of_patterns_are_characters(tmp_path):
    spans = [*both("a%b"), *both("a_b"), *both("axb"), *both("100%", "x\\y", "x\\y")]
    with Store.open(store_of(tmp_path / "shadow.db", *spans)) as store:
        assert ids(page(store, text="a%")) == ["a%b"]
        assert ids(page(store, text="a_")) == ["a_b"]
        assert ids(page(store, text="\\")) == ["100%"]
        assert page(store, text="*").rows == ()


def test_a_pair_of_which_nothing_can_be_said_is_not_listed_and_can_be_looked_at(tmp_path):
    failed = {"shadow__outcome": "error", "error__type": "500"}
    spans = [leg("primary", "p1", None, **failed), leg("candidate", "p1", None, **failed)]
    with Store.open(store_of(tmp_path / "shadow.db", *spans)) as store:
        assert page(store).total == 0
        found = harm_detail(store, 1)
        assert found.row.pair_id == "p1"
        assert found.fields == ()
        assert harm_detail(store, 2) is None


def test_what_a_judge_gives_to_the_primary_comes_before_what_only_differs(tmp_path):
    winners = {
        "lost": ["primary", "primary"],
        "unsure": ["primary", "candidate"],
        "won": ["candidate", "candidate"],
    }
    rows = [
        row(name, {"output": "one"}, {"output": f"other {name}"}, judge={"name": "j", "winners": w})
        for name, w in winners.items()
    ]
    rows.append(row("plain", {"output": "a"}, {"output": "b"}))
    assert command(tmp_path, "import", "-", stdin=lines(*rows)).returncode == 0
    with Store.open(tmp_path / "shadow.db") as store:
        (series,) = [
            Series(*names) for names in store.query("SELECT experiment, candidate_id FROM series")
        ]
        assert page(store, series).counts[Harm.JUDGE_LOSS] == 0
        refresh_lost(store, series)
        found = page(store, series)
        assert ids(found) == ["lost", "plain", "won", "unsure"]
        assert found.counts == dict.fromkeys(Harm, 0) | {Harm.JUDGE_LOSS: 1, Harm.DIFFERS: 3}
        assert found.rows[0].summary.startswith("a judge prefers the primary's")
        assert ids(page(store, series, harm=Harm.JUDGE_LOSS)) == ["lost"]
        assert ids(page(store, series, harm=Harm.DIFFERS, offset=1)) == ["won", "unsure"]
        assert ids(page(store, series, text="lo")) == ["lost"]
        detail = harm_detail(store, found.rows[0].id)
        assert detail.row.harm is Harm.JUDGE_LOSS
        (verdict,) = detail.verdicts
        assert (verdict.primary_first, verdict.candidate_first) == ("primary", "primary")
        assert replace(detail.row, id=0) == replace(found.rows[0], id=0)


def test_what_an_item_too_many_says_is_shown_beside_its_outcome(tmp_path):
    truth = {"items": [{"q": 1, "note": None}]}
    more = {"items": [{"q": 1, "note": None}, {"q": 2, "note": "made up"}]}
    given = row("p", {"output": json.dumps(truth)}, {"output": json.dumps(more)}, truth=truth)
    assert command(tmp_path, "import", "-", stdin=lines(given)).returncode == 0
    with Store.open(tmp_path / "shadow.db") as store:
        shown = [
            (leaf.path, leaf.truth, leaf.candidate, leaf.candidate_outcome)
            for leaf in harm_detail(store, 1).fields
            if leaf.differs
        ]
    assert shown == [
        ("items[].note", None, '"made up"', "hallucinated"),
        ("items[].q", None, "2", "hallucinated"),
    ]
