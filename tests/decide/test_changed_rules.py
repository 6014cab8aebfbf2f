"""Rules that are loosened once data are there could make any candidate look right."""

import pytest
from decide.article_stores import imported, planned, window

RULES = '[fields.total]\nnormalise = "decimal"\n'
CHECKS = '[checks]\nwithout = ["facts_differ"]\n'
WAIVER = "coverage.rules=Ada:the locale was declared wrongly"


def configured(store, text, name="shadow.toml"):
    file = store.path.with_name(name)
    file.write_text(text)
    return {"SHADOW_CONFIG": str(file)}


@pytest.mark.parametrize("text", [RULES, CHECKS], ids=["fields", "checks"])
def test_a_change_after_the_data_has_to_be_signed_for(tmp_path, text):
    store = imported(tmp_path, "--pairs", "300")
    assert "coverage.rules" not in {gate["name"] for gate in store.verdict().table["gates"]}

    store.command("import", tmp_path / "rows.jsonl", **configured(store, text))

    said = store.verdict()
    assert said.gate("coverage.rules")["state"] == "unproven"
    assert "after data had come" in said.gate("coverage.rules")["reason"]
    signed = store.verdict("--waive", WAIVER)
    assert signed.gate("coverage.rules")["waived_by"].startswith("Ada: ")


def test_what_was_declared_before_the_data_is_no_change(tmp_path):
    store = planned(tmp_path)
    rows = window(tmp_path, "rows.jsonl", "--pairs", "300")
    config = configured(store, RULES + CHECKS)
    for _ in range(2):
        store.command("import", rows, **config)

    # A process that declares nothing judges by what the store has.
    store.command("import", rows)

    assert "coverage.rules" not in {gate["name"] for gate in store.verdict().table["gates"]}
