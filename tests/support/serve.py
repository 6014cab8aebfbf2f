"""A running `shadow-mw serve`, with a store in a test's directory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from support.servers import clean_environ, free_port
from support.waiting import WAIT, until

from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.results import Summary

COMMAND = (str(Path(sys.executable).with_name("shadow-mw")), "serve")


@dataclass
class Serve:
    """The process, and how to reach it."""

    url: str
    store: Path
    process: subprocess.Popen[bytes]
    output: Path
    client: httpx2.Client
    """Has the token, if there is one."""

    @property
    def http(self) -> httpx2.Client:
        """Another one like it, for whoever closes it."""
        return httpx2.Client(base_url=self.url, headers=self.client.headers, timeout=WAIT)

    def summary(self, **choice: str) -> Summary:
        """What a report would show now, read beside the running service."""
        with Store.open(self.store) as store:
            return summarise(store, **choice)

    def metrics(self) -> dict[str, float]:
        """What Prometheus would read, by the sample as it is written."""
        text = self.client.get("/metrics").raise_for_status().text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def pair(self, pair_id: str) -> dict[str, Any] | None:
        """What has come under a pair id."""
        response = self.client.get(f"/v1/pairs/{quote(pair_id, safe='')}")
        return response.json() if response.is_success else None

    def log(self) -> str:
        """Everything that it printed."""
        return self.output.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(WAIT)


@contextmanager
def running_serve(path: Path, **env: str) -> Iterator[Serve]:
    """Run it until the block ends, from when it answers; a free port and `path/shadow.db`."""
    variables = {
        "SHADOW_STORE": str(path / "shadow.db"),
        "SHADOW_LISTEN": f"127.0.0.1:{free_port()}",
    } | env
    output = path / f"serve-{variables['SHADOW_LISTEN'].rpartition(':')[2]}.log"
    with output.open("ab") as log:
        process = start(variables, log=log)
    url, token = f"http://{variables['SHADOW_LISTEN']}", variables.get("SHADOW_OTLP_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(base_url=url, headers=headers, timeout=WAIT) as client:
        serve = Serve(url, Path(variables["SHADOW_STORE"]), process, output, client)
        try:
            until(lambda: _answers(serve), "an answer of serve")
            yield serve
        finally:
            if process.poll() is None:
                serve.stop()


def start(variables: Mapping[str, str], log: Any) -> subprocess.Popen[bytes]:
    """The bare process."""
    return subprocess.Popen(
        COMMAND,
        env=clean_environ(**variables),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _answers(serve: Serve) -> bool:
    if serve.process.poll() is not None:
        raise RuntimeError(f"serve ended with {serve.process.returncode}:\n{serve.log()}")
    with suppress(httpx2.TransportError):
        serve.client.get("/healthz", timeout=2)
        return True
    return False
