"""Two model servers for all end-to-end tests, and a lab for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.lab import Agent, Lab, Model, model

from shadow_mw.capture import failsafe


@pytest.fixture(scope="session")
def primary() -> Iterator[Model]:
    with model() as one:
        yield one


@pytest.fixture(scope="session")
def candidate() -> Iterator[Model]:
    with model() as one:
        yield one


@pytest.fixture(autouse=True)
def _nothing_swallowed() -> Iterator[None]:
    """The guard's catches in this process; those of others are in their logs."""
    failsafe.swallowed.clear()
    yield
    assert failsafe.swallowed == {}


@pytest.fixture
def new_lab(tmp_path: Path, primary: Model, candidate: Model) -> Iterator[Callable[..., Lab]]:
    """Makes a lab with more settings; one a test."""
    primary.reset()
    candidate.reset()
    labs: list[Lab] = []

    def make(candidate: str | Model = candidate, **env: str) -> Lab:
        lab = Lab(tmp_path, primary, candidate, **env)
        labs.append(lab)
        return lab

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(new_lab: Callable[..., Lab]) -> Lab:
    return new_lab()


@pytest.fixture(scope="module")
def shared_factory(
    tmp_path_factory: pytest.TempPathFactory, primary: Model, candidate: Model
) -> Iterator[Callable[..., Lab]]:
    """Makes labs for many tests each, which tell their pairs apart by key or order."""
    primary.reset()
    candidate.reset()
    with ExitStack() as stack:

        def make(name: str, **env: str) -> Lab:
            lab = Lab(tmp_path_factory.mktemp(name), primary, candidate, **env)
            stack.callback(lab.close)
            return lab

        yield make


@pytest.fixture(scope="module")
def shared(shared_factory: Callable[..., Lab]) -> Lab:
    return shared_factory("shared")


@pytest.fixture(scope="module")
def app(shared: Lab) -> Agent:
    """An app with shadow_mw."""
    return shared.agent(fresh=True)


@pytest.fixture(scope="module")
def bare(shared: Lab) -> Agent:
    """The same app without."""
    return shared.agent(fresh=True, BARE="1")
