"""The commands of docs/import.md, run on files as it describes them."""

import json
import re
import shlex
from pathlib import Path

import pytest
from rows.pair_rows import lines, printed
from rows.test_rows_logs import asked, batch, bifrost, litellm

from shadow_mw.evaluate.logs import logs
from shadow_mw.evaluate.rows.keys import CANDIDATE, ROW

DOCUMENT = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
EXAMPLE = re.findall(r"```jsonl\n(.*?)```", DOCUMENT, re.S)[0]
COMMANDS = [
    shlex.split(words, comments=True)
    for words in re.findall(r"^    shadow-mw (.*)$", DOCUMENT, re.M)
]
REQUEST = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions"}
FILES = {
    "pairs.jsonl": EXAMPLE,
    "big.jsonl": lines(litellm(1, "a"), litellm(2, "b")),
    "small.jsonl": lines(litellm(1, "A", "small"), litellm(2, "B", "small")),
    "log.jsonl": lines(bifrost(1, "a"), bifrost(1, "b", "my-fine-tune")),
    "out-big.jsonl": lines(batch(1, "a")),
    "out-small.jsonl": lines(batch(1, "b", "small")),
    "requests.jsonl": lines(REQUEST | {"body": {"model": "gpt-4o", **asked(1)}}),
}


def test_every_command_does_what_it_says(shadow, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    said = []
    for number, words in enumerate(COMMANDS):
        if "parquet" in words:
            pytest.importorskip("pyarrow")
        more = ["--experiment", f"e{number}"] if words[0] == "import" else []
        done = shadow(*words, *more)
        assert done.returncode == 0, done.stderr.decode()
        said.append((done.stdout or done.stderr).decode())
    imported = [text for text in said if "read" in text]
    assert [text.split(" ")[0] for text in imported] == ["2", "2", "1", "1"]
    assert "2 pairs read, 2 new; 1 new label\n" in said
    again = printed(shadow("import", "pairs.jsonl", "--json", "--experiment", "e1"))
    assert again["new"] == 0


def test_every_key_is_named_and_no_other():
    row, leg = DOCUMENT.partition("A leg has")[::2]
    rows = re.findall(r"^\| (`.*?`) \|", row, re.M)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert named <= set(ROW)
    assert set(ROW) - named == {"input_messages", "system_instructions"}
    keys = set(re.findall(r"`(\w+)`", leg.partition("where the call failed")[0]))
    assert keys <= set(CANDIDATE)
    assert [json.loads(line)["pair_id"] for line in EXAMPLE.splitlines()] == ["p1", "p2"]


def test_every_join_is_named_the_default_first():
    for form, joins in logs.JOINS.items():
        (found,) = re.findall(rf"^\| `{form}` \|.*\| (.*?) \|$", DOCUMENT, re.M)
        assert tuple(re.findall(r"`(.*?)`", found)) == joins
