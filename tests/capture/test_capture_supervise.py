from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from shadow_mw.capture.supervise import runner_environ, runner_obstacle
from shadow_mw.settings import Settings


def test_what_is_the_app_s_telemetry_is_not_the_runner_s(settings: Settings, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    agent = "/x/opentelemetry/instrumentation/auto_instrumentation"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([agent, "/y"]))

    environ = runner_environ(settings)

    assert "OTEL_EXPORTER_OTLP_HEADERS" not in environ
    assert "OTEL_SDK_DISABLED" not in environ
    assert environ["OTEL_SERVICE_NAME"] == "shop"
    assert agent not in environ["PYTHONPATH"]
    assert environ["PYTHONPATH"].startswith("/y")


def test_an_interpreter_that_is_none_is_said_with_what_to_set(settings: Settings, monkeypatch):
    object.__setattr__(settings, "runner", "auto")
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    monkeypatch.setattr(sys, "prefix", "/nowhere")

    assert "SHADOW_RUNNER=external" in str(runner_obstacle(settings))


def test_an_app_may_change_its_directory_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(candidate_url="http://c/v1", candidate_model="m")
    before = settings.directory
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert settings.directory == before
    assert settings.to_environ()["SHADOW_STORE"] == str(tmp_path / "shadow.db")
