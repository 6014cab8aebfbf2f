"""The background article's window in stores, each as a person would make it from the command line.

What is not made from rows is made of a copy, in which one thing is other than before.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from decide.earlier import registered_earlier
from rows.pair_rows import environment
from support import cli

ROOT = Path(__file__).parents[2]
PAIRS = 10_500
EXPERIMENT = "invoices"
TIMEOUT = 300
JUDGED = ("--judged", "0.15")
"""More than at full size, where the same share would be 32,760 pairs."""
DOCUMENTS = "likeness=Ada Lovelace:documents have fields, and those are held against the truth"
"""Who answers for the one gate that such a window cannot prove: JSON has no likeness."""


def window(directory: Path, out: str, *options: str | Path) -> Path:
    """Rows of a window, as `python -m benchmarks.window` writes them."""
    file = directory / out
    run("-m", "benchmarks.window", "--out", file, *options, cwd=ROOT)
    return file


def run(*arguments: object, cwd: Path, accepted: tuple[int, ...] = (0,), **variables: str):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode in accepted, done.stderr.decode()
    return done


@dataclass
class Said:
    """What a verdict was, and how the command ended."""

    code: int
    stdout: bytes

    @cached_property
    def table(self) -> dict:
        return json.loads(self.stdout)

    @property
    def verdict(self) -> str:
        return self.table["verdict"]

    @property
    def reason(self) -> str:
        return self.table["reason"]

    def gates(self, state: str) -> set[str]:
        """Those in this state for which nobody signed."""
        return {
            gate["name"]
            for gate in self.table["gates"]
            if gate["state"] == state and not gate["waived_by"]
        }

    def gate(self, name: str) -> dict:
        return next(gate for gate in self.table["gates"] if gate["name"] == name)


@dataclass
class Kept:
    """A store, asked by commands, each a process of its own."""

    path: Path
    signed: tuple[str, ...] = field(default=("--waive", DOCUMENTS))

    def command(self, *arguments: object, accepted: tuple[int, ...] = (0,), **variables: str):
        words = map(str, (*arguments, "--store", self.path))
        env = environment(**variables)
        done = cli.run(*words, cwd=self.path.parent, env=env, timeout=TIMEOUT)
        assert done.returncode in accepted, done.stderr.decode()
        return done

    def verdict(self, *arguments: object, **variables: str) -> Said:
        """With the one waiver that a window of documents needs."""
        done = self.command(
            "verdict", "--json", *self.signed, *arguments, accepted=(0, 1, 2), **variables
        )
        return Said(done.returncode, done.stdout)

    def copy(self, directory: Path) -> Kept:
        """The same store elsewhere, with the key of its pseudonyms."""
        for file in self.path.parent.glob(f"{self.path.name}*"):
            shutil.copy(file, directory / file.name)
        return Kept(directory / self.path.name)

    def change(self, *statements: str) -> None:
        """By SQL, all in one transaction."""
        connection = sqlite3.connect(self.path)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def without(self, calls: str) -> None:
        """Drop exchanges, wherever they are: `calls` is true of their primary's leg."""
        lost = f"SELECT pair_id FROM observations WHERE role = 'primary' AND {calls}"
        pairs = f"""SELECT pairs.id FROM pairs JOIN observations ON observations.id = primary_row
            WHERE pair_id IN ({lost})"""
        tables = ("fields", "check_results", "divergences", "preferences", "judged")
        self.change(
            *(f"DELETE FROM {table} WHERE pair IN ({pairs})" for table in tables),
            f"DELETE FROM pairs WHERE id IN ({pairs})",
            f"""DELETE FROM payloads WHERE observation IN (
                SELECT id FROM observations WHERE pair_id IN ({lost}))""",
            f"DELETE FROM observations WHERE pair_id IN ({lost})",
        )


def planned(directory: Path) -> Kept:
    """A new store in which the preset is registered."""
    store = Kept(directory / "shadow.db")
    store.command("plan", "--preset", "articles", "--register", "--experiment", EXPERIMENT)
    registered_earlier(store.path, EXPERIMENT)
    return store


def imported(directory: Path, *options: str | Path) -> Kept:
    """Planned first; then the window's rows come, then people's labels."""
    store, labels = planned(directory), directory / "labels.jsonl"
    rows = window(
        directory, "rows.jsonl", *JUDGED, "--judge", "careful", "--labels", labels, *options
    )
    store.command("import", rows)
    store.command("label", labels)
    return store
