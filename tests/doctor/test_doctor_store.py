"""The doctor on installations without a collector: each link really broken, and really mended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from support import calls, formats
from support.json_server import Raw, json_server
from support.lab import CANDIDATE_KEY, PRIMARY_KEY, Lab, Model, until
from support.servers import free_port
from support.waiting import WAIT

UVICORN = ("-m", "uvicorn", "--port", "{port}")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")
SERVERS = {
    "asgi": (*UVICORN, "support.app_starlette:app"),
    "wsgi": (*GUNICORN, "support.app_flask:app"),
    "wsgi-preload": (*GUNICORN, "-w", "2", "--preload", "support.app_flask:app"),
    "django": (*GUNICORN, "support.app_django:wsgi"),
}
Ask = Callable[..., Any]


def command(kind: str, port: int) -> list[str]:
    return [part.format(port=port) for part in SERVERS[kind]]


@pytest.mark.parametrize("kind", SERVERS)
def test_a_whole_installation_passes(lab: Lab, ask: Ask, kind: str) -> None:
    port = free_port()
    with lab.web(*command(kind, port), port=port) as server:
        until(lambda: ask_app(server.url), "an answer")
        lab.drained(1)
        said = ask(lab)

        assert said.code == 0, said.text
        assert f"{kind.partition('-')[0]} app, pid " in said.seen("middleware")
        assert said.seen("captured") == "1 call, 1 mirrored"
        assert said.seen("runner").startswith("alive, pid")
        assert said.state("collector") == "skipped"
        assert said.seen("evaluator") == f"the probe pair is in {lab.store}"
    assert "the app is not affected" not in lab.logs[-1]


def anthropic_only(path: str, _: dict[str, str], body: dict[str, Any]) -> Raw:
    """An API that knows Anthropic's path and no other."""
    known = path == "/v1/messages"
    return Raw(body=formats.reply(path, body)) if known else Raw(404, {"detail": "Not Found"})


def ask_app(url: str) -> bool:
    answer = httpx2.post(url + "/ask", json={"text": "hi"}, timeout=WAIT, trust_env=False)
    return answer.status_code == 200


def test_a_script_passes_and_the_report_knows_nothing_of_the_probe(lab: Lab, ask: Ask) -> None:
    app = lab.agent()
    app.run(calls.openai_sync, key="a")
    lab.drained(1)
    before = lab.report()
    beside = (lab.path / "shadow.db.key").read_text()

    assert ask(lab).code == 0

    assert lab.report() == before
    assert (lab.path / "shadow.db.key").read_text() == beside, "labels still find their pairs"
    assert lab.status is not None
    assert lab.status.captured == 1


def test_nothing_captured_says_what_is_seen(lab: Lab, ask: Ask) -> None:
    port = free_port()
    with lab.web(*command("asgi", port), port=port):
        said = ask(lab)

    assert said.broken == ["captured"]
    assert said.seen("captured") == "no call yet"
    for word in ("httpx2", "SHADOW_PATHS", "/v1/chat/completions", "SHADOW_CAPTURE=auto"):
        assert word in said.mend("captured")


def test_an_app_without_the_line_is_told_which_one(lab: Lab, ask: Ask) -> None:
    port = free_port()
    with lab.web(*command("asgi", port), port=port, BARE="1"):
        said = ask(lab)

    assert said.code == 1
    assert said.broken == ["middleware"]
    for line in (
        "app.add_middleware",
        "app.wsgi_app =",
        "shadow_mw.django.",
        "shadow_mw.install()",
    ):
        assert line in said.mend("middleware")


def test_an_app_that_was_killed_is_absent(lab: Lab, ask: Ask) -> None:
    port = free_port()
    with lab.web(*command("asgi", port), port=port) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(WAIT)
        assert ask(lab).broken == ["middleware"]


def test_an_app_with_other_settings_is_named_with_what_differs(lab: Lab, ask: Ask) -> None:
    port = free_port()
    elsewhere = str(lab.path / "elsewhere.db")
    with lab.web(*command("asgi", port), port=port, SHADOW_STORE=elsewhere):
        said = ask(lab)

    assert said.broken == ["middleware"]
    assert f"SHADOW_STORE={elsewhere} (here {lab.store})" in said.seen("middleware")
    assert "SHADOW_*" in said.mend("middleware")


@pytest.fixture(scope="module")
def with_a_call(
    tmp_path_factory: pytest.TempPathFactory, primary: Model, candidate: Model
) -> Iterator[Lab]:
    """An installation that has mirrored a call; doctors leave it as it is."""
    candidate.reset()
    path = tmp_path_factory.mktemp("with-a-call")
    with closing(Lab(path, primary, candidate, SHADOW_TIMEOUT="1")) as lab:
        lab.agent().run(calls.openai_sync, key="a")
        lab.drained(1)
        yield lab


@pytest.mark.parametrize(
    ("behaviour", "seen", "mend"),
    [
        ({"mode": "ok", "key": "another"}, "answered 401", "SHADOW_CANDIDATE_API_KEY is refused"),
        ({"mode": "unknown"}, "answered 404: no such model", "SHADOW_CANDIDATE_MODEL"),
        ({"mode": "error500"}, "answered 500", "SHADOW_CANDIDATE_URL"),
        ({"mode": "garbage"}, "answered 200", "SHADOW_CANDIDATE_URL must be"),
        ({"mode": "redirect"}, "answered 307", "SHADOW_CANDIDATE_URL must be"),
        ({"mode": "limited"}, "answered 429", "SHADOW_SAMPLE_RATE"),
        ({"mode": "hang"}, "candidate_timeout", "SHADOW_TIMEOUT is 1 s"),
        ({"mode": "reset"}, "candidate_connection_lost", "SHADOW_CANDIDATE_URL"),
    ],
    ids=lambda value: value["mode"] + value.get("key", "") if isinstance(value, dict) else "",
)
def test_a_candidate_that_fails_names_what_to_mend(
    with_a_call: Lab,
    candidate: Model,
    ask: Ask,
    behaviour: dict[str, str],
    seen: str,
    mend: str,
) -> None:
    candidate.reset()
    candidate.mode(**behaviour)

    said = ask(with_a_call)

    assert said.broken == ["candidate"], said.text
    assert seen in said.seen("candidate")
    assert mend in said.mend("candidate")
    assert said.state("evaluator") == "holds", "the failure is what the pair says"
    assert CANDIDATE_KEY not in said.text
    assert PRIMARY_KEY not in said.text


def test_the_right_key_is_what_was_missing(
    new_lab: Callable[..., Lab], candidate: Model, ask: Ask
) -> None:
    lab = new_lab()
    candidate.mode("ok", key=CANDIDATE_KEY)

    assert "candidate" not in ask(lab).broken
    lab.env.pop("SHADOW_CANDIDATE_API_KEY")
    assert ask(lab).mend("candidate") == "SHADOW_CANDIDATE_API_KEY is not set"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid"])
def test_a_candidate_that_is_not_there(new_lab: Callable[..., Lab], ask: Ask, host: str) -> None:
    lab = new_lab(f"http://{host.format(port=free_port())}/v1")

    said = ask(lab)

    assert "candidate_unreachable" in said.seen("candidate")
    assert said.mend("candidate").startswith("SHADOW_CANDIDATE_URL cannot be reached")


def test_one_call_is_made_of_each_candidate_and_none_on_request(
    new_lab: Callable[..., Lab], candidate: Model, ask: Ask
) -> None:
    other = {"id": "other", "url": candidate.url, "model": "m2:error500"}
    lab = new_lab(
        SHADOW_CANDIDATES=json.dumps([other]),
        SHADOW_MAX_CALLS="0",
        SHADOW_WINDOW_END="2020-01-01T00:00:00Z",
    )

    done = lab.cli("doctor", "--no-candidate", "--json")
    assert candidate.seen() == []
    states = {link["link"]: link["state"] for link in json.loads(done.stdout)["links"]}
    assert (states["candidate"], states["evaluator"]) == ("skipped", "holds")

    lab.cli("doctor")
    assert sorted(call["body"]["model"] for call in candidate.seen()) == ["cand", "m2:error500"]


def test_a_candidate_that_speaks_anthropic_is_asked_so(
    new_lab: Callable[..., Lab], candidate: Model, ask: Ask
) -> None:
    with json_server(anthropic_only) as url:
        said = ask(new_lab(url))

    assert said.state("candidate") == "holds", said.text


def test_an_external_runner_that_is_not_there(new_lab: Callable[..., Lab], ask: Ask) -> None:
    lab = new_lab(SHADOW_RUNNER="external")
    lab.agent().run(calls.openai_sync, key="a")
    until(lambda: list(lab.directory.glob("*.seg")), "a segment")

    said = ask(lab)
    assert said.broken == ["runner"]
    assert "`shadow-mw run`" in said.mend("runner")
    assert "no runner has read yet" in said.seen("captured")

    runner = subprocess.Popen([sys.executable, "-m", "shadow_mw", "run"], env=lab.env)
    try:
        lab.drained(1)
        assert ask(lab).code == 0
    finally:
        runner.terminate()
        runner.wait(WAIT)


def test_a_store_that_is_none(lab: Lab, ask: Ask) -> None:
    lab.store.write_text("not a database, and long enough to be looked at" * 10)
    lab.fails_on_purpose = True
    lab.agent().run(calls.openai_sync, key="a")
    until(lambda: "shadow_mw:" in lab.runner_log and not lab.runners(), "the runner's end")

    said = ask(lab)

    assert said.broken == ["runner", "evaluator"]
    assert str(lab.store) in said.seen("runner"), "the last line of its log"
    assert "runner.log" in said.mend("runner")
    assert str(lab.store) in said.seen("evaluator")
    assert "SHADOW_STORE" in said.mend("evaluator")


@pytest.mark.parametrize(
    ("variables", "mend"),
    [
        ({"SHADOW_ENABLED": "false"}, "SHADOW_ENABLED"),
        ({"SHADOW_SAMPLE_RATE": "0"}, "shadow-mw sample"),
        ({"SHADOW_WINDOW_START": "2999-01-01T00:00:00Z"}, "SHADOW_WINDOW_START"),
        ({"SHADOW_WINDOW_END": "2020-01-01T00:00:00Z"}, "SHADOW_WINDOW_END"),
    ],
)
def test_settings_that_mirror_nothing(
    new_lab: Callable[..., Lab], ask: Ask, variables: dict[str, str], mend: str
) -> None:
    said = ask(new_lab(**variables))

    assert "settings" in said.broken
    assert mend in said.mend("settings")


def test_what_the_control_file_says_counts(lab: Lab, ask: Ask) -> None:
    lab.cli("off")
    said = ask(lab)
    assert said.mend("settings") == "run `shadow-mw on`"
    assert "control.json" in said.seen("settings")

    lab.cli("on")
    assert "settings" not in ask(lab).broken


def test_money_that_is_gone(new_lab: Callable[..., Lab], ask: Ask) -> None:
    lab = new_lab(SHADOW_MAX_CALLS="1")
    lab.agent().run(calls.openai_sync, key="a")
    lab.drained(1)

    assert ask(lab).mend("settings") == "raise SHADOW_MAX_CALLS"


def test_a_state_directory_that_cannot_be_one(new_lab: Callable[..., Lab], ask: Ask) -> None:
    lab = new_lab()
    (lab.path / "file").write_text("")
    lab.env["SHADOW_STATE_DIR"] = str(lab.path / "file" / "state")

    said = ask(lab)

    assert "state directory" in said.broken
    assert "SHADOW_STATE_DIR" in said.mend("state directory")


def test_misspelt_variables_are_named(new_lab: Callable[..., Lab], ask: Ask) -> None:
    assert "ignored: SHADOW_SAMPEL_RATE" in ask(new_lab(SHADOW_SAMPEL_RATE="1")).seen("settings")


@pytest.mark.parametrize(
    "variables",
    [{"SHADOW_SAMPLE_RATE": "lots"}, {"SHADOW_CANDIDATE_MODEL": "", "SHADOW_CANDIDATE_URL": ""}],
)
def test_wrong_settings_are_one_line_and_a_code_of_their_own(
    new_lab: Callable[..., Lab], variables: dict[str, str]
) -> None:
    done = new_lab(**variables).cli("doctor")

    assert done.returncode == 78
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_people_get_a_line_for_each_link(lab: Lab) -> None:
    done = lab.cli("doctor")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("✓ settings ")
    assert any(line.startswith("✗ middleware ") for line in lines)
    assert any(line.startswith("- collector ") for line in lines)

    lab.env |= {"PYTHONIOENCODING": "ascii"}
    assert lab.cli("doctor").stdout.splitlines()[0].startswith("ok settings ")
