"""What a pair has of its legs and its judgement is what their own tables have, come what may."""

import json
import random

import pytest
from evaluate.spans import PRICES, add_labels, both, leg, store_of, summary

from shadow_mw.evaluate import tables
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.harm import RANKS
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.evaluate.tables import migrations
from shadow_mw.evaluate.tables.pair_facts import FACTS
from shadow_mw.harms import Harm

NO = "I'm sorry, but I can't help with that."
TEXT = json.dumps(
    [{"role": "user", "parts": [{"type": "text", "content": "Total 9.00, dated 2026-01-02."}]}]
)
HARMS = {
    Harm.HALLUCINATED: (
        ('{"a": 1, "b": null}', '{"a": 1, "b": 2}', {"a": 1, "b": None}),
        ('{"total": "9.00", "id": null}', '{"total": "9.00", "id": "DE1"}', None),
    ),
    Harm.NEW_REFUSAL: (
        ("The text.", NO, None),
        ("The text.", "", None),
    ),
    Harm.INVALID_JSON: (('{"a": 1}', '{"a": 1', {"a": 1}),),
    Harm.WRONG_VALUE: (
        ('{"a": 1}', '{"a": 2}', {"a": 1}),
        ('{"a": null}', '{"a": "N/A"}', {"a": None}),
        ('{"total": "9.00"}', '{"total": "8.00"}', None),
    ),
    Harm.MISSED: (
        ('{"a": 1}', '{"a": null}', {"a": 1}),
        ('{"total": "9.00"}', '{"total": null}', None),
    ),
    Harm.DIFFERS: (
        # Both wrong, in other ways; both made something up; the candidate found what is there.
        ('{"a": 2}', '{"a": 3}', {"a": 1}),
        ('{"a": 2}', '{"a": 3}', {"a": None}),
        ('{"a": 2}', '{"a": 1}', {"a": 1}),
        ('{"total": null}', '{"total": "9.00"}', None),
        ("One text.", "Another text.", None),
    ),
    Harm.SAME: (
        ("One text.", "One text.", None),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', None),
        ('{"a": 2}', '{"a": 2}', {"a": None}),
    ),
}
CASES = [(harm, *case) for harm, cases in HARMS.items() for case in cases]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def harms(path):
    with Store.open(path) as store:
        rows = store.query("SELECT harm FROM pairs ORDER BY id")
    return [harm for (harm,) in rows]


@pytest.mark.parametrize(("expected", "ours", "theirs", "truth"), CASES)
def test_what_is_worst_about_a_pair(path, expected, ours, theirs, truth):
    more = {"gen_ai__input__messages": TEXT, "shadow__key": "k"}
    store_of(path, *both("p1", ours, theirs, **more), labels=[("k", truth)] if truth else ())
    assert harms(path) == [RANKS[expected]]


def test_failures_and_pairs_that_do_not_compare(path):
    store_of(
        path,
        leg("primary", "p1", "A text."),
        leg("candidate", "p1", None, shadow__outcome="timeout"),
        leg("primary", "p2", None, shadow__outcome="error"),
        leg("candidate", "p2", "A text."),
        *both("p3", "One", "Another", shadow__content__truncated=True),
    )
    assert harms(path) == [RANKS[Harm.NEW_REFUSAL], None, None]


def test_pairs_of_before_get_the_same_rank_where_it_needs_no_sign(path):
    labelled = [case for case in CASES if case[-1]] + [case for case in CASES if "text" in case[1]]
    for number, (_, ours, theirs, truth) in enumerate(labelled):
        legs = both(f"p{number}", ours, theirs, shadow__key=f"k{number}")
        store_of(path, *legs, labels=[(f"k{number}", truth)] if truth else ())
    known = harms(path)
    assert len(known) > 10
    with Store.open(path) as store:
        store.write("UPDATE pairs SET harm = NULL", [()])
        store.write(migrations.HARM.rstrip().rstrip(";"), [()])
    assert harms(path) == known


OF_LEGS = f"""
SELECT pairs.id, {", ".join(value for _, value in FACTS.values())}
FROM pairs JOIN observations p ON p.id = primary_row JOIN observations c ON c.id = candidate_row
"""


def random_legs(rng, number):
    pair = f"p{number}"
    start = 1_790_000_000_000_000_000 + rng.randrange(10**15)
    common = {
        "start": start,
        "shadow__segment": rng.choice([None, "a", "b"]),
        "shadow__session": rng.choice([None, "s", f"s{number}"]),
        "shadow__key": f"k{number % 7}",
        "shadow__sample_rate": rng.choice([None, 0.5]),
    }
    legs = []
    for role in ("primary", "candidate"):
        outcome = rng.choices(["ok", "error", "timeout", "cancelled"], [7, 1, 1, 1])[0]
        output = rng.choice(['{"a": 1}', '{"a": 2, "b": 3}', '{"a": null}', "{", "A text.", NO])
        more = {"shadow__outcome": outcome, "gen_ai__request__model": rng.choice(["big", "odd"])}
        if rng.random() < 0.1:
            more["shadow__partial"] = True
        ms = rng.uniform(1, 900)
        legs.append(leg(role, pair, output if outcome == "ok" else None, ms=ms, **common, **more))
    rng.shuffle(legs)
    return legs


def consistent(path):
    with Store.open(path) as store:
        names = ", ".join(FACTS)
        facts = store.query(f"SELECT id, {names} FROM pairs ORDER BY id")
        assert facts == store.query(f"{OF_LEGS} ORDER BY pairs.id")
        judged = store.query(f"SELECT id, harm, {', '.join(tables.DOCUMENT)} FROM pairs")
    return judged


def test_facts_and_sums_are_those_of_a_store_that_was_written_at_once(tmp_path, path):
    """Whatever came in between: legs in any order, labels replaced, other rules, judging anew."""
    rng = random.Random(7)
    legs = [one for number in range(60) for one in random_legs(rng, number)]
    rng.shuffle(legs)
    truths = [{"a": 1, "b": None}, {"a": None}, {"a": 2}]
    rules = FieldJudge.declared({"a": {"normalise": "enum", "values": ("1",)}})
    final = {f"k{number}": truths[0] for number in range(5)}
    for start in range(0, len(legs), 12):
        evaluator = Evaluator.open(path, PRICES, Standards(rng.choice([FieldJudge(), rules])))
        assert evaluator.export(legs[start : start + 12]).name == "SUCCESS"
        evaluator.shutdown()
        add_labels(path, (f"k{rng.randrange(5)}", rng.choice(truths)))
        consistent(path)
    add_labels(path, *final.items())
    judged = consistent(path)

    ordered = sorted(legs, key=lambda one: one.attributes["shadow.pair.id"])
    fresh = store_of(tmp_path / "fresh.db", *ordered, labels=list(final.items()))
    assert by_pair(fresh) == by_pair(path)
    assert len(judged) == 60
    one, other = summary(path), summary(fresh)
    assert one.metrics == other.metrics
    assert (one.fields, one.checks, one.segments) == (other.fields, other.checks, other.segments)
    assert (one.days, one.primary, one.funnel) == (other.days, other.primary, other.funnel)


def by_pair(path):
    columns = ", ".join(f"pairs.{name}" for name in ("harm", *tables.DOCUMENT))
    with Store.open(path) as store:
        rows = store.query(
            f"SELECT pair_id, {columns} FROM pairs JOIN observations c ON c.id = candidate_row"
        )
    return {pair_id: values for pair_id, *values in rows}
