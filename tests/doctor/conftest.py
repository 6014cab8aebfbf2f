"""What the doctor says of a lab's installation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.lab import Lab
from support.lab_fixtures import candidate, lab, new_lab, primary

__all__ = ["candidate", "lab", "new_lab", "primary"]


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
