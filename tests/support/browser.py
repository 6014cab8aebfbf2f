"""A real Chromium without a window, driven over its DevTools pipe: no port, no further package.

Every console message, failed script and request of a page is on record. Names of other hosts do not
resolve in it, so that a page which asks for one shows it as a failed request.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.waiting import WAIT

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
KEYS = {"Enter": ("Enter", 13), "Escape": ("Escape", 27), "Tab": ("Tab", 9)}


class BrowserError(AssertionError):
    """What the browser says went wrong."""


@contextmanager
def browser(directory: Path) -> Iterator[Browser]:
    """A browser with a profile of its own; the test is skipped where none is installed."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    if binary is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    found = Browser(binary, directory)
    try:
        yield found
    finally:
        found.close()


class Browser:
    """One process, and the messages between it and us."""

    def __init__(self, binary: str, directory: Path) -> None:
        profile = directory / "chromium"
        profile.mkdir()
        # Its messages come to it at 3 and leave it at 4.
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        script = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
        arguments = (*FLAGS, f"--user-data-dir={profile}", "about:blank")
        self._process = subprocess.Popen(
            ["bash", "-c", script, binary, *arguments],
            pass_fds=(to_read, to_write),
            env=os.environ | {"HOME": str(profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number = b"", 0
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        """An empty page."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self._pages[session] = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        return page

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Ask for something, and wait for the answer."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + WAIT
        while True:
            found = self._receive(end)
            if found is None:
                raise BrowserError(f"no answer to {method}")
            if found.get("id") == number:
                if "error" in found:
                    raise BrowserError(f"{method}: {found['error']['message']}")
                result: dict[str, Any] = found["result"]
                return result
            self._note(found)

    def listen(self, seconds: float) -> None:
        """Take in what comes within this time."""
        end = time.monotonic() + seconds
        while (found := self._receive(end)) is not None:
            self._note(found)

    def _note(self, found: dict[str, Any]) -> None:
        page = self._pages.get(found.get("sessionId", ""))
        if page is not None and "method" in found:
            page.note(found["method"], found["params"])

    def _receive(self, end: float) -> dict[str, Any] | None:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            if not ready:
                return None
            part = os.read(self._in, 1 << 16)
            if not part:
                raise BrowserError("the browser has ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received

    def close(self) -> None:
        """End it, and what it started."""
        for handle in (self._out, self._in):
            os.close(handle)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(WAIT)


class Page:
    """One tab: what it shows, and what it did."""

    def __init__(self, owner: Browser, session: str) -> None:
        self._browser, self._session = owner, session
        self.requests: list[str] = []
        """Every address that it asked for."""
        self.errors: list[str] = []
        """Console errors, scripts that failed, what a policy forbade, and requests that failed."""
        self._loaded = False

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the DevTools protocol."""
        return self._browser.send(method, self._session, **params)

    def note(self, method: str, params: dict[str, Any]) -> None:
        """An event."""
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.loadingFailed":
                self.errors.append(f"request failed: {params['errorText']}")
            case "Runtime.exceptionThrown":
                self.errors.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.errors.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"])
            case "Page.loadEventFired":
                self._loaded = True

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self._loaded = False
        found = self.send("Page.navigate", url=url)
        assert "errorText" not in found, found["errorText"]
        end = time.monotonic() + WAIT
        while not self._loaded:
            assert time.monotonic() < end, f"{url} does not load"
            self._browser.listen(0.05)

    def evaluate(self, expression: str) -> Any:
        """What an expression is worth in the page; a promise is waited for."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def until(self, expression: str, patience: float = WAIT) -> Any:
        """Wait until an expression is true; its value."""
        end = time.monotonic() + patience
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"{expression} stays {value!r}; errors {self.errors}"
            self._browser.listen(0.02)
        return value

    def text(self, selector: str = "body") -> Any:
        """What a person reads there."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def click(self, selector: str) -> None:
        """Click in the middle of an element, as a mouse does."""
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, selector: str, shown: str) -> None:
        """Move the mouse about the middle of an element until an expression is true."""
        end = time.monotonic() + WAIT
        while not self.evaluate(shown):
            assert time.monotonic() < end, f"{shown} stays false; errors {self.errors}"
            for step in (0, 3):
                x, y = self._middle(selector)
                self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + step, y=y)
            self._browser.listen(0.05)

    def _middle(self, selector: str) -> Any:
        return self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key: a character, or one of `KEYS`; 2 among the modifiers is Ctrl."""
        name, code = KEYS[key] if key in KEYS else (f"Key{key.upper()}", ord(key.upper()))
        event = {"key": key, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        text = {"text": key} if len(key) == 1 and not modifiers else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def html(self) -> Any:
        """The document as it is now."""
        return self.evaluate("document.documentElement.outerHTML")

    def screenshot(self, path: Path) -> None:
        """What it looks like, as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
