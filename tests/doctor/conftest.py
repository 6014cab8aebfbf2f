"""An installation to look at: model servers, and a lab for each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab import Lab, Model, model


@pytest.fixture(scope="session")
def primary() -> Iterator[Model]:
    with model() as one:
        yield one


@pytest.fixture(scope="session")
def candidate() -> Iterator[Model]:
    with model() as one:
        yield one


@pytest.fixture
def new_lab(tmp_path: Path, primary: Model, candidate: Model) -> Iterator[Callable[..., Lab]]:
    """Makes a lab with more settings; one a test."""
    primary.reset()
    candidate.reset()
    labs: list[Lab] = []

    def make(candidate: str | Model = candidate, **env: str) -> Lab:
        labs.append(Lab(tmp_path, primary, candidate, **env))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(new_lab: Callable[..., Lab]) -> Lab:
    return new_lab()


class Said:
    """What the doctor said."""

    def __init__(self, code: int, table: dict[str, Any]) -> None:
        self.code = code
        self.links = {link["link"]: link for link in table["links"]}
        self.broken = [link["link"] for link in table["links"] if link["state"] == "broken"]
        self.text = json.dumps(table)
        assert table["ok"] is (code == 0)
        assert table["ok"] is (not self.broken)

    def seen(self, link: str) -> str:
        return str(self.links[link]["seen"])

    def mend(self, link: str) -> str:
        return str(self.links[link]["mend"])

    def state(self, link: str) -> str:
        return str(self.links[link]["state"])


@pytest.fixture
def ask() -> Callable[..., Said]:
    """Runs the doctor on a lab's installation."""

    def run(lab: Lab, *arguments: str) -> Said:
        done = lab.cli("doctor", "--json", *arguments)
        assert done.stderr == "", done.stderr
        return Said(done.returncode, json.loads(done.stdout))

    return run
