"""`shadow-mw import`: pair rows into a store, all of them or none."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from evaluate.spans import both, store_of
from rows.pair_rows import environment, lines, printed, receipts, row
from support.waiting import WAIT, until

TRUTH = {"total": "9.00", "tax_id": None}
RIGHT, INVENTED = json.dumps(TRUTH), json.dumps(TRUTH | {"tax_id": "X-1"})
PRICES = '{"big": {"input": 1, "output": 2}}'


def query(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def everything(path):
    """All that a store says, whatever its file looks like."""
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def report(shadow, *options):
    return printed(shadow("report", "--json", *options))


def test_a_label_with_half_a_letter_is_of_the_call_with_that_half(shadow, tmp_path):
    half = '{"x": "\\ud800 y"}'
    store_of(tmp_path / "shadow.db", *both("p1", half, half, shadow__key="k\ud800"))
    label = b'{"key": "k\\ud800", "truth": {"x": "\\ud800 y"}}\n'
    assert printed(shadow("label", "-", "--json", stdin=label))["scored"] == 1
    assert report(shadow)["metrics"]["field_accuracy"]["candidate"] == 1


def test_a_person_with_half_a_letter_in_the_name_is_stored_too(shadow):
    printed(shadow("import", "-", "--json", stdin=lines(row("p1", "yes", "no"))))
    chosen = b'{"id": "p1", "human": "A", "judge": null, "annotator": "Ad\\ud800"}\n'
    assert printed(shadow("label", "-", "--json", stdin=chosen))["stored"] == 1


def test_rows_are_stored_and_judged(shadow, tmp_path):
    rows = [
        row("p1", RIGHT, INVENTED, key="k1", truth=TRUTH, time="2026-11-02T09:14:05Z"),
        row("p2", "yes", "yes"),
    ]
    (tmp_path / "pairs.jsonl").write_text(lines(*rows))
    done = shadow("import", "pairs.jsonl")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"2 pairs read, 2 new; 1 new label\n"
    found = report(shadow)
    assert found["funnel"] | {"reasons": None} == {
        "captured": 2,
        "mirrored": 2,
        "paired": 2,
        "scored": 1,
        "reasons": None,
    }
    assert (found["experiment"], found["candidate"]) == ("default", "small")
    assert found["metrics"]["hallucination_rate"]["candidate"] == 1.0
    assert found["metrics"]["exact_match"] | {"delta": 0} == {
        "primary": None,
        "candidate": 0.5,
        "delta": 0,
        "n": 2,
    }


def test_importing_again_changes_nothing(shadow, tmp_path):
    text = lines(row("p1", RIGHT, INVENTED, truth=TRUTH), row("p2"))
    first = printed(shadow("import", "-", "--json", stdin=text))
    assert first == {
        "rows": 2,
        "new": 2,
        "labels": 1,
        "replaced": 0,
        "judged": 0,
        "skipped": {},
        "candidates": {"small": 2},
    }
    before = everything(tmp_path / "shadow.db")
    again = printed(shadow("import", "-", "--json", stdin=text))
    assert again == first | {"new": 0, "labels": 0}
    assert everything(tmp_path / "shadow.db") == before


def test_candidates_that_go_by_several_names_are_said_to_be_several(shadow):
    rows = [row(f"p{n}", candidate={"output": "x", "model": "small"}) for n in range(3)]
    rows.append(row("p4", candidate={"output": "x", "model": "small-\x1b[31mfallback"}))
    repeat = row("p0", candidate={"output": "x", "id": "primary"})
    done = shadow("import", "-", stdin=lines(*rows, repeat))
    assert done.stdout.decode().endswith(
        "; 2 candidates, each for itself: small 3, 'small-\\x1b[31mfallback' 1\n"
    )


def test_a_pair_without_a_key_is_known_by_its_id(shadow):
    assert shadow("import", "-", stdin=lines(row("p1", RIGHT, INVENTED))).returncode == 0
    assert report(shadow)["funnel"]["scored"] == 0
    label = json.dumps({"key": "p1", "truth": TRUTH})
    assert printed(shadow("label", "-", "--json", stdin=label))["scored"] == 1


def test_a_corrected_truth_replaces_and_is_judged_anew(shadow):
    shadow("import", "-", stdin=lines(row("p1", RIGHT, INVENTED, truth=TRUTH)))
    corrected = lines(row("p1", RIGHT, INVENTED, truth=TRUTH | {"tax_id": "X-1"}))
    result = printed(shadow("import", "-", "--json", stdin=corrected))
    assert (result["new"], result["labels"], result["replaced"]) == (0, 0, 1)
    assert report(shadow)["fields"]["tax_id"]["candidate"]["correct"] == 1


def test_another_candidate_shares_the_primary_leg(shadow):
    shadow("import", "-", stdin=lines(row("p1")))
    other = row("p1", candidate={"output": "no", "id": "c2", "model": "small"})
    assert printed(shadow("import", "-", "--json", stdin=lines(other)))["new"] == 1
    assert report(shadow, "--candidate", "c2")["metrics"]["exact_match"]["candidate"] == 0
    assert report(shadow, "--candidate", "small")["metrics"]["exact_match"]["candidate"] == 1


def test_a_failed_leg_has_no_answer_and_no_latency(shadow):
    failed = {"output": RIGHT, "error": "server_error", "latency_ms": None}
    timeout = {"output": None, "error": "timeout"}
    primary = {"output": RIGHT, "latency_ms": 100}
    rows = [row("p1", primary, failed, truth=TRUTH), row("p2", primary, timeout, truth=TRUTH)]
    assert shadow("import", "-", stdin=lines(*rows)).returncode == 0
    found = report(shadow)
    assert found["metrics"]["error_rate"]["candidate"] == 1.0
    # A failed call is infinitely slow, which JSON cannot say.
    assert found["metrics"]["latency_p50_ms"]["primary"] == 100
    assert found["metrics"]["latency_p50_ms"]["candidate"] is None
    assert found["fields"]["tax_id"]["candidate"]["invalid_output"] == 2
    assert found["fields"]["tax_id"]["candidate"]["correct_null"] == 0


def test_a_cost_is_as_given_else_priced_else_unknown(shadow):
    tokens = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    given = row("p1", {"output": "a", "cost_usd": 0.5}, {"output": "a", "cost_usd": 0})
    priced = row("p2", {"output": "a"} | tokens, {"output": "a", "cost_usd": 0})
    unpriced = row("p3", {"output": "a"} | tokens, {"output": "a", "model": "nobody's"} | tokens)
    text = lines(given, priced, unpriced)
    assert shadow("import", "-", stdin=text, SHADOW_PRICES=PRICES).returncode == 0
    found = report(shadow, "--candidate", "small")
    assert found["metrics"]["cost_per_1k_usd"] | {"delta": 0} == {
        "primary": 1000 * (0.5 + 2) / 2,
        "candidate": 0,
        "delta": 0,
        "n": 2,
    }
    assert report(shadow, "--candidate", "nobody's")["legs"]["candidate"]["unpriced"] == 1


def test_personal_data_are_the_same_pseudonyms_in_input_output_and_truth(shadow, tmp_path):
    secret = "jane@example.com"
    said = json.dumps({"mail": secret})
    one = row(
        f"order of {secret}",
        said,
        said,
        key=secret,
        truth={"mail": secret},
        input={"messages": [{"role": "user", "content": f"I am {secret}"}], "api_key": "x"},
    )
    assert shadow("import", "-", stdin=lines(one)).returncode == 0
    assert report(shadow)["fields"]["mail"]["candidate"]["correct"] == 1
    assert secret not in " ".join(everything(tmp_path / "shadow.db"))
    written = shadow("export").stdout.decode()
    assert "jane" not in written
    assert '"api_key":"<credential>"' in written
    pseudonym = json.loads(written)["key"]
    assert written.count(pseudonym) == 6
    label = json.dumps({"key": secret, "truth": {"mail": None}})
    assert printed(shadow("label", "-", "--json", stdin=label))["scored"] == 1


def test_a_new_store_remembers_under_which_key_it_was_written(shadow):
    text = lines(row("p1", truth=TRUTH))
    assert shadow("import", "-", stdin=text, SHADOW_REDACT_KEY="secret").returncode == 0
    done = shadow("import", "-", stdin=text)
    assert done.returncode == 78
    assert b"SHADOW_REDACT_KEY is not set" in done.stderr


def verdicts(shadow):
    """Name, epoch and wins of every judge that the report knows."""
    cards = printed(shadow("report", "--json"))["judges"]
    return [(card["judge"], card["epoch"], card["wins"]) for card in cards]


def wins(**n):
    names = ("candidate", "primary", "tie", "inconsistent", "invalid")
    return {name: n.get(name, 0) for name in names}


def test_judge_verdicts_of_rows_are_an_epoch_of_their_own(shadow):
    said = [
        ["candidate", "tie"],
        ["primary", "primary"],
        ["tie", "tie"],
        ["candidate", "candidate"],
    ]
    rows = [
        row(f"p{n}", "one", "other", judge={"name": "gpt-4o", "winners": winners})
        for n, winners in enumerate(said)
    ]
    done = shadow("import", "-", stdin=lines(*rows, row("p9")))
    assert done.returncode == 0
    assert b"judge verdicts of 4 rows" in done.stdout
    expected = wins(inconsistent=1, primary=1, tie=1, candidate=1)
    assert verdicts(shadow) == [("gpt-4o", "imported", expected)]
    assert b"judge gpt-4o" in shadow("score", "-", stdin=lines(*rows)).stdout

    # The same again changes nothing; another verdict of the same judge replaces its first.
    assert printed(shadow("import", "-", "--json", stdin=lines(*rows)))["new"] == 0
    assert verdicts(shadow) == [("gpt-4o", "imported", expected)]
    rows[0]["judge"]["winners"] = ["primary", "primary"]
    printed(shadow("import", "-", "--json", stdin=lines(rows[0])))
    assert verdicts(shadow)[0][2] == wins(primary=2, tie=1, candidate=1)


def test_of_outputs_that_are_the_same_a_verdict_is_kept_and_counts_nothing(shadow):
    judge = {"name": "g", "winners": ["primary", "primary"]}
    rows = [row("p1", "same", "same", judge=judge), row("p2", "one", "other", judge=judge)]
    printed(shadow("import", "-", "--json", stdin=lines(*rows)))
    (card,) = printed(shadow("report", "--json"))["judges"]
    assert (card["wins"], card["identical"]) == (wins(primary=1), 1)
    assert shadow("export").stdout.count(b'"winners"') == 2


def test_verdicts_of_rows_stay_with_their_candidate(shadow):
    """Two candidates may say the same of one request, and a judge may not."""
    rows = [
        row("p1", "one", {"output": "same", "model": model})
        | {"judge": {"name": "g", "winners": [winner] * 2}}
        for model, winner in (("x", "candidate"), ("y", "primary"))
    ]
    printed(shadow("import", "-", "--json", stdin=lines(*rows)))
    for model, winner in (("x", "candidate"), ("y", "primary")):
        (card,) = printed(shadow("report", "--json", "--candidate", model))["judges"]
        assert card["wins"] == wins(**{winner: 1})


def test_gzip_is_unpacked_and_a_cut_one_refused(shadow, tmp_path):
    packed = gzip.compress(lines(*(row(f"p{n}", str(n) * 99) for n in range(999))).encode())
    (tmp_path / "pairs.jsonl.gz").write_bytes(packed)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[:-500])
    (tmp_path / "plain.jsonl.gz").write_text(lines(row()))
    assert printed(shadow("import", "pairs.jsonl.gz", "--json"))["new"] == 999
    for name in ("cut.jsonl.gz", "plain.jsonl.gz"):
        done = shadow("import", name, "--store", "other.db")
        assert done.returncode == 65
        assert done.stderr.startswith(f"shadow-mw: {name}: not a whole gzip file".encode())
        assert not (tmp_path / "other.db").exists()


GOOD = json.dumps(row("p0"))
LEG = '{"output": "a"}'


def given(**more):
    return json.dumps(row(**more))


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("{", "not JSON (Expecting property name"),
        ("[]", "not a JSON object"),
        ("\x00", "not JSON (Expecting value"),
        ('{"a": ' * 5000, "not JSON (more than 100 levels)"),
        (f'{{"pair_id": "p", "pair_id": "q", "primary": {LEG}}}', 'not JSON (key "pair_id" app'),
        (given(input={"n": float("nan")}), "not JSON (NaN is not JSON)"),
        (given(input={"n": 1}).replace('"n": 1', '"n": 1e999'), "1E+999 is too large a number"),
        (given(extra=1), "unknown key 'row.extra'"),
        (given(primary={"tokens": 1}), "unknown key 'primary.tokens'"),
        (given(primary={"id": "x"}), "unknown key 'primary.id'"),
        (f'{{"primary": {LEG}, "candidate": {LEG}}}', "`pair_id` is missing"),
        (f'{{"pair_id": "p", "primary": {LEG}}}', "`candidate` is missing"),
        (f'{{"pair_id": "p", "primary": null, "candidate": {LEG}}}', "`primary` is missing"),
        (given(pair_id=7), "`row.pair_id` must be a string that is not empty"),
        (given(pair_id=""), "`row.pair_id` must be a string that is not empty"),
        (given(primary={"output": {}}), "`primary.output` must be a string"),
        (given(primary={"latency_ms": -1}), "`primary.latency_ms` must be a number of 0 or more"),
        (given(primary={"latency_ms": True}), "`primary.latency_ms` must be a number of 0 or"),
        (given(candidate={"cost_usd": "1"}), "`candidate.cost_usd` must be a number of 0 or more"),
        (given(candidate={"input_tokens": 1.5}), "`candidate.input_tokens` must be a whole"),
        (given(candidate={"input_tokens": 10**30}), "`candidate.input_tokens` must be a whole"),
        (
            given(candidate={"outcome": "ok", "error": "http_500"}),
            "`candidate.error` says that the",
        ),
        (given(candidate={"outcome": "fine"}), "`candidate.outcome` must be one of ok, error"),
        (given(candidate={"tool_calls": [1]}), "`candidate.tool_calls` must be a list of obj"),
        (given(candidate={"tool_calls": [{}]}), "a tool call in `tool_calls` has no `name`"),
        (given(candidate="a", time="2026-11-02"), "`row.time` must be an ISO 8601 time with its"),
        (given(time="2026-11-02T09:14:05"), "`row.time` must be an ISO 8601 time with its zone"),
        (given(time="2026-13-02T09:14:05Z"), "`row.time` must be an ISO 8601 time with its"),
        (given(trace_id="xyz"), "`row.trace_id` must be 32 hex digits"),
        (given(input=[]), "`row.input` must be an object"),
        (given(sample_rate=1.1), "`row.sample_rate` must be a number above 0, 1 at most"),
        (given(sample_rate=0), "`row.sample_rate` must be a number above 0, 1 at most"),
        (given(truth=[]), "`row.truth` must be an object"),
        (given(truth={"vendor": {}}), "`truth` labels no field"),
        (given(truth={"a": 1, "vendor": {}}), "`truth` labels no field in vendor: say null"),
        (given(truth={"items": [{"a": 1}, {}]}), "`truth` labels no field in items[]: say null"),
        (given(truth={"a": 1}, key=None), "`truth` needs a `key`"),
        (given(judge={"name": "g"}), "`judge` must have a `name` and `winners`"),
        (given(judge={"name": "g", "winners": ["tie"]}), "`judge.winners` must be two verdicts"),
        (given(judge={"name": "g", "winners": ["A", "B"]}), "`judge.winners` must be of primary"),
        (GOOD, "pair 'p0' of candidate 'small' was on line 1 already"),
        (given(pair_id="p0", primary="no", candidate={"id": "c"}), "pair 'p0' has another primary"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_applied(shadow, tmp_path, bad, fault):
    text = f"{GOOD}\n\n{bad}\n{given(pair_id='p9')}\n"
    done = shadow("import", "-", stdin=text)
    assert (done.returncode, done.stdout) == (65, b"")
    assert done.stderr.decode().startswith(f"shadow-mw: <stdin>:3: {fault}")
    assert 'accepted: {"pair_id": "p1"' in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "shadow.db").exists()


def test_two_truths_of_one_key_are_refused(shadow):
    rows = [row("p1", key="k", truth={"a": 1}), row("p2", key="k", truth={"a": 2})]
    done = shadow("import", "-", stdin=lines(*rows))
    assert done.stderr.startswith(b"shadow-mw: <stdin>:2: key 'k' has another truth on line 1")
    rows[1]["truth"] = {"a": 1}
    assert printed(shadow("import", "-", "--json", stdin=lines(*rows)))["labels"] == 1


def test_what_is_no_text_no_line_or_no_file_is_refused(shadow, tmp_path):
    (tmp_path / "latin.jsonl").write_bytes(GOOD.replace("p0", "pé").encode("latin-1"))
    (tmp_path / "empty.jsonl").write_bytes(b"\n \n")
    with (tmp_path / "huge.jsonl").open("wb") as file:
        file.write(GOOD.encode() + b'\n{"pair_id": "')
        file.seek(80 * 2**20, os.SEEK_CUR)
        file.write(b'"}\n')
    for name, fault in (
        ("latin.jsonl", "latin.jsonl:1: 'utf-8' codec can't decode byte 0xe9"),
        ("empty.jsonl", "empty.jsonl: no rows in it"),
        ("huge.jsonl", "huge.jsonl:2: a line of more than 67,108,864 bytes"),
        ("absent.jsonl", "absent.jsonl: cannot be read (No such file or directory)"),
        (".", ".: cannot be read (Is a directory)"),
    ):
        done = shadow("import", name)
        assert done.returncode == 65
        assert done.stderr.decode().startswith(f"shadow-mw: {fault}")
        assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "shadow.db").exists()


def test_a_byte_order_mark_half_a_surrogate_pair_and_a_long_line_are_no_fault(shadow):
    odd = row("p1", "\ud83d", "\ud83d", segment="\ud83d")
    long = row("p2", "x" * 2**23, "x" * 2**23)
    done = shadow("import", "-", "--json", stdin=b"\xef\xbb\xbf" + lines(odd, long).encode())
    assert printed(done)["new"] == 2
    assert report(shadow)["metrics"]["exact_match"]["candidate"] == 1


def test_other_content_under_a_known_id_is_refused_and_nothing_is_applied(shadow, tmp_path):
    shadow("import", "-", stdin=lines(row("p1", truth={"a": 1})))
    before = everything(tmp_path / "shadow.db")
    done = shadow("import", "-", stdin=lines(row("p2", truth={"a": 1}), row("p1", "other")))
    assert done.returncode == 65
    assert done.stderr.startswith(
        b"shadow-mw: <stdin>:2: pair 'p1' is in the store with another primary leg; accepted: "
    )
    assert everything(tmp_path / "shadow.db") == before


def test_a_killed_import_leaves_the_store_as_it_was(shadow, tmp_path):
    shadow("import", "-", stdin=lines(row("before", RIGHT, INVENTED, truth=TRUTH)))
    before = everything(tmp_path / "shadow.db")
    many = lines(*(row(f"p{n}", os.urandom(800).hex(), RIGHT, truth=TRUTH) for n in range(4000)))
    (tmp_path / "many.jsonl").write_text(many)
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "import", "many.jsonl"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # Its transaction outgrew SQLite's cache: some of it is in the log already.
        wal = tmp_path / "shadow.db-wal"
        until(
            lambda: process.poll() is not None or (wal.exists() and wal.stat().st_size > 2**20),
            "a log",
        )
        assert process.poll() is None, "it was over before it could be killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT)
    assert wal.stat().st_size > 2**20
    assert everything(tmp_path / "shadow.db") == before
    assert printed(shadow("import", "many.jsonl", "--json"))["new"] == 4000


def test_no_room_for_temporary_files_is_one_line(shadow, tmp_path):
    shadow("import", "-", stdin=lines(row("before")))
    before = everything(tmp_path / "shadow.db")
    many = lines(*(row(f"p{n}", os.urandom(800).hex(), RIGHT) for n in range(4000)))
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 1000; exec "$0" -m shadow_mw import -', sys.executable],
        input=many.encode(),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 65
    assert done.stderr.startswith(b"shadow-mw: temporary files (SQLITE_TMPDIR, TMPDIR): ")
    assert done.stderr.count(b"\n") == 1
    assert everything(tmp_path / "shadow.db") == before


def test_the_receipts_go_in_with_their_input(shadow, tmp_path):
    rows = [
        row(
            one["id"],
            json.dumps(one["truth"]),
            json.dumps(one["truth"]),
            truth=one["truth"],
            input={"messages": [{"role": "user", "content": one["text"]}]},
        )
        for one in receipts()
    ]
    assert printed(shadow("import", "-", "--json", stdin=lines(*rows)))["new"] == len(rows)
    found = report(shadow)
    assert found["metrics"]["field_accuracy"]["candidate"] == 1.0
    assert found["metrics"]["field_accuracy"]["n"] == 5 * len(rows)


def test_usage_is_told(shadow):
    for arguments, said in (
        (["import"], "Missing argument 'FILE'"),
        (["import", "a", "--join", "request_id"], "need a --format"),
        (["import", "--format", "openai", "a"], "accepted are --primary FILE and --candidate"),
        (["import", "--format", "openai", "--primary", "-", "--candidate", "-"], "read once"),
        (
            [
                *("import", "--format", "bifrost", "--primary", "a", "--candidate", "b"),
                *("--join", "custom_id"),
            ],
            "--join custom_id: accepted for bifrost: input-hash, parent_request_id, request_id",
        ),
    ):
        done = shadow(*arguments)
        assert done.returncode == 64
        assert said in " ".join(done.stderr.decode().split())


def test_what_cannot_be_imported_leaves_no_key_beside_a_store_that_is_not_there(shadow, tmp_path):
    for path in ("shadow.db", "new/directory/shadow.db"):
        done = shadow("import", "-", "--store", path, stdin="no row\n")
        assert (done.returncode, list(tmp_path.iterdir())) == (65, [])
    key = tmp_path / "shadow.db.key"
    key.write_text('{"key": "of somebody"}')
    shadow("import", "-", stdin="no row\n")
    assert json.loads(key.read_text())["key"] == "of somebody"


def test_a_call_without_parameters_is_the_same_however_a_server_writes_it(shadow):
    """OpenAI-compatible servers send no arguments as an empty string, or as `{}`, or not at all."""
    tools = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]
    asked = {"messages": [{"role": "user", "content": "What time is it?"}], "tools": tools}
    ways = [{"name": "now", "arguments": given} for given in ("", "{}", {}, None)] + [
        {"name": "now"}
    ]
    called = [{"output": None, "tool_calls": [way]} for way in ways]
    text = lines(*(row(f"p{n}", called[1], leg, input=asked) for n, leg in enumerate(called)))
    checks = printed(shadow("score", "-", "--json", stdin=text))["checks"]
    assert checks["tool_calls"]["labels"] == {"identical": len(ways)}
    assert checks["invalid_tool_call"]["labels"] == {"valid/valid": len(ways)}
