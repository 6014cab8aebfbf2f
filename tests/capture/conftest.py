from __future__ import annotations

import pytest

from shadow_mw.capture.supervise import Supervisor


@pytest.fixture(autouse=True)
def only_tests_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor's thread would end streams and tell counters while a test does so too."""
    monkeypatch.setattr(Supervisor, "start", lambda self: None)
