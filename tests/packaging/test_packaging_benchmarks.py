"""Benchmarks are run seldom: they must not rot meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.servers import clean_environ

ROOT = Path(__file__).parents[2]
RECEIPTS = ROOT.parent / "shared" / "data" / "receipts.jsonl"
MODULES = sorted(
    f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("*.py") if path.stem[0] != "_"
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean_environ(COLUMNS="200", BENCH_MODEL_URL="http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_every_module_that_can_be_run_reads_its_options():
    started = "__name__ == " + '"__main__"'
    runnable = [
        name
        for name in (*MODULES, "benchmarks.__main__")
        # What a launcher is given is a command, and no options.
        if started in (ROOT / f"{name.replace('.', '/')}.py").read_text() and "launcher" not in name
    ]
    code = (
        "import contextlib, io, runpy, sys, warnings\n"
        "warnings.filterwarnings('ignore', '.* found in sys.modules')\n"
        f"for name in {runnable}:\n"
        "    sys.argv, printed = [name, '--help'], io.StringIO()\n"
        "    with contextlib.redirect_stdout(printed):\n"
        "        try:\n"
        "            runpy.run_module(name, run_name='__main__')\n"
        "        except SystemExit as end:\n"
        "            assert end.code == 0, name\n"
        "    assert 'options:' in printed.getvalue(), name\n"
    )
    done = run("-W", "error", "-c", code)

    assert len(runnable) > 15
    assert done.returncode == 0, done.stderr


def test_every_module_can_be_imported_and_what_measures_has_a_letter():
    code = (
        "import importlib, inspect\n"
        "from benchmarks.__main__ import PARTS\n"
        f"for name in {MODULES}:\n"
        "    measure = getattr(importlib.import_module(name), 'measure', None)\n"
        "    part = measure and 'quick' in inspect.signature(measure).parameters\n"
        "    assert not part or measure in PARTS.values(), name\n"
        "for letter, measure in PARTS.items():\n"
        "    assert f'\"{letter}. ' in inspect.getsource(inspect.getmodule(measure)), letter\n"
    )
    done = run("-W", "error", "-c", code)

    assert done.returncode == 0, done.stderr


def test_the_memory_of_a_command_is_its_own_however_large_the_benchmark_is():
    code = (
        "import os, pathlib, sys\n"
        "from benchmarks.commands import launched\n"
        "ballast = b'x' * (200 << 20)\n"
        "for made in ('', 'b\"x\" * (100 << 20)'):\n"
        "    arguments = [sys.executable, '-c', made]\n"
        "    print(launched(arguments, pathlib.Path.cwd(), os.environ).peak_mb)\n"
    )
    done = run("-c", code)

    assert done.returncode == 0, done.stderr
    nothing, something = map(float, done.stdout.split())
    assert nothing < 50
    assert 100 <= something < nothing + 110


@pytest.mark.parametrize(("letter", "shown"), [("P", "a null hallucinated"), ("K", "schema")])
def test_a_part_prints_its_table(letter: str, shown: str):
    if letter == "P" and not RECEIPTS.exists():
        pytest.skip(f"needs the data at {RECEIPTS}")
    done = run("-m", "benchmarks", "--quick", "--only", letter, "--keep-nothing")

    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
