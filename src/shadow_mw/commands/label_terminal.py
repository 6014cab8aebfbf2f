"""People's labels at a terminal: one key a pair, each answer on disk before the next is asked."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from shadow_mw.commands.label_view import View, show
from shadow_mw.evaluate.labelling.file import LabelFile

KEYS = (
    "a  A is better    b  B is better    t  tie    x  both are bad\n"
    "s  skip    u  undo    f  full texts    q  quit"
)
LONGEST_KEY = 4096
"""Bytes read at once: arrow keys and pasted texts send several, and none of them is an answer."""

Views = Callable[[str], View]


def label_at_terminal(file: LabelFile, views: Views, console: Console) -> None:
    """Ask about every pair that this person has not labelled; Ctrl-C ends it as `q` does."""
    queue, place = file.left, 0
    with _keys() as keys:
        try:
            while place < len(queue):
                step = _ask(file, queue, place, views, keys, console)
                if step is None:
                    break
                place += step
        except KeyboardInterrupt:
            console.print()
    left = len(file.left)
    console.print(Text(f"{len(file.drawn) - left:,} of {len(file.drawn):,} pairs labelled"))
    if left:
        console.print(Text("the same command goes on with the others"))


def _ask(
    file: LabelFile,
    queue: list[str],
    place: int,
    views: Views,
    keys: Keys,
    console: Console,
) -> int | None:
    """How far to go on from here; None to end."""
    pair_id = queue[place]
    found = views(pair_id)
    keys.forget()
    title = f"pair {len(file.drawn) - len(queue) + place + 1:,} of {len(file.drawn):,}"
    show(found, title, console, whole=False)
    console.print(Text(KEYS, style="bold"))
    while True:
        match key := keys.read():
            case "a" | "b" | "t" | "x":
                file.add(pair_id, found.choice(key), both_bad=key == "x")
                return 1
            case "s":
                return 1
            case "u" if place:
                if file.answered(queue[place - 1]):
                    file.add(queue[place - 1], None)
                return -1
            case "u":
                console.print(Text("nothing to undo: this is the first pair since the start"))
            case "f":
                show(found, title, console, whole=True)
                console.print(Text(KEYS, style="bold"))
            case "q" | "":
                return None
            case _:
                console.print(Text(KEYS, style="bold"))


class Keys:
    """Keys as they are pressed."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self) -> str:
        """The next one, or several that came at once; empty when the terminal is gone."""
        try:
            return os.read(self._handle, LONGEST_KEY).decode(errors="replace").lower()
        except OSError:
            return ""

    def forget(self) -> None:
        """Drop what was pressed so far: nobody has seen what it would answer."""
        with suppress(termios.error):
            termios.tcflush(self._handle, termios.TCIFLUSH)


@contextmanager
def _keys() -> Iterator[Keys]:
    """The terminal's keys; it is as before afterwards."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    handler = signal.signal(signal.SIGTERM, _interrupt)
    try:
        tty.setcbreak(handle)
        yield Keys(handle)
    finally:
        signal.signal(signal.SIGTERM, handler)
        with suppress(termios.error):
            termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
