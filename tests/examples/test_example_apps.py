"""Each example run as its docstring says, between two real model servers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from support.cli import run_text
from support.servers import Server, clean_environ, free_port, model_server, running
from support.waiting import WAIT, until

from shadow_mw import settings
from shadow_mw.demo.invoices import generate
from shadow_mw.runner.status import alive, wait_drained

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCUMENTS = 5

COMMANDS = {
    "fastapi": ("fastapi_app", "-m uvicorn main:app --port {port}"),
    "flask": ("flask_app", "-m flask --app app run --port {port}"),
    "flask-gunicorn": ("flask_app", "-m gunicorn app:app --workers 2 --bind 127.0.0.1:{port}"),
    "django": ("django_project", "manage.py runserver --noreload {port}"),
    "django-gunicorn": ("django_project", "-m gunicorn project.wsgi --bind 127.0.0.1:{port}"),
    "django-asgi": (
        "django_project",
        "-m uvicorn project.asgi:application --lifespan off --port {port}",
    ),
}


@pytest.fixture(scope="module")
def models() -> Iterator[tuple[Server, Server]]:
    with model_server("careful") as primary, model_server("overconfident") as candidate:
        yield primary, candidate


@pytest.fixture
def env(models: tuple[Server, Server], tmp_path: Path) -> dict[str, str]:
    primary, candidate = models
    return clean_environ(
        OPENAI_BASE_URL=f"{primary.url}/v1",
        OPENAI_API_KEY="primary",
        OPENAI_MODEL="careful-large",
        SHADOW_CANDIDATE_URL=f"{candidate.url}/v1",
        SHADOW_CANDIDATE_MODEL="overconfident-small",
        SHADOW_STORE=str(tmp_path / "shadow.db"),
        SHADOW_STATE_DIR=str(tmp_path / "state"),
    )


def shadow(env: dict[str, str], *arguments: str) -> dict:
    done = run_text(*arguments, cwd=Path.cwd(), env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_calls_of_the_example_are_mirrored(
    name: str, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, command = COMMANDS[name]
    port = free_port()
    documents = generate(DOCUMENTS, seed=3)
    directory = spool(env, monkeypatch)
    words = [sys.executable, *command.format(port=port).split()]
    with running(words, port, env=env, cwd=EXAMPLES / folder) as server:
        for document in documents:
            body = {"id": document.id, "text": document.text}
            answer = httpx2.post(f"{server.url}/extract", json=body, timeout=WAIT, trust_env=False)
            assert answer.status_code == 200, server.output()
            assert set(answer.json()) == {"company", "invoice_number", "total", "vendor_tax_id"}
        assert wait_drained(directory, DOCUMENTS, WAIT), server.output()

    truth = tmp_path / "truth.jsonl"
    truth.write_text(
        "".join(
            json.dumps({"key": d.id, "truth": {"total": d.truth["total"]}}) + "\n"
            for d in documents
        )
    )
    shadow(env, "label", str(truth), "--json")
    report = shadow(env, "report", "--json")
    funnel = report["funnel"]
    assert [funnel[step] for step in ("captured", "mirrored", "paired", "scored")] == [
        DOCUMENTS
    ] * 4
    assert funnel["reasons"] == {}
    assert report["metrics"]["field_accuracy"]["n"] == DOCUMENTS
    wait_gone(directory)


def spool(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in env.items():
        if name.startswith("SHADOW_"):
            monkeypatch.setenv(name, value)
    return settings.load().directory


def wait_gone(directory: Path) -> None:
    """The runner leaves by itself when its app has."""
    until(lambda: not alive(directory), "the runner's end")
