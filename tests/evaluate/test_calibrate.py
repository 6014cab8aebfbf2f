"""`shadow-mw calibrate`, from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shadow_mw.commands.calibrate import calibrate
from shadow_mw.evaluate.calibration.rows import ACCEPTED, Choice, read_rows
from shadow_mw.exceptions import DataError

JUDGEMENTS = Path(__file__).parents[3] / "shared" / "data" / "judgements.jsonl"
OUTPUTS = {"1": "A", "2": "B", "None": None}

# LLMBar (2310.07641): accuracy, the mean of both orders, and the share of consistent verdicts.
NATURAL = {
    "ChatGPT/Vanilla": (0.815, 0.71),
    "LLaMA2/Vanilla": (0.805, 0.79),
    "PaLM2/Vanilla": (0.83, 0.80),
    "PaLM2/CoT": (0.73, 0.64),
    "Falcon/Vanilla": (0.74, 0.52),
}


def run(*lines, args=("--json",), expect=0):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    result = CliRunner().invoke(calibrate, ["-", *args], input=text)
    if result.exception and expect == 0:
        raise result.exception
    return json.loads(result.output) if "--json" in args else result.output


def llmbar(judge, subset=None):
    if not JUDGEMENTS.exists():
        pytest.skip(f"no {JUDGEMENTS}")
    with JUDGEMENTS.open() as lines:
        return [
            {
                "id": row["id"],
                "human": OUTPUTS[str(row["label"])],
                "judge": [OUTPUTS[str(winner)] for winner in row["judges"][judge]],
                "segment": row["subset"],
            }
            for row in map(json.loads, lines)
            if subset in (None, row["subset"])
        ]


@pytest.mark.parametrize("judge", NATURAL)
def test_published_figures_of_llmbar(judge):
    found = run(*llmbar(judge, "Natural"))
    accuracy, consistent = NATURAL[judge]
    assert found["n"] == 100
    assert found["agreement"] == pytest.approx(accuracy)
    assert found["position_consistency"] == pytest.approx(consistent)


@pytest.mark.parametrize("judge", NATURAL)
def test_no_judge_of_llmbar_qualifies_on_any_subset(judge):
    for subset in (None, "Natural", "Neighbor", "GPTInst", "GPTOut", "Manual"):
        found = run(*llmbar(judge, subset))
        assert found["qualified"] is False
        assert found["reasons"]
        assert found["agreement_lb"] < found["agreement"]


def test_the_json_has_the_agreed_keys():
    found = run(*llmbar("ChatGPT/Vanilla", "Natural"))
    assert found["agreement_ci"] == pytest.approx([0.724902683, 0.885633148])
    assert found["agreement_lb"] == pytest.approx(0.584545733)
    assert found["kappa"] == pytest.approx(0.6196546053)
    assert found["ac1"] == pytest.approx(0.6398062742)
    rate = found["win_rate"]
    assert rate["naive"] == pytest.approx(0.415)
    assert rate["corrected"] == pytest.approx(0.42)
    assert rate["naive_ci"][0] < rate["naive"] < rate["naive_ci"][1]
    assert rate["corrected_ci"][0] < rate["corrected"] < rate["corrected_ci"][1]
    assert found["confusion"]["A"] == {"A": 65, "B": 19, "TIE": 0, "INVALID": 0}
    assert found["tpr"]["value"] == pytest.approx(65 / 84)
    assert found["tnr"]["value"] == pytest.approx(98 / 116)


def test_the_win_rate_of_b_is_the_rest():
    rows = llmbar("PaLM2/Vanilla", "Natural")
    for row in rows[60:]:
        row["human"] = None
    a, b = run(*rows), run(*rows, args=("--json", "--win", "B"))
    for name in ("naive", "corrected", "labels_only"):
        assert a["win_rate"][name] + b["win_rate"][name] == pytest.approx(1)
    assert a["tpr"] == b["tnr"]
    assert a["agreement"] == b["agreement"]


def test_items_without_a_label_count_for_the_correction_only():
    rows = llmbar("PaLM2/Vanilla", "Natural")
    some = run(*rows[:40])
    more = run(*rows[:40], *({**row, "human": None} for row in rows[40:]))
    assert (more["n"], more["agreement"]) == (40, some["agreement"])
    assert (more["items"], more["labelled"]) == (100, 40)
    assert more["win_rate"]["labels_only"] == some["win_rate"]["labels_only"]
    assert more["win_rate"]["corrected"] != some["win_rate"]["corrected"]
    assert more["win_rate"]["strata"][0]["n"] == 100


def good(n, **other):
    return [
        {"id": f"p{i}", "human": "AB"[i % 2], "judge": ["AB"[i % 2]] * 2} | other for i in range(n)
    ]


def test_a_judge_that_is_right_qualifies():
    found = run(*good(60))
    assert found["qualified"] is True
    assert found["agreement_lb"] == pytest.approx(0.05 ** (1 / 60))
    assert run(*good(60), args=()).startswith("qualified: ")


def test_the_verdict_comes_first_and_says_why():
    text = run(*llmbar("Falcon/Vanilla"), args=())
    assert text.startswith("not qualified: right in both orders on 114 of 419 items proves 23.6 %")
    assert "58.5 %" in text.split("\n\n")[0]
    for word in ("Cohen's kappa", "Gwet's AC1", "agreement in Neighbor", "corrected by the labels"):
        assert word in text


def test_several_people_by_list_or_by_line():
    rows = good(60)
    listed = [row | {"human": [row["human"], row["human"], "TIE"]} for row in rows]
    repeated = [
        row | {"human": human} for row in rows for human in (row["human"], row["human"], "TIE")
    ]
    one, other = run(*listed), run(*repeated)
    assert one == other
    assert one["human_ceiling"]["value"] == pytest.approx(1 / 3)
    assert one["qualified"] is True
    assert "no judge can prove 90.0 %" in run(*listed, args=()).replace("\n", " ")


def test_items_on_which_people_are_split_have_no_human_verdict_but_a_score():
    rows = [*good(60), {"id": "split", "human": ["A", "B"], "judge": ["A", "A"]}]
    found = run(*rows)
    assert (found["n"], found["split"], found["labelled"]) == (60, 1, 61)
    assert found["win_rate"]["labels_only"] == pytest.approx(30.5 / 61)


def test_an_invalid_verdict_is_wrong_and_never_a_tie():
    rows = [*good(60), {"id": "lost", "human": "TIE", "judge": [None, None]}]
    found = run(*rows)
    assert found["invalid"] == 2
    assert found["confusion"]["TIE"] == {"A": 0, "B": 0, "TIE": 0, "INVALID": 2}
    assert found["agreement"] == pytest.approx(60 / 61)
    assert found["position_consistency"] == 1
    assert found["win_rate"]["naive"] == pytest.approx(0.5)


GOOD = '{"id": "p1", "human": "A", "judge": ["A", "TIE"]}'


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": "p", "human": "A"}', "`judge` must be a list of two verdicts"),
        ('{"id": "p", "human": "A", "judge": "A"}', "`judge` must be a list of two verdicts"),
        ('{"id": "p", "human": "A", "judge": ["A"]}', "`judge` must be a list of two verdicts"),
        ('{"id": "p", "human": "A", "judge": ["A", "a"]}', '"a" in `judge` is not A, B or TIE'),
        ('{"id": "p", "human": "tie", "judge": ["A", "A"]}', '"tie" in `human` is not A, B or TIE'),
        ('{"id": "p", "human": ["A", null], "judge": ["A", "A"]}', "null in `human`"),
        ('{"id": "p", "human": 1, "judge": ["A", "A"]}', "1 in `human`"),
        ('{"human": "A", "judge": ["A", "A"]}', "`id` must be a string"),
        ('{"id": 1, "human": "A", "judge": ["A", "A"]}', "`id` must be a string"),
        ('{"id": "p", "judge": ["A", "A"], "judgement": 1}', "unknown key 'judgement'"),
        ('{"id": "p", "judge": ["A", "A"], "segment": 1}', "`segment` must be a string"),
        ('{"id": "p", "judge": ["A", "A"], "inclusion": 0}', "`inclusion` must be a probability"),
        ('{"id": "p", "judge": ["A", "A"], "inclusion": 1.5}', "`inclusion` must be a probability"),
        ('{"id": "p", "judge": ["A", "A"], "inclusion": true}', "`inclusion` must be"),
        ('{"id": "p", "judge": ["A", "A"], "inclusion": 1e-200}', "`inclusion` must be"),
        ('{"id": "p1", "human": "B", "judge": ["B", "B"]}', "id 'p1' has another `judge`"),
        ('{"id": "p1", "judge": ["A", "TIE"], "segment": "s"}', "has another `segment`"),
        ('{"id": "p", "id": "p", "judge": ["A", "A"]}', "appears twice"),
        ('{"id": "p1", "human": "A", "judge": null}', "id 'p1' has another `judge`"),
        ('{"id": "p", "judge": ["A", "A"], "annotator": ""}', "`annotator` must be a name"),
        ('{"id": "p", "judge": ["A", "A"], "order": true}', "`order` must be a whole number"),
    ],
)
def test_a_bad_line_is_named_with_what_is_accepted(line, fault):
    with pytest.raises(DataError) as caught:
        read_rows([GOOD.encode(), b"", line.encode()], "labels.jsonl")
    assert caught.value.exit_code == 65
    assert str(caught.value).startswith("labels.jsonl:3: ")
    assert fault in str(caught.value)
    assert str(caught.value).endswith(ACCEPTED)


def test_a_file_without_labels_or_with_some_probabilities_is_refused():
    with pytest.raises(DataError, match="no line has a human label"):
        read_rows([b'{"id": "p", "judge": ["A", "B"]}'], "f")
    with pytest.raises(DataError, match="on all labelled lines, or on none"):
        read_rows(
            [GOOD.encode(), b'{"id": "q", "human": "A", "judge": ["A", "A"], "inclusion": 0.5}'],
            "f",
        )
    with pytest.raises(DataError, match="f:1: "):
        read_rows([b"\xff\xfe"], "f")


def test_of_one_annotator_the_last_line_counts_and_null_takes_back():
    item = {"id": "p", "judge": ["A", "A"], "inclusion": 0.5}
    said = [("ann", "A"), ("bob", "TIE"), ("ann", "B"), ("cat", "A"), ("cat", None)]
    found = [item | {"human": None, "order": 1}]
    found += [item | {"human": human, "annotator": name} for name, human in said]
    (row,) = read_rows([json.dumps(line).encode() for line in found], "f")
    assert row.humans == (Choice.B, Choice.TIE)


def test_items_that_no_judge_was_asked_about_are_left_out():
    others = [row | {"id": f"q{i}", "judge": None} for i, row in enumerate(good(30))]
    assert run(*good(60), *others) == run(*good(60))


def test_rows_are_read_as_written():
    rows = read_rows([b"\xef\xbb\xbf" + GOOD.encode(), b" \n"], "f")
    assert rows[0].judge == (Choice.A, Choice.TIE)
    assert rows[0].human is Choice.A


def shadow_mw(*args, **options):
    command = [
        sys.executable,
        "-c",
        options.pop("code", "import shadow_mw.cli as c; c.main()"),
        *args,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_reads_a_file_and_exits_with_its_code(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good(50)))
    done = shadow_mw("calibrate", str(path), "--json")
    assert (done.returncode, json.loads(done.stdout)["n"]) == (0, 50)

    path.write_text(GOOD + "\nnonsense\n")
    done = shadow_mw("calibrate", str(path))
    assert done.returncode == 65
    assert done.stderr.startswith(f"shadow-mw: {path}:2: not JSON")
    assert shadow_mw("calibrate", str(tmp_path / "none")).returncode == 65
    assert shadow_mw("calibrate", str(path), "--win", "TIE").returncode == 64


def test_without_numpy_and_scipy_one_line_says_what_to_install(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text(GOOD)
    without = """
import importlib.util, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('numpy', 'scipy'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Blocker())
found = importlib.util.find_spec
def find_spec(name, package=None):
    try:
        return found(name, package)
    except ModuleNotFoundError:
        return None
importlib.util.find_spec = find_spec
import shadow_mw.cli as cli
cli.main()
"""
    done = shadow_mw("calibrate", str(path), code=without)
    assert done.returncode == 78
    assert (
        done.stderr == "shadow-mw: calibrate needs numpy and scipy: pip install 'shadow-mw[eval]'\n"
    )
