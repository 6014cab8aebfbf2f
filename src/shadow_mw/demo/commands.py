"""The commands that the demo runs, as a user would: plan, label, report, verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shadow_mw.demo.documents import Document
from shadow_mw.demo.processes import environ
from shadow_mw.exceptions import ShadowError

STEP_TIMEOUT = 120.0
PLAN_FILE = "shadow-plan.toml"
DECIDED = (0, 1, 2)
"""Exit codes of `verdict`: GO, NO-GO, INSUFFICIENT."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What `verdict` said."""

    verdict: str
    reason: str
    plan: str
    """Its name and the beginning of its hash."""
    registered: bool


@dataclass(frozen=True, slots=True)
class Commands:
    """Run with the variables of one demo.

    Every method raises ShadowError with the command's last line where it fails.
    """

    directory: Path
    variables: Mapping[str, str]

    def register(self) -> None:
        """Write the preset and register it, before there is any data."""
        self._run("plan", "--register", "--json", "--out", str(self.directory / PLAN_FILE))

    def label(self, documents: Sequence[Document]) -> None:
        """Ground truth arrives after the fact, by business key, as it does in life."""
        path = self.directory / "truth.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for document in documents:
                file.write(json.dumps({"key": document.id, "truth": document.truth}) + "\n")
        self._run("label", str(path), "--json")

    def report(self, *, machine: bool) -> None:
        """Print it on stdout."""
        sys.stdout.flush()
        self._run("report", *(["--json"] if machine else []), output=None)

    def verdict(self) -> Decision:
        """What the registered plan makes of the data."""
        found = json.loads(self._run("verdict", "--json", accepted=DECIDED))
        plan = found["plan"]
        name = f"{plan['name']} {plan['hash'][:12]}"
        return Decision(found["verdict"], found["reason"], name, plan["registered"])

    def _run(
        self,
        *arguments: str,
        output: int | None = subprocess.PIPE,
        accepted: Collection[int] = (0,),
    ) -> bytes:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "shadow_mw", *arguments],
            env=environ(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=STEP_TIMEOUT,
            check=False,
        )
        if done.returncode not in accepted:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise ShadowError(f"{arguments[0]} failed: {lines[-1] if lines else done.returncode}")
        return done.stdout or b""
