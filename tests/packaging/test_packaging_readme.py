"""What the README names exists."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from shadow_mw.cli import COMMANDS, SECTIONS, cli
from shadow_mw.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_command_is_one():
    named = set(re.findall(r"shadow-mw ([a-z]+)", README))

    assert named <= set(COMMANDS), named - set(COMMANDS)


def test_help_has_every_command_in_one_section_and_whole():
    named = [name for rows in SECTIONS.values() for name in rows]
    assert sorted(named) == sorted(COMMANDS)

    done = CliRunner().invoke(cli, ["--help"])
    assert done.exit_code == 0
    assert "..." not in done.output.partition("Begin:")[2]
    for rows in SECTIONS.values():
        for name, what in rows.items():
            assert re.search(rf"^  {name} +{re.escape(what)}$", done.output, re.M), name


def test_a_command_that_is_misspelt_gets_the_nearest():
    assert "Did you mean report?" in CliRunner().invoke(cli, ["reprot"]).output


def test_every_variable_is_a_setting():
    known = {f"SHADOW_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"SHADOW_[A-Z_]*[A-Z]", README))

    assert named <= known, named - known


def test_every_short_variable_of_the_table_is_a_setting():
    known = {f"SHADOW_{name.upper()}" for name in Settings.model_fields}
    for first, rest in re.findall(r"^\| `(SHADOW_[A-Z_]+)`((?:, `_[A-Z_]+`)+)", README, re.M):
        group = first.rsplit("_", 1)[0]
        for short in re.findall(r"`(_[A-Z_]+)`", rest):
            assert group + short in known, group + short


def test_every_python_block_is_python():
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)

    assert len(blocks) >= 2
    for block in blocks:
        compile(block, "README.md", "exec")


def test_every_make_target_is_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z]+)", README)):
        assert f"\n{target}:" in makefile, target
