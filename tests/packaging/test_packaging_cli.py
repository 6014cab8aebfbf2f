"""Exit codes of the command line that no command has by itself."""

import subprocess
import sys

import pytest
from evaluate.spans import both, store_of
from support.servers import clean_environ


@pytest.mark.parametrize("command", [["verdict"], ["verdict", "--json"], ["report"], ["status"]])
def test_whoever_stops_reading_gets_no_answer_for_it(tmp_path, command):
    """1 would be NO-GO, and `set -o pipefail` asks."""
    store_of(tmp_path / "shadow.db", *both("p1", {"a": None}, {"a": "x"}))
    env = clean_environ(
        SHADOW_STATE_DIR=str(tmp_path / "state"),
        SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1",
        SHADOW_CANDIDATE_MODEL="m",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=env,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")
