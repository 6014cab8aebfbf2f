"""What is loaded, and what must not be."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.servers import clean_environ

MOST_MODULES = 40
HEAVY = {"httpx", "httpx2", "pydantic", "starlette", "rich", "click", "numpy", "genai_prices"}


def loaded(code: str, **variables: str) -> set[str]:
    """Modules beyond the standard library that some code loads in a fresh interpreter."""
    script = (
        "import sys, json; before = set(sys.modules)\n"
        f"{code}\n"
        "print(json.dumps([m for m in sys.modules if m not in before"
        " and m.partition('.')[0] not in sys.stdlib_module_names]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=clean_environ(**variables),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_middleware_s_import_is_light():
    modules = loaded("import shadow_mw.asgi")

    assert len(modules) <= MOST_MODULES, sorted(modules)
    assert not modules & HEAVY
    assert not [m for m in modules if m.startswith(("opentelemetry.sdk", "shadow_mw.runner"))]


@pytest.mark.parametrize("module", ["shadow_mw", "shadow_mw.wsgi"])
def test_so_are_the_others(module: str):
    assert not loaded(f"import {module}") & HEAVY


def test_a_disabled_middleware_loads_nothing_more_and_patches_nothing():
    code = "from shadow_mw.asgi import ShadowMiddleware as S; S(None)"
    modules = loaded(code, SHADOW_ENABLED="false", SHADOW_CANDIDATE_URL="http://c/v1")

    assert not modules & HEAVY


def test_help_loads_no_stage():
    modules = loaded(
        "import shadow_mw.cli as c\ntry: c.cli.main(['--version'])\nexcept SystemExit: pass"
    )

    assert not [m for m in modules if m.startswith(("shadow_mw.evaluate", "shadow_mw.runner"))]
