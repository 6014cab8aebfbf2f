"""What README and docs name exists: commands with their options, settings, files, sections."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from shadow_mw.cli import COMMANDS, cli
from shadow_mw.evaluate.fields.field_judge import FieldJudge
from shadow_mw.settings import Settings, load

ROOT = Path(__file__).parents[2]
DOCS = [
    ROOT / "README.md",
    ROOT / "examples" / "README.md",
    ROOT / "collector" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
KNOWN = {f"SHADOW_{name.upper()}" for name in Settings.model_fields}


def code(text: str) -> Iterator[str]:
    """Lines of fenced and of indented blocks, those that end in a backslash joined."""
    fenced = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.S | re.M)
    indented = re.findall(r"^    (\S.*)$", text, re.M)
    for block in [*fenced, "\n".join(indented)]:
        yield from block.replace("\\\n", " ").splitlines()


def commands(text: str) -> Iterator[list[str]]:
    """Every `shadow-mw ...` of a document's code, as its words."""
    for line in code(text):
        for found in re.finditer(r"(?:^|[|;&(`$] *|\s)shadow-mw( +[^|;&`)]*)", line):
            if "─" in line or "<" in found[1]:
                continue
            words = shlex.split(found[1], comments=True)
            if words:
                yield words


FOUND = [
    pytest.param(words, id=f"{doc.name}: {' '.join(words)[:60]}")
    for doc in DOCS
    for words in commands(doc.read_text())
    if words[0] in COMMANDS
]


def test_there_are_commands_to_look_at():
    assert len(FOUND) > 50


@pytest.mark.parametrize("words", FOUND)
def test_a_command_is_written_as_it_is_accepted(words: list[str]):
    root = click.Context(cli, info_name="shadow-mw")
    name, command, rest = cli.resolve_command(root, words)
    assert command is not None
    # Reads the options, and runs nothing.
    with command.make_context(name, rest, parent=root):
        pass


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: f"{doc.parent.name}/{doc.name}")
def test_a_linked_file_is_there(doc: Path):
    for target in re.findall(r"\]\(([^)#:\s]+)\)", doc.read_text()):
        assert (doc.parent / target).exists(), target


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: f"{doc.parent.name}/{doc.name}")
def test_a_linked_section_is_there(doc: Path):
    for file, section in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", doc.read_text()):
        target = doc.parent / file if file else doc
        titles = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
        known = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in titles}
        assert section in known, (section, sorted(known))


def test_every_setting_is_documented_and_nothing_else():
    named = set(re.findall(r"`(SHADOW_[A-Z_]+)`", SETTINGS))

    assert named == KNOWN


def test_documented_defaults_are_those_that_hold():
    tables = SETTINGS.partition("## Evaluation")[0]
    rows = re.findall(r"^\| `SHADOW_([A-Z_]+)` \| `([^`|]+)`(?: s)? \|", tables, re.M)

    assert len(rows) > 12
    for name, default in rows:
        value = Settings.model_fields[name.lower()].default
        if isinstance(value, bool):
            assert default == str(value).lower(), name
        elif isinstance(value, int | float):
            assert float(default) == value, name
        elif name != "STATE_DIR":  # of this user
            assert default == str(value), name


@pytest.mark.parametrize("name", ["settings.md", "report.md"])
def test_every_toml_block_is_settings(name: str):
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / name).read_text(), re.S)

    assert blocks
    for block in blocks:
        FieldJudge.declared(load(**tomllib.loads(block)).fields)
