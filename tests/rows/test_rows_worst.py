"""Rows that would hide the worst calls of a file: none is left out or counts as good."""

import json

import pytest
from rows.pair_rows import lines, printed, row

TRUTH = {"total": "9.00", "tax_id": None}
RIGHT = '{"total": "9.00", "tax_id": null}'
INVENTED = '{"total": "9.00", "tax_id": "DE1"}'


def scored(shadow, *rows):
    return printed(shadow("score", "-", "--json", stdin=lines(*rows)))


@pytest.mark.parametrize(
    "number", ["1e9999999", "-1e9999999", "1e-9999999", "1" * 3000, "-0.0", "0.1e400"]
)
def test_a_number_of_any_size_is_an_invention_like_another(shadow, number):
    given = row("p", RIGHT, INVENTED.replace('"DE1"', number), truth=TRUTH)
    given["input"] = {"messages": [{"role": "user", "content": "Total 9.00, 17 pages"}]}
    found = scored(shadow, given, row("q", RIGHT, RIGHT, truth=TRUTH))
    assert found["metrics"]["hallucination_rate"]["candidate"] == 0.5
    assert found["metrics"]["json_valid"]["candidate"] == 1


@pytest.mark.parametrize(
    "ending",
    [
        {"outcome": "cancelled", "output": None},
        {"partial": True, "output": "It"},
        {"outcome": "timeout"},
        {"error": "http_500"},
    ],
)
def test_a_candidate_that_was_cut_off_has_failed_whoever_ended_the_call(shadow, ending):
    rows = [row("p", "It is 42.", "It is 42."), row("q", "It is 42.", ending)]
    found = scored(shadow, *rows)
    assert found["metrics"]["error_rate"] == found["metrics"]["error_rate"] | {
        "primary": 0,
        "candidate": 0.5,
        "n": 2,
    }


def test_no_candidate_opts_out_of_the_truth(shadow):
    silent = {"output": INVENTED, "has_answer": False}
    found = scored(shadow, row("p", RIGHT, silent, truth=TRUTH))
    assert found["metrics"]["hallucination_rate"]["candidate"] == 1


@pytest.mark.parametrize("arguments", [[], False, 0, [None], "[]"])
def test_arguments_that_are_no_object_earn_no_nulls(shadow, arguments):
    called = {"tool_calls": [{"name": "extract", "arguments": arguments}]}
    found = scored(shadow, row("p", RIGHT, called, truth=TRUTH))
    assert {field["candidate"]["invalid_output"] for field in found["fields"].values()} == {1}


@pytest.mark.parametrize("nothing", ["", "N/A", "-"])
def test_an_invention_where_the_truth_has_a_placeholder_is_in_the_rate(shadow, nothing):
    truth = TRUTH | {"tax_id": nothing}
    found = scored(shadow, row("p", INVENTED.replace("DE1", nothing), INVENTED, truth=truth))
    assert found["metrics"]["hallucination_rate"]["n"] == 1
    assert found["metrics"]["hallucination_rate"]["primary"] == 0
    assert found["metrics"]["hallucination_rate"]["candidate"] == 1


def called(output, arguments):
    return {"output": output, "tool_calls": [{"name": "extract", "arguments": arguments}]}


def test_where_the_app_reads_tool_calls_a_document_beside_one_hides_nothing(shadow):
    invents = called(RIGHT, json.loads(INVENTED))
    found = scored(shadow, row("p", called(None, TRUTH), invents, truth=TRUTH))
    assert found["metrics"]["hallucination_rate"]["candidate"] == 1
    # An app that reads texts sees nothing of the call.
    found = scored(shadow, row("p", RIGHT, invents, truth=TRUTH))
    assert found["metrics"]["hallucination_rate"]["candidate"] == 0


def test_a_primary_that_says_what_it_will_do_before_it_calls_is_not_invalid(shadow):
    broken = called(None, '{"total": "9.00", "tax_id": nul')
    rows = [row(n, called("I read it.", TRUTH), broken, truth=TRUTH) for n in ("p", "q")]
    rows.append(row("r", called("I read it.", TRUTH), called(None, TRUTH), truth=TRUTH))
    found = scored(shadow, *rows)
    assert found["metrics"]["field_accuracy"]["primary"] == 1
    assert found["metrics"]["json_valid"]["primary"] == 1
    assert found["metrics"]["json_valid"]["candidate"] == pytest.approx(1 / 3)
    assert found["checks"]["json"]["primary"] == 1
    assert {f["candidate"]["invalid_output"] for f in found["fields"].values()} == {2}


def test_what_a_call_makes_up_is_seen_also_where_the_primary_said_nothing(shadow):
    made_up = called("I read it.", TRUTH | {"tax_id": "DE1"})
    failed, silent = {"error": "timeout"}, {"output": ""}
    rows = [row(n, ours, made_up, truth=TRUTH) for n, ours in (("p", failed), ("q", silent))]
    outcomes = scored(shadow, *rows)["fields"]["tax_id"]
    assert outcomes["primary"]["invalid_output"] == outcomes["candidate"]["hallucinated"] == 2


def test_a_free_text_that_one_model_never_gives_is_missed(shadow, tmp_path):
    config = tmp_path / "shadow.toml"
    config.write_text('[fields.note]\nnormalise = "free_text"\n')
    truth = {"note": "paid in cash"}
    words, other, nothing = '{"note": "cash, on site"}', '{"note": "by cash"}', '{"note": null}'
    rows = [
        row("drops", words, nothing, truth=truth),
        row("drops too", nothing, words, truth=truth),
        row("crashes", words, "{", truth=truth),
        row("differs", words, other, truth=truth),
    ]
    done = shadow("score", "-", "--json", stdin=lines(*rows), SHADOW_CONFIG=str(config))
    found = printed(done)["fields"]["note"]
    assert {name: n for name, n in found["candidate"].items() if n} == {
        "missed": 1,
        "correct": 1,
        "invalid_output": 1,
        "not_labelled": 1,
    }
    assert found["primary"]["correct"] == 2
