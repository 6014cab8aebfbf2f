"""A lab for many tests, and its apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.lab import Agent, Lab, Model
from support.lab_fixtures import candidate, lab, new_lab, primary

__all__ = ["candidate", "lab", "new_lab", "primary"]


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
