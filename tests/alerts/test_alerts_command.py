"""`shadow-mw alerts`: what it prints, and what it refuses."""

import json
import time

import pytest
from alerts.receiver import receiver
from alerts.stores import alerts, tell
from support.servers import free_port

URL = "https://hooks.example/services/T0/B0/secret-part"


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "shadow.db"
    tell(path, spend_usd=8.5, budget_usd=10.0, window_end=time.time() + 3600)
    return path


def test_what_is_raised_is_printed(store):
    done = alerts(store)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "raised  budget_80  e/c  $8.50 of $10.00 is spent\n"
    tell(store, spend_usd=1.0)
    assert alerts(store).stdout == (
        "clear  budget_80  e/c  $1.00 of $10.00 is spent\nno alarm is raised\n"
    )
    assert (alerts(store).stdout, alerts(store).returncode) == ("no alarm is raised\n", 0)


def test_the_same_as_json(store):
    done = alerts(store, "--json")
    found = json.loads(done.stdout)
    (alarm,) = found["raised"]
    assert found["changed"] == [alarm]
    since = alarm.pop("since")
    assert since.endswith("+00:00")
    assert alarm == {
        "experiment": "e",
        "candidate": "c",
        "alarm": "budget_80",
        "segment": None,
        "state": "raised",
        "text": "$8.50 of $10.00 is spent",
        "interval": None,
    }
    assert found["messages"] == {"sent": 0, "waiting": 0, "dropped": 0, "failed_attempts": 0}


def test_what_cannot_be_told_now_waits(store):
    nobody = f"http://127.0.0.1:{free_port()}/secret-part"
    done = alerts(store, SHADOW_WEBHOOK_URL=nobody)
    assert done.returncode == 1
    assert done.stderr == "shadow-mw: webhook: ConnectError; it is tried again later\n"
    with receiver() as hook:
        found = alerts(store, "--json", "--no-send", SHADOW_WEBHOOK_URL=hook.url)
        assert json.loads(found.stdout)["messages"]["waiting"] == 1
        assert hook.bodies == []


def test_a_test_message_shows_what_the_endpoint_says(store):
    with receiver() as hook:
        hook.answers = [(200, {}), (404, {})]
        good = alerts(store, "--test", SHADOW_WEBHOOK_URL=hook.url)
        assert (good.returncode, good.stdout) == (0, "status 200: ok\n")
        assert hook.said == [("test", "clear")]
        bad = alerts(store, "--test", SHADOW_WEBHOOK_URL=hook.url)
        assert (bad.returncode, bad.stdout) == (1, "status 404: no [2Jservice\n")
        for done in (good, bad):
            assert "secret-part" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["--test"], {}, 78, "SHADOW_WEBHOOK_URL is not set"),
        ([], {"SHADOW_WEBHOOK_URL": URL.replace("https", "http")}, 78, "SHADOW_WEBHOOK_URL=***"),
        ([], {"SHADOW_WEBHOOK_URL": URL.replace("//", "//u:pw@")}, 78, "SHADOW_WEBHOOK_URL=***"),
        ([], {"SHADOW_PAGE_URL": "shadow.example"}, 78, "SHADOW_PAGE_URL=shadow.example"),
        (["--every", "0"], {}, 64, "--every"),
        (["--every", "5", "--json"], {}, 64, "--every goes with neither"),
        (["--forget", "e"], {}, 64, "alarms are kept of none yet"),
    ],
)
def test_wrong_use_is_one_line(store, arguments, env, code, said):
    done = alerts(store, *arguments, **env)
    assert done.returncode == code
    assert said in done.stderr
    assert "secret-part" not in done.stderr


def test_a_store_that_is_not_there(tmp_path):
    done = alerts(tmp_path / "none.db")
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("shadow-mw: no store at")
