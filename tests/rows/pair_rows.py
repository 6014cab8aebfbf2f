"""Pair rows and the command line, as a person has them."""

import json
import os
from pathlib import Path

import pytest
from support.cli import run

RECEIPTS = Path(__file__).parents[3] / "shared" / "data" / "receipts.jsonl"


def command(directory, *arguments, stdin=b"", **variables):
    """Run `shadow-mw ARGUMENTS` in a directory, without any other setting."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    env = environment(**variables)
    return run(*map(str, arguments), cwd=directory, env=env, stdin=data, timeout=100)


def environment(**variables):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SHADOW_")}
    return clean | {"COLUMNS": "100"} | variables


def printed(done):
    """The JSON that a command printed, where it did what it should."""
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def row(pair_id="p1", primary="yes", candidate="yes", **more):
    legs = {"primary": {"model": "big"}, "candidate": {"model": "small"}}
    for role, output in (("primary", primary), ("candidate", candidate)):
        given = output if isinstance(output, dict) else {"output": output}
        legs[role] |= given
    return {"pair_id": pair_id} | legs | more


def lines(*rows):
    return "".join(json.dumps(one) + "\n" for one in rows)


def receipts():
    """Real documents with their truth."""
    if not RECEIPTS.exists():
        pytest.skip(f"needs the data at {RECEIPTS}")
    return [json.loads(line) for line in RECEIPTS.read_text(encoding="utf-8").splitlines()]
