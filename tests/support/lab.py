"""One experiment under test: its state, its store, and every process that takes part in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx2
import psutil
from support.agent_client import Agent
from support.cli import run_text
from support.servers import Server, clean_environ, free_port, running
from support.waiting import WAIT, until

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.report.as_json import as_json
from shadow_mw.runner.status import Status, alive, read_status, wait_drained
from shadow_mw.types import CANDIDATE_REASONS, NOT_COMPARED

TESTS = Path(__file__).parents[1]
SWALLOWED = "the app is not affected"
PRIMARY_KEY = "sk-primary-0123456789abcdef0123"
CANDIDATE_KEY = "sk-candidate-0123456789abcdef01"
CANDIDATE = "cand"


def _command(process: psutil.Process) -> list[str]:
    """Empty where it ends meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class Model:
    """A `support.model` server, and its controls."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url + "/v1"
        self._http = httpx2.Client(base_url=server.url, timeout=WAIT, trust_env=False)

    def mode(self, mode: str, **values: Any) -> None:
        self._http.post("/_mode", json={"mode": mode, **values})

    def go(self, times: int = 1) -> None:
        """Let a gated stream say so many events more."""
        for _ in range(times):
            self._http.post("/_go")

    def seen(self) -> list[dict[str, Any]]:
        return self._http.get("/_seen").json()

    def reset(self) -> None:
        self._http.post("/_reset")

    def close(self) -> None:
        self._http.close()


@contextmanager
def model(port: int | None = None) -> Iterator[Model]:
    """Run a model server of ours."""
    port = port or free_port()
    env = clean_environ(PYTHONPATH=str(TESTS))
    with running(["-m", "support.model", "--port", str(port)], port, env=env) as server:
        one = Model(server)
        yield one
        one.close()


@dataclass
class Stored:
    """The legs of one pair."""

    primary: Observation
    candidate: Observation


def text_of(leg: Observation) -> str | None:
    """What a leg said, joined; None where it said nothing."""
    messages = json.loads(leg.content.output or "[]")
    texts = [p["content"] for m in messages for p in m["parts"] if p["type"] == "text"]
    return "".join(texts) if texts else None


def calls_of(leg: Observation) -> list[tuple[str, Any]]:
    """The tool calls of a leg."""
    parts = [p for m in json.loads(leg.content.output or "[]") for p in m["parts"]]
    return [(p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"]


class Lab:
    """Everything that one experiment leaves on this machine, in one directory."""

    def __init__(self, path: Path, primary: Model, candidate: str | Model, **env: str) -> None:
        self.path = path
        self.store = path / "shadow.db"
        self.logs: list[str] = []
        self.fails_on_purpose = False
        self._stack = ExitStack()
        self.env = clean_environ(
            PYTHONPATH=str(TESTS),
            PYTHONUNBUFFERED="1",
            OPENAI_BASE_URL=primary.url,
            OPENAI_API_KEY=PRIMARY_KEY,
            ANTHROPIC_BASE_URL=primary.server.url,
            ANTHROPIC_API_KEY=PRIMARY_KEY,
            SHADOW_CANDIDATE_URL=candidate.url if isinstance(candidate, Model) else candidate,
            SHADOW_CANDIDATE_MODEL=CANDIDATE,
            SHADOW_CANDIDATE_API_KEY=CANDIDATE_KEY,
            SHADOW_STATE_DIR=str(path / "state"),
            SHADOW_STORE=str(self.store),
            SHADOW_RETRY_HOLD="1",
        )
        self.env |= env

    # What takes part

    def agent(self, *, fresh: bool = False, **env: str) -> Agent:
        """A process that makes calls until the lab closes."""
        agent = Agent(self.env | env, self.path / "agent.log", fresh)
        self._stack.callback(agent.close)
        return agent

    def script(self, code: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a Python script to its end."""
        done = subprocess.run(
            [sys.executable, "-c", dedent(code)],
            env=self.env | env,
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=WAIT,
        )
        self.logs.append(done.stderr)
        return done

    @contextmanager
    def web(self, *command: str, port: int, **env: str) -> Iterator[Server]:
        """Run a web server until the block ends."""
        try:
            with running(command, port, env=self.env | env, cwd=self.path) as server:
                try:
                    yield server
                finally:
                    server.stop()
                    self.logs.append(server.output())
        except RuntimeError as error:
            self.logs.append(str(error))
            raise

    def cli(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `shadow-mw` as an operator would."""
        return run_text(*arguments, cwd=self.path, env=self.env, stdin=stdin or "")

    # What is to be seen

    @property
    def directory(self) -> Path:
        """The experiment's spool directory; made by the first process that is on."""

        def only() -> Path | None:
            root = self.path / "state"
            found = [p for p in root.iterdir() if p.is_dir()] if root.is_dir() else []
            assert len(found) < 2, found
            return found[0] if found else None

        return until(only, "a state directory")

    @property
    def status(self) -> Status | None:
        return read_status(self.directory)

    def drained(self, captured: int, timeout: float = WAIT) -> None:
        """Wait until so many calls were captured and every one is accounted for."""
        done = wait_drained(self.directory, captured, timeout)
        assert done, f"{self.status}\n{self.runner_log}"
        assert self.status is not None
        assert self.status.captured == captured, self.status

    @property
    def runner_log(self) -> str:
        log = self.directory / "runner.log"
        return log.read_text() if log.exists() else ""

    def report(self) -> dict[str, Any]:
        """What `shadow-mw report --json` prints."""
        done = self.cli("report", "--json")
        assert done.returncode == 0, done.stderr
        table: dict[str, Any] = json.loads(done.stdout)
        return table

    def funnel(self, captured: int) -> dict[str, Any]:
        """The funnel once everything is through; it has to add up.

        An app process tells what it refused up to half a second after the call itself.
        """
        self.drained(captured)

        def whole() -> dict[str, Any] | None:
            with Store.open(self.store) as store:
                funnel: dict[str, Any] = as_json(summarise(store))["funnel"]
            reasons = funnel["reasons"]
            unmirrored = sum(n for r, n in reasons.items() if r not in _AFTER_MIRRORING)
            assert funnel["captured"] >= funnel["mirrored"] + unmirrored, funnel
            return funnel if funnel["captured"] == funnel["mirrored"] + unmirrored else None

        return until(whole, "a funnel that adds up")

    def pairs(self) -> list[Stored]:
        """Every stored pair, oldest first."""
        if not (self.store.exists() and self.store.stat().st_size):
            return []
        with Store.open(self.store) as store, store.transaction(write=False):
            ids = store.query("SELECT experiment, pair_id FROM observations WHERE role = 'primary'")
            legs = [
                {leg.observation.role: leg.observation for leg in store.legs(*row, 2**62)}
                for row in ids
            ]
        whole = [Stored(two["primary"], two["candidate"]) for two in legs if len(two) == 2]
        return sorted(whole, key=lambda pair: pair.primary.time_ns)

    def pair(self, key: str) -> Stored:
        """The one pair with a business key, as soon as it is there."""

        def stored() -> list[Stored]:
            return [pair for pair in self.pairs() if pair.primary.key == key]

        found = until(stored, f"a pair with the key {key}")
        assert len(found) == 1, found
        return found[0]

    # Its end

    def runners(self) -> list[psutil.Process]:
        """Runner processes of this lab that are alive."""
        return [p for p in self.processes() if "shadow_mw.runner" in _command(p)]

    def processes(self) -> list[psutil.Process]:
        """Every process that has this lab's environment."""
        mine = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("SHADOW_STATE_DIR") == self.env["SHADOW_STATE_DIR"]:
                    mine.append(process)
        return mine

    def stop_runner(self, number: int = signal.SIGTERM) -> None:
        """End the runner by its own pid, and see it gone."""
        for process in self.runners():
            process.send_signal(number)
        until(lambda: not alive(self.directory) and not self.runners(), "the runner's end")

    def close(self) -> None:
        """End everything; nothing may be left, and nothing may have been swallowed."""
        self._stack.close()
        if (self.path / "state").is_dir() and os.access(self.path / "state", os.R_OK):
            self.stop_runner()
            self.logs += [log.read_text() for log in (self.path / "state").glob("*/runner.log")]
        if (log := self.path / "agent.log").exists():
            self.logs.append(log.read_text())
        left = self.processes()
        for process in left:
            process.kill()
        assert not left, left
        for text in self.logs:
            assert SWALLOWED not in text, text
            assert "Traceback" not in text or self.fails_on_purpose, text


_AFTER_MIRRORING = CANDIDATE_REASONS | NOT_COMPARED


def stop(process: psutil.Process) -> None:
    process.send_signal(signal.SIGSTOP)


def resume(process: psutil.Process) -> None:
    process.send_signal(signal.SIGCONT)
