from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.servers import clean_environ
from support.waiting import WAIT, until

from shadow_mw.demo.processes import Children, environ, free_port, wait_ready
from shadow_mw.exceptions import ShadowError


def demo(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shadow_mw", "demo", *arguments],
        env=env or clean_environ(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_the_demo_prints_a_report_of_every_request(stream: tuple[str, ...], tmp_path: Path) -> None:
    # The user's own settings are not the demo's.
    env = clean_environ(SHADOW_ENABLED="false", SHADOW_SAMPLE_RATE="0", OPENAI_BASE_URL="http://x")
    done = demo("--requests", "40", "--json", "--keep", str(tmp_path), *stream, env=env)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    funnel = report["funnel"]
    assert [funnel[s] for s in ("captured", "mirrored", "paired", "scored")] == [40] * 4
    metrics = report["metrics"]
    assert metrics["field_accuracy"]["delta"] > 0
    assert metrics["hallucination_rate"]["delta"] > 0
    assert metrics["cost_per_1k_usd"]["delta"] < 0
    assert metrics["error_rate"]["candidate"] == 0
    assert (metrics["ttft_p50_ms"]["n"] == 40) == bool(stream)
    assert (tmp_path / "shadow.db").exists()
    assert not mine(str(tmp_path))
    assert_divergence_agrees_with_the_truth(report)


def assert_divergence_agrees_with_the_truth(report: dict[str, Any]) -> None:
    """The truths of the demo label every field: what differs is seen there in another way."""
    empty, filled = ("missed", "correct_null"), ("correct", "wrong_value", "hallucinated")
    became = report["transitions"]
    found = report["divergence"]
    assert found["pairs"] == report["documents"]["n"] == 40
    counts = {
        kind: sum(field[kind]["n"] for field in found["fields"].values())
        for kind in ("candidate_only", "primary_only", "different")
    }
    assert counts["candidate_only"] == sum(became[o][t] for o in empty for t in filled) > 0
    assert counts["primary_only"] == sum(became[o][t] for o in filled for t in empty)
    assert {field["leaves"] for field in found["fields"].values()} == {40}
    known = found["known"]["hallucinated"]
    invented = sum(row["hallucinated"] for row in became.values())
    assert known["true_positives"] + known["false_negatives"] == invented > 0
    assert known["true_positives"] >= became["correct_null"]["hallucinated"]
    segments = report["segments"].values()
    assert sum(part["pairs"] for part in segments) == 40
    assert sum(part["candidate"]["hallucinated"] for part in segments) == invented
    perfect = report["documents"]["perfect"]
    assert 0 < perfect["primary"] < 40
    assert report["documents"]["hallucinated"]["candidate"] > 0


def test_receipts_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jsonl"
    row = {"id": "r1", "text": "A SDN BHD\nTOTAL 9.00", "truth": {"total": "9.00"}}
    path.write_text(json.dumps(row) + "\n")
    done = demo("--receipts", str(path))
    assert done.returncode == 0, done.stderr
    assert "captured 1" in done.stdout
    assert "hallucination rate" in done.stdout


def test_bad_receipts_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jsonl"
    path.write_text("{}\n")
    done = demo("--receipts", str(path))
    assert (done.returncode, done.stdout) == (65, "")
    assert f"{path}:1:" in done.stderr


def test_a_directory_that_holds_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shadow.db").touch()
    done = demo("--keep", str(tmp_path))
    assert done.returncode == 78
    assert "give a new directory" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_children(sent: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", "demo", "--requests", "5000", "--keep", str(tmp_path)],
        env=clean_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until((tmp_path / "shadow.db").exists, "pairs")
    process.send_signal(sent)
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 130, output.decode()
    assert not mine(str(tmp_path))


def mine(directory: str) -> list[psutil.Process]:
    """The demo's children and its runner: they work in, or know, its directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            store = process.environ().get("SHADOW_STORE", "")
            if process.cwd().startswith(directory) or store.startswith(directory):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_child_that_dies_early_is_one_line_with_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("odd model", ["no_such_module"], environ({}))
        with pytest.raises(ShadowError, match=r"the odd model ended with 1: .*no_such_module"):
            wait_ready(child, free_port())


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from shadow_mw.commands import demo as command
    from shadow_mw.exceptions import ConfigError

    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'shadow-mw\[demo\]'"):
        command._require_extra()


def test_a_plan_is_registered_first_and_decides_last(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = demo("--requests", "40", "--keep", str(kept))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"(NO-GO|INSUFFICIENT) .+; by the plan articles [0-9a-f]{12}, which", said)

    lines = [line.strip() for line in done.stdout.splitlines()]
    assert f"export SHADOW_STORE={kept / 'shadow.db'}" in lines
    store = {"SHADOW_STORE": str(kept / "shadow.db")}
    command = next(line for line in lines if " verdict  " in line).split()[0]
    command = shutil.which(command) or command
    verdict = subprocess.run(
        [command, "verdict", "--json"], env=clean_environ(**store), capture_output=True, timeout=60
    )
    found = json.loads(verdict.stdout)
    assert found["plan"]["registered"] is True
    assert found["verdict"] in said
    assert verdict.returncode == {"NO-GO": 1, "INSUFFICIENT": 2}[found["verdict"]]


def test_without_what_a_verdict_needs_the_demo_says_what_to_install() -> None:
    from shadow_mw.commands.demo import closing

    said = closing(None, ["numpy", "scipy"], None)
    assert "it needs numpy and scipy: pip install 'shadow-mw[eval]'" in " ".join(said.split())
