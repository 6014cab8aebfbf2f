"""A command on a pseudo-terminal, as a person has it: what it shows, and keys for it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from support.waiting import WAIT


class Terminal:
    """`shadow-mw ARGUMENTS` on a terminal of its own."""

    def __init__(self, directory, *arguments, env, columns=100):
        self._handle, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.screen = ""
        self.raw = b""
        self._seen = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shadow_mw", *map(str, arguments)],
            cwd=directory,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )

    def until(self, text):
        """What is shown from the last time on, to this text."""
        end = time.monotonic() + WAIT
        while text not in self.screen[self._seen :]:
            assert self._more(end), f"no {text!r} in {self.screen[self._seen :]!r}"
        stop = self.screen.index(text, self._seen) + len(text)
        shown, self._seen = self.screen[self._seen : stop], stop
        return shown

    def press(self, keys):
        os.write(self._handle, keys if isinstance(keys, bytes) else keys.encode())

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Wait for its end; the exit code. The rest is on the screen."""
        end = time.monotonic() + WAIT
        while self.process.poll() is None:
            assert time.monotonic() < end, self.screen
            self._more(time.monotonic() + 0.05)
        self._more(time.monotonic() + 0.05)
        return self.process.returncode

    @property
    def modes(self):
        return termios.tcgetattr(self._slave)

    def hang_up(self):
        os.close(self._handle)
        self._handle = None

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(WAIT)
        for handle in (self._handle, self._slave):
            if handle is not None:
                os.close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _more(self, end):
        ready, _, _ = select.select([self._handle], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            self.raw += os.read(self._handle, 65536)
        except OSError:
            return False
        self.screen = self.raw.decode(errors="replace").replace("\r\n", "\n")
        return True
