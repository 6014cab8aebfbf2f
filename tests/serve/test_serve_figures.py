"""What Prometheus reads of a running service."""

import json
import sqlite3
import time

import pytest
from evaluate.spans import add_labels, both, leg
from serve.bodies import PROTOBUF, metrics, send
from support.serve import running_serve

from shadow_mw.types import DOCTOR

DAY_NS = 86_400 * 10**9


@pytest.fixture
def serve(tmp_path):
    prices = {"big": {"input": 1, "output": 2}, "small": {"input": 0.1, "output": 0.2}}
    with running_serve(tmp_path, SHADOW_PRICES=json.dumps(prices)) as one:
        yield one


def tell(serve, request):
    body = request.SerializeToString()
    response = serve.client.post("/v1/metrics", content=body, headers=PROTOBUF)
    assert response.status_code == 200


def labels(**more):
    return ",".join(
        f'{name}="{value}"'
        for name, value in sorted(({"experiment": "e", "candidate": "c"} | more).items())
        if value is not None
    )


def test_everything_that_a_dashboard_shows(serve):
    failed = {"shadow__outcome": "timeout", "shadow__reason": "candidate_timeout"}
    keyed = {"shadow__key": "k"}
    send(
        serve,
        *both("p1", '{"a": 1, "b": null}', '{"a": 1, "b": "x"}', ms=200, **keyed),
        leg("primary", "p2", '{"a": 1, "b": null}', ms=700, **keyed),
        leg("candidate", "p2", None, ms=900, **failed),
        *both("probe", experiment=DOCTOR),
    )
    add_labels(serve.store, ("k", {"a": 1, "b": None}))
    tell(serve, metrics({"captured": 5, "not_sampled": 3}, candidate="", source="app:h:1"))
    tell(serve, metrics({"mirrored": 2, "candidate_timeout": 1}, spend=0.25, budget=2))
    tell(serve, metrics(source="runner:i", spend=0.5, pending=20))
    tell(serve, metrics(source="runner:j", candidate="", pending=100, window_end=1.9e9))
    tell(serve, metrics({"mirrored": 9}, experiment=DOCTOR, spend=9))

    found = serve.metrics()

    def value(name, **more):
        return found.get(f"{name}{{{labels(**more)}}}")

    stages = ("captured", "mirrored", "paired", "scored")
    assert [value("shadow_calls_total", stage=stage) for stage in stages] == [5, 2, 2, 2]
    assert value("shadow_reasons_total", reason="not_sampled") == 3
    assert value("shadow_reasons_total", reason="candidate_timeout") == 1
    assert value("shadow_legs_total", role="candidate", outcome="ok") == 1
    assert value("shadow_legs_total", role="candidate", outcome="timeout") == 1
    bucket = "shadow_leg_duration_seconds_bucket"
    assert value(bucket, role="primary", le="0.1") == 0
    assert value(bucket, role="primary", le="0.25") == 1
    assert value(bucket, role="primary", le="1") == 2
    assert value(bucket, role="candidate", le="60") == 1
    assert value(bucket, role="candidate", le="+Inf") == 2
    assert value("shadow_leg_duration_seconds_sum", role="primary") == pytest.approx(0.9)
    assert value("shadow_leg_duration_seconds_count", role="candidate") == 2
    assert value("shadow_field_outcomes", role="candidate", outcome="hallucinated") == 1
    assert value("shadow_field_outcomes", role="primary", outcome="correct_null") == 2
    assert value("shadow_cost_usd", role="primary") == pytest.approx(2 * 0.0012)
    assert value("shadow_cost_usd", role="candidate") == pytest.approx(2 * 0.00012)
    assert value("shadow_spend_usd") == 0.75
    assert value("shadow_budget_usd") == 2
    assert value("shadow_window_end_seconds", candidate=None) == 1.9e9
    assert value("shadow_pending_bytes", candidate=None) == 120
    assert found["shadow_store_up"] == 1
    assert found["shadow_ingest_spans_total"] == 6
    assert found["shadow_ingest_waiting_bytes"] == 0
    assert time.time() - found["shadow_ingest_newest_span_seconds"] < 60
    assert not [name for name in found if DOCTOR in name]


def test_null_fields_are_told_by_the_day_of_the_call(serve):
    now = time.time_ns()
    days = [now, now - DAY_NS, now - 40 * DAY_NS]
    for number, start in enumerate(days):
        answer = json.dumps({"b": "x" if number == 1 else None})
        send(serve, *both(f"p{number}", '{"b": null}', answer, start=start, shadow__key="k"))
    add_labels(serve.store, ("k", {"b": None}))

    found = serve.metrics()

    today, before = (time.strftime("%F", time.gmtime(day / 1e9)) for day in days[:2])
    nulls = {name: n for name, n in found.items() if name.startswith("shadow_null_fields")}
    assert nulls == {f"shadow_null_fields{{{labels(day=day)}}}": 1 for day in (today, before)}
    for day, n in ((today, 0), (before, 1)):
        assert found[f"shadow_hallucinated_fields{{{labels(day=day, role='candidate')}}}"] == n


def test_a_missing_leg_is_a_reason_once_it_is_overdue(serve):
    send(serve, leg("primary", "p1"), *both("p2"))
    connection = sqlite3.connect(serve.store)
    connection.execute("UPDATE observations SET received_ns = received_ns - ?", (DAY_NS,))
    connection.commit()
    connection.close()
    found = serve.metrics()
    missing = labels(reason="candidate_leg_missing")
    assert found[f"shadow_reasons_total{{{missing}}}"] == 1
    assert found[f"shadow_legs_awaited{{{labels()}}}"] == 0


def test_names_that_need_quoting_are_quoted(serve):
    odd = 'a"b\\c\nd'
    send(serve, *both("p1", shadow__candidate__id=odd))
    text = serve.client.get("/metrics").text
    assert (
        'shadow_calls_total{candidate="a\\"b\\\\c\\nd",experiment="e",stage="paired"} 1.0' in text
    )


def test_a_scraper_may_ask_for_openmetrics(serve):
    kind = "application/openmetrics-text; version=1.0.0"
    response = serve.client.get("/metrics", headers={"accept": kind})
    assert response.headers["content-type"].startswith(kind)
    assert response.text.endswith("# EOF\n")


def test_what_checks_say_is_counted_by_label(serve):
    no = "I'm sorry, but I can't help with that."
    send(
        serve,
        *both("p1", "The shop opens at nine.", no),
        *both("p2", no, no),
        *both("p3", "The shop opens at nine.", "The shop opens at nine."),
        *both("p4", {"a": 1}, {"a": None}),
    )
    found = serve.metrics()

    def pairs(check, label):
        return found.get(f"shadow_check_pairs{{{labels(check=check, label=label)}}}")

    assert pairs("refusal", "answered/refused") == 1
    assert pairs("refusal", "refused/refused") == 1
    assert pairs("refusal", "answered/answered") == 2
    assert pairs("facts_differ", "negations") == 1
    divergent = {n: v for n, v in found.items() if n.startswith("shadow_divergent_fields")}
    alone = labels(kind="primary_only", grounded="unknown")
    assert divergent == {f"shadow_divergent_fields{{{alone}}}": 1}


def test_a_check_with_endless_labels_is_a_few_series(serve):
    send(serve, *(one for n in range(40) for one in both(f"p{n}")))
    connection = sqlite3.connect(serve.store)
    for n in range(40):
        connection.execute("INSERT INTO check_labels (name, label) VALUES ('acme.odd', ?)", (n,))
        connection.execute(
            "INSERT INTO check_results SELECT pairs.id, check_labels.id, series, NULL, 1, NULL"
            " FROM pairs, check_labels WHERE name = 'acme.odd' AND label = ? AND pairs.id <= ?",
            (str(n), n + 1),
        )
    connection.commit()
    connection.close()
    found = {n: v for n, v in serve.metrics().items() if 'check="acme.odd"' in n}
    assert len(found) == 26
    assert sum(found.values()) == sum(range(1, 41))
    assert found[f"shadow_check_pairs{{{labels(check='acme.odd', label='39')}}}"] == 40
    assert found[f"shadow_check_pairs{{{labels(check='acme.odd', label='other labels')}}}"] == 120
