"""`shadow-mw report --html FILE`: the page, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from shadow_mw.commands.page_data import page_data
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError
from shadow_mw.report.html import MARK_WITHIN, is_page, page
from shadow_mw.results import Series

MODE: Final = 0o666


def write_page(target: Path, store: Store, series: Series | None, *, content: bool) -> None:
    """Write the page; a report that is there already is replaced, anything else is left alone.

    Args:
        target: the file.
        store: whose data.
        series: which candidate; None before there is data.
        content: whether what was asked and said in the worst pairs is in it.

    Raises:
        ConfigError: the file is something else, or cannot be written.
    """
    try:
        _check(target)
        _replace(target, page(page_data(store, series, content=content)).encode())
    except OSError as error:
        raise ConfigError(f"--html {target}: {error.strerror}") from None


def _check(target: Path) -> None:
    if target.is_dir():
        raise ConfigError(f"--html {target}: accepted is a file, and this is a directory")
    if not target.exists():
        return
    with target.open("rb") as file:
        head = file.read(MARK_WITHIN)
    if head and not is_page(head):
        raise ConfigError(f"--html {target}: is there, and no report: it is left alone")


def _replace(target: Path, data: bytes) -> None:
    # Through a link: what it points to is replaced, and not the link.
    target = target.resolve()
    handle, draft = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(draft, MODE & ~mask)
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise
