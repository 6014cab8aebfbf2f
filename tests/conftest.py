"""Fixtures that tests of several stages share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shadow_mw.capture import failsafe, outbound
from shadow_mw.capture.shadow import Shadow
from shadow_mw.settings import Settings

for name in [name for name in os.environ if name.startswith(("SHADOW_", "OTEL_"))]:
    del os.environ[name]


@pytest.fixture(autouse=True)
def no_swallowed_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Our one guard may not have caught anything, unless the test makes it."""
    failsafe.swallowed.clear()
    yield
    if not request.node.get_closest_marker("swallows"):
        assert failsafe.swallowed == {}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An experiment whose runner somebody else starts: frames stay where they are."""
    return Settings(
        candidate_url="http://127.0.0.1:9/v1",
        candidate_model="candidate-model",
        runner="external",
        state_dir=tmp_path / "state",
        store=tmp_path / "shadow.db",
    )


@pytest.fixture
def shadow(settings: Settings) -> Iterator[Shadow]:
    """Capture in this process."""
    yield (made := Shadow(settings))
    outbound.uninstall(made)
    made.spool.close()
