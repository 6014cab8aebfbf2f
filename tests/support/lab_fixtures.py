"""Two model servers for all tests of a directory, and a lab for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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
