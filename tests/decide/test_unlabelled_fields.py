"""What no truth names is in no gate: a verdict has to say that it is there."""

import json

import pytest
from decide.article_stores import Kept

UNNAMED = "no truth names"


def judged(directory, output, truth):
    rows = [
        {
            "pair_id": f"p{number}",
            "time": f"2026-11-02T10:{number:02}:00Z",
            "experiment": "e",
            "key": f"k{number}",
            "input": {"messages": [{"role": "user", "content": str(number)}]},
            "primary": {"model": "one", "output": '{"total": "9"}'},
            "candidate": {"model": "other", "output": output},
            "truth": truth,
        }
        for number in range(20)
    ]
    file = directory / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    store = Kept(directory / "shadow.db", signed=())
    store.command("import", file)
    return store.verdict().table["coverage"]["missing"]


def test_a_verdict_names_fields_that_nobody_labels(tmp_path):
    lines = judged(tmp_path, '{"total": "9", "iban": "DE1", "bic": "X"}', {"total": "9"})

    (line,) = [line for line in lines if line.startswith(UNNAMED)]
    assert line.endswith("outputs have: bic (20 times), iban (20 times)")


@pytest.mark.parametrize("iban", [None, "DE1"], ids=["null", "value"])
def test_a_field_that_some_truth_names_is_labelled(tmp_path, iban):
    lines = judged(tmp_path, '{"total": "9", "iban": "DE1"}', {"total": "9", "iban": iban})

    assert not [line for line in lines if line.startswith(UNNAMED)]
