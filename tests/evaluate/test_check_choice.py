"""`[checks]`: which checks run and how, refused in one line, the same in every process."""

import json

import pytest
from click.testing import CliRunner
from evaluate.spans import PRICES, add_labels, both, leg, store_of, summary

from shadow_mw.cli import cli as command_line
from shadow_mw.evaluate.checks.checklist import Checklist
from shadow_mw.evaluate.checks.run import built_in
from shadow_mw.evaluate.pipeline import Evaluator, Standards, Store
from shadow_mw.evaluate.store.declared import set_checklist
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import CheckChoice, Settings, load

LONG, SHORT = (
    "The shop opens at nine o'clock and closes at six.",
    "It opens at nine, and closes at 6.",
)
NAMES = [check.name for check in built_in()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.db"


def judged(path, pair, **choice):
    """What a process with this choice makes of a new pair, and of those that are there."""
    checks = Checklist.declared(CheckChoice(**choice))
    evaluator = Evaluator.open(path, PRICES, Standards(checks=checks))
    evaluator.export(both(pair, LONG, SHORT))
    evaluator.shutdown()
    return summary(path).checks


def test_without_a_choice_all_run(path):
    assert {"length", "refusal", "facts_differ"} <= judged(path, "p1").keys()


def test_only_some_run_and_pairs_that_are_there_are_judged_anew(path):
    judged(path, "p1")
    found = judged(path, "p2", only=["refusal", "length"])
    assert {name: counts.n for name, counts in found.items()} == {"refusal": 2, "length": 2}
    assert judged(path, "p3", only=[]) == {}


def test_the_others_run_without_some(path):
    before = judged(path, "p1").keys()
    assert judged(path, "p2", without=["facts_differ"]).keys() == before - {"facts_differ"}


def test_who_chooses_nothing_judges_by_the_stores_choice(path):
    judged(path, "p1", only=["refusal"])
    running = Evaluator.open(path, PRICES)
    running.export(both("p2", LONG, SHORT, shadow__key="k"))
    assert set(summary(path).checks) == {"refusal"}

    judged(path, "p3", only=["length"])
    running.export(both("p4", LONG, SHORT))
    running.shutdown()
    add_labels(path, ("k", {"a": 1}))
    assert {name: counts.n for name, counts in summary(path).checks.items()} == {"length": 4}


def test_what_is_as_it_is_by_itself_can_be_chosen_again(path):
    before = judged(path, "p1")
    judged(path, "p2", only=["length"])
    assert judged(path, "p3", without=[]).keys() == before.keys()


def test_an_equal_choice_judges_nothing_anew(path):
    judged(path, "p1", only=["length", "refusal"])
    with Store.open(path) as store, store.transaction():
        chosen = CheckChoice(only=["refusal", "length", "length"], length_band=[0.5, 2])
        assert set_checklist(store, Checklist(chosen).table, unsaid="") == 0


def test_the_band_of_lengths(path):
    legs = both("p1", "a" * 100, "a" * 120)
    assert summary(store_of(path, *legs)).checks["length"].labels == {"within": 1}
    band = Checklist(CheckChoice(length_band=(0.9, 1.1)))
    Evaluator.open(path, PRICES, Standards(checks=band)).shutdown()
    assert summary(path).checks["length"].labels == {"longer": 1}


def test_the_order_of_tool_calls(path):
    calls = [("a", {}), ("b", {})]
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in "ab"]
    request = json.dumps({"messages": [], "tools": tools})
    legs = [
        leg("primary", tools=calls, shadow__request=request),
        leg("candidate", tools=calls[::-1]),
    ]
    assert summary(store_of(path, *legs)).checks["tool_calls"].labels == {"equivalent": 1}
    ordered = Checklist(CheckChoice(tool_calls_ordered=True))
    Evaluator.open(path, PRICES, Standards(checks=ordered)).shutdown()
    assert summary(path).checks["tool_calls"].labels == {"other_order": 1}


def test_a_store_that_names_a_check_of_elsewhere_is_judged_without_it(path):
    with Store.open(path, create=True) as store, store.transaction():
        chosen = Checklist(CheckChoice(only=["length", "acme.elsewhere"]))
        set_checklist(store, chosen.table, unsaid="")
    assert judged(path, "p1").keys() == {"length"}


@pytest.mark.parametrize("key", ["only", "without"])
def test_an_unknown_name_is_refused_with_all_that_are_known(key):
    with pytest.raises(ConfigError) as error:
        Checklist.declared(CheckChoice(**{key: ["length", "refusals"]}))
    assert str(error.value) == f"checks.{key}=refusals: accepted are {', '.join(NAMES)}"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (
            '{"onyl": []}',
            "checks.onyl in SHADOW_CHECKS is not a setting, did you mean only?; accepted: len",
        ),
        (
            '{"only": ["length"], "without": ["json"]}',
            'SHADOW_CHECKS={"only": ["length"], "without": ["json"]}: accepted is a JSON object'
            ' such as {"without": ["length"]}, with one of only and without',
        ),
        (
            '{"length_band": [2, 1]}',
            "SHADOW_CHECKS.length_band=[2, 1]: accepted is two ratios, the smaller first, such as",
        ),
        ('{"tool_calls_ordered": "often"}', "SHADOW_CHECKS.tool_calls_ordered=often: accepted is"),
        ("[", "SHADOW_CHECKS=[: accepted is a JSON object such as"),
    ],
)
def test_a_wrong_choice_is_one_line(monkeypatch, value, line):
    monkeypatch.setenv("SHADOW_CHECKS", value)
    with pytest.raises(ConfigError) as error:
        load()
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["{}", '{"without": ["length"], "length_band": [0.9, 1.1]}'])
def test_the_runner_gets_the_choice_as_it_was_made(monkeypatch, value):
    monkeypatch.setenv("SHADOW_CHECKS", value)
    settings = load()
    monkeypatch.setenv("SHADOW_CHECKS", settings.to_environ()["SHADOW_CHECKS"])
    assert load().checks == settings.checks
    assert Checklist(settings.checks).is_declared is (value != "{}")


ROW = {"pair_id": "p1", "primary": {"output": LONG}, "candidate": {"output": SHORT}}


@pytest.fixture
def cli(tmp_path, monkeypatch):
    (tmp_path / "pairs.jsonl").write_text(json.dumps(ROW))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, toml):
        (tmp_path / "shadow.toml").write_text(toml)
        monkeypatch.setenv("SHADOW_CONFIG", "shadow.toml")
        return CliRunner().invoke(command_line, arguments)

    return run


def test_score_and_import_follow_the_file(cli):
    toml = "[checks]\nonly = ['length']\nlength_band = [0.99, 1.01]\n"
    scored = json.loads(cli("score", "pairs.jsonl", "--json", toml=toml).output)
    assert {name: row["labels"] for name, row in scored["checks"].items()} == {
        "length": {"both_short" if len(LONG) < 40 else "shorter": 1}
    }
    assert cli("import", "pairs.jsonl", toml=toml).exit_code == 0
    kept = json.loads(cli("report", "--json", toml="").output)
    assert kept["checks"] == scored["checks"]


@pytest.mark.parametrize("command", ["score", "import"])
def test_an_unknown_name_stops_a_command_before_anything_is_stored(cli, command, tmp_path):
    done = cli(command, "pairs.jsonl", toml="[checks]\nwithout = ['lenght']\n")
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith("checks.without=lenght: accepted are json, schema, ")
    assert not (tmp_path / "shadow.db").exists()


def test_the_choice_is_no_secret_and_has_a_default():
    assert Settings().checks == CheckChoice()
