"""Checks of other packages: the documented one, and those that do everything wrong."""

import json
import logging
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from evaluate.cases import case

from shadow_mw.evaluate.checks import run as checks
from shadow_mw.evaluate.checks.check import CheckResult, sound
from shadow_mw.evaluate.checks.checklist import Checklist
from shadow_mw.evaluate.checks.run import all_checks, built_in, own_checks, run_checks
from shadow_mw.settings import load

DOCUMENT = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()

RUN = """
import json, sys
sys.path.insert(0, "tests")
from evaluate.cases import case
from shadow_mw.evaluate.checks.run import run_checks

found = run_checks(case("Plain words.", "**Bold** words.").pair)
print(json.dumps([[r.name, r.primary, r.candidate, r.label, r.detail] for r in found]))
"""


def block(language, begin=""):
    """The only block of a language in the document that begins so."""
    (found,) = re.findall(rf"```{language}\n({re.escape(begin)}.*?)```", DOCUMENT, re.DOTALL)
    return found


def test_the_documented_choice_is_taken():
    choice = Checklist.declared(load(**tomllib.loads(block("toml", "[checks]"))).checks)
    names = {check.name for check in choice.selected()}
    assert names == {check.name for check in built_in()} - {"facts_differ", "lexical_similarity"}


def install(directory, source, project):
    """What an installer leaves behind: a module, and its metadata with entry points."""
    table = tomllib.loads(project)["project"]
    name = table["name"].replace("-", "_")
    (directory / f"{name}.py").write_text(source)
    info = directory / f"{name}-{table['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in table["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))


def run(directory):
    """The results of a new process that has the directory's packages."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {row[0]: row[1:] for row in json.loads(done.stdout)}, done.stderr


ROW = {
    "pair_id": "p1",
    "primary": {"output": "Plain words."},
    "candidate": {"output": "**Bold** words."},
}


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ("only = ['acme.plain_text']", {"acme.plain_text": {"plain/markdown": 1}}),
        ("only = ['length']", {"length": {"both_short": 1}}),
    ],
)
def test_the_documented_check_can_be_chosen(tmp_path, choice, found):
    install(tmp_path, block("python"), block("toml", "[project]"))
    (tmp_path / "pairs.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "shadow.toml").write_text(f"[checks]\n{choice}\n")
    done = subprocess.run(
        [sys.executable, "-m", "shadow_mw", "score", "pairs.jsonl", "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "SHADOW_CONFIG": "shadow.toml"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    checks = json.loads(done.stdout)["checks"]
    assert {name: counts["labels"] for name, counts in checks.items()} == found


def test_the_documented_check_is_found_and_run(tmp_path):
    install(tmp_path, block("python"), block("toml", "[project]"))
    results, log = run(tmp_path)
    assert results["acme.plain_text"] == [1.0, 0.0, "plain/markdown", ""]
    assert results["length"][2] == "both_short"
    assert log == ""


BAD = """
from shadow_mw.evaluate.checks.check import CheckResult
class Raises:
    name = "bad.raises"
    def run(self, case): raise RuntimeError(case.candidate.text)
class Answers:
    name = "bad.answers"
    def run(self, case): return {"primary": 1}
class Numbers:
    name = "bad.numbers"
    def run(self, case): return CheckResult("json", float("nan"), 1e400, "x" * 999, "\\x1b[31m")
class Taken:
    name = "length"
    def run(self, case): return None
class Named:
    name = "Bad Name"
    def run(self, case): return None
class NoRun:
    name = "bad.no_run"
class Deep:
    name = "bad.deep"
    def run(self, case): return self.run(case)
"""


def test_a_bad_check_costs_nothing_but_itself(tmp_path):
    classes = re.findall(r"class (\w+)", BAD)
    points = "".join(f'p_{name.lower()} = "bad_checks:{name}"\n' for name in classes)
    missing = 'p_missing = "bad_checks:Missing"\np_nowhere = "no_such_module:Check"\n'
    head = (
        '[project]\nname = "bad-checks"\nversion = "1"\n[project.entry-points."shadow_mw.checks"]\n'
    )
    install(tmp_path, BAD, head + points + missing)
    results, log = run(tmp_path)
    errors = {name: row[3] for name, row in results.items() if row[2] == "error"}
    assert errors == {
        "bad.raises": "RuntimeError",
        "bad.answers": "TypeError",
        "bad.deep": "RecursionError",
        "p_taken": "NotLoaded",
        "p_named": "NotLoaded",
        "p_norun": "NotLoaded",
        "p_missing": "AttributeError",
        "p_nowhere": "ModuleNotFoundError",
    }
    assert results["bad.numbers"] == [None, None, "x" * 64, " [31m"]
    assert results["length"][2] == "both_short"
    assert {"facts_differ", "refusal", "empty"} <= set(results)
    assert log.count("bad.raises") == 1
    assert "**Bold**" not in log


def test_a_failing_check_is_logged_once(caplog, monkeypatch):
    class Raises:
        name = "test.raises"

        def run(self, case):
            raise KeyError(case.candidate.text)

    monkeypatch.setattr(checks, "_said", set())
    with caplog.at_level(logging.WARNING):
        for text in ("one secret", "another secret"):
            (result,) = run_checks(case("x", text).pair, checks=[Raises()])
            assert (result.name, result.label, result.detail) == (
                "test.raises",
                "error",
                "KeyError",
            )
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_every_check_that_comes_with_it_is_documented():
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENT.split("## Tool calls")[0], re.MULTILINE)
    assert rows == [check.name for check in built_in()]


def test_a_pair_that_does_not_compare_has_no_results():
    partial = {"output": "x", "shadow__partial": True}
    assert run_checks(case(partial, "y").pair) == []


def test_a_pair_of_failures_raises_nothing():
    gone = {"output": None, "shadow__outcome": "timeout"}
    names = {result.name for result in run_checks(case(gone, gone).pair)}
    assert names <= {"prompt_tokens"}


def test_an_instance_may_be_an_entry_point():
    assert all(check.name for check in all_checks())
    assert own_checks(set()) == []


@pytest.mark.parametrize("value", [1, "text", (None,), CheckResult])
def test_what_is_no_result_is_refused(value):
    with pytest.raises(TypeError):
        sound(value, "x")
