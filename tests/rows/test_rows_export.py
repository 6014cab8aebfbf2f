"""`shadow-mw export`: what it writes reads back to an equal store."""

import gzip
import json
import os
import sqlite3
import stat
import subprocess
import sys
import zlib

import pytest
from evaluate.spans import PRICES, add_labels, both, leg, messages, store_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rows.pair_rows import environment, lines, printed, receipts, row
from support.waiting import WAIT

from shadow_mw.evaluate.ingest import Content, Observation, observation, record
from shadow_mw.evaluate.rows.read import Reader, Row
from shadow_mw.evaluate.rows.redaction import Unchanged
from shadow_mw.evaluate.rows.write import _line

TABLES = {
    "observations": "experiment, pair_id, role, candidate_id, trace_id, span_id, time_ns, model,"
    " outcome, answered, error_type, reason, finish_reason, latency_ms, ttft_ms, input_tokens,"
    " output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, partial,"
    " truncated, has_answer, expects_json, key, segment, session, sample_rate",
    "truth": "key, truth",
    "series": "experiment, candidate_id, newest_ns",
}
SCORES = """
    SELECT o.pair_id, o.candidate_id, p.key, excluded, timed, exact_match, scored,
        (SELECT group_concat(found) FROM (
            SELECT paths.path || truth || "primary" || candidate AS found FROM fields
            JOIN paths ON paths.id = fields.path WHERE pair = p.id ORDER BY paths.path))
    FROM pairs p JOIN observations o ON o.id = candidate_row
"""


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_judges_verdicts_read_back(shadow, form):
    judge = {"name": "gpt-4o", "winners": ["candidate", "tie"]}
    printed(shadow("import", "-", "--json", stdin=lines(row("p1", judge=judge), row("p2"))))
    name = f"out.{form}"
    assert printed(shadow("export", "--format", form, "--out", name, "--json"))["inexact"] == 0
    printed(shadow("import", name, "--json", "--store", "other.db"))
    again = shadow("export", "--store", "other.db").stdout.splitlines()
    assert [json.loads(line).get("judge") for line in again] == [judge, None]


def unpacked(data):
    return json.loads(zlib.decompress(data[1:]))


def meaning(path):
    """All that a store says about its pairs, in no order."""
    connection = sqlite3.connect(path)
    try:
        found = {
            name: sorted(connection.execute(f"SELECT {columns} FROM {name}"), key=repr)
            for name, columns in TABLES.items()
        }
        payloads = connection.execute(
            "SELECT pair_id, role, candidate_id, data FROM payloads"
            " JOIN observations ON id = observation"
        )
        found["payloads"] = sorted(
            (
                (*names, {key: json.loads(text) for key, text in unpacked(data).items()})
                for *names, data in payloads
            ),
            key=repr,
        )
        return found | {"scores": sorted(connection.execute(SCORES), key=repr)}
    finally:
        connection.close()


def odd_spans():
    """Legs of every kind that a runner emits."""
    request = {
        "model": "big",
        "messages": [{"role": "user", "content": "line\nline \u2028 \U0001f600"}],
        "temperature": 1e-07,
        "response_format": {"type": "json_object"},
    }
    yield from both("plain", {"a": 1.50}, '{"a": 1.5}', shadow__key="k1")
    yield from both("tools", tools=[("f", {"x": 1}), ("g", "no json")], shadow__session="s")
    yield leg("primary", "two", "yes", shadow__request=json.dumps(request))
    yield leg("candidate", "two", "yes", ms=7.25)
    yield leg("candidate", "two", "no", shadow__candidate__id="c2", start=1_790_000_000_000_000_001)
    yield leg("primary", "failed", "half", shadow__partial=True)
    yield leg(
        "candidate",
        "failed",
        None,
        shadow__outcome="timeout",
        shadow__reason="candidate_timeout",
        error__type="timeout",
    )
    yield leg("primary", "cut", None, shadow__content__truncated=True)
    yield leg("candidate", "cut", None, shadow__content__truncated=True)
    yield leg("primary", "embedding", None, gen_ai__operation__name="embeddings")
    yield leg("candidate", "embedding", None, gen_ai__operation__name="embeddings")
    told = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "as told"}]}])
    yield leg("primary", "told", "x", gen_ai__input__messages=told, shadow__segment="a")
    yield leg("candidate", "told", "x", shadow__segment="b")
    several = json.dumps([json.loads(messages("one"))[0], json.loads(messages("two"))[0]])
    yield leg("primary", "several", None, gen_ai__output__messages=several)
    yield leg("candidate", "several", "x", gen_ai__response__time_to_first_chunk=0.25)


@pytest.fixture
def store(tmp_path):
    path = store_of(tmp_path / "shadow.db", *odd_spans())
    add_labels(path, ("k1", {"a": 1.5, "b": None}))
    return path


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz", "pairs.parquet"])
def test_it_reads_back_to_an_equal_store(shadow, store, tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    form = "parquet" if name.endswith("parquet") else "jsonl"
    done = printed(shadow("export", "--out", name, "--format", form, "--json"))
    assert done == {"rows": 9, "inexact": 0, "file": name}
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert printed(shadow("import", name, "--store", "new.db", "--json"))["new"] == 9
    assert meaning(tmp_path / "new.db") == meaning(store)
    # Nor is it news to the store that it came from.
    assert printed(shadow("import", name, "--json"))["new"] == 0
    assert meaning(tmp_path / "new.db") == meaning(store)


def test_the_receipts_read_back(shadow, tmp_path):
    rows = [
        row(
            one["id"],
            {"output": json.dumps(one["truth"]), "latency_ms": n / 3, "input_tokens": n},
            {"output": None, "tool_calls": [{"name": "f", "arguments": one["truth"]}]},
            truth=one["truth"],
            time=f"2026-11-02T09:14:05.{n:09}Z",
            input={"messages": [{"role": "user", "content": one["text"]}]},
        )
        for n, one in enumerate(receipts())
    ]
    shadow("import", "-", stdin=lines(*rows))
    written = shadow("export").stdout
    assert (
        printed(shadow("import", "-", "--store", "new.db", "--json", stdin=written))["new"] == 313
    )
    assert meaning(tmp_path / "new.db") == meaning(tmp_path / "shadow.db")
    assert shadow("export", "--store", "new.db").stdout == written


def observed(role, **values):
    found = observation(record(leg(role, "p", "x")), PRICES)
    table = {name: getattr(found, name) for name in Observation.__slots__}
    return Observation(**table | values)


optional = st.none() | st.floats(0, 1e12)
counts = st.none() | st.integers(0, 2**61)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
labels = st.none() | texts
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
compact = json_values.map(lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True))
parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "refusal", "reasoning", "x"])})
    | st.fixed_dictionaries({"type": st.just("text"), "content": texts})
    | st.fixed_dictionaries(
        {"type": st.just("tool_call"), "id": labels, "name": texts, "arguments": json_values}
    ),
    max_size=3,
)
outputs = st.none() | st.lists(
    st.fixed_dictionaries({"role": texts, "parts": parts, "finish_reason": labels}),
    min_size=1,
    max_size=2,
).map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
requests = st.none() | st.dictionaries(texts, json_values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
)
legs = {
    "time_ns": st.integers(0, 2**60),
    "model": labels,
    "error_type": labels,
    "reason": labels,
    "finish_reason": labels,
    "latency_ms": optional,
    "ttft_ms": optional,
    "input_tokens": counts,
    "output_tokens": counts,
    "cost_usd": optional,
    "truncated": st.booleans(),
    "has_answer": st.booleans(),
    "expects_json": st.booleans(),
    "key": labels,
    "segment": labels,
    "session": labels,
    "sample_rate": st.none() | st.floats(0, 1, exclude_min=True),
}


@given(
    st.fixed_dictionaries(legs),
    st.fixed_dictionaries(legs),
    st.sampled_from(["ok", "error", "timeout", "cancelled"]),
    st.booleans(),
    st.tuples(requests, outputs, outputs),
    texts,
)
@settings(max_examples=150, deadline=None)
def test_any_pair_reads_back(ours, theirs, outcome, partial, content, candidate_id):
    request, said, answered = content
    # What has an error did not end well.
    ours |= {"outcome": "error", "answered": False} if ours["error_type"] else {}
    theirs |= {"error_type": None} if outcome == "ok" else {}
    primary = observed("primary", **ours, content=Content(request=request, output=said))
    candidate = observed(
        "candidate",
        **theirs,
        candidate_id=candidate_id,
        outcome=outcome,
        partial=partial,
        answered=outcome == "ok" and not partial,
        content=Content(output=answered),
    )
    kept = Row(primary, candidate, None)
    line, exact = _line(kept)
    assert exact
    assert Reader(Unchanged(), None).line(line.encode(), first=False) == kept


def test_content_that_is_no_json_is_left_out_and_counted(shadow, tmp_path):
    spans = both("odd", "x", shadow__request="{not json")
    store_of(tmp_path / "shadow.db", *spans, *both("good"))
    done = shadow("export")
    assert b"of 1 some content could not be written" in done.stderr
    assert [json.loads(line)["pair_id"] for line in done.stdout.splitlines()] == ["odd", "good"]


def test_one_series_may_be_chosen(shadow, store):
    names = [json.loads(line) for line in shadow("export", "--candidate", "c2").stdout.splitlines()]
    assert [(one["pair_id"], one["candidate"]["id"]) for one in names] == [("two", "c2")]
    done = shadow("export", "--experiment", "absent")
    assert done.returncode == 65
    assert b"no data of experiment 'absent'" in done.stderr


def test_a_file_is_replaced_only_when_told_and_whole(shadow, store, tmp_path):
    (tmp_path / "out.jsonl").write_text("mine")
    done = shadow("export", "--out", "out.jsonl")
    assert done.returncode == 78
    assert done.stderr == b"shadow-mw: --out out.jsonl: is there already; --force replaces it\n"
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    assert shadow("export", "--out", "out.jsonl", "--force").returncode == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 9
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_a_failed_export_leaves_no_file(shadow, store, tmp_path):
    connection = sqlite3.connect(store)
    connection.execute("UPDATE payloads SET data = x'09' WHERE observation > 4")
    connection.commit()
    connection.close()
    done = shadow("export", "--out", "out.jsonl")
    assert done.returncode == 65
    assert done.stderr.count(b"\n") == 1
    assert not list(tmp_path.glob("*out*"))
    done = shadow("export", "--out", "absent/out.jsonl")
    assert done.returncode == 78
    assert done.stderr.count(b"\n") == 1


def test_who_reads_no_further_is_no_error(shadow, tmp_path):
    shadow("import", "-", stdin=lines(*(row(f"p{n}", "x" * 5000) for n in range(200))))
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "export"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline().startswith(b'{"pair_id": "p0"')
    process.stdout.close()
    assert b"Error" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(WAIT) == 0


def test_parquet_without_pyarrow_is_one_line(shadow, store, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pyarrow.py").write_text("raise ImportError('not installed')")
    (tmp_path / "there.parquet").touch()
    path = os.pathsep.join([str(tmp_path / "lib"), os.environ.get("PYTHONPATH", "")])
    for arguments in (
        ["export", "--format", "parquet", "--out", "x.parquet"],
        ["import", "there.parquet"],
    ):
        done = shadow(*arguments, PYTHONPATH=path)
        assert done.returncode == 78
        assert done.stderr == (
            b"shadow-mw: Parquet needs pyarrow: pip install 'shadow-mw[parquet]'\n"
        )
    assert not (tmp_path / "x.parquet").exists()


def test_no_parquet_is_refused(shadow, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(gzip.compress(b"x"))
    done = shadow("import", "x.parquet")
    assert done.returncode == 65
    assert done.stderr.startswith(b"shadow-mw: x.parquet: not a Parquet file")


def test_an_empty_store_gives_no_rows(shadow, store, tmp_path):
    (tmp_path / "empty.db").touch()
    assert shadow("export", "--store", "empty.db").returncode == 65
    assert shadow("export", "--format", "parquet").returncode == 64
