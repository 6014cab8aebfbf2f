"""From spans to a summary, through a real SQLite file."""

import itertools
import logging
import math
import sqlite3
import threading

import pytest
from evaluate.spans import PRICES, add_labels, both, leg, span, store_of, summary
from opentelemetry.sdk.trace.export import SpanExportResult

from shadow_mw import semconv
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.exceptions import DataError

TRUTH = {"total": "9.00", "tax_id": None}
RIGHT = {"total": "9.00", "tax_id": None}
INVENTED = {"total": "9.00", "tax_id": "X-1"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def metric(path, name, **choice):
    found = summary(path, **choice).metrics[name]
    return found.primary, found.candidate, found.n


# Ingest and pairing


def test_legs_pair_in_any_order_batching_and_number(path):
    legs = both("p1") + both("p2")
    for order in itertools.permutations(legs):
        target = path.with_name("".join(s.attributes[semconv.PAIR_ID] + s.name for s in order))
        target = target.with_suffix(f".{abs(hash(order))}")
        evaluator = Evaluator.open(target, PRICES)
        for one in [*order, *order]:
            assert evaluator.export([one]) is SpanExportResult.SUCCESS
        evaluator.shutdown()
        assert summary(target).funnel.paired == 2


def test_the_first_of_two_candidate_calls_for_a_pair_stays(path):
    first, second = leg("candidate", output="yes"), leg("candidate", output="no", ms=999)
    store_of(path, first, leg("primary", output="yes"), second)
    assert metric(path, "latency_p50_ms") == (100, 100, 1)
    assert metric(path, "exact_match") == (None, 1, 1)


def test_one_primary_leg_serves_several_candidates(path):
    other = leg("candidate", output="no", shadow__candidate__id="d")
    store_of(path, *both(), other)
    assert metric(path, "exact_match", candidate="c")[1] == 1
    assert metric(path, "exact_match", candidate="d")[1] == 0


def test_spans_that_are_no_leg_are_ignored(path):
    judge = leg("primary", shadow__role="judge")
    nobody = span({"http.method": "GET"})
    store_of(path, judge, nobody, span({semconv.ROLE: "primary"}))
    assert summary(path).series is None


def test_nothing_a_span_holds_can_stop_the_others(path):
    odd = both(
        "odd",
        "\ud800",
        gen_ai__usage__input_tokens=2**63 - 1,
        gen_ai__usage__output_tokens=-5,
        gen_ai__response__time_to_first_chunk="soon",
        shadow__key="\x00",
    )
    deep = leg("candidate", "deep", gen_ai__output__messages="[" * 100_000)
    list_of = leg("candidate", "list", gen_ai__output__messages='[[], 1, {"parts": [3]}]')
    store_of(path, *odd, leg("primary", "deep"), deep, leg("primary", "list"), list_of, *both())
    assert summary(path).funnel.paired == 4


def test_a_failing_disk_is_a_failure_logged_once(path, caplog):
    evaluator = Evaluator.open(path, PRICES)
    evaluator.shutdown()
    with caplog.at_level(logging.ERROR):
        assert evaluator.export(both()) is SpanExportResult.FAILURE
        assert evaluator.export(both()) is SpanExportResult.FAILURE
        assert not evaluator.record_funnel("e", "c", "runner:1", {"mirrored": 1})
    assert len(caplog.records) == 1


def test_a_batch_is_stored_whole_or_not_at_all(path, monkeypatch):
    evaluator = Evaluator.open(path, PRICES)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "add_pairs", lambda *_: (_ for _ in ()).throw(sqlite3.Error("full")))
        assert evaluator.export(both()) is SpanExportResult.FAILURE
    assert summary(path).series is None
    assert evaluator.export(both()) is SpanExportResult.SUCCESS
    evaluator.shutdown()
    assert summary(path).funnel.paired == 1


def test_threads_and_a_second_process_may_write_at_once(path):
    evaluators = [Evaluator.open(path, PRICES) for _ in range(2)]
    batches = [both(f"p{n}") for n in range(20)]

    def export(number):
        for batch in batches[number::4]:
            assert evaluators[number % 2].export(batch) is SpanExportResult.SUCCESS

    threads = [threading.Thread(target=export, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for evaluator in evaluators:
        evaluator.shutdown()
    assert summary(path).funnel.paired == 20


# Truth and fields


def test_truth_may_come_before_the_pair_after_it_or_be_corrected(path):
    store_of(path, *both("p1", RIGHT, INVENTED, shadow__key="k1"))
    assert metric(path, "hallucination_rate") == (None, None, 0)
    result = add_labels(path, ("k1", TRUTH), ("k2", TRUTH))
    assert (result.stored, result.scored, result.unmatched) == (2, 1, 1)
    assert metric(path, "hallucination_rate") == (0, 1, 1)
    store_of(path, *both("p2", RIGHT, RIGHT, shadow__key="k2"))
    assert metric(path, "hallucination_rate") == (0, 0.5, 2)
    assert add_labels(path, ("k1", {"tax_id": "X-1"})).scored == 1
    assert metric(path, "hallucination_rate") == (0, 0, 1)
    assert metric(path, "field_accuracy") == (2 / 3, 1, 3)
    assert summary(path).funnel.scored == 2


def test_a_key_may_have_several_pairs(path):
    store_of(path, *both("p1", RIGHT, RIGHT, shadow__key="k"), *both("p2", shadow__key="k"))
    assert add_labels(path, ("k", TRUTH)).scored == 2


def test_truth_is_redacted_as_outputs_are(path):
    from shadow_mw.evaluate.pipeline import label
    from shadow_mw.results import Label

    def redact(value):
        return "<email:1>" if isinstance(value, str) else {"mail": "<email:1>"}

    stored = {"mail": "<email:1>"}
    store_of(path, *both("p1", stored, stored, shadow__key="<email:1>"))
    with Store.open(path) as store:
        label(store, [Label("a@b.c", {"mail": "a@b.c"})], redact)
    assert metric(path, "field_accuracy") == (1, 1, 1)


def test_a_crash_earns_no_correct_nulls(path):
    failed = leg("candidate", output=None, shadow__outcome="error", shadow__key="k")
    store_of(path, leg("primary", output=RIGHT, shadow__key="k"), failed, labels=[("k", TRUTH)])
    assert metric(path, "field_accuracy") == (1, 0, 2)
    assert metric(path, "hallucination_rate") == (0, 0, 1)
    assert summary(path).fields["tax_id"].candidate["invalid_output"] == 1


@pytest.mark.parametrize("text", ["", "```json\n{}\n```", '{"total": NaN}', '{"a":1,"a":1}', "[]"])
def test_what_is_no_strict_object_is_invalid_output(path, text):
    legs = both("p", RIGHT, text, shadow__key="k")
    store_of(path, *legs, labels=[("k", TRUTH)])
    assert summary(path).fields["total"].candidate["invalid_output"] == 1


def test_the_arguments_of_a_single_tool_call_are_the_output(path):
    store_of(
        path,
        leg("primary", output=RIGHT, shadow__key="k"),
        leg("candidate", output=None, tools=[("extract", INVENTED)], shadow__key="k"),
        labels=[("k", TRUTH)],
    )
    assert metric(path, "hallucination_rate") == (0, 1, 1)
    assert metric(path, "json_valid") == (1, 1, 1)


def test_a_partial_primary_and_a_truncated_pair_are_counted_and_not_compared(path):
    right = {"shadow__key": "k"}
    partial = [
        leg("primary", "a", RIGHT, shadow__partial=True, shadow__outcome="cancelled", **right),
        leg("candidate", "a", INVENTED, ms=900, **right),
    ]
    cut = both("b", RIGHT, INVENTED, shadow__content__truncated=True, ms=900, **right)
    store_of(path, *partial, *cut, *both("c", RIGHT, RIGHT, **right), labels=[("k", TRUTH)])
    found = summary(path)
    assert found.funnel.reasons == {"primary_partial": 1, "content_truncated": 1}
    assert (found.funnel.paired, found.funnel.scored) == (3, 1)
    for name in ("latency_p99_ms", "exact_match", "json_valid", "hallucination_rate"):
        assert found.metrics[name].n == 1
    assert found.metrics["latency_p99_ms"].candidate == 100


def test_embeddings_are_compared_by_latency_usage_and_errors_only(path):
    more = {"gen_ai__operation__name": "embeddings", "shadow__key": "k"}
    store_of(path, *both("p", None, None, **more), labels=[("k", TRUTH)])
    found = summary(path)
    assert found.metrics["latency_p50_ms"].n == found.metrics["cost_per_1k_usd"].n == 1
    assert found.metrics["exact_match"].n == found.metrics["json_valid"].n == 0
    assert found.funnel.scored == 0


@pytest.mark.parametrize("truncated", [None, True])
def test_without_content_two_silences_are_no_agreement_but_take_their_time(path, truncated):
    nothing = {"gen_ai__output__messages": None, "shadow__request": None, "shadow__key": "k"}
    store_of(
        path, *both("p", **nothing, shadow__content__truncated=truncated), labels=[("k", TRUTH)]
    )
    assert metric(path, "exact_match") == (None, None, 0)
    assert metric(path, "latency_p50_ms") == (100, 100, 1)
    assert summary(path).funnel.scored == 0


# Checks


@pytest.mark.parametrize(
    ("primary", "candidate", "same"),
    [
        ({"output": " yes\n"}, {"output": "yes"}, 1),
        ({"output": "yes"}, {"output": "Yes"}, 0),
        ({"tools": [("f", {"a": 1, "b": 2})]}, {"tools": [("f", '{"b": 2, "a": 1.0}')]}, 1),
        ({"tools": [("f", {"a": 1})]}, {"tools": [("f", {"a": True})]}, 0),
        ({"tools": [("f", {}), ("g", {})]}, {"tools": [("g", ""), ("f", "{}")]}, 1),
        ({"tools": [("f", {}), ("f", {})]}, {"tools": [("f", {})]}, 0),
        ({"tools": [("f", "{")]}, {"tools": [("f", "{")]}, 1),
        ({"output": "yes"}, {"output": "yes", "shadow__outcome": "error"}, 0),
        ({"output": "yes", "shadow__outcome": "error"}, {"output": "yes"}, None),
    ],
)
def test_exact_match(path, primary, candidate, same):
    store_of(path, leg("primary", **primary), leg("candidate", **candidate))
    assert metric(path, "exact_match") == (None, same, 0 if same is None else 1)


def test_json_is_judged_where_it_is_expected(path):
    store_of(
        path,
        *both("asked", "{}", "{} and more", shadow__expects_json=True),
        *both("shown", "[1]", "no"),
        *both("prose", "yes", "no"),
        *both("failed", "{}", "{}", shadow__outcome="error", shadow__expects_json=True),
        *both("truth", "no", "{}", shadow__key="k"),
        labels=[("k", TRUTH)],
    )
    assert metric(path, "json_valid") == (0.5, 0.25, 4)


# Metrics


def test_percentiles_are_nearest_ranks_and_failures_are_infinite(path):
    spans = [s for n in range(1, 19) for s in both(f"p{n}", ms=float(n))]
    for n, outcome in ((19, "error"), (20, "timeout")):
        spans += [leg("primary", f"p{n}", "x", ms=float(n))]
        spans += [leg("candidate", f"p{n}", None, ms=1.0, shadow__outcome=outcome)]
    store_of(path, *spans)
    assert metric(path, "latency_p50_ms") == (10, 10, 20)
    assert metric(path, "latency_p95_ms") == (19, math.inf, 20)
    assert summary(path).metrics["latency_p95_ms"].delta is None
    assert metric(path, "error_rate") == (0, 0.1, 20)


def test_first_tokens_are_compared_where_both_streamed(path):
    first = {"gen_ai__response__time_to_first_chunk": 0.25}
    store_of(
        path,
        *both("a", **first),
        *both("b"),
        leg("primary", "c", "x", **first),
        leg("candidate", "c", None, shadow__outcome="timeout"),
    )
    assert metric(path, "ttft_p50_ms") == (250, 250, 2)


def test_cost_is_over_pairs_with_both_legs_priced(path):
    unknown = {"gen_ai__request__model": "nobody-knows"}
    silent = {"gen_ai__usage__input_tokens": None, "shadow__outcome": "error"}
    store_of(
        path,
        *both("a"),
        leg("primary", "b", "x"),
        leg("candidate", "b", "x", **unknown),
        leg("primary", "c", "x"),
        leg("candidate", "c", None, **silent),
    )
    primary, candidate, n = metric(path, "cost_per_1k_usd")
    assert (primary, candidate, n) == (pytest.approx(1.2), pytest.approx(0.12), 1)
    assert summary(path).candidate.unpriced == 2


def test_without_any_price_the_cost_is_unknown(path):
    store_of(path, *both(gen_ai__request__model="nobody-knows"))
    assert metric(path, "cost_per_1k_usd") == (None, None, 0)


def test_a_price_may_be_known_under_the_response_model(path):
    store_of(path, *both(gen_ai__request__model="alias", gen_ai__response__model="big"))
    assert metric(path, "cost_per_1k_usd") == (pytest.approx(1.2), pytest.approx(1.2), 1)


# Funnel and choice


def test_the_funnel_adds_up_absolute_counters(path):
    evaluator = Evaluator.open(path, PRICES)
    evaluator.record_funnel("e", "", "app:h:1:0", {"captured": 3, "not_sampled": 1, "off": 0})
    evaluator.record_funnel("e", "", "app:h:1:0", {"captured": 5, "not_sampled": 2})
    evaluator.record_funnel("e", "", "app:h:2:0", {"captured": 4})
    evaluator.record_funnel("e", "c", "runner:x", {"mirrored": 6, "candidate_timeout": 1})
    evaluator.record_funnel("e", "d", "runner:x", {"mirrored": 100})
    evaluator.record_funnel("f", "", "app:h:1:0", {"captured": 100})
    evaluator.export(both())
    evaluator.shutdown()
    funnel = summary(path, experiment="e", candidate="c").funnel
    assert (funnel.captured, funnel.mirrored, funnel.paired, funnel.scored) == (9, 6, 1, 0)
    assert funnel.reasons == {"not_sampled": 2, "candidate_timeout": 1}


def test_without_counters_the_candidate_legs_count(path):
    failure = {"shadow__outcome": "timeout", "shadow__reason": "candidate_timeout"}
    store_of(path, *both("a"), leg("candidate", "b", None, **failure))
    funnel = summary(path).funnel
    assert (funnel.captured, funnel.mirrored, funnel.paired) == (2, 2, 1)
    assert funnel.reasons == {"candidate_timeout": 1, "leg_awaited": 1}


def test_counters_alone_make_a_funnel(path):
    evaluator = Evaluator.open(path, PRICES)
    evaluator.record_funnel("e", "", "app:h:1:0", {"captured": 3, "not_sampled": 3})
    evaluator.shutdown()
    found = summary(path)
    assert (found.series.experiment, found.series.candidate) == ("e", "")
    assert found.funnel.captured == 3


def test_the_newest_data_is_chosen_and_the_others_are_named(path):
    store_of(path, *both("a", experiment="old"), *both("b", experiment="new", start=2 * 10**18))
    found = summary(path)
    assert found.series.experiment == "new"
    assert [other.experiment for other in found.others] == ["old"]
    assert summary(path, experiment="old").others == ()
    with pytest.raises(DataError, match=r"no data of candidate 'x'; it has new/c, old/c"):
        summary(path, candidate="x")


def test_declared_rules_judge_fields_and_other_rules_judge_them_anew(tmp_path):
    path = tmp_path / "shadow.db"
    legs = both("p1", '{"total": "1.234,50"}', '{"total": "1234.5"}', shadow__key="k")
    store_of(path, *legs, labels=[("k", {"total": "1234.50"})])
    assert summary(path).metrics["field_accuracy"].candidate == 0

    german = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "de"}})
    Evaluator.open(path, PRICES, Standards(german)).shutdown()
    assert summary(path).metrics["field_accuracy"].primary == 0

    english = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "en"}})
    Evaluator.open(path, PRICES, Standards(english)).shutdown()
    found = summary(path).metrics["field_accuracy"]
    assert (found.primary, found.candidate) == (0, 1)


def test_what_became_of_the_primarys_correct_nulls(path):
    store_of(
        path,
        *both("p1", RIGHT, RIGHT, shadow__key="k"),
        *both("p2", RIGHT, INVENTED, shadow__key="k"),
        *both("p3", INVENTED, RIGHT, shadow__key="k"),
        labels=[("k", TRUTH)],
    )
    found = summary(path).transitions
    assert {o: n for o, n in found["correct_null"].items() if n} == {
        "correct_null": 1,
        "hallucinated": 1,
    }
    assert found["hallucinated"]["correct_null"] == 1
    assert sum(n for row in found.values() for n in row.values()) == 6


def test_who_declares_no_rules_judges_by_the_stores(tmp_path):
    path = tmp_path / "shadow.db"
    german = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "de"}})
    running = Evaluator.open(path, PRICES, Standards(german))
    answers = {"total": "1.234,50"}, {"total": "9"}
    running.export(both("p1", *answers, shadow__key="k"))
    add_labels(path, ("k", {"total": "1234,5"}))
    running.export(both("p2", *answers, shadow__key="k"))
    running.shutdown()
    assert metric(path, "field_accuracy") == (1, 0, 2)


def test_a_running_evaluator_follows_rules_that_another_process_declares(tmp_path):
    path = tmp_path / "shadow.db"
    running = Evaluator.open(path, PRICES)
    german = FieldJudge.declared({"total": {"normalise": "decimal", "locale": "de"}})
    Evaluator.open(path, PRICES, Standards(german)).shutdown()
    running.export(both("p1", {"total": "1.234,50"}, {"total": "9"}, shadow__key="k"))
    running.shutdown()
    add_labels(path, ("k", {"total": "1234,5"}))
    assert metric(path, "field_accuracy") == (1, 0, 1)


def test_a_store_that_was_removed_is_made_anew(tmp_path):
    path = tmp_path / "shadow.db"
    running = Evaluator.open(path, PRICES)
    running.export(both("p1", RIGHT, RIGHT))
    path.unlink()
    assert running.export(both("p2", RIGHT, RIGHT)) is SpanExportResult.SUCCESS
    running.shutdown()
    assert summary(path).funnel.paired == 1


def test_a_commit_that_fails_leaves_nothing_behind(path):
    with Store.open(path, create=True) as store:
        store.query("PRAGMA foreign_keys = ON")

        def store_a_payload_of_nothing():
            with store.transaction():
                store.query("PRAGMA defer_foreign_keys = ON")
                store._judgements._labels.of("json", "strict")
                store.query("INSERT INTO payloads VALUES (99, x'01')")

        with pytest.raises(sqlite3.IntegrityError):
            store_a_payload_of_nothing()
        assert store._judgements._labels._known == {}
        with store.transaction():
            assert store.one("SELECT count(*) FROM payloads") == (0,)
            assert store.one("SELECT count(*) FROM check_labels") == (0,)
