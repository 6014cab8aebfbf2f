"""`shadow-mw embed` from outside: real processes, a real store, an embedding model on loopback."""

import json
import math
import os
import signal
import sqlite3
import struct
import threading
import time
from hashlib import sha256
from itertools import pairwise

import pytest
from evaluate.cases import refused as refusing
from evaluate.spans import both, leg, store_of
from rows.pair_rows import command, environment, printed
from support.embeddings_server import DIMENSION, Raw, answer, embeddings_server, vector
from support.interrupted import Hold, end_there
from support.waiting import WAIT

MODEL = "embed-1"
PRICES = json.dumps({MODEL: {"input": 10}})
QUICK = {"tries": 2, "longest_rest": 0.05}


def variables(server, **settings):
    table = {"url": server.url, "model": MODEL} | QUICK | settings
    return {"SHADOW_EMBEDDINGS": json.dumps(table), "SHADOW_PRICES": PRICES}


def embedded(path, server, *arguments, **settings):
    return printed(command(path, "embed", "--json", *arguments, **variables(server, **settings)))


def refused(done, code):
    """The last line on stderr."""
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode().splitlines()[-1]


def rows(path, sql):
    connection = sqlite3.connect(path / "shadow.db")
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def cosines(path):
    return dict(
        rows(
            path,
            "SELECT p.pair_id || '/' || c.candidate_id, cosine FROM similarities"
            " JOIN pairs ON pairs.id = pair JOIN observations p ON p.id = primary_row"
            " JOIN observations c ON c.id = candidate_row",
        )
    )


def expected(one, other):
    ours, theirs = vector(one), vector(other)
    dot = sum(a * b for a, b in zip(ours, theirs, strict=True))
    return pytest.approx(dot / math.hypot(*ours) / math.hypot(*theirs), abs=1e-6)


def ten(i):
    return f"p{i}", f"the shared words of pair{i}", f"the shared words of other{i}"


@pytest.fixture
def store(tmp_path):
    """Ten pairs, twenty texts."""
    spans = [span for i in range(10) for span in both(*ten(i))]
    store_of(tmp_path / "shadow.db", *spans)
    return tmp_path


def test_cosines_of_a_series_and_of_the_primary_against_itself(tmp_path):
    pairs = {"p1": ("the total is nine", "the total is ten"), "p2": ("yes of course", "no")}
    again = {"p1": "the total is nine", "p2": "yes indeed"}
    store_of(
        tmp_path / "shadow.db",
        *(span for pair, texts in pairs.items() for span in both(pair, *texts)),
        *(leg("candidate", p, text, shadow__candidate__id="primary") for p, text in again.items()),
    )
    with embeddings_server() as server:
        found = embedded(tmp_path, server)
    # Five texts are different; one of them is there three times.
    assert sorted(server.texts) == sorted(
        {*pairs["p1"], *pairs["p2"], again["p2"]},
    )
    assert {(a.path, a.body["model"], a.body["encoding_format"]) for a in server.asked} == {
        ("/v1/embeddings", MODEL, "float")
    }
    assert cosines(tmp_path) == {
        "p1/c": expected(*pairs["p1"]),
        "p2/c": expected(*pairs["p2"]),
        "p1/primary": 1.0,
        "p2/primary": expected("yes of course", "yes indeed"),
    }
    candidate, floor = found["series"]
    assert (candidate["candidate"], candidate["to_compare"], candidate["identical"]) == ("c", 2, 0)
    assert (floor["candidate"], floor["to_compare"], floor["identical"]) == ("primary", 1, 1)
    assert {name: figures["n"] for name, figures in found["similarity"].items()} == {
        "c": 2,
        "primary": 2,
    }


def test_figures_are_those_of_the_stored_cosines(store):
    with embeddings_server() as server:
        found = embedded(store, server)
    values = sorted(cosines(store).values())
    figures = found["similarity"]["c"]
    assert figures["n"] == 10
    assert figures["mean"] == pytest.approx(sum(values) / 10)
    assert (figures["p5"], figures["p50"]) == (values[0], values[4])
    report = printed(command(store, "report", "--json"))
    assert report["similarity"] == {MODEL: figures}


def test_the_guard_names_alike_texts_whose_facts_differ(tmp_path):
    words = " ".join(f"word{i}" for i in range(60))
    store_of(
        tmp_path / "shadow.db",
        *both("p1", f"{words} pay 900 now", f"{words} pay 901 now"),
        *both("p2", f"{words} it is allowed", f"{words} it is not allowed"),
        *both("p3", f"{words} fine", f"{words} good"),
        *both("p4", words, words),
        *both("p5", "one thing in 2024", "quite another matter in 2025"),
    )
    with embeddings_server() as server:
        embedded(tmp_path, server)
    report = printed(command(tmp_path, "report", "--json"))
    (figures,) = report["similarity"].values()
    assert (figures["n"], figures["alike"], figures["facts_checked"]) == (5, 4, 4)
    assert figures["facts_differ"] == {"negations": 1, "numbers": 1}
    assert (figures["facts_differ_share"], figures["alike_from"]) == (0.5, 0.95)

    text = " ".join(command(tmp_path, "report").stdout.decode().split())
    assert "50.0 % of 4" in text
    assert "embed-1: differ at 0.95 or more: negations 1, numbers 1" in text
    assert "means nothing by itself: read it against the primary asked twice (A/A)" in text


def test_without_a_run_nothing_is_called_semantic_or_a_cosine(store):
    assert printed(command(store, "report", "--json"))["similarity"] == {}
    text = command(store, "report").stdout.decode()
    assert "lexical similarity" in text
    assert "cosine" not in text
    assert "semantic" not in text


def test_what_has_no_text_to_compare_is_counted_by_reason(tmp_path):
    call = [("get", "{}")]
    store_of(
        tmp_path / "shadow.db",
        *both("ok", "yes", "no"),
        *both("json", '{"a": 1}', '{"a": 2}'),
        *both("calls", None, None, tools=call),
        *(leg("primary", "empty", "x"), leg("candidate", "empty", " ")),
        *(leg("primary", "refuse", "x"), leg("candidate", "refuse", **refusing("I will not."))),
        *(leg("primary", "fail", "x"), leg("candidate", "fail", None, shadow__outcome="error")),
        *both("long", "y" * 101, "z"),
        *both("cut", "x", "y", shadow__content__truncated=True),
    )
    with embeddings_server() as server:
        found = embedded(tmp_path, server, max_chars=100)
    (share,) = found["series"]
    assert share["left_out"] == {
        "both_tool_calls_only": 1,
        "candidate_empty": 1,
        "candidate_failed": 1,
        "candidate_refused": 1,
        "content_truncated": 1,
        "json_documents": 1,
        "too_long": 1,
    }
    assert (share["population"], share["drawn"], share["to_compare"]) == (6, 6, 1)
    assert sorted(server.texts) == ["no", "yes"]


def test_identical_texts_are_1_without_a_call(tmp_path):
    store_of(tmp_path / "shadow.db", *both("p1", "the same", " the same\n"))
    with embeddings_server() as server:
        found = embedded(tmp_path, server)
    assert server.asked == []
    assert cosines(tmp_path) == {"p1/c": 1.0}
    assert found["run"]["calls"] == 0
    assert found["similarity"]["c"]["n"] == 1


def test_a_second_run_asks_nothing_and_a_larger_sample_only_what_is_new(store):
    with embeddings_server() as server:
        first = embedded(store, server, "--sample", 4)
        assert (first["run"]["embedded"], len(server.texts)) == (8, 8)
        again = embedded(store, server, "--sample", 4)
        assert (again["run"]["calls"], len(server.asked)) == (0, 1)
        assert again["series"][0]["recorded"] == 4
        assert again["similarity"] == first["similarity"]
        embedded(store, server, "--all")
    # And one again: is it still the same model?
    assert (len(server.texts), len(set(server.texts))) == (21, 20)
    assert len(cosines(store)) == 10


def test_vectors_are_little_endian_float32_under_model_and_digest(store):
    with embeddings_server() as server:
        embedded(store, server, dimensions=8, params={"input_type": "document"})
        text, body = server.texts[0], server.asked[0].body
    assert (body["dimensions"], body["input_type"]) == (8, "document")
    (model,) = {model for (model,) in rows(store, "SELECT DISTINCT model FROM embeddings")}
    assert model == 'embed-1@8 {"input_type":"document"}'
    digest = sha256(text.encode()).digest()
    connection = sqlite3.connect(store / "shadow.db")
    ((blob,),) = connection.execute("SELECT vector FROM embeddings WHERE digest = ?", (digest,))
    connection.close()
    assert struct.unpack("<8f", blob) == pytest.approx(vector(text, 8))


def test_another_model_has_figures_of_its_own(store):
    with embeddings_server() as server:
        embedded(store, server)
        embedded(store, server, model="embed-2")
        assert len(server.texts) == 40
    assert set(printed(command(store, "report", "--json"))["similarity"]) == {MODEL, "embed-2"}


def test_a_dry_run_says_calls_tokens_and_cost_and_makes_none(store):
    with embeddings_server() as server:
        plan = embedded(store, server, "--dry-run", batch_size=6)["plan"]
        assert server.asked == []
        found = embedded(store, server, batch_size=6)
        assert embedded(store, server, "--dry-run", "--anew", batch_size=6)["plan"] == plan
        text = command(store, "embed", "--dry-run", **variables(server)).stdout.decode()
    total = sum(len(text) for text in server.texts)
    assert plan == {
        "calls": 4,
        "texts": 20,
        "cached": 0,
        "tokens": total // 3,
        "usd": pytest.approx(total // 3 * 10 / 1e6),
    }
    assert (found["run"]["calls"], len(server.asked)) == (4, 4)
    assert found["run"]["tokens"] == 100
    assert found["run"]["usd"] == pytest.approx(100 * 10 / 1e6)
    assert "0 calls with 0 texts" in text
    assert "no call was made" in text


def test_a_budget_stops_a_run_and_the_next_goes_on(store):
    with embeddings_server() as server:
        cut = embedded(store, server, "--max-calls", 3, batch_size=2, concurrency=1)
        assert (cut["run"]["embedded"], cut["run"]["left"]) == (6, 14)
        assert cut["run"]["stopped"] == "the budget is spent"
        assert cut["similarity"]["c"]["n"] == 3
        dollars = embedded(store, server, "--budget-usd", "0.0004", batch_size=2)
        assert 0 < dollars["run"]["embedded"] < 14
        assert dollars["run"]["usd"] <= 0.0004
        whole = embedded(store, server, batch_size=2)
    assert whole["run"]["left"] == 0
    assert len(cosines(store)) == 10
    # One text more in each later run: whether the model is still the same.
    assert len(server.texts) == 20 + 2


def test_a_budget_without_a_price_is_refused_before_anything_is_asked(store):
    with embeddings_server() as server:
        used = variables(server, model="unheard-of")
        line = refused(command(store, "embed", "--budget-usd", "1", **used), 78)
        assert server.asked == []
        found = printed(command(store, "embed", "--json", **used))
    assert line == (
        "shadow-mw: no price is known for unheard-of: a budget in USD cannot be kept;"
        " SHADOW_PRICES takes one"
    )
    assert found["run"]["usd"] is None


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_where_it_stopped(store, end):
    held = 3
    hold = Hold(after=held)
    with embeddings_server(lambda _: hold.here(len(server.asked))) as server:
        used = variables(server, batch_size=2, concurrency=1)
        end_there("embed", "--json", hold=hold, number=end, cwd=store, env=environment(**used))
        found = printed(command(store, "embed", "--json", **used))
    assert found["run"]["embedded"] == 20 - 2 * held
    assert len(cosines(store)) == 10


def test_two_runs_at_once_do_not_ask_the_same(store):
    hold, done = Hold(), []
    with embeddings_server(lambda _: hold.here(len(server.asked))) as server:
        first = threading.Thread(target=lambda: done.append(embedded(store, server)))
        first.start()
        assert hold.reached()
        second = command(store, "embed", **variables(server))
        hold.release()
        first.join(60)
    assert "another run of embed is writing to it" in refused(second, 65)
    assert done[0]["run"]["embedded"] == len(server.texts) == 20


def test_a_busy_server_is_asked_again_when_it_says(store):
    times = []

    def script(asked):
        times.append(time.monotonic())
        if len(times) <= 2:
            return Raw(429, {"error": {"message": "slow down"}}, {"retry-after": "0.4"})

    with embeddings_server(script) as server:
        found = embedded(store, server, concurrency=1, tries=4, longest_rest=5)
    assert (found["run"]["embedded"], found["run"]["calls"]) == (20, 3)
    assert min(b - a for a, b in pairwise(times)) >= 0.4


def broken(kind):
    """A whole answer in which one thing is wrong."""

    def script(asked):
        body = answer(asked)
        data = body["data"]
        match kind:
            case "one too few":
                data.pop()
            case "wrong index":
                data[0]["index"] = len(data)
            case "no index":
                del data[0]["index"]
            case "another dimension":
                data[0]["embedding"].append(1.0)
            case "not a number":
                data[0]["embedding"][0] = math.nan
            case "too large":
                data[0]["embedding"][0] = 1e300
            case "zeros":
                data[0]["embedding"] = [0.0] * DIMENSION
            case "base64":
                data[0]["embedding"] = "AAAA"
            case "words":
                data[0]["embedding"][0] = "1"
            case "no json":
                return Raw(body=b"<html>")
        return Raw(body=body)

    return script


WRONG = {
    "one too few": "0 embeddings for 1 texts",
    "wrong index": "indexes that are not 0 to",
    "no index": "indexes that are not 0 to",
    "another dimension": "a vector of 65 numbers, not 64",
    "not a number": "NaN is not JSON",
    "too large": "a number too large",
    "zeros": "a vector of zeros",
    "base64": "no list of numbers",
    "words": "something else than numbers",
    "no json": "Expecting value",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_answer_is_never_stored(store, kind):
    with embeddings_server(broken(kind)) as server:
        used = variables(server, dimensions=DIMENSION)
        line = refused(command(store, "embed", "--json", **used), 78)
    assert line.startswith(f"shadow-mw: embed-1 at {server.url.split('/')[2]}: 5 failures in a row")
    assert "the last one invalid_response (" in line
    assert WRONG[kind] in line
    assert rows(store, "SELECT count(*) FROM embeddings") == [(0,)]
    assert cosines(store) == {}


def test_a_server_that_takes_one_text_at_a_time_is_asked_so(store):
    def script(asked):
        body = answer(asked)
        for item in body["data"]:
            item["index"] = 0
        return Raw(body=body)

    with embeddings_server(script) as server:
        embedded(store, server)
    assert cosines(store) == {f"p{i}/c": expected(*ten(i)[1:]) for i in range(10)}


def test_one_text_that_the_server_refuses_costs_no_other(store):
    def script(asked):
        if "other7" in " ".join(asked.texts):
            return Raw(400, {"error": {"message": "maximum context length"}})

    with embeddings_server(script) as server:
        done = command(store, "embed", "--json", **variables(server))
        found = json.loads(done.stdout)
        assert found["run"]["failed"] == {"http_400": 1}
        assert (found["run"]["embedded"], len(cosines(store))) == (19, 9)
        line = refused(done, 1)
        server.script = lambda _: None
        whole = embedded(store, server)
    assert "texts that were not embedded: http_400 1; what was answered is kept" in line
    assert (whole["run"]["embedded"], len(cosines(store))) == (1, 10)


def test_a_hung_server_is_given_up(store):
    release = threading.Event()
    with embeddings_server(lambda _: release.wait(2 * WAIT) and None) as server:
        used = variables(server, timeout=0.2, tries=1, batch_size=2, concurrency=2)
        line = refused(command(store, "embed", **used), 78)
        release.set()
    assert "5 failures in a row, the last one timeout" in line or "6 failures" in line


def test_a_refused_key_stops_at_once_and_is_nowhere_printed(store):
    def script(asked):
        assert asked.headers["authorization"] == "Bearer sesame"
        return Raw(401, {"error": {"message": "no such key \x1b[31m"}})

    with embeddings_server(script) as server:
        used = variables(server, api_key="sesame", concurrency=1)
        done = command(store, "embed", **used)
    assert "http_401 (no such key ?[31m)" in refused(done, 78)
    assert b"sesame" not in done.stderr + done.stdout
    assert len(server.asked) == 1


def test_a_model_that_embeds_otherwise_than_before_is_noticed(store):
    def other(asked):
        body = answer(asked)
        for item in body["data"]:
            item["embedding"].reverse()
        return Raw(body=body)

    with embeddings_server() as server:
        embedded(store, server, "--sample", 2)
        server.script = other
        line = refused(command(store, "embed", "--json", **variables(server)), 78)
        assert "the same text is embedded otherwise now" in line
        assert len(cosines(store)) == 2
        found = embedded(store, server, "--anew")
    assert (found["run"]["embedded"], found["similarity"]["c"]["n"]) == (20, 10)


def test_a_pair_that_is_judged_anew_keeps_its_cosine(store):
    """Legs never change once they are stored, so what was compared stays what it is."""
    with embeddings_server() as server:
        embedded(store, server)
        before = cosines(store)
        store_of(
            store / "shadow.db",
            *both("p1", "the other text", "comes too late", shadow__key="k"),
            labels=[("k", {"total": "9"})],
        )
        connection = sqlite3.connect(store / "shadow.db")
        connection.execute("UPDATE pairs SET stale = 1")
        connection.commit()
        connection.close()
        store_of(store / "shadow.db", *both("p99", "one more", "one less"))
        again = embedded(store, server)
    assert again["run"]["embedded"] == 2
    assert {name: cosines(store)[name] for name in before} == before
    assert "the other text" not in server.texts


def test_lone_surrogates_are_sent_as_text_that_utf8_can_hold(tmp_path):
    store_of(tmp_path / "shadow.db", *both("p1", "caf\ud83d", "caf\u00e9"))
    with embeddings_server() as server:
        found = embedded(tmp_path, server)
    assert found["run"]["embedded"] == 2


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("", "no embedding model is set: accepted is [embeddings] with url and model"),
        ('{"url": "http://h/v1"}', "SHADOW_EMBEDDINGS.model is not set: [embeddings] needs it"),
    ],
)
def test_without_a_model_there_is_one_line(store, setting, says):
    line = refused(command(store, "embed", SHADOW_EMBEDDINGS=setting), 78)
    assert says in line


def test_an_empty_store_says_so(tmp_path):
    store_of(tmp_path / "shadow.db", leg("primary", "p1", "x"))
    with embeddings_server() as server:
        assert "no pair" in refused(command(tmp_path, "embed", **variables(server)), 65)


def test_the_runner_gets_no_key(monkeypatch):
    from shadow_mw.settings import load

    table = {"url": "http://h/v1", "model": "m", "api_key": "sesame"}
    monkeypatch.setenv("SHADOW_EMBEDDINGS", json.dumps(table))
    assert "sesame" not in json.dumps(load().to_environ())
    assert os.environ["SHADOW_EMBEDDINGS"]
