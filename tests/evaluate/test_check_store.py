"""Results of checks in the store, in a summary and in a report."""

import io
import json
import sqlite3

import pytest
from evaluate.spans import PRICES, add_labels, both, leg, store_of, summary
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from shadow_mw.comparisons import CheckCounts, Spread
from shadow_mw.evaluate import tables
from shadow_mw.evaluate.checks import check_counts
from shadow_mw.evaluate.checks import run as checks
from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.faults import unchecked
from shadow_mw.evaluate.judgement import Judgement
from shadow_mw.evaluate.percentiles import percentile
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.evaluate.tables.pair_facts import FACTS
from shadow_mw.report.as_json import as_json
from shadow_mw.report.terminal import show
from shadow_mw.results import Series

NO = "I'm sorry, but I can't help with that."
YES = "The shop opens at nine o'clock and closes at six, but not on Sundays."
TOOLS = {
    "messages": [],
    "tools": [{"name": "find", "input_schema": {"type": "object"}}, {"name": "buy"}],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def shown(found):
    console = Console(width=80, file=io.StringIO())
    show(found, console)
    return console.file.getvalue()


def called(role, pair, *calls):
    asked = {"shadow__request": json.dumps(TOOLS)} if role == "primary" else {}
    return leg(role, pair, None, tools=calls, **asked)


def test_rates_and_paired_counts(path):
    store_of(
        path,
        *both("p1", YES, YES),
        *both("p2", YES, NO),
        *both("p3", NO, NO),
        *both("p4", NO, YES),
        *both("p5", YES, NO),
    )
    assert summary(path).checks["refusal"] == CheckCounts(
        n=5,
        primary=0.4,
        candidate=0.6,
        higher=2,
        lower=1,
        spread=None,
        labels={
            "answered/refused": 2,
            "answered/answered": 1,
            "refused/answered": 1,
            "refused/refused": 1,
        },
    )


def test_new_and_lost_refusals_are_named_and_have_no_rate(path):
    store_of(path, *both("p1", YES, NO), *both("p2", YES, NO), *both("p3", NO, YES))
    text = " ".join(shown(summary(path)).split())
    assert "refused or blocked 1 2 2 1 3" in text
    assert "refusals: new 2 (answered/refused 2), lost 1 (refused/answered 1)" in text


def test_where_both_do_the_same_no_refusal_is_named(path):
    store_of(path, *both("p1", YES, YES), *both("p2", NO, NO))
    assert "refusals:" not in shown(summary(path))


def test_a_value_that_compares_has_a_spread(path):
    sizes = [50, 100, 100, 100, 400]
    legs = [both(f"p{n}", "a" * 100, "a" * size) for n, size in enumerate(sizes)]
    store_of(path, *(one for pair in legs for one in pair))
    found = summary(path).checks["length"]
    assert (found.primary, found.candidate, found.spread) == (None, 1.5, Spread(0.5, 1, 4))
    assert found.labels == {"within": 4, "longer": 1}


def test_the_ladder_is_counted(path):
    store_of(
        path,
        *(called(role, "p1", ("find", {})) for role in ("primary", "candidate")),
        called("primary", "p2", ("find", {"a": 1})),
        called("candidate", "p2", ("find", {"a": True})),
        called("primary", "p3", ("find", {})),
        called("candidate", "p3", ("sell", {})),
    )
    found = summary(path).checks
    assert found["tool_calls"].labels == {"identical": 1, "other_arguments": 1, "not_offered": 1}
    assert (found["invalid_tool_call"].primary, found["invalid_tool_call"].higher) == (0, 1)
    with Store.open(path) as store:
        details = store.query("SELECT detail FROM check_results WHERE detail IS NOT NULL")
    assert details == [("find.a",)]


def test_judging_anew_replaces_results(path):
    store_of(path, *both("p1", "yes", '{"a": 1}', shadow__key="k"))
    assert summary(path).checks["json"].n == 1
    before = summary(path).checks
    for truth in ({"a": 1}, {"a": 2}):
        add_labels(path, ("k", truth))
        assert summary(path).checks == before


def test_pairs_that_do_not_compare_have_no_results(path):
    store_of(path, *both("p1", shadow__content__truncated=True))
    assert summary(path).checks == {}


def test_each_series_has_its_own(path):
    other = leg("candidate", output=NO, shadow__candidate__id="d")
    store_of(path, *both("p1", YES, YES), other)
    assert summary(path, candidate="c").checks["refusal"].candidate == 0
    assert summary(path, candidate="d").checks["refusal"].candidate == 1


class Raises:
    """Somebody's check with a bug that only some pairs meet."""

    name = "acme.raises"

    def run(self, case):
        return CheckResult(self.name, None, 250 / len(case.candidate.text.split("x")[1]), "fine")


def test_an_own_check_that_raises_stops_nothing_and_is_counted(path, monkeypatch, caplog):
    both_kinds = (*checks.built_in(), Raises())
    monkeypatch.setattr(checks, "all_checks", lambda: both_kinds)
    monkeypatch.setattr(checks, "_said", set())
    store_of(path, *both("p1", YES, "no"), *both("p2", YES, "1x1"), *both("p3", YES, "x"))
    found = summary(path)
    assert found.funnel.paired == 3
    assert found.checks["empty"].n == 3
    own = found.checks["acme.raises"]
    assert (own.n, own.candidate, own.errors) == (1, 250, 2)
    assert set(own.reasons) == {"IndexError", "ZeroDivisionError"}
    text = " ".join(shown(found).split())
    assert "acme.raises 250.00 1" in text
    assert "acme.raises: failed on 2 pairs (" in text
    assert len(caplog.records) == 1


def test_a_check_that_lacks_something_says_so_once_in_the_report(path):
    wanted = {"messages": [], "guided_json": {"type": "nonsense"}}
    legs = [leg("primary", f"p{n}", "{}", shadow__request=json.dumps(wanted)) for n in range(3)]
    store_of(path, *legs, *(leg("candidate", f"p{n}", "{}") for n in range(3)))
    found = summary(path)
    assert (found.checks["schema"].n, found.checks["schema"].not_run) == (0, 3)
    text = " ".join(shown(found).split())
    assert text.count("follows the schema: not run on 3 pairs (the request's schema cannot") == 1
    with Store.open(path) as store:
        evidence = gather(store, Series("e", "c"))
        assert evidence.unchecked == {"schema_invalid": 3}
        assert unchecked(store, ("e", "c"), "id = 1") == {"schema_invalid": 1}


def test_the_report_as_json_and_for_people(path):
    store_of(path, *both("p1", YES, NO))
    report = as_json(summary(path))
    assert report["checks"]["refusal"] == {
        "n": 1,
        "primary": 0,
        "candidate": 1,
        "higher": 1,
        "lower": 0,
        "spread": None,
        "labels": {"answered/refused": 1},
        "errors": 0,
        "not_run": 0,
        "reasons": (),
    }
    json.dumps(report, allow_nan=False)
    text = " ".join(shown(summary(path)).split())
    assert "refused or blocked 0 1 1 0 1" in text
    assert "length ratio 0.55 (0.55-0.55) 1" in text


def test_a_store_of_version_2_goes_on(path):
    store_of(path, *both("p1", YES, NO, shadow__key="k"))
    connection = sqlite3.connect(path)
    later = connection.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql NOT NULL"
        " AND name NOT IN ('pairs_key', 'pairs_stale', 'pairs_unpublished', 'fields_outcomes')"
    ).fetchall()
    for kind, name in later:
        connection.execute(f"DROP {kind} {name}")
    connection.execute("CREATE INDEX pairs_series ON pairs (series)")
    for column in (*tables.DOCUMENT, *FACTS, "shape", "harm"):
        connection.execute(f"ALTER TABLE pairs DROP COLUMN {column}")
    kept = {"series", "observations", "payloads", "pairs", "paths", "fields", "truth", "funnel"}
    every = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in every:
        if table not in kept | {"waiting", "gauges"}:
            connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    assert summary(path).checks == {}
    evaluator = Evaluator.open(path, PRICES)
    evaluator.export(both("p2", YES, YES))
    evaluator.shutdown()
    assert summary(path).checks["refusal"].n == 1
    add_labels(path, ("k", {"a": 1}))
    assert summary(path).checks["refusal"].n == 2
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (tables.VERSION,)
    connection.close()


@given(
    st.lists(st.sampled_from([0.1, 0.5, 0.99, 1.0, 2.5]), min_size=1, max_size=50),
    st.integers(1, 100),
)
def test_percentiles_of_counted_values_are_those_of_the_values(values, percent):
    counted = check_counts.Counter(values)
    assert check_counts._percentile(counted, percent) == percentile(sorted(values), percent)


def test_what_was_rolled_back_leaves_no_number_behind(path):
    store_of(path, *both("p1", YES, YES), *both("p2", YES, YES))
    first, second = CheckResult("x", None, 1.0, "first"), CheckResult("x", None, 2.0, "second")

    def saved_and_lost(store):
        with store.transaction():
            store.save(1, Judgement(results=[first]))
            raise KeyError

    with Store.open(path) as store:
        with pytest.raises(KeyError):
            saved_and_lost(store)
        with store.transaction():
            store.save(1, Judgement(results=[second]))
        with store.transaction():
            store.save(2, Judgement(results=[first, second]))
    assert summary(path).checks["x"].labels == {"second": 2, "first": 1}


def asked(pair, limit):
    body = json.dumps({"messages": [], "max_tokens": limit})
    return [leg("primary", pair, YES, shadow__request=body), leg("candidate", pair, YES)]


def test_what_fits_a_candidates_context(path):
    """1,000 tokens of prompt; each candidate has a context of its own."""
    evaluator = Evaluator.open(path, PRICES, Standards(contexts={"c": 1500, "other": 10}))
    evaluator.export([*asked("p1", 500), *asked("p2", 501)])
    evaluator.shutdown()
    assert summary(path).checks["prompt_tokens"].labels == {"fits": 1, "overflow": 1}

    # Who says nothing judges by what the store was told.
    store_of(path, *asked("p3", 500))
    assert summary(path).checks["prompt_tokens"].labels == {"fits": 2, "overflow": 1}

    # What is told anew counts for pairs that are there, of this candidate alone.
    store_of(path, *both("p4", YES, YES, shadow__candidate__id="other"))
    Evaluator.open(path, PRICES, Standards(contexts={"c": 1501})).shutdown()
    assert summary(path, candidate="c").checks["prompt_tokens"].labels == {"fits": 3}
    assert summary(path, candidate="other").checks["prompt_tokens"].labels == {"overflow": 1}
