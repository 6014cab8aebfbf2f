"""What a report says without a truth, and by segment, day and document; through a real store."""

import json
import os
import tomllib

import pytest
from evaluate.spans import PRICES, START, add_labels, both, leg, store_of, summary
from support.cli import run_text

from shadow_mw.breakdown import Differences, Documents, ErrorRates
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store

DAY_NS = 86_400 * 10**9
MIDNIGHT = START // DAY_NS * DAY_NS + DAY_NS
TEXT = "ACME Ltd, 3 March 2018, invoice A-17, total 1,234.50, tax id 77-1234"


def asked(text, kind="text"):
    return json.dumps([{"role": "user", "parts": [{"type": kind, "content": text}]}])


def pair_of(pair, primary, candidate, text=TEXT, **more):
    said = [json.dumps(side) if isinstance(side, dict) else side for side in (primary, candidate)]
    asking = {"gen_ai__input__messages": asked(text)} if text else {}
    return [
        leg("primary", pair, said[0], **asking, **more),
        leg("candidate", pair, said[1], **more),
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def rows(path):
    with Store.open(path) as store:
        return store.query(
            "SELECT pair_id, paths.path, kind, grounded, n FROM divergences"
            " JOIN pairs ON pairs.id = pair JOIN observations o ON o.id = candidate_row"
            " JOIN paths ON paths.id = divergences.path ORDER BY 1, 2, 3, 4"
        )


def counted(path, field):
    found = summary(path).divergence.fields[field]
    return found.leaves, found.candidate_only, found.primary_only, found.different


def test_only_what_differs_is_stored_with_and_without_a_truth(path):
    right = {"total": "1,234.50", "tax_id": None, "rows": [{"q": 1}, {"q": 2}]}
    store_of(
        path,
        *pair_of("same", right, right),
        *pair_of(
            "order", right, {"rows": right["rows"][::-1], "tax_id": None, "total": "1,234.50"}
        ),
        *pair_of("invented", right, right | {"tax_id": "99-0000"}, shadow__key="k"),
        *pair_of("read", right, right | {"tax_id": "77 1234"}),
        *pair_of("wrong", right, right | {"total": "1,234.05"}),
        *pair_of("lost", right, {"rows": right["rows"]}),
        *pair_of(
            "rows", right, right | {"rows": [{"q": 2}, {"q": 9}, {"q": 2018, "note": "A-17"}]}
        ),
        *pair_of("prose", right, "I cannot read that."),
        *pair_of("list", "[1]", "[2]"),
        leg("primary", "failed", json.dumps(right)),
        leg("candidate", "failed", None, shadow__outcome="error"),
        labels=[("k", right)],
    )
    assert rows(path) == [
        ("invented", "tax_id", "candidate_only", 0, 1),
        ("lost", "total", "primary_only", 1, 1),
        ("read", "tax_id", "candidate_only", 1, 1),
        ("rows", "rows[].note", "candidate_only", 1, 1),
        ("rows", "rows[].q", "candidate_only", 1, 1),
        ("rows", "rows[].q", "different", 0, 1),
        ("wrong", "total", "different", 0, 1),
    ]
    found = summary(path).divergence
    assert (found.pairs, found.divergent) == (7, 5)
    assert list(found.fields) == ["tax_id", "rows[].q", "rows[].note", "total"]
    assert counted(path, "tax_id") == (7, Differences(2, 1, 1), Differences(), Differences())
    assert counted(path, "total") == (7, Differences(), Differences(1, 1, 0), Differences(1, 0, 1))
    assert counted(path, "rows[].q") == (
        15,
        Differences(1, 1, 0),
        Differences(),
        Differences(1, 0, 1),
    )


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("tax id 77-1234", "text", 1),
        ("no number at all", "text", 0),
        (None, "text", None),
        ("tax id 77-1234", "blob", None),
    ],
)
def test_where_the_request_is_not_all_text_nobody_can_say_what_is_in_it(path, text, kind, expected):
    legs = pair_of("p", {"tax_id": None}, {"tax_id": "77-1234"}, text=None)
    if text:
        legs = [
            leg("primary", "p", '{"tax_id": null}', gen_ai__input__messages=asked(text, kind)),
            legs[1],
        ]
    store_of(path, *legs)
    assert rows(path) == [("p", "tax_id", "candidate_only", expected, 1)]


def test_what_need_not_be_there_word_for_word_is_neither_in_it_nor_not(path):
    store_of(path, *pair_of("p", {"paid": None, "x.y": None}, {"paid": True, "x.y": {"z": "A-17"}}))
    assert rows(path) == [
        ("p", '"x.y".z', "candidate_only", 1, 1),
        ("p", "paid", "candidate_only", None, 1),
    ]
    assert counted(path, "paid")[:2] == (1, Differences(1, 0, 0))
    assert counted(path, '"x.y".z')[:2] == (1, Differences(1, 1, 0))


def test_pairs_without_a_truth_follow_other_rules_too(path, caplog):
    legs = pair_of("p", {"total": "1,234.50"}, {"total": "1234.5"}) + pair_of("same", {}, {})
    store_of(path, *legs)
    assert len(rows(path)) == 1
    rules = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "en"}})
    Evaluator.open(path, PRICES, Standards(rules)).shutdown()
    assert rows(path) == []
    assert "1 pairs are judged anew" in caplog.text
    assert summary(path).divergence.fields["total"].leaves == 1
    other = FieldJudge.declared({"total": {"normalise": "identifier"}})
    Evaluator.open(path, PRICES, Standards(other)).shutdown()
    assert len(rows(path)) == 1


def test_a_rolled_back_batch_takes_its_shapes_along(path, monkeypatch):
    evaluator = Evaluator.open(path, PRICES)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "set_waiting", lambda *_, **__: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            evaluator.export(pair_of("p", {"a": 1}, {"a": 2}))
    evaluator.export(pair_of("p", {"a": 1}, {"a": 2}))
    evaluator.shutdown()
    assert counted(path, "a")[3].n == 1


# How far the signs can be trusted


def test_labels_tell_how_often_each_sign_is_a_fault(path):
    truth = {"total": "1,234.50", "tax_id": None, "date": "3 March 2018"}
    blank = truth | {"total": None}
    wrong = {"total": "9.99", "tax_id": "99-0000", "date": "3 March 2018"}
    pairs = [
        (truth, wrong),
        (truth, truth | {"tax_id": "77-1234"}),
        (blank, truth),
        (wrong, truth),
        (wrong, truth | {"tax_id": "98-1111"}),
        (truth, blank),
        (truth, "no JSON"),
        (blank, blank),
    ]
    legs = [
        each
        for number, (ours, theirs) in enumerate(pairs)
        for each in pair_of(f"p{number}", ours, theirs, shadow__key=f"k{number}")
    ]
    store_of(path, *legs, *pair_of("unlabelled", truth, wrong))
    add_labels(path, *[(f"k{number}", truth) for number in range(len(pairs))])
    found = summary(path).divergence
    # 21 leaves of seven pairs: both lost the total of the last, and no sign shows that.
    assert found.hallucinated == ErrorRates(2, 1, 1, 17)
    assert found.missed == ErrorRates(1, 1, 1, 18)
    # p0: total and tax id; p1: the tax id is in the text; p2, p3: right, and there; p4: one each.
    assert found.wrong == ErrorRates(3, 1, 0, 3)


def test_without_labels_nothing_is_known_of_the_signs(path):
    store_of(path, *pair_of("p", {"a": None}, {"a": "x"}))
    found = summary(path).divergence
    assert found.hallucinated == found.missed == found.wrong == ErrorRates()


# Segments, days, documents


def test_parts_add_up_to_the_whole(path):
    truth = {"a": 1, "b": None}
    store_of(
        path,
        *both("p1", truth, truth, shadow__key="k", shadow__segment="de", start=MIDNIGHT - 1),
        *both("p2", truth, {"a": 2, "b": "X"}, shadow__key="k", shadow__segment="de"),
        *both(
            "p3", {"a": 1, "b": "Y"}, truth, shadow__key="k", shadow__segment="fr", start=MIDNIGHT
        ),
        *both("p4", truth, truth, start=MIDNIGHT + DAY_NS),
        leg("primary", "p5", "x", shadow__segment="fr"),
        leg("candidate", "p5", None, shadow__segment="xx", shadow__outcome="timeout"),
        labels=[("k", truth)],
    )
    found = summary(path)
    table = {
        name: (
            *(part.pairs, part.scored, part.leaves, part.nulls, part.matchable, part.matches),
            *(part.primary.correct, part.primary.hallucinated, part.primary.errors),
            *(part.candidate.correct, part.candidate.hallucinated, part.candidate.errors),
        )
        for name, part in found.segments.items()
    }
    assert table == {
        "": (1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0),
        "de": (2, 2, 4, 2, 2, 1, 4, 0, 0, 2, 1, 0),
        "fr": (2, 1, 2, 1, 2, 0, 1, 1, 0, 2, 0, 1),
    }
    assert [part.pairs for part in found.days.values()] == [3, 1, 1]
    assert list(found.days) == ["2026-09-21", "2026-09-22", "2026-09-23"]
    assert found.documents == Documents(3, 2, 2, 1, 1)
    assert found.metrics["field_accuracy"].candidate_count == 4


def test_a_truth_that_can_decide_nothing_is_no_document(path):
    rules = FieldJudge.declared({"note": {"normalise": "free_text"}})
    evaluator = Evaluator.open(path, PRICES, Standards(rules))
    evaluator.export(both("p", {"note": "one"}, {"note": "other"}, shadow__key="k"))
    evaluator.shutdown()
    add_labels(path, ("k", {"note": "third"}))
    found = summary(path)
    assert (found.funnel.scored, found.documents) == (1, Documents())


# The report


def run(path, *arguments, **variables):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SHADOW_")}
    env = clean | {"COLUMNS": "80"} | variables
    done = run_text(*arguments, cwd=path.parent, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_report_shows_what_needs_no_label(path):
    legs = [
        each
        for n in range(10)
        for each in pair_of(f"p{n}", {"tax_id": None, "a": 1}, {"tax_id": f"9{n}-{n}", "a": n % 2})
    ]
    store_of(path, *legs)
    shown = run(path, "report")
    lines = [line.split() for line in shown.splitlines()]
    assert ["tax_id", "10", "10", "0", "0", "0", "10"] in lines
    assert ["a", "0", "0", "0", "5", "5", "10"] in lines
    assert lines.index(["tax_id", "10", "10", "0", "0", "0", "10"]) < lines.index(
        ["a", "0", "0", "0", "5", "5", "10"]
    )
    assert "outputs differ in a field in 10 of 10 pairs with two JSON objects" in shown
    assert "by the labels" not in shown
    assert "segment" not in shown
    report = json.loads(run(path, "report", "--json"))
    assert report["divergence"]["fields"]["tax_id"] == {
        "leaves": 10,
        "candidate_only": {"n": 10, "grounded": 0, "ungrounded": 10},
        "primary_only": {"n": 0, "grounded": 0, "ungrounded": 0},
        "different": {"n": 0, "grounded": 0, "ungrounded": 0},
    }
    assert report["divergence"]["known"]["hallucinated"]["tpr"] is None


def test_the_segment_that_loses_most_clearly_comes_first_and_the_rest_is_counted(path):
    truth = {"a": 1, "b": None}
    legs = []
    for number in range(15):
        for each in range(2 if number == 7 else 1):
            said = {"a": 1, "b": "X"} if number == 7 else truth
            segment = f"s{number:02}"
            legs += both(f"p{number}-{each}", truth, said, shadow__key="k", shadow__segment=segment)
    legs += both("bad", truth, {"a": 2, "b": "X"}, shadow__key="k", shadow__segment="one \x1b[31m")
    store_of(path, *legs, labels=[("k", truth)])
    shown = run(path, "report")
    names = [line.split()[0] for line in shown.splitlines() if " → " in line and "%" in line]
    assert names == ["s07", "one", *[f"s{n:02}" for n in range(11) if n != 7]]
    assert "4 more segments with 4 pairs; --json has them all" in shown
    assert "documents with labels 17: all fields right by primary 17, candidate 14" in shown
    assert "\x1b" not in shown
    report = json.loads(run(path, "report", "--json"))
    assert report["segments"]["s07"]["candidate"] == {
        "field_accuracy": 0.5,
        "hallucination_rate": 1.0,
        "error_rate": 0.0,
        "correct": 2,
        "hallucinated": 2,
        "errors": 0,
    }
    assert report["documents"] == {
        "n": 17,
        "perfect": {"primary": 17, "candidate": 14},
        "hallucinated": {"primary": 0, "candidate": 3},
    }


def test_rules_are_suggested_from_the_requests_own_schemas(path):
    schema = {
        "type": "object",
        "properties": {
            "due": {"type": "string", "format": "date"},
            "rows": {"type": "array", "items": {"properties": {"q": {"type": ["number", "null"]}}}},
            'a "status"': {"enum": ["paid", "open", None]},
            "name": {"type": "string"},
            "total": {"type": "number"},
            "either": {"type": "number"},
        },
    }
    tool = {"name": "f", "parameters": {"properties": {"either": {"enum": ["x"]}}}}
    request = {
        "messages": [],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
        "tools": [{"type": "function", "function": tool}],
    }
    (path.parent / "shadow.toml").write_text('[fields.total]\nnormalise = "text"\n')
    rules = FieldJudge.declared({"total": {"normalise": "text"}})
    evaluator = Evaluator.open(path, PRICES, Standards(rules))
    evaluator.export([leg("primary", "p", "{}", shadow__request=json.dumps(request))])
    evaluator.export([leg("candidate", "p", "{}"), *both("q")])
    evaluator.shutdown()
    printed = tomllib.loads(run(path, "report", "--suggest-rules"))
    assert printed == {
        "fields": {
            '"a \\"status\\""': {"normalise": "enum", "values": ["paid", "open"]},
            "due": {"normalise": "date"},
            "rows[].q": {"normalise": "decimal"},
        }
    }
    FieldJudge.declared(printed["fields"])


def test_a_rule_that_meets_no_field_is_named(path):
    store_of(path, *pair_of("p", {"vendor": {"name": "A"}, "rows": []}, {"vendor": {"name": "B"}}))
    (path.parent / "shadow.toml").write_text(
        '[fields."vendor.nmae"]\nnormalise = "text"\n'
        '[fields."vendor.name"]\nnormalise = "text"\n'
        '[fields."rows"]\nlist = "ordered"\n[fields.later]\nnormalise = "text"\n'
    )
    truth = path.parent / "truth.jsonl"
    truth.write_text('{"key": "k", "truth": {"later": 1}}\n')
    run(path, "label", "truth.jsonl", SHADOW_CONFIG="shadow.toml")
    assert json.loads(run(path, "report", "--json"))["unused_rules"] == ["later", "vendor.nmae"]
    shown = run(path, "report")
    assert "rules for fields that neither a truth nor an output has: later, vendor.nmae" in shown
