"""The SQLite file: its mark, the checks before anything is written to it, its migration."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from shadow_mw.evaluate.tables import TABLES, VERSION
from shadow_mw.evaluate.tables.migrations import MIGRATIONS
from shadow_mw.exceptions import StoreError

APPLICATION_ID: Final = 0x53484457
"""`SHDW`: says in the file's header whose it is."""

BUSY_SECONDS: Final = 10.0
PAGE_SIZE: Final = 8192
CHECKED_WHOLE: Final = 32 * 2**20
"""Bytes up to which opening reads every page of the file for damage."""


def connect(path: Path, *, create: bool, kept: bool = True) -> sqlite3.Connection:
    """Open the store, creating it only when asked to.

    Args:
        path: the file.
        create: whether to make it.
        kept: whether it has to outlive this process and be open to others.

    Raises:
        StoreError: there is none, or the file is not one that this code can use; it was then
            not written to.
    """
    if path.is_dir():
        raise _refusal(path, "a directory")
    try:
        exists = path.stat().st_size > 0
        if exists:
            _inspect(path)
    except FileNotFoundError:
        exists = False
    except OSError as error:
        raise StoreError(f"store {path}: cannot be read ({error.strerror})") from None
    if not exists and not create:
        raise StoreError(f"no store at {path}: nothing has been mirrored yet, or set SHADOW_STORE")
    try:
        return _open(path, kept=kept) if exists else _create(path, kept=kept)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"store {path}: cannot be opened ({error})") from None


def _inspect(path: Path) -> None:
    """Refuse a file that is damaged or not ours, through a connection that cannot write.

    Through SQLite alone: closing the file ourselves would drop the locks that this process has on
    it, and whoever closed it next elsewhere would remove the log that we go on writing to.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS
        )
    except sqlite3.Error as error:
        raise _refusal(path, f"cannot be opened ({error})") from None
    try:
        fault = _fault(connection, whole=path.stat().st_size <= CHECKED_WHOLE)
    except sqlite3.Error as error:
        none = error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
        fault = "not a SQLite database" if none else f"damaged or unreadable ({error})"
    finally:
        connection.close()
    if fault:
        raise _refusal(path, fault)


def _fault(connection: sqlite3.Connection, *, whole: bool) -> str | None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    if application != APPLICATION_ID:
        # A store whose creation was interrupted has neither mark nor tables yet.
        return "another program's SQLite database" if application or tables or version else None
    if version > VERSION:
        return f"of version {version}, newer than this shadow-mw reads ({VERSION}); upgrade it"
    if whole:
        result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        return None if result == "ok" else f"damaged ({' '.join(result.split())})"
    return None


def _refusal(path: Path, fault: str) -> StoreError:
    return StoreError(
        f"store {path}: {fault}; it was left untouched, set SHADOW_STORE to another path"
    )


def _open(path: Path, *, kept: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) == 0:
            _make_tables(connection)
        elif _version(connection) < VERSION:
            _migrate(connection)
        if kept:
            _write_ahead(connection)
        else:
            _write_once(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, *, kept: bool) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # It will hold what users said.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return _open(path, kept=kept)


def _make_tables(connection: sqlite3.Connection) -> None:
    """One transaction, so that of several processes one makes them and none sees a half."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) == 0:
        _run(connection, TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    """One transaction again: the store is of the old version or of the new one."""
    connection.execute("BEGIN IMMEDIATE")
    for version in range(_version(connection), VERSION):
        _run(connection, MIGRATIONS[version])
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Statement by statement: `executescript` would commit first."""
    for statement in script.split(";\n"):
        connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Needs the file alone for a moment, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _write_once(connection: sqlite3.Connection) -> None:
    """No log that is copied into the file afterwards, no lock to take and no disk to wait for."""
    for setting in (
        "journal_mode = MEMORY",
        "synchronous = OFF",
        "locking_mode = EXCLUSIVE",
        "cache_size = -16000",
    ):
        connection.execute(f"PRAGMA {setting}")
