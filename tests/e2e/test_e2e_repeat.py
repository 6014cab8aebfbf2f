"""The primary asked once more, for its own noise: by a real runner, of real servers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import calls, calls_anthropic
from support.lab import CANDIDATE, PRIMARY_KEY, Lab, Model, model, until
from support.otlp_sink import sink

from shadow_mw import semconv
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.runner.repeat import chosen
from shadow_mw.types import REPEAT, Exchange, WireFormat

OWN_KEY = "sk-own-0123456789abcdef01234567"


def again(primary: Model, rate: float = 1, **more: str) -> dict[str, str]:
    """Settings that ask the primary again."""
    return {
        "SHADOW_REPEAT_RATE": str(rate),
        "SHADOW_PRIMARY_URL": primary.url,
        "SHADOW_PRIMARY_API_KEY": OWN_KEY,
    } | more


def keys_of(request: dict[str, Any]) -> list[str]:
    return [v for n, v in request["headers"] if n.lower() in ("authorization", "x-api-key")]


def repeats(server: Model) -> list[dict[str, Any]]:
    """What a server was asked by us, and not by the app."""
    return [r for r in server.seen() if any(OWN_KEY in key for key in keys_of(r))]


def report(lab: Lab, *arguments: str) -> dict[str, Any]:
    done = lab.cli("report", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    table: dict[str, Any] = json.loads(done.stdout)
    return table


def outcomes(lab: Lab, candidate: str = REPEAT) -> dict[str, int]:
    assert lab.status is not None
    return lab.status.outcomes.get(candidate, {})


@contextmanager
def other_primary(mode: str) -> Iterator[Model]:
    """A server of its own for the second question, so that the app's calls go well."""
    with model() as one:
        one.mode(mode)
        yield one


def test_nothing_is_asked_again_by_default(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    lab = new_lab(SHADOW_PRIMARY_URL=primary.url, SHADOW_PRIMARY_API_KEY=OWN_KEY)
    lab.agent().run(calls.ask, texts=["a", "b", "c"])
    lab.funnel(3)

    assert len(primary.seen()) == 3
    assert len(candidate.seen()) == 3
    assert report(lab)["noise_floor"] is None
    assert REPEAT not in lab.cli("status").stdout


def test_the_figures_say_what_the_servers_did(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    primary.mode("fickle", otherwise=[None, "again"])
    candidate.mode("fickle", otherwise=["swap"])
    words = "question {} about parcels and warehouses{}{}"
    texts = [words.format(n, " again" * (n % 3 == 0), " swap" * (n % 4 == 0)) for n in range(1, 61)]
    lab = new_lab(**again(primary))
    lab.agent().run(calls.ask, texts=texts)
    funnel = lab.funnel(60)
    found = report(lab)
    noise = found["noise_floor"]
    exact = noise["measures"]["exact_match"]

    assert funnel == {"captured": 60, "mirrored": 60, "paired": 60, "scored": 0, "reasons": {}}
    assert (found["candidate"], found["others"]) == (CANDIDATE, [])
    assert noise["pairs"] == 60
    assert (exact["primary"], exact["primary_n"]) == (40 / 60, 60)
    assert (exact["candidate"], exact["candidate_n"]) == (45 / 60, 60)
    assert exact["difference"] == pytest.approx(5 / 60)
    assert exact["paired_difference"] == pytest.approx(5 / 60)
    assert exact["paired_n"] == 60
    assert noise["measures"]["lexical_similarity"]["primary"] < 1
    band = noise["length_band"]
    longer = {
        text: len(f"You said: {text}, or so I think") / len(f"You said: {text}") for text in texts
    }
    high = max(longer[text] for text in texts if "again" in text)
    inside = sum("swap" not in text or longer[text] <= high for text in texts)
    assert (band["low"], band["high"], band["n"]) == (1, high, 60)
    assert (band["inside"], band["of"]) == (inside, 60)
    assert inside < 60
    itself = report(lab, "--candidate", REPEAT)
    assert itself["candidate"] == REPEAT
    assert itself["noise_floor"] is None
    assert itself["metrics"]["exact_match"]["candidate"] == 40 / 60
    assert itself["funnel"] == funnel
    text = " ".join(lab.cli("report").stdout.split())
    assert (
        "two answers of the primary itself are the same in 66.7 % of 60 calls; the candidate's"
        " and the primary's in 75.0 % of 60"
    ) in text
    assert "primary, asked again mirrored 60" in " ".join(lab.cli("status").stdout.split())


def test_the_share_is_kept_call_by_call(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    rate = 0.2
    lab = new_lab(**again(primary, rate))
    lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(400)])
    lab.funnel(400)
    with Store.open(lab.store) as store:
        rows = store.query("SELECT pair_id, role, candidate_id FROM observations")
    asked = {pair_id for pair_id, role, _ in rows if role == "primary"}
    twice = {pair_id for pair_id, _, candidate_id in rows if candidate_id == REPEAT}

    assert len(asked) == 400
    assert twice == {pair_id for pair_id in asked if chosen(exchange(pair_id), rate)}
    assert abs(len(twice) - 80) < 4 * 8, "four standard deviations"
    assert len(repeats(primary)) == len(twice)
    assert len(primary.seen()) == 400 + len(twice)
    assert len(candidate.seen()) == 400
    own = report(lab, "--candidate", REPEAT)["funnel"]
    assert own["captured"] == own["mirrored"] == own["paired"] == len(twice)


def exchange(pair_id: str, wire: WireFormat = WireFormat.OPENAI_CHAT) -> Exchange:
    return Exchange(
        *(pair_id, "0" * 32, None, wire, "outbound", None, 0, 0, None, 200),
        *("application/json", "", "eof", None, b"", b""),
    )


def test_every_share_is_near_its_rate_and_holds_the_smaller_ones() -> None:
    ids = [f"pair-{n}" for n in range(10_000)]
    shares = {
        rate: {pair_id for pair_id in ids if chosen(exchange(pair_id), rate)}
        for rate in (0.0, 0.01, 0.5, 1.0)
    }

    assert [len(shares[rate]) for rate in (0.0, 1.0)] == [0, 10_000]
    assert abs(len(shares[0.01]) - 100) < 40
    assert abs(len(shares[0.5]) - 5_000) < 200
    assert shares[0.01] < shares[0.5]
    assert not any(chosen(exchange(i, WireFormat.OPENAI_EMBEDDINGS), 1) for i in ids[:100])


@pytest.mark.parametrize(
    "call", [calls.openai_sync, calls.openai_stream, calls_anthropic.anthropic_sync]
)
def test_the_same_is_asked_with_a_key_of_our_own(
    new_lab: Callable[..., Lab], primary: Model, call: Any
) -> None:
    lab = new_lab(**again(primary))
    lab.agent().run(call, key="a")
    lab.funnel(1)
    first, second = primary.seen()

    assert second["path"] == first["path"]
    assert second["body"] == first["body"]
    (key,) = keys_of(second)
    assert key.endswith(OWN_KEY)
    assert PRIMARY_KEY not in json.dumps(second)
    assert OWN_KEY not in lab.runner_log
    assert OWN_KEY not in lab.cli("status", "--json").stdout
    assert outcomes(lab) == {"mirrored": 1}


def test_a_primary_that_hangs_holds_up_no_candidate(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    with other_primary("hang") as slow:
        lab = new_lab(**again(slow))
        lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(300)])

        until(lambda: len(candidate.seen()) == 300, "every call at the candidate")
        assert len(slow.seen()) == 8
        until(lambda: outcomes(lab).get("queue_full", 0) == 300 - 8 - 128, "what was shed")
        until(lambda: outcomes(lab, CANDIDATE).get("mirrored") == 300 - 8 - 128, "the rest stored")


def test_a_slow_primary_delays_no_answer_beyond_a_bound(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    with other_primary("slow") as slow:
        slow.mode("slow", delay=1.5)
        lab = new_lab(**again(slow, SHADOW_MAX_CONCURRENCY="1", SHADOW_TIMEOUT="2"))
        lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(20)])

        until(lambda: len(candidate.seen()) == 20, "every call at the candidate")
        until(lambda: outcomes(lab, CANDIDATE).get("mirrored") == 20, "all stored")
        found = Counter(outcomes(lab))
        assert found["mirrored"] == len(slow.seen()) <= 3
        assert found["queue_expired"] == 20 - found["mirrored"]


def test_a_primary_that_has_enough_is_left_in_peace(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    with other_primary("ratelimit") as busy:
        lab = new_lab(**again(busy, SHADOW_MAX_CONCURRENCY="1"))
        lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(20)])
        funnel = lab.funnel(20)
        found = Counter(outcomes(lab))

        assert funnel["mirrored"] == len(candidate.seen()) == 20
        assert found["candidate_rate_limited"] == len(busy.seen()) == found["mirrored"]
        assert found["mirrored"] + found["circuit_open"] == 20
        assert found["mirrored"] < 5, "not one after the other within the second it asked for"


def test_a_key_that_is_refused_costs_the_candidate_nothing(
    new_lab: Callable[..., Lab], primary: Model
) -> None:
    with model() as strict:
        strict.mode("ok", key="another-key")
        lab = new_lab(**again(strict))
        lab.agent().run(calls.ask, texts=["a", "b"])
        lab.funnel(2)

        assert outcomes(lab) == {"mirrored": 2, "candidate_error_4xx": 2}
        found = report(lab)
        assert found["metrics"]["exact_match"]["candidate"] == 1
        assert found["noise_floor"]["measures"]["exact_match"]["primary"] == 0
        own = report(lab, "--candidate", REPEAT)
        assert own["funnel"]["captured"] == 2
        assert own["metrics"]["error_rate"]["candidate"] == 1


def test_both_come_out_of_one_limit_of_calls(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    lab = new_lab(**again(primary, SHADOW_MAX_CALLS="10"))
    lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(20)])
    funnel = lab.funnel(20)

    assert len(candidate.seen()) + len(repeats(primary)) == 10
    assert len(repeats(primary)) >= 1
    assert funnel["reasons"]["max_calls"] == 20 - len(candidate.seen())
    own = report(lab, "--candidate", REPEAT)["funnel"]
    assert own["captured"] == own["mirrored"] + own["reasons"]["max_calls"] == 20
    assert own["mirrored"] == len(repeats(primary))


def test_both_come_out_of_one_budget(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    prices = {CANDIDATE: {"request": 0.01}, "m": {"request": 0.1}}
    limits = {"SHADOW_BUDGET_USD": "0.5", "SHADOW_PRICES": json.dumps(prices)}
    lab = new_lab(**again(primary, **limits))
    lab.agent().run(calls.ask, texts=[f"question {n}" for n in range(20)])
    lab.funnel(20)

    spent = 0.01 * len(candidate.seen()) + 0.1 * len(repeats(primary))
    assert 0.4 < spent <= 0.5 + 1e-9
    assert len(repeats(primary)) == 4
    assert lab.status is not None
    assert float(lab.status.spent_usd[REPEAT]) == pytest.approx(0.4)
    assert outcomes(lab) == {"mirrored": 4, "budget_usd": 16}


def test_a_primary_of_unknown_price_is_not_asked_under_a_budget(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    prices = json.dumps({CANDIDATE: {"request": 0.001}})
    lab = new_lab(**again(primary, SHADOW_BUDGET_USD="5", SHADOW_PRICES=prices))
    lab.agent().run(calls.ask, texts=["a", "b"])
    lab.funnel(2)

    assert len(candidate.seen()) == 2
    assert not repeats(primary)
    assert outcomes(lab) == {"budget_usd": 2}
    assert lab.runner_log.count("the price of m is not known, so the primary is not asked") == 1


def test_the_doctor_asks_no_primary(
    new_lab: Callable[..., Lab], primary: Model, candidate: Model
) -> None:
    lab = new_lab(**again(primary))
    lab.agent().run(calls.ask, texts=["a", "b"])
    lab.drained(2)
    before = len(primary.seen())
    done = lab.cli("doctor")

    assert done.returncode == 0, done.stdout
    assert len(primary.seen()) == before == 4
    assert f"100 % of the calls go to {primary.url} again" in done.stdout
    assert "2 calls, 2 mirrored; asked of the primary again: mirrored 2" in done.stdout


def test_a_collector_gets_the_second_answer_as_any_candidates(
    new_lab: Callable[..., Lab], primary: Model
) -> None:
    with sink() as collector:
        to = {"SHADOW_OTLP_ENDPOINT": collector.otlp_http, "SHADOW_MARK": "mark-0123456789abcdef"}
        lab = new_lab(**again(primary, **to))
        lab.agent().run(calls.openai_sync, key="a")
        lab.drained(1)
        legs = {s.attributes.get(semconv.CANDIDATE_ID): s for s in collector.spans}

        assert set(legs) == {None, CANDIDATE, REPEAT}
        ours, theirs, second = legs[None], legs[CANDIDATE], legs[REPEAT]
        assert second.trace_id == theirs.trace_id == ours.trace_id
        assert second.parent_id == ours.span_id
        assert set(second.attributes) == set(theirs.attributes)
        assert second.attributes[semconv.ROLE] == "candidate"
        assert second.attributes[semconv.REQUEST_MODEL] == "m"
        assert second.name == ours.name
        until(
            lambda: any(
                p.attributes.get(semconv.CANDIDATE_ID) == REPEAT
                and p.attributes.get(semconv.COUNT) == "mirrored"
                for p in collector.points
            ),
            "its counter",
        )
