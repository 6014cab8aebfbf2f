"""`shadow-mw score`: a report on a file of pairs, and nothing kept."""

import gzip
import json
import os
import signal
import subprocess
import sys

import pytest
from rows.pair_rows import environment, lines, printed, receipts, row
from support.waiting import WAIT, until

from shadow_mw.results import METRICS

FIELDS = ("company", "date", "address", "total", "vendor_tax_id")
NULL_WORDS = ("", "N/A", "unknown", "-")


def right(number, truth):
    return truth, "correct"


def wrong(number, truth):
    """Another value, or one where there is none."""
    return {name: f"{value or ''} {number}?" for name, value in truth.items()}, "wrong_value"


def missed(number, truth):
    return dict.fromkeys(truth), "missed"


def dropped(number, truth):
    return {}, "missed"


def null_like(number, truth):
    return dict.fromkeys(truth, NULL_WORDS[number % len(NULL_WORDS)]), "missed"


def broken(number, truth):
    """Cut short, fenced, or a list: no JSON object."""
    text = json.dumps(truth)
    return (text[:-1], f"```json\n{text}\n```", f"[{text}]")[number % 3], "invalid_output"


def crashed(number, truth):
    return {"output": json.dumps(truth), "error": "server_error"}, "invalid_output"


AT_NULLS = {
    right: "correct_null",
    wrong: "hallucinated",
    missed: "correct_null",
    dropped: "correct_null",
    null_like: "null_like",
    broken: "invalid_output",
    crashed: "invalid_output",
}
INJECTED = tuple(AT_NULLS)


def leg(inject, number, truth):
    """A leg's output with the error in it, and what became of labelled values."""
    output, outcome = inject(number, truth)
    if inject is crashed:
        return output, outcome
    return {"output": output if isinstance(output, str) else json.dumps(output)}, outcome


def injected():
    """Rows with one kind of error each, and the outcomes that have to come out."""
    rows, expected = [], {(name, role): {} for name in FIELDS for role in ("primary", "candidate")}
    for number, receipt in enumerate(receipts()):
        truth, legs = receipt["truth"], {}
        for role, turn in (("primary", 3), ("candidate", 1)):
            inject = INJECTED[number // turn % len(INJECTED)]
            legs[role], at_values = leg(inject, number, truth)
            for name, value in truth.items():
                outcome = AT_NULLS[inject] if value is None else at_values
                counts = expected[name, role]
                counts[outcome] = counts.get(outcome, 0) + 1
        text = {"messages": [{"role": "user", "content": receipt["text"]}]}
        rows.append(row(receipt["id"], **legs, input=text, truth=truth))
    return rows, expected


def test_a_candidates_context_is_of_rows_from_a_file_too(shadow):
    given = row("p1", {"output": "x", "input_tokens": 60}, {"output": "y", "input_tokens": 60})
    own = {
        "SHADOW_CANDIDATE_URL": "http://127.0.0.1:9/v1",
        "SHADOW_CANDIDATE_MODEL": "small",
        "SHADOW_CANDIDATE_CONTEXT_TOKENS": "50",
    }
    found = printed(shadow("score", "-", "--json", stdin=lines(given), **own))
    assert found["checks"]["prompt_tokens"]["labels"] == {"overflow": 1}


def test_injected_errors_come_out_as_what_they_are(shadow, tmp_path):
    rows, expected = injected()
    (tmp_path / "pairs.jsonl").write_text(lines(*rows))
    found = printed(shadow("score", "pairs.jsonl", "--json"))
    for (name, role), counts in expected.items():
        counted = {outcome: n for outcome, n in found["fields"][name][role].items() if n}
        assert counted == counts, (name, role)
    nulls = sum(one["truth"][name] is None for one in rows for name in FIELDS)
    hallucinated = sum(expected[name, "candidate"].get("hallucinated", 0) for name in FIELDS)
    assert found["metrics"]["hallucination_rate"]["n"] == nulls
    assert found["metrics"]["hallucination_rate"]["candidate"] == hallucinated / nulls
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_the_json_has_the_shape_of_a_report(shadow, tmp_path):
    text = lines(row("p1", truth={"a": 1}), row("p2"))
    scored = printed(shadow("score", "-", "--json", stdin=text))
    shadow("import", "-", stdin=text)
    reported = printed(shadow("report", "--json"))
    assert reported | {"store": None} == scored
    assert list(scored["metrics"]) == list(reported["metrics"])
    assert set(METRICS) <= set(scored["metrics"])


def test_pairs_that_share_a_key_are_all_scored_however_far_apart_they_are(shadow, tmp_path):
    """Candidates of one pair, and documents that are asked about again."""

    def told(number, model, output, truth):
        key = f"k{number % 299}"
        candidate = {"model": model, "output": json.dumps(output)}
        return row(f"p{number}", '{"a": null}', candidate, key=key) | truth

    truth = {"truth": {"a": None}}
    some = [told(n, "some", {"a": "made up"}, truth if n % 3 else {}) for n in range(300)]
    more = [told(n, "more", {"a": None}, truth) for n in range(300)]
    (tmp_path / "pairs.jsonl").write_text(lines(*some, *more))
    shadow("import", "pairs.jsonl")
    for candidate, invented in (("some", 1.0), ("more", 0.0)):
        scored = printed(shadow("score", "pairs.jsonl", "--json", "--candidate", candidate))
        assert scored["funnel"]["scored"] == scored["metrics"]["hallucination_rate"]["n"] == 300
        assert scored["metrics"]["hallucination_rate"]["candidate"] == invented
        reported = printed(shadow("report", "--json", "--candidate", candidate))
        assert reported | {"store": None} == scored


@pytest.mark.parametrize(
    ("rule", "truth", "same", "others"),
    [
        ("identifier", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "+49 30 7654321"),
        ("identifier", "4111111111111111", "4111-1111-1111-1111", "5500 0000 0000 0004"),
        ("identifier", "+49 30 1234567", "+49-30-1234567", "+49 30 1234568"),
        ("identifier", "Ann@Example.org", "ann@example.org", "bob@example.org"),
        ("text", "Ann@Example.org", "ann@EXAMPLE.org", "bob@example.org"),
        ("text", "+49 30 1234567", "+49 30 1234567", "+49-30-1234567"),
        ("exact", "ann@example.org", " ann@example.org ", "Ann@example.org"),
        (
            "exact",
            "DE89370400440532013000",
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
        ),
    ],
)
def test_what_is_stored_as_a_pseudonym_is_judged_as_what_it_stands_for(
    shadow, rule, truth, same, others
):
    found = {"SHADOW_FIELDS": json.dumps({"contact": {"normalise": rule}})}
    legs = (json.dumps({"contact": value}) for value in (same, others))
    text = lines(row("p1", *legs, truth={"contact": truth}))
    shadow("import", "-", stdin=text, **found)
    for reported in (
        printed(shadow("report", "--json", **found)),
        printed(shadow("score", "-", "--json", stdin=text, **found)),
    ):
        contact = reported["fields"]["contact"]
        assert (contact["primary"]["correct"], contact["candidate"]["wrong_value"]) == (1, 1)
        assert reported["divergence"]["divergent"] == 1


def test_a_person_gets_the_report(shadow, tmp_path):
    (tmp_path / "pairs.jsonl.gz").write_bytes(gzip.compress(lines(row()).encode()))
    done = shadow("score", "pairs.jsonl.gz")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "captured 1 → mirrored 1 → paired 1 → scored 0" in done.stdout.decode()


@pytest.mark.parametrize("first", [False, True])
def test_a_failed_call_of_nobody_is_refused_where_others_have_a_name(shadow, first):
    failed = row("p1", candidate={"model": None, "error": "timeout"})
    rows = [failed, row("p2")] if first else [row("p2"), failed]
    for command in ("score", "import"):
        done = shadow(command, "-", stdin=lines(*rows))
        assert done.returncode == 65
        said = f"failed call on line {1 if first else 2} has neither `id` nor `model`"
        assert said in done.stderr.decode()
        assert shadow(command, "-", stdin=lines(failed)).returncode == 0


def test_of_several_candidates_one_is_named(shadow):
    text = lines(row("p1"), row("p1", candidate={"output": "no", "model": "other"}))
    chosen = printed(shadow("score", "-", "--json", "--candidate", "other", stdin=text))
    assert (chosen["candidate"], chosen["funnel"]["paired"]) == ("other", 1)
    done = shadow("score", "-", "--candidate", "absent", stdin=text)
    assert done.returncode == 65
    assert b"no data of candidate 'absent'" in done.stderr


@pytest.mark.parametrize("bad", [b"{\n", b"", b'{"pair_id": "p1"}\n', b"\xff\n"])
def test_bad_data_are_one_line(shadow, bad):
    done = shadow("score", "-", "--json", stdin=bad)
    assert (done.returncode, done.stdout) == (65, b"")
    assert done.stderr.startswith(b"shadow-mw: <stdin>:")
    assert done.stderr.count(b"\n") == 1


def test_nothing_is_left_behind_when_it_is_ended(tmp_path):
    """What users said may not stay in a temporary directory."""
    rows = (row(f"p{n}", os.urandom(500).hex()) for n in range(5000))
    (tmp_path / "pairs.jsonl").write_text(lines(*rows))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "score", "pairs.jsonl"],
        cwd=tmp_path,
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: process.poll() is not None or list(temporary.glob("*/shadow.db")), "a store")
        assert process.poll() is None, "it was over before it could be ended"
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 130
    finally:
        process.kill()
        process.communicate()
    assert not list(temporary.iterdir())
