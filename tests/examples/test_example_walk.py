"""The walk of `examples/README.md`, as it stands there, but for its ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from support.servers import clean_environ, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_from_nothing_to_a_verdict_without_a_model(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    walk = re.search(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.S)
    assert walk is not None
    script = walk[1]
    for port in ("8000", "8001", "8002"):
        script = script.replace(port, str(free_port()))
    shutil.copy(EXAMPLES / "fastapi_app" / "main.py", tmp_path)
    here = str(Path(sys.executable).parent)
    env = clean_environ(
        PATH=f"{here}{os.pathsep}{os.environ['PATH']}",
        SHADOW_STATE_DIR=str(tmp_path / "state"),
        NO_PROXY="localhost,127.0.0.1",
    )
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, error = process.communicate(timeout=100)
    finally:
        # The servers of a walk that did not come to its end.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "before any data" in said, error
    assert '"company":"Acme Ltd"' in said, error
    assert "mirrored 1, nothing spent that has a known price" in said
    assert "1 label stored, 1 pair scored" in said
    assert re.search(r"hallucination rate +0.0 % \(0 of 1\) +100.0 % \(1 of 1\)", said), said
    assert "INSUFFICIENT  pairs: 1 of 10,000 pairs" in said
    assert (tmp_path / "report.html").stat().st_size > 100_000
