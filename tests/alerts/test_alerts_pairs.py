"""Alarms of real pairs, from spans to the message: what is proven, once, and without content."""

import json
import sqlite3

import pytest
from alerts.receiver import receiver
from alerts.stores import alerts, tell
from evaluate.spans import START, add_labels, both, leg, store_of
from support.lab import until
from support.serve import running_serve

from shadow_mw.decide.presets import ARTICLES
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.registration import register

SECRET = "Jane Doe, 12 Elm Street"
INVENTED = "DE999999999"
PAIRS = 2_000
DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """2,000 documents in two segments; the candidate invents every fifth tax id."""
    path = tmp_path_factory.mktemp("pairs") / "shadow.db"
    spans = []
    for n in range(PAIRS):
        start = START + n * DAY // 500
        answers = (
            {"total": "9.00", "tax_id": None},
            {
                "total": "9.00",
                "tax_id": INVENTED if n % 5 == 0 else None,
            },
        )
        more = {
            "start": start,
            "shadow__key": f"key-{n}",
            "shadow__segment": "weekday" if n % 2 else "weekend",
            "gen_ai__input__messages": json.dumps([{"role": "user", "content": SECRET}]),
        }
        spans += [
            leg(role, f"p{n}", answer, **more)
            for role, answer in zip(("primary", "candidate"), answers, strict=True)
        ]
    labels = [(f"key-{n}", {"total": "9.00", "tax_id": None}) for n in range(PAIRS)]
    return store_of(path, *spans, labels=labels)


@pytest.fixture
def store(made, tmp_path):
    """A copy of it that a test may write to."""
    path = tmp_path / "shadow.db"
    with sqlite3.connect(made) as source, sqlite3.connect(path) as target:
        source.backup(target)
    source.close()
    target.close()
    return path


def test_what_is_proven_is_told_once_and_without_any_content(store):
    with receiver() as hook:
        first = alerts(store, SHADOW_WEBHOOK_URL=hook.url)
        again = alerts(store, SHADOW_WEBHOOK_URL=hook.url)
    assert first.returncode == again.returncode == 1, first.stderr
    assert sorted((one["alarm"], one["segment"], one["state"]) for one in hook.accepted) == [
        ("hallucination", "", "raised"),
        ("hallucination", "weekday", "raised"),
        ("hallucination", "weekend", "raised"),
        ("verdict", "", "NO-GO"),
    ]
    whole = next(one for one in hook.accepted if one["alarm"] == "hallucination")
    assert 0.002 < whole["low"] < 0.2 < whole["high"]
    assert "400 against 0 of 2,000 null fields; most in tax_id" in json.dumps(hook.bodies)
    said = json.dumps(hook.bodies) + first.stdout + first.stderr
    assert SECRET not in said
    assert INVENTED not in said
    assert "key-" not in said


def test_without_a_change_nothing_is_worked_out_or_written_again(store):
    alerts(store)
    with sqlite3.connect(store) as watcher:
        before = watcher.execute("PRAGMA data_version").fetchone()
        assert alerts(store).returncode == 1
        assert watcher.execute("PRAGMA data_version").fetchone() == before
    watcher.close()


def test_what_was_raised_stays_until_somebody_forgets_it(store):
    """Truths are mended: the tax ids were there. The alarm was false, and says so when asked."""
    alerts(store)
    mended = [(f"key-{n}", {"total": "9.00", "tax_id": INVENTED}) for n in range(0, PAIRS, 5)]
    add_labels(store, *mended)
    kept = json.loads(alerts(store, "--json").stdout)["raised"]
    assert {one["alarm"] for one in kept} == {"hallucination"}
    with receiver() as hook:
        anew = alerts(store, "--forget", "e/c", "--json", SHADOW_WEBHOOK_URL=hook.url)
        assert (anew.returncode, json.loads(anew.stdout)["raised"]) == (0, []), anew.stderr
        assert hook.said == []


def test_a_registered_plan_decides_by_its_own_margin(store, tmp_path):
    """A quarter of null fields may be invented: nobody would write that, and it is obeyed."""
    rate = ARTICLES.gates.hallucination.model_copy(update={"margin": 0.25})
    parts = ARTICLES.gates.segments.model_copy(update={"hallucination_margin": 0.25})
    gates = ARTICLES.gates.model_copy(update={"hallucination": rate, "segments": parts})
    plan = ARTICLES.model_copy(update={"gates": gates})
    with Store.open(store) as opened:
        assert register(opened, "e", plan.canonical, plan.hash, replace=False)
    assert json.loads(alerts(store, "--json").stdout)["raised"] == []


def test_serve_shows_alarm_verdict_and_interval(store, tmp_path):
    with receiver() as hook, running_serve(tmp_path, SHADOW_WEBHOOK_URL=hook.url) as serve:
        until(lambda: len(hook.accepted) == 4, "all are told")
        until(lambda: any("shadow_verdict" in name for name in serve.metrics()), "a verdict")
        found = serve.metrics()
    names = 'candidate="c",experiment="e"'
    assert found[f'shadow_alarm{{alarm="hallucination",{names},segment=""}}'] == 1
    assert found[f'shadow_alarm{{alarm="hallucination",{names},segment="weekend"}}'] == 1
    assert found[f'shadow_alarm{{alarm="errors",{names},segment=""}}'] == 0
    assert found[f'shadow_verdict{{{names},verdict="NO-GO"}}'] == 1
    assert found[f'shadow_verdict{{{names},verdict="GO"}}'] == 0
    low = found[f"shadow_hallucination_difference_low{{{names}}}"]
    assert 0.1 < low < 0.2 < found[f"shadow_hallucination_difference_high{{{names}}}"]


def test_a_candidate_that_has_no_pairs_yet_is_no_fault(tmp_path):
    path = tmp_path / "shadow.db"
    tell(path)
    assert (alerts(path).returncode, alerts(path).stderr) == (0, "")
    store_of(path, *both("p1"))
    done = alerts(path, "--json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)["raised"]) == (0, "", [])
