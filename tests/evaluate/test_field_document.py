"""The example of docs/fields.md, run as it is written there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from support.servers import clean_environ

from shadow_mw.evaluate.fields.normalise import Normaliser

DOCUMENT = (Path(__file__).parents[2] / "docs" / "fields.md").read_text()


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.S)
    return found


def test_the_example_prints_what_it_says(tmp_path):
    (tmp_path / "pairs.jsonl").write_text(block("jsonl"))
    (tmp_path / "shadow.toml").write_text(block("toml"))
    variable, _, command = block("sh").strip().partition(" ")
    assert command.startswith("shadow-mw ")
    done = subprocess.run(
        [sys.executable, "-m", "shadow_mw", *command.split()[1:]],
        cwd=tmp_path,
        env=clean_environ(COLUMNS="80", **dict([variable.split("=")])),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    assert block("text") in "\n".join(printed) + "\n"
    (note,) = re.findall(r"the line `(.*?)`", DOCUMENT)
    assert note in printed


def test_every_way_of_reading_is_in_the_table():
    rows = re.findall(r"^\| `(\w+)` \| ", DOCUMENT, re.M)
    assert tuple(rows) == Normaliser.__args__
    assert {"total", "vat_id"} == set(tomllib.loads(block("toml"))["fields"])
