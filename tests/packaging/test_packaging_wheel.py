"""The wheel, as a user installs it: an empty environment, then the demo."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.servers import clean_environ

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(600)


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT, cwd=out)
    assert built.returncode == 0, built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its base dependencies, nothing else."""
    home = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", home, cwd=home)
    install(home, str(wheel))
    return home


def install(home: Path, requirement: str) -> None:
    done = run(
        home / "bin/pip", "install", "-q", "-c", ROOT / "constraints.txt", requirement, cwd=home
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_ships_types_and_licence_and_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()

    assert "shadow_mw/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if re.search(r"(^|/)(tests?/|test_|conftest)", name)]
    static = "shadow_mw/report/static"
    for part in ("page.html", "page.css", "js/main.js", "echarts.js", "echarts.LICENSES.txt"):
        assert f"{static}/{part}" in names
    assert not [name for name in names if "node_modules" in name]


def test_the_base_installation_has_the_middleware_and_says_what_the_demo_needs(venv: Path):
    code = "from shadow_mw.asgi import ShadowMiddleware; from shadow_mw import annotate, install"
    assert run(venv / "bin/python", "-c", code, cwd=venv).returncode == 0
    assert "report" in run(venv / "bin/shadow-mw", "--help", cwd=venv).stdout

    demo = run(venv / "bin/shadow-mw", "demo", cwd=venv)

    assert demo.returncode == 78
    assert "pip install 'shadow-mw[demo]'" in demo.stderr
    assert len(demo.stderr.splitlines()) == 1


def test_the_demo_runs_from_the_wheel(venv: Path, wheel: Path):
    install(venv, f"{wheel}[demo]")

    demo = run(venv / "bin/shadow-mw", "demo", "--requests", "30", "--json", cwd=venv)

    assert demo.returncode == 0, demo.stderr
    funnel = json.loads(demo.stdout)["funnel"]
    assert [funnel[name] for name in ("captured", "mirrored", "paired", "scored")] == [30] * 4
