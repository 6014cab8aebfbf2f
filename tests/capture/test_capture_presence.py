from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.servers import clean_environ
from support.waiting import WAIT, until

from shadow_mw.capture.presence import SUFFIX, leave_sign, living

HOLD = """
import sys, os
from pathlib import Path
from shadow_mw.capture.presence import leave_sign
assert leave_sign(Path(sys.argv[1]), "wsgi", {"SHADOW_EXPERIMENT": "e"}) is not None
child = os.fork() if sys.argv[2] == "fork" else None
if child:
    print(child, flush=True)
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def app(directory: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory), how],
        env=clean_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline()
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(WAIT)
        process.stdout.close()


def files(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir())


def test_a_living_app_is_seen_and_a_killed_one_is_not(tmp_path: Path):
    with app(tmp_path) as process:
        (seen,) = living(tmp_path)
        assert (seen.pid, seen.kind) == (process.pid, "wsgi")
        assert seen.settings == {"SHADOW_EXPERIMENT": "e"}
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT)

    assert list(living(tmp_path)) == []
    assert files(tmp_path) == [], "what it left is removed"


def test_a_forked_worker_keeps_the_sign_of_its_parent(tmp_path: Path):
    with app(tmp_path, "fork") as parent:
        parent.wait(WAIT)
        assert len(list(living(tmp_path))) == 1

    until(lambda: not list(living(tmp_path)), "the worker's end")


def test_the_next_app_removes_what_dead_ones_left(tmp_path: Path):
    with app(tmp_path):
        pass
    assert len(files(tmp_path)) == 1

    with app(tmp_path), app(tmp_path):
        assert len(files(tmp_path)) == 2
        assert len(list(living(tmp_path))) == 2


def test_looking_does_not_end_a_sign(tmp_path: Path):
    with app(tmp_path):
        for _ in range(3):
            assert len(list(living(tmp_path))) == 1


def test_nowhere_to_write_is_no_reason_to_fail(tmp_path: Path):
    assert leave_sign(tmp_path / "missing", "asgi", {}) is None


@pytest.mark.parametrize("content", ["", "{", "[1]", "5"])
def test_a_damaged_sign_is_passed_over(tmp_path: Path, content: str):
    with app(tmp_path):
        (path,) = tmp_path.glob(f"*{SUFFIX}")
        path.write_text(content)
        assert list(living(tmp_path)) == []
